"""Variables of a collection in a workflow: `{{name}}` becomes an input, or an output of the step that set it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, to_text
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.secrets import Secrets, is_secret_name
from arazzo_runner.base.user_files import UnusableFile, json_of
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.generate.draft import Noted, Tree
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.postman.items import Variable
from arazzo_runner.generate.recording.names import looks_secret

VARIABLE: Final = re.compile(r"\{\{([^{}]{1,200})\}\}")
_LIKE_AN_EXPRESSION: Final = re.compile(
    r"\{\s*\$|\$(?:inputs|outputs|steps|workflows|sourceDescriptions|components|request|response|message|self)\b"
)
_DEEPEST: Final = 8
_MOST_PARTS: Final = 1_000
_ANY: Final = ["integer", "string", "boolean", "array", "object"]
_DIGITS: Final[dict[str, JsonValue]] = {"type": "string", "pattern": "^[0-9]+$"}
_DYNAMIC: Final[dict[str, dict[str, JsonValue]]] = {
    "$guid": {"type": "string", "format": "uuid"},
    "$randomUUID": {"type": "string", "format": "uuid"},
    "$timestamp": dict(_DIGITS),
    "$randomInt": dict(_DIGITS),
    "$isoTimestamp": {"type": "string", "format": "date-time"},
    "$randomEmail": {"type": "string", "format": "email"},
    "$randomUrl": {"type": "string", "format": "uri"},
}


class InputRef(Record):
    """An input, by its name."""

    name: str


class OutputRef(Record):
    """An output of a step of a workflow."""

    workflow: str
    step: str
    output: str


Part: TypeAlias = str | InputRef | OutputRef
Parts: TypeAlias = tuple[Part, ...]


class Shared(MutableRecord):
    """What the workflows of a collection have in common; `settings` are the variables set by scripts so far."""

    variables: dict[str, Variable] = field(default_factory=dict)
    settings: dict[str, Parts] = field(default_factory=dict)
    inputs: dict[str, Tree] = field(default_factory=dict)
    """The schemas of all inputs by name."""
    outputs: dict[OutputRef, str] = field(default_factory=dict)
    """The names of the outputs of workflows that give the outputs of their steps."""
    secrets: Secrets = field(default_factory=Secrets)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def declare(self, variables: Iterable[Variable]) -> None:
        """Use these variables, and no others; a later one replaces an earlier one of its name."""
        self.variables.clear()
        for each in variables:
            self.variables[each.name] = each
            if each.hidden and not VARIABLE.search(each.hidden):
                self.hide(each.hidden)

    def hide(self, text: str) -> None:
        """Mask a secret text wherever it is repeated."""
        self.secrets.add(text)
        self.secrets.declare(text)

    def static(self, text: str, depth: int = 0) -> str:
        """Return a text with the values of its variables; those without a value stay as they are."""

        def value(match: re.Match[str]) -> str:
            known = self.variables.get(match[1].strip())
            if known is None or known.value is None or depth > _DEEPEST:
                return match[0]
            return self.static(to_text(known.value), depth + 1)

        return VARIABLE.sub(value, text)[:10_000]

    def parts(self, text: str, depth: int = 0) -> Parts:
        """Return what a text is made of; texts and variables that are only texts are texts."""
        found: list[Part] = []
        end = 0
        for match in VARIABLE.finditer(text):
            found += [text[end : match.start()], *self.variable(match[1].strip(), depth)]
            end = match.end()
            if len(found) > _MOST_PARTS:
                break
        found.append(text[end:])
        return tuple(part for part in found if part != "")

    def variable(self, name: str, depth: int = 0) -> Parts:
        """Return what a variable is: what a script set it to, or an input."""
        if name in self.settings:
            return self.settings[name]
        known = self.variables.get(name)
        value = None if known is None else known.value
        if isinstance(value, str) and VARIABLE.search(value) and depth < _DEEPEST:
            return self.parts(value, depth + 1)
        return (InputRef(self._input("variable", name, self._schema(name))),)

    def secret(self, place: str, text: str) -> InputRef:
        """Return an input for a secret that the collection has at a place of this name."""
        self.hide(text)
        schema = {"type": "string", "format": "password"}
        return InputRef(self._input(f"secret {text}", place, schema))

    def literal(self, text: str) -> InputRef:
        """Return an input whose default is a text that would be read as an expression."""
        schema = Noted({"type": "string", "default": text}, "a text, which in a step would be an expression")
        return InputRef(self._input(f"literal {text}", "text", schema))

    def file(self, name: str, path: str) -> InputRef:
        """Return an input for a file."""
        schema: Tree = {"type": "string", "format": "binary"}
        shown = re.split(r"[/\\]", path)[-1]
        return InputRef(
            self._input(f"file {path}", name, Noted(schema, f"in the collection: {shown}") if shown else schema)
        )

    def make_secret(self, name: str) -> None:
        """Make an input a secret: its value is used as one."""
        schema = self.inputs[name]
        schema = schema.value if isinstance(schema, Noted) else schema
        if isinstance(schema.get("default"), str):
            self.hide(schema["default"])
        self.inputs[name] = {"type": "string", "format": "password"}

    def make_value(self, name: str) -> None:
        """Make an input a JSON value: it is used outside of quotes."""
        schema = self.inputs[name]
        if isinstance(schema, Noted):
            if schema.value == _DIGITS:
                self.inputs[name] = Noted({"type": "integer"}, schema.comment)
            return
        if schema.get("format") == "password":
            return
        if schema == {"type": "string"}:
            self.inputs[name] = {"type": list(_ANY)}
        elif isinstance(schema.get("default"), str):
            self.inputs[name] = _json_default(schema["default"])

    def _input(self, kind: str, name: str, schema: Tree) -> str:
        found = self._names.get((kind, name))
        if found is None:
            found = unused_name(identifier(name.lstrip("$"), "input"), self.inputs)
            self._names[kind, name] = found
            self.inputs[found] = schema
        return found

    def _schema(self, name: str) -> Tree:
        if name.startswith("$"):
            schema = _DYNAMIC.get(name, {"type": "string"})
            return Noted(dict(schema), f"Postman makes a new value for each request: {name}")
        known = self.variables.get(name)
        if (known is not None and known.is_secret) or is_secret_name(name):
            return {"type": "string", "format": "password"}
        if known is None or known.value is None:
            return {"type": "string"}
        if _is_url_with_password(to_text(known.value)):
            self.hide(to_text(known.value))
            return {"type": "string", "format": "password"}
        return {"type": "string", "default": to_text(known.value)}  # Postman puts it into texts


class Scope(MutableRecord):
    """The variables in one workflow: `inputs` are those that it reads, `calls` the workflows that it runs before."""

    shared: Shared
    workflow: str
    step_ids: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What the current request has that no step can have."""
    calls: dict[str, str] = field(default_factory=dict)
    """The steps that run other workflows, by workflowId."""

    def value(self, text: str, place: str = "", *, is_secret: bool = False) -> Tree:
        """Return a text with its variables as a value of the document; `place` is the name of what it is for."""
        return self.rendered(self.shared.parts(text), place, is_secret=is_secret)

    def rendered(self, parts: Parts, place: str = "", *, is_secret: bool = False) -> Tree:
        """Return parts as a value of the document; one that looks like a token is secret, too."""
        is_secret = is_secret or is_secret_name(place) or (len(parts) == 1 and looks_secret(str(parts[0])))
        if is_secret and parts and all(isinstance(part, str) for part in parts):
            parts = (self.shared.secret(place, "".join(map(str, parts))),)
        if is_secret:
            for part in parts:
                if isinstance(part, InputRef):
                    self.shared.make_secret(part.name)
        parts = self._safe(parts)
        if len(parts) == 1 and not isinstance(parts[0], str):
            return self.expression(parts[0])
        return "".join(part if isinstance(part, str) else f"{{{self.expression(part)}}}" for part in parts)

    def expression(self, part: InputRef | OutputRef) -> str:
        """Return the expression of an input or output, which the workflow then has."""
        if isinstance(part, InputRef):
            self.read(part.name)
            return f"$inputs.{part.name}"
        if part.workflow == self.workflow:
            return f"$steps.{part.step}.outputs.{part.output}"
        return f"$steps.{self._call(part.workflow)}.outputs.{self.shared.outputs[part]}"

    def read(self, name: str) -> None:
        """Add an input to the workflow."""
        if name not in self.inputs:
            self.inputs.append(name)

    def step_id(self, wanted: str) -> str:
        """Return a stepId that is not taken, and take it."""
        found = unused_name(wanted, self.step_ids)
        self.step_ids.append(found)
        return found

    def _call(self, workflow: str) -> str:
        if workflow not in self.calls:
            self.calls[workflow] = self.step_id(f"run-{workflow}")
        return self.calls[workflow]

    def _safe(self, parts: Parts) -> Parts:
        """Return parts in which no text is read as an expression."""
        joined: list[Part] = []
        for part in parts:
            if isinstance(part, str) and joined and isinstance(joined[-1], str):
                joined[-1] += part
            else:
                joined.append(part)
        last = len(joined) - 1
        return tuple(
            self.shared.literal(part)
            if isinstance(part, str) and not _is_plain(part, before=number < last, after=number > 0)
            else part
            for number, part in enumerate(joined)
        )


def is_like_an_expression(text: str) -> bool:
    """Return whether a name would be read as an expression."""
    return _LIKE_AN_EXPRESSION.search(text) is not None or _is_plain(text, before=False, after=False) is False


def _is_plain(text: str, *, before: bool, after: bool) -> bool:
    """Return whether a text is itself in a document, before and after an expression in braces."""
    if (before and text.endswith(("{", "$"))) or (after and text.startswith("}")):
        return False
    if "$" not in text:
        return True
    if _LIKE_AN_EXPRESSION.search(text):
        return False
    try:
        return parse_template(text).node == text
    except ExpressionSyntaxError:
        return False


def _is_url_with_password(text: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s]*:[^/@\s]+@", text) is not None


def _type(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, (dict, list)):
        return "object" if isinstance(value, dict) else "array"
    return "number" if isinstance(value, float) else "string"


def _json_default(text: str) -> dict[str, Any]:
    """Return the schema of an input whose default is the JSON that a text is; of the text where it is no JSON."""
    try:
        value = json_of(text)
    except UnusableFile:
        value = None
    if value is None:
        return {"type": "string", "default": text}
    return {"type": _type(value), "default": value}
