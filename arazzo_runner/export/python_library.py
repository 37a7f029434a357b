"""The helper functions of exported Python, as text: each script gets those that it uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.records import Record

_HELPERS: Final = {
    "MISSING": """\
MISSING = type("Missing", (), {"__repr__": lambda self: "missing"})()
""",
    "StepFailed": '''\
class StepFailed(BASE):
    """A step that failed; `response` is what came back, None without an answer."""

    def __init__(self, step, reason, response=None):
        super().__init__(f"step {step}: {reason}")
        self.response = response
''',
    "get": '''\
def get(value, *path):
    """Return the member of a JSON value at a path, MISSING when there is none."""
    for key in path:
        if isinstance(value, dict) and str(key) in value:
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif isinstance(value, (list, str)) and key == "length":
            value = len(value)
        else:
            return MISSING
    return value
''',
    "need": '''\
def need(value, *path):
    """Return the member of a JSON value at a path; raise LookupError without one."""
    found = get(value, *path)
    if found is MISSING:
        raise LookupError("/".join(map(str, path)) or "body")
    return found
''',
    "present": '''\
def present(members):
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value is not MISSING}
''',
    "text": '''\
def text(value):
    """Return a value as text: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
''',
    "segment": '''\
def segment(value):
    """Return a value as a segment of a path."""
    quoted = quote(text(value), safe="")
    if quoted in ("", ".", ".."):
        raise ValueError(f"the value {value!r} would change the path")
    return quoted
''',
    "status": '''\
def status(response):
    """Return the status code, MISSING without a response."""
    return MISSING if response is None else response.status_code
''',
    "content": '''\
def content(response):
    """Return the body: the value of JSON, else its text; MISSING without one."""
    if response is None or not response.content:
        return MISSING
    if "json" in response.headers.get("Content-Type", ""):
        try:
            return response.json()
        except ValueError:
            pass
    return response.text
''',
    "header": '''\
def header(response, name):
    """Return a header of a response, MISSING when there is none."""
    return MISSING if response is None else response.headers.get(name, MISSING)
''',
    "number": '''\
def number(value):
    """Return a number, also of a text that is one; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
''',
    "equal": '''\
def equal(left, right):
    """Compare as Arazzo does: case does not matter, "1" equals 1, missing is null."""
    left, right = (None if each is MISSING else each for each in (left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        same = left.keys() == right.keys()
        return same and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if number(left) is not None and number(right) is not None:
        return number(left) == number(right)
    return type(left) is type(right) and left == right
''',
    "compare": '''\
def compare(left, operator, right):
    """Compare numbers, or texts whose case does not matter; other values have no order."""
    one, two = number(left), number(right)
    if one is None or two is None:
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        one, two = left.casefold(), right.casefold()
    if operator in ("<=", ">=") and one == two:
        return True
    return one < two if operator[0] == "<" else one > two
''',
    "holds": '''\
def holds(value):
    """Return whether a value alone is true: all but false, null, missing, 0 and ""."""
    return value not in (False, None, MISSING, "")
''',
    "matches": '''\
def matches(value, pattern):
    """Return whether a pattern is found in a value."""
    if value is None or value is MISSING:
        return False
    return re.search(pattern, text(value)) is not None
''',
    "jsonpath": '''\
def jsonpath(value, query):
    """Return what a JSONPath finds in a value."""
    if value is None or value is MISSING:
        return []
    return [node.value for node in jsonpath_rfc9535.find(query, value)]
''',
    "xpath": '''\
def xpath(document, query):
    """Return what an XPath finds in a document, as texts and numbers."""
    root = ElementTree.ElementTree(ElementTree.fromstring(document))
    found = elementpath.select(root, query, parser=XPath31Parser)
    items = found if isinstance(found, list) else [found]
    return ["".join(e.itertext()) if hasattr(e, "itertext") else e for e in items]
''',
    "one": '''\
def one(found):
    """Return what was found: nothing, the only value, or a list of several."""
    return MISSING if not found else found[0] if len(found) == 1 else found
''',
    "literal": '''\
def literal(value):
    """Return a value as it is written in a JSONPath."""
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\\d*)(\\.\\d+)?", value):
        return value
    return json.dumps(value)
''',
    "pairs": '''\
def pairs(name, value, style="form", explode=True):
    """Return the query parameters of a value, written in a style of OpenAPI."""
    between = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
    if value is MISSING:
        return []
    if isinstance(value, dict) and style == "deepObject":
        return [(f"{name}[{key}]", text(item)) for key, item in value.items()]
    if isinstance(value, dict):
        members = [(key, text(item)) for key, item in value.items()]
        if explode:
            return members
        return [(name, between.join(part for member in members for part in member))]
    if isinstance(value, list):
        items = [text(item) for item in value]
        return [(name, i) for i in items] if explode else [(name, between.join(items))]
    return [(name, "" if value is None else text(value))]
''',
    "send": '''\
def send(client, step, method, url, **request):
    """Send a request; a step without an answer has failed."""
    try:
        return client.request(method, url, **request)
    except httpx.TransportError as problem:
        raise StepFailed(step, f"no answer: {problem}") from problem
''',
    "check": '''\
def check(step, response, criteria):
    """Raise StepFailed unless all criteria hold."""
    for criterion, holds in criteria.items():
        if not holds:
            came = "" if response is None else f" (status {response.status_code})"
            raise StepFailed(step, f"{criterion} does not hold{came}", response)
''',
    "came": '''\
def came(response):
    """Return what came back, for the message of a failed assertion."""
    return f"status {response.status_code}: {response.text[:500]}"
''',
    "wait": '''\
def wait(response, seconds):
    """Wait as long as the server asks, else some seconds."""
    asked = "" if response is None else response.headers.get("Retry-After", "")
    time.sleep(min(float(asked), 300) if asked.isdecimal() else seconds)
''',
    "credential": '''\
def credential(variable):
    """Return a credential from the environment."""
    value = os.environ.get(variable)
    if not value:
        EXIT(f"missing credential: set {variable}")
    return value
''',
    "optional": '''\
def optional(name, variable, prefix=""):
    """Return a credential by the name of its header or parameter, nothing if none is given."""
    value = os.environ.get(variable)
    return {name: prefix + value} if value else {}
''',
}
_NEEDS: Final = {
    "get": ("MISSING",),
    "need": ("get", "MISSING"),
    "present": ("MISSING",),
    "text": ("import json",),
    "segment": ("text", "from urllib.parse import quote"),
    "status": ("MISSING",),
    "content": ("MISSING",),
    "header": ("MISSING",),
    "equal": ("number", "MISSING"),
    "compare": ("number",),
    "holds": ("MISSING",),
    "matches": ("MISSING", "text", "import re"),
    "jsonpath": ("MISSING", "import jsonpath_rfc9535"),
    "xpath": (
        "import elementpath",
        "from elementpath.xpath31 import XPath31Parser",
        "from xml.etree import ElementTree",
    ),
    "one": ("MISSING",),
    "literal": ("import json", "import re"),
    "pairs": ("MISSING", "text"),
    "send": ("StepFailed",),
    "check": ("StepFailed",),
    "wait": ("import time",),
    "credential": ("import os",),
    "optional": ("import os",),
}
_THIRD_PARTY: Final = ("httpx", "pytest", "elementpath", "jsonpath_rfc9535")
NAMES: Final = frozenset({*_HELPERS, "client", "inputs", "steps", "response", "failure", "used", "step", "outputs"})
"""Names that exported Python uses itself."""


class Library(Record):
    """The imports and helpers of a script; `packages` are those that it needs."""

    imports: tuple[str, ...]
    helpers: str
    packages: tuple[str, ...]


def library(used: Iterable[str], *, base: str = "Exception", leave: str = "sys.exit") -> Library:
    """Return the text of all that is used; `base` is the class of failures, `leave` ends without a credential."""
    wanted, waiting = set[str](), list(used)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += _NEEDS.get(name, ())
    blocks = [text for name, text in _HELPERS.items() if name in wanted]
    text = "\n\n".join(blocks).replace("StepFailed(BASE)", f"StepFailed({base})").replace("EXIT(", f"{leave}(")
    imports = sorted(each for each in wanted if each.startswith(("import ", "from ")))
    packages = sorted({_package(each) for each in imports} & set(_THIRD_PARTY))
    return Library(_sorted(imports), text, tuple(packages))


def _package(line: str) -> str:
    return line.split()[1].partition(".")[0]


def _sorted(imports: list[str]) -> tuple[str, ...]:
    """Return imports in the usual order: the standard library, then other packages, a blank line between."""
    own = [each for each in imports if _package(each) not in _THIRD_PARTY]
    others = [each for each in imports if _package(each) in _THIRD_PARTY]
    order = lambda line: (line.startswith("from "), line.split()[1].lower())  # noqa: E731
    return (*sorted(own, key=order), *([""] if own and others else []), *sorted(others, key=order))
