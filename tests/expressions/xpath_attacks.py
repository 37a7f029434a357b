"""Calls of every function and operator that elementpath knows, with operands that are too much for many of them.

`batches` writes the expressions; `tried` has them evaluated in a process of its own, which the system
holds to its limits, and returns what got past them. test_xpath_attacks.py tries a share of all;
`python -m tests.expressions.xpath_attacks VERSION…` tries all.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.query import compile_query, select

VERSIONS = ("1.0", "2.0", "3.0", "3.1")
MOST_CPU = 3.0  # of one expression, compiled and evaluated within 0.3 s of counted work
MOST_MEMORY = 1_500  # MB of address space, of the whole process
DOCUMENT = (
    '<r xmlns:p="urn:p" xml:lang="en"><long>' + "a" * 300_000 + "</long><n>" + "9" * 5000 + "</n>"
    '<j>[1,{"a":null}]</j>' + '<i id="x">1</i>' * 300 + '<p:x a="1">t<!--c--><?p i?></p:x></r>'
)

NUMBERS = [
    "0",
    "-1",
    "3",
    "1000000000",
    "-1000000000",
    "9" * 400,
    "-" + "9" * 2900,
    "9" * 5000,
    "0." + "0" * 300 + "1",
    "1." + "1" * 5000,
]
DOUBLES = ["1e308", "-1e308", "1e-308", "-0e0", "xs:double('NaN')", "xs:double('INF')", "xs:double('-INF')"]
DOUBLES_1 = ["(1 div 0)", "(-1 div 0)", "(0 div 0)", "-0"]
NODES = ["/r/long", "/r/n", "/r/i", "/r/none", "/", "//@id", "//i/ancestor::*", "//namespace::*", "//node()"]
TEXTS = [
    "''",
    "'a'",
    "'" + "a" * 30_000 + "'",
    "'" + "9" * 5000 + "'",
    "'" + "\u0301" * 4000 + "\u0323" * 4000 + "'",
    "'" + "a b,c\u00a0" * 3000 + "'",
]
PATTERNS = [
    "'^(a+)+$'",
    "'a{99999999}'",
    "'((a{1000}){1000}){1000}'",
    "'(a|aa)+\\1$'",
    "'[a-z-[aeiou]]{0,900}b'",
    "'" + "(" * 3000 + ")" * 3000 + "'",
    "'" + "\\p{L}" * 3000 + "'",
    "'['",
]
PICTURES = ["'I'", "'Ww;o'", "'A'", "'#,##0.00e0'", "'" + "#" * 40 + "1a'", "'" + "0" * 20_000 + "'"]
DATE_PICTURES = ["'[Y,1000000000]'", "'[YI]-[MWw]-[D1o]'", "'[Y" + "#" * 40 + "a]'", "'" + "[c(" * 9000 + "'"]
COLLATIONS = [
    "'http://x.test/none'",
    "'C'",
    "'xx_YY'",
    "'http://www.w3.org/2013/collation/UCA?lang=xx;fallback=no'",
    "'http://www.w3.org/2013/collation/UCA'",
]
JSONS = [
    "'" + "[" * 20_000 + "'",
    "'" + '{"a":' * 3000 + "1" + "}" * 3000 + "'",
    "'[1e999999999]'",
    "'[" + "1" * 5000 + "]'",
]
DATES = [
    "xs:date('2000-02-29')",
    "xs:date('99999-12-31')",
    "xs:dateTime('999999999-12-31T24:00:00Z')",
    "xs:time('23:59:59.999999999')",
    "xs:yearMonthDuration('P178956970Y')",
    "xs:dayTimeDuration('-P106751991167300D')",
    "'P" + "9" * 4000 + "Y'",
    "'-" + "9" * 4000 + "-01-01'",
]
SEQUENCES = ["()", "(1 to 10000)", "1 to 1000000000000", "for $i in 1 to 3000 return 'ab'", "(true(), 1, 'a', /r)"]
FUNCTIONS = [
    "abs#1",
    "concat#3",
    "sort#1",
    "function($f) {$f($f)}",
    "function($x, $y) {($x, $y, $x)}",
    "function($x, $y) {concat($x, $x, $y)}",
]
STRUCTURES = ["[" * 60 + "]" * 60, "map{'a': map{'b': 1 to 3000}}", "array{1 to 3000}", "map{xs:double('NaN'): 1}"]
HINTS = {
    **{(name, 1): PATTERNS for name in ("matches", "replace", "tokenize")},
    **{(name, 0): [*TEXTS[2:], *NODES[:2]] for name in ("matches", "replace", "tokenize", "normalize-unicode")},
    **{(name, 1): DATE_PICTURES for name in ("format-date", "format-dateTime", "format-time")},
    ("format-integer", 1): PICTURES,
    ("format-number", 1): PICTURES,
    **{(name, 1): COLLATIONS for name in ("sort", "distinct-values", "min", "max", "collation-key")},
    **{(name, 2): COLLATIONS for name in ("compare", "contains", "index-of", "deep-equal", "starts-with", "ends-with")},
    **{(name, 0): JSONS for name in ("parse-json", "json-to-xml")},
}
"""What is extreme for a parameter, by the function's name and its place, where its type does not say."""


def operands(version: str) -> list[str]:
    """Return the operands that a version can write."""
    found = [*NUMBERS, *NODES, *TEXTS, *PATTERNS]
    if version == "1.0":
        return found + DOUBLES_1
    found += [*DOUBLES, *COLLATIONS, *PICTURES, *DATE_PICTURES, *JSONS, *DATES, *SEQUENCES]
    if version >= "3.0":
        found += FUNCTIONS
    return found if version < "3.1" else found + STRUCTURES


def fitting(version: str, name: str, place: int, sequence_type: str) -> list[str]:
    """Return the operands that a parameter takes; all where it takes much."""
    if (name, place) in HINTS:
        return HINTS[name, place]
    if version == "1.0" or "Atomic" in sequence_type or "item" in sequence_type:
        return operands(version)
    if sequence_type.startswith("xs:string"):
        return [*TEXTS, *PATTERNS, *PICTURES, *DATE_PICTURES, *COLLATIONS, *JSONS]
    if sequence_type.startswith(("xs:integer", "xs:numeric", "xs:double")):
        return [*NUMBERS[:-2], *DOUBLES, "65", "7777777"]
    if sequence_type.startswith("xs:"):
        return DATES
    if sequence_type.startswith("function"):
        return FUNCTIONS
    return NODES if version < "3.1" else [*NODES, *STRUCTURES]


def attacks(version: str, often: int, share: int = 1) -> Iterator[str]:
    """Write every call, with operands that fit it and are all extreme, `often` times if there are so many ways.

    And with one operand after another being each of the extreme ones: all of these calls, or one of `share`.
    """
    extreme = operands(version)
    sound = ["'a'", "2", "/r/i", *(["[1, 2]", "map{'a': 1}", "abs#1"] if version >= "3.1" else [])]
    turn = itertools.count()
    for form, types in forms(version):
        drawn = random.Random(form)
        name = form.partition("(")[0].rpartition(":")[2]
        choices = [fitting(version, name, place, each) for place, each in enumerate(types)]
        ways = math.prod(map(len, choices))
        for way in range(ways) if ways <= often else drawn.sample(range(ways), often):
            yield form.format(*_chosen(choices, way))
        for place, operand in itertools.product(range(len(types)), extreme):
            others = [drawn.choice(sound) for _ in types]
            others[place] = operand
            if next(turn) % share == 0:
                yield form.format(*others)


def _chosen(choices: list[list[str]], way: int) -> Iterator[str]:
    for choice in choices:
        yield choice[way % len(choice)]
        way //= len(choice)


def forms(version: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return every call that elementpath's grammar has, as a form with places for operands, and their types."""
    from elementpath.xpath_tokens import XPathAxis, XPathFunction

    found: dict[str, tuple[str, ...]] = {}
    for symbol, token in _symbols(version).items():
        if issubclass(token, XPathFunction):
            found |= dict(_function_forms(symbol, token))
        elif issubclass(token, XPathAxis) and symbol != "@":
            found[f"{{}}/{symbol}::node()"] = ("node()",)
    operators = {str(symbol) for symbol, token in _symbols(version).items() if token.label == "operator"}
    words = operators - {"(", "[", ",", "then", "as", "of", "else", "in", "return", "satisfies", "#", "=>"}
    written = [f"({{}}) {word} ({{}})" for word in words] + ["-({})", "({})[{}]", "+({})"]
    if version != "1.0":
        types = ("integer", "decimal", "double", "string", "date", "dayTimeDuration", "NMTOKENS", "QName", "boolean")
        written += [f"({{}}) {how} as xs:{name}?" for name in types for how in ("cast", "castable")]
        written += ["({}) instance of xs:integer+", "some $x in ({}) satisfies $x = ({})", "({}, {})"]
        written += ["for $x in ({}), $y in ({}) return $x", "if ({}) then {} else {}"]
    if version >= "3.1":
        written += ["({}) => concat({})", "({})?*", "({})?({})", "({})({})", "[{}]", "array{{{}}}", "map{{{}: {}}}"]
        written.append("let $f := ({}) return $f($f, $f)")
    found |= {form: ("item()*",) * form.replace("{{", "").count("{") for form in written}
    return sorted(found.items())


def _symbols(version: str) -> dict[str, Any]:
    from elementpath import XPath1Parser, XPath2Parser
    from elementpath.xpath30 import XPath30Parser
    from elementpath.xpath31 import XPath31Parser

    parsers = {"1.0": XPath1Parser, "2.0": XPath2Parser, "3.0": XPath30Parser, "3.1": XPath31Parser}
    return cast("dict[str, Any]", parsers[version].symbol_table)


def _function_forms(symbol: str, token: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    least, most = token.nargs if isinstance(token.nargs, tuple) else (token.nargs, token.nargs)
    if least is None:  # "function", "map", "array": not called
        return
    uri, _, local = symbol.rpartition("}")
    prefixes = {uri.rpartition("/")[2].replace("xpath-functions", "fn") + ":"} if uri else {""}
    if "constructor" in str(token.label):
        prefixes = {"xs:"} if token.label == "constructor function" else {"xs:", ""}
    for prefix in sorted(prefixes):
        for count in range(least, (most if most is not None else least + 1) + 1):
            types = (*token.sequence_types[:-1], *("item()*",) * count)[:count]
            yield f"{prefix}{local}({', '.join(['{}'] * count)})", types


def tried(batch: list[tuple[str, str]], most_seconds: float = 300.0) -> list[list[str]]:
    """Return what went wrong with any expression; one that ends the whole process does not end the others."""
    wrong: list[list[str]] = []
    while batch:
        code, output, last = _in_a_process(batch, most_seconds)
        wrong += [json.loads(line) for line in output.splitlines()]
        if code == 0:
            break
        wrong.append([f"ends or holds up the process ({code})", *batch[last]])
        batch = batch[last + 1 :]
    return wrong


def _in_a_process(batch: list[tuple[str, str]], most_seconds: float) -> tuple[int, str, int]:
    """Return its exit code, its output, and the last expression it reached."""
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        command = [sys.executable, "-m", "tests.expressions.xpath_attacks", "--evaluate", str(progress)]
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            output, _ = started.communicate(json.dumps(batch), timeout=most_seconds)
        except subprocess.TimeoutExpired:
            started.kill()
            output, _ = started.communicate()
        last = int(progress.read_text() or 0) if progress.exists() else 0
        return started.returncode, output, last


def main() -> None:
    """Try all attacks on some versions, or evaluate those on stdin (`--evaluate`, then a file for its progress)."""
    if sys.argv[1:2] == ["--evaluate"]:
        _evaluate(Path(sys.argv[2]))
        return
    for version in sys.argv[1:] or VERSIONS:
        for batch in batches(version, 3000, often=20):
            for found in tried(batch):
                print(*found, flush=True)


def _evaluate(progress: Path) -> None:
    limited = _limits()
    with progress.open("w") as place:
        for number, (version, expression) in enumerate(json.load(sys.stdin)):
            place.seek(0)
            place.write(str(number))
            place.flush()
            limited(time.process_time())
            wrong = _wrong(version, expression)
            if wrong is not None:
                print(json.dumps([wrong, version, expression[:300]]), flush=True)


def _wrong(version: str, expression: str) -> str | None:
    started = time.process_time()
    try:
        query = compile_query(expression, "xpath", f"xpath-{version.replace('.', '')}")
        selection = select(query, DOCUMENT, timeout=0.3)
        json.dumps(selection.values)
    except ExpressionSyntaxError as problem:
        if "Traceback" in problem.message or "sys." in problem.message:
            return f"says {problem.message}"
    except BaseException as problem:
        return f"raises {type(problem).__name__}: {problem}"[:300]
    took = time.process_time() - started
    return None if took < MOST_CPU else f"takes {took:.1f} s"


def _limits() -> Callable[[float], None]:
    """Hold this process to its memory, and return what holds it to its CPU time, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the one who started it has a clock
        return lambda used: None
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY << 20, MOST_MEMORY << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return lambda used: resource.setrlimit(resource.RLIMIT_CPU, (int(used + 3 * MOST_CPU), resource.RLIM_INFINITY))


def batches(version: str, size: int, often: int, share: int = 1) -> Iterator[list[tuple[str, str]]]:
    """Yield the attacks of a version in lists of `size`."""
    texts = (text for text in dict.fromkeys(attacks(version, often, share)) if len(text) <= 65_536)
    every = iter([(version, text) for text in texts])
    while batch := list(itertools.islice(every, size)):
        yield batch


if __name__ == "__main__":
    main()
