"""Constructs of the languages × extreme operands: each ends soon, with a value, a verdict and its reason, or a syntax error."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from arazzo_runner.expressions.queries.query import GOESSNER
from tests.hostile.schema_attacks import ATTACKS

if sys.platform == "win32":
    pytest.skip("fork and rlimits are POSIX", allow_module_level=True)

from tests.hostile.limited import Limited, bounded

Made = Callable[[int], str]
SIZES = (40, 60_000)


@pytest.fixture(scope="module")
def limited():
    limited = Limited("tests.hostile.language_attacks")
    yield limited
    limited.close()


def of_sizes(table: dict[str, Made]) -> list[object]:
    """Return every construct in every size that a document may have, each text once."""
    found = {}
    for name, make in table.items():
        for size in SIZES:
            text = make(size)
            if len(text) > 65_536:  # longer ones are refused at once: the longest that is not
                text = make(max(1, size * 64_000 // len(text)))
            found[text] = pytest.param(text, id=f"{name} × {size}")
    return list(found.values())


def around(before: str, inner: str, after: str) -> Made:
    return lambda size: before * size + inner + after * size


def times(text: str, before: str = "", after: str = "") -> Made:
    return lambda size: before + text * size + after


def numbered(text: str, joined: str = "", before: str = "", after: str = "") -> Made:
    return lambda size: before + joined.join(text.replace("#", str(number)) for number in range(size)) + after


PATTERNS: dict[str, Made] = {
    "groups in groups": around("(", "a", ")"), "plain groups in groups": around("(?:", "a", ")"), "repeated groups in groups": around("(?:", "a", ")*"),
    "lookaheads in lookaheads": around("(?=", "a", ")"), "negative lookbehinds in each other": around("(?<!", "a", ")"),
    "modifiers in modifiers": around("(?i:", "a", ")"), "empty rounds in empty rounds": around("(?:|", "a", ")+"), "open groups": times("("),
    "closed groups": times(")"), "open classes": times("["), "open braces": times("{"), "backslashes": times("\\"), "bars": times("|"),
    "stars": times("*", "a"), "starred": times("a*", "", "b"), "starred, backtracking": times("a*", "(?=a)", "b"), "dots": times("."), "starred dots": times(".*", "", "!b"),
    "groups": times("(a)?"), "named groups": numbered("(?<n#>a)?"), "named groups, backtracking": numbered("(?<n#>a)?", "", "(?=a)"),
    "back references": times("\\1", "(a*)"), "references to each group": numbered("(a)\\1"), "lookaheads": times("(?=a)"), "lookbehinds": times("(?<=.*a)", "", "b"),
    "boundaries": times("\\b"), "letters": times("\\p{L}"), "letters repeated": times("\\p{L}*"), "no letters": times("[^\\p{L}]"), "scripts": times("\\p{Script=Greek}"),
    "unknown scripts": numbered("\\p{Script=Abc#}"), "properties in a class": times("\\p{L}\\P{N}", "[", "]"), "any characters": times("[^]"),
    "a class of many": lambda size: "[" + "".join(map(chr, range(0x4E00, 0x4E00 + min(size, 20_000)))) + "]", "classes without case": times("[\\u00e0-\\uffff]", "(?i:", ")"),
    "words": numbered("ab#", "|"), "words, backtracking": numbered("ab#", "|", "(?=a)(?:", ")"), "long literal": times("é"), "half pairs": times("\ud800"),
    "NULs": times("\0"), "code points": times("\\u{10FFFF}"), "a code point of many zeros": times("0", "\\u{", "41}"), "a long name": times("n", "(?<", ">a)"),
    "a name that is not there": times("n", "\\k<", ">"), "digits": times("9", "a{", "}"), "digits at most": times("9", "a{1,", "}"), "octals": times("\\0"),
    "counted": lambda size: f"a{{{size}}}", "counted, of a class": lambda size: f"[^a]{{{size}}}", "counted, of letters": lambda size: f"\\p{{L}}{{{size}}}", "counted at most": lambda size: f"(?:a|b){{0,{size}}}c",
    "counted, counted": lambda size: f"(?:a{{{size}}}){{{size}}}", "counted at most, twice": lambda size: f"(?:a{{0,{size}}}){{0,{size}}}b", "counted three times": lambda size: f"(?:(?:(?:a{{1,{size}}}){{1,{size}}}){{1,{size}}})b",
    "counted lookahead": lambda size: f"(?=a){{{size}}}b", "counted nothing": lambda size: f"(){{{size}}}a", "counted lookbehind": lambda size: f"(?<=a{{{size}}})b", "counted back references": lambda size: f"(a)\\1{{{size}}}",
    "a counted ambiguity": lambda size: f"a[ab]{{{size}}}c", "ambiguous words": lambda size: f"(?:[ab]?[ab]?[ac]){{{size}}}d", "counted wildcards": lambda size: f"(?:.*a){{{size}}}b",
    "ambiguous, counted, backtracking": lambda size: f"(?=a)(?:a|aa|ab){{{size},}}c", "possible nothings": times("(?:a?b??|)*", "(?:", ")+"), "lazies": times("a??"), "numbered nothings": times("(|a)", "(?:", ")*\\1"),
}  # fmt: skip


@pytest.mark.parametrize("pattern", of_sizes(PATTERNS))
def test_patterns(limited, pattern):
    bounded(limited.call("regex", pattern))


PATHS: dict[str, Made] = {
    "names": times(".rows", "$"), "wildcards": times("[*]", "$"), "descendants": times("..*", "$"), "descendants of a name": times("..rows", "$"), "unions": times("*,", "$[", "*]"),
    "unions of unions": times("[*,*]", "$"), "indices": lambda size: f"$.wide[{'9' * size}]", "an index": lambda size: f"$.wide[-{size}]", "slices": times("::-1,", "$.wide[", "0]"), "a slice": lambda size: f"$.wide[{size}:9007199254740991:{size}]",
    "a slice beyond": lambda size: f"$.wide[0:{'9' * size}]", "a long name": times("a", "$."), "escapes": times("\\u0041", "$['", "']"), "half pairs": times("\ud800", "$['", "']"), "open brackets": times("[", "$"), "open filters": times("[?", "$"),
    "filters in filters": around("$[?@", ".a", "]"), "filters in filters of descendants": lambda size: "$.." + "[?@.." * size + "*" + "]" * size, "parentheses": around("(", "@.a", ")"), "parentheses in a filter": lambda size: f"$[?{'(' * size}@.a{')' * size}]",
    "negations": times("!", "$[?", "@.a]"), "negated parentheses": lambda size: f"$[?{'!(' * size}@.a{')' * size}]", "conjunctions": times("@.id > 1 && ", "$.rows[?", "@.id < 5]"), "disjunctions": times("@.id > 9999 || ", "$.rows[?", "@.id < 5]"),
    "digits": times("9", "$.rows[?@.id == ", "]"), "decimals": times("1", "$.rows[?@.id == 0.", "]"), "an exponent": times("9", "$.rows[?@.id == 1e", "]"), "a negative exponent": times("9", "$.rows[?@.id == 1e-", "]"),
    "functions in functions": lambda size: f"$[?{'length(' * size}@{')' * size} == 1]", "counts in counts": lambda size: f"$[?{'count(@[?' * size}@{'])' * size} > 0]", "values in values": lambda size: f"$[?{'value(' * size}@.a{')' * size} == 1]",
    "arguments": times("@,", "$[?count(", "@) > 1]"), "blanks": times(" ", "$", ".rows"), "full stops": times(".", "$"), "quotes": times("'", "$["), "operators": times("==", "$[?@"), "the root in each": times("$.rows == ", "$..[?", "$.rows]"),
    "comparisons": times("$.rows == 1 && ", "", "$.rows == 1"), "comparisons of lengths": times(".length", "$", " > 1"), "a comparison with digits": times("9", "$.huge == "), "signs": times("=<>", "$"), "comparisons in parentheses": around("(", "$.huge == 1", ")"),
}  # fmt: skip
FIXED_PATHS = [
    "$..[?$.wide == @]", "$..[?$.deep == $.deep2]", "$..[?$.s < $.s2]", "$..[?$.huge < $.float]", "$..[?$.huge == $.inf]", "$..[?$ == $]", "$..[?$.digits == @]", "$.rows[?match(@.name, $.s)]", "$..[?search($.s, '(a|b)*c')]",
    "$..[?match($.s, '(ss|ß)*x')]", "$.patterns[?match('aaaa', @)]", "$.patterns[?search($.s, @)]", "$.rows[?search('aaa', '(a{1000}){1000}')]", "$.rows[?match(@.name, '\\\\p{L}{1000}')]", "$.rows[?search(@.name, '((((((((((a*)*)*)*)*)*)*)*)*)*b')]",
    "$..[?length($.s) > count($..*)]", "$..[?count($..[?count($..*) > 1]) > 1]", "$.deep" + "[0]" * 4_999, "$..[?@.nan == @.nan]", "$.s == $.s2", "$.huge > 1", "$.deep == $.deep2",
]  # fmt: skip
SCRIPTS = [
    "$..[?(@ > $.digits)]", "$..[?($.digits == 1)]", "$..[?($.e > 1)]", "$..[?($.huge == $.s)]", "$..[?($.s > $.s2)]", "$..[?($.deep == $.deep2)]", "$..[?(@.length > 1)]", "$.wide[(@.length-1)]", "$..[?(@ == $.huge)]",
]  # fmt: skip


@pytest.mark.parametrize("version", [None, GOESSNER])
@pytest.mark.parametrize("path", [*of_sizes(PATHS), *FIXED_PATHS, *SCRIPTS])
def test_json_paths(limited, path, version):
    bounded(limited.call("query", path, "jsonpath", version))


POINTERS: dict[str, Made] = {
    "an index": times("9", "/wide/"), "tokens": times("/0"), "empty tokens": times("/"), "escapes": times("~0", "/"), "wrong escapes": times("~", "/"), "fragments": times("%41", "#/"), "halves": times("%ed%a0%80", "#/"), "zeros": times("0", "/wide/"),
}  # fmt: skip


@pytest.mark.parametrize("pointer", of_sizes(POINTERS))
def test_json_pointers(limited, pointer):
    bounded(limited.call("query", pointer, "jsonpointer", None))


OPERANDS = [
    "$response.body#/" + name
    for name in ("s", "s2", "half", "digits", "e", "huge", "float", "inf", "nan", "wide", "deep", "deep2", "rows", "x")
]
OPERANDS += ["1", "-0", "1.5", "1e308", "1e-999", "'1e999'", "true", "null", "''", "'9'", "$statusCode"]
LITERALS = [
    "1e999",
    "-1e999999999",
    "9" * 400,
    "9" * 401,
    "'" + "9" * 60_000 + "'",
    "'" + "''" * 30_000 + "'",
    "٣",
    "²",
    "0x1F",
    "\0",
    "'\ud800'",
    "$response.body[" + "9" * 60_000 + "]",
]
CONDITIONS: dict[str, Made] = {
    "parentheses": around("(", "1", ")"), "exclamation marks": times("!", "", "1"), "negated parentheses": around("!(", "1", ")"), "conjunctions": times("1 && ", "", "1"), "disjunctions": times("0 || ", "", "0"), "both": times("0 || 1 && ", "", "0"),
    "properties": times(".a", "$response.body"), "indices": times("[0]", "$response.body"), "open indices": times("[", "$response.body"), "quotes": times("'"), "dollars": times("$"), "words": times("a "), "operators": times("="), "braces": times("{$url}"), "blanks": times(" ", "", "1"),
    "comparisons of wide values": times("$response.body#/wide == $response.body#/wide && ", "", "1"), "comparisons of long texts": times("$response.body#/s == $response.body#/s2 && ", "", "1"),
    "comparisons of digits": times("$response.body#/digits < 1 || ", "", "0"), "comparisons that fail": numbered("$response.body#/wide == #", " || "), "tokens of a pointer": times("/0", "$response.body#", " == 1"), "escapes of a pointer": times("~0", "$response.body#/", " == 1"), "steps": times("$steps.s.outputs.o == 1 || ", "", "0"),
}  # fmt: skip


@pytest.mark.parametrize("condition", of_sizes(CONDITIONS))
def test_conditions(limited, condition):
    bounded(limited.call("condition", condition))


@pytest.mark.parametrize(
    "operand", [*OPERANDS, *LITERALS], ids=lambda text: text[:40].encode("unicode_escape").decode()
)
def test_an_operand_compares_with_every_other(limited, operand):
    bounded(limited.call("comparisons", operand, [*OPERANDS, *LITERALS]))


TEXTS: dict[str, Made] = {
    "braces": times("{$inputs.a}"), "open braces": times("{"), "open expressions": times("{$inputs.a"), "roots alone": times("{$"), "dollars": times("$"), "names alone": times("$inputs."), "bare names": times("$inputs.a "), "full stops": times("a.", "x $inputs."),
    "slashes": times("a/", "x $inputs.a#/"), "brackets": times("[0]", "x $inputs.a"), "open brackets": times("[", "x $inputs.a"), "hyphens": times("a-", "x $inputs."), "tildes": times("~", "x $inputs.a#/"), "colons": times("a:", "x $steps."), "long names": times("a", "x $inputs.", "~"),
    "misspelt roots": numbered("{$inpust#.x}"), "unknown roots": numbered("{$foo#.x}"), "a long root": times("a", "{$", ".}"), "steps without outputs": times("$steps.ss.x "), "steps": times("{$steps.s.outputs.o#/s}"), "tokens": times("/0", "$response.body#"), "escaped names": times("\\u0041", "$request.query."),
    "source names": times("a.", "$sourceDescriptions."), "halves": times("\ud800", "$inputs."),
}  # fmt: skip


@pytest.mark.parametrize("text", of_sizes(TEXTS))
def test_texts(limited, text):
    bounded(limited.call("template", text))


@pytest.mark.parametrize("name", TEXTS)
def test_long_texts(limited, name):
    """A text of a document may have megabytes, where a condition has 64 KB."""
    text = TEXTS[name](30_000)
    bounded(limited.call("template", text * max(1, 1_000_000 // len(text))))


def test_a_text_that_multiplies_a_value_is_stopped(limited):
    told = bounded(limited.call("template", "{$response.body#/s}" * 50_000))
    assert told == "failed: $response.body#/s: the text around it has more than 50000000 characters"


@pytest.mark.parametrize("name", ["huge", "deep", "half", "inf", "wide", "s"])
def test_extreme_values_in_a_text(limited, name):
    bounded(limited.call("template", f"{{$response.body#/{name}}}"))


@pytest.mark.parametrize("is_full", [False, True], ids=["simple", "full"])
@pytest.mark.parametrize("name", ATTACKS)
def test_schemas(limited, name, is_full):
    bounded(limited.call("schema", name, is_full))
