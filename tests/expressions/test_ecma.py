"""ECMA-262 patterns against Node: the same match, or refused with a reason that is named."""

from __future__ import annotations

import json
import os
import re

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.regex import compile_regex
from tests.expressions.node import Node, is_there
from tests.expressions.query_cases import cases

pytestmark = pytest.mark.skipif(not is_there(), reason="there is no node on PATH")

REFUSED = (
    "is an error under the flag u, without which",
    "octal escapes are not part of ECMA-262",
    "is not an escape of ECMA-262",
    "is not a property of ECMA-262",
    "needs a property in braces",
    "this escape does not name a character",
    "\\P where case is ignored is read differently by different engines",
    "half a surrogate pair is not a character",
    "which the pattern does not have",
    "\\k needs a group name",
    "a back reference in a lookbehind is read differently by different engines",
    "the group of this back reference may take nothing in a later round of a repetition",
    "a back reference that may be empty is repeated, which engines read differently",
    "a repetition of what may be empty in so many ways is read differently by different engines",
)
"""The reasons for which a pattern may be refused that Node takes."""

CHARACTERS = ["a", "a", "b", "c", "-", "}", "]", "{", "é", "ſ", "K", " ", "\\.", "\\/", "\\-", "\\n", "\\t", "\\0", "\\cA", "\\x61",
              "\\u0061", "\\u{61}", "\\u{1F600}", "\\uD83D\\uDE00", "😀", "\u2028", "{,2}", "a{x}"]  # fmt: skip
ODD = [
    "\\01",
    "\\8",
    "\\c",
    "\\x6",
    "\\u006",
    "\\u{110000}",
    "\\uD83D",
    "\\k",
    "\\p",
    "\\p{X}",
    "\\p{Greek}",
    "\\A",
    "\\_",
    "\\é",
]
SETS = [".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "[]", "[^]", "\\p{L}", "\\P{Lu}", "\\p{Lu}", "\\p{Script=Greek}", "\\p{Alphabetic}",
        "\\p{Letter}", "\\p{gc=Nd}", "\\p{LC}", "\\P{C}"]  # fmt: skip
MEMBERS = ["a", "b", "a-c", "b-b", "-", "^", "[", "]", "\\]", "\\\\", "\\d", "\\W", "\\S", "\\b", "\\-", "\\cA", "\\u{1F600}-\\u{1F64F}", "é",
           "a-\\d", "\\d-z", "&&", "~~", "--", "\\p{L}", "\\P{L}", "\\p{Ll}", "z-a", "\\B", ".", "$", "|", "(", "ſ"]  # fmt: skip
ASSERTIONS = ["^", "$", "\\b", "\\B"]
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,2}", "{0,1}?", "{2,}", "{1,}?", "{2,1}", "{0,0}"]
TEXTS = st.one_of(
    st.text(alphabet="aab", max_size=7),
    st.text(
        alphabet=list("abcABk019_- \n\r\t\0\x01]}{,x")
        + ["é", "É", "ſ", "\u212a", "😀", "\u2028", "\ufeff", "\xa0", "Ω", "٣", "\ud800"],
        max_size=6,
    ),
)


def classes():
    return st.builds(
        "[{}{}]".format, st.sampled_from(["", "", "^"]), st.lists(st.sampled_from(MEMBERS), max_size=3).map("".join)
    )


def atoms():
    return st.one_of(
        st.sampled_from(CHARACTERS), st.sampled_from(CHARACTERS), st.sampled_from(SETS), st.sampled_from(ODD), st.sampled_from(ASSERTIONS),
        classes(), st.sampled_from(["\\1", "\\2", "\\3", "\\k<n>", "()", "(|a)", "(a|)"]),
    )  # fmt: skip


def plain_atoms():
    """Loops, captures and references in combination."""
    return st.sampled_from(["a", "a", "b", "", "^", "$", "\\b", "\\1", "\\1", "\\2", "a*", "b*?", "a??", "[^a]", "."])


def unreferring():
    return st.one_of(
        st.sampled_from([each for each in CHARACTERS if "/" not in each]),
        st.sampled_from(SETS),
        st.sampled_from(ASSERTIONS),
        classes(),
    )


def patterns(leaves):
    def larger(inner):
        group = st.sampled_from(["(", "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<n>"])
        return st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.builds("{}{})".format, group, inner),
            st.builds("{}{}){}".format, group, inner, st.sampled_from(QUANTIFIERS)),
            st.builds("{}{}".format, inner, st.sampled_from(QUANTIFIERS)),
            st.builds("{}|{}".format, inner, inner),
        )

    return st.recursive(leaves, larger, max_leaves=10)


@pytest.fixture(scope="module")
def node():
    node = Node()
    yield node
    node.close()


def agree(node, pattern, text, flags=""):
    wanted, is_unicode = node.found(pattern, text, flags)
    if not is_unicode and not (text.isascii() and (pattern.isascii() or "i" not in flags)):
        return  # Annex B reads halves of surrogate pairs, and folds case otherwise; here a character is a code point
    if "i" in flags and "\\b" in pattern.lower() and not text.isascii():
        return  # the words of \\b are ASCII here; under the flags iu, ſ and the Kelvin sign belong to them
    reason = ""
    found: list[str | None] | None = None
    try:
        match = compile_regex(f"/{pattern}/{flags}" if flags else pattern).search(text, 10.0)
        found = [] if match is None else [match]
    except ExpressionSyntaxError as problem:
        reason = problem.message
    assert found == wanted or any(named in reason for named in REFUSED), reason


MANY = settings(
    max_examples=int(os.environ.get("ECMA_EXAMPLES", "400")), deadline=None, suppress_health_check=list(HealthCheck)
)


@MANY
@given(patterns(atoms()), TEXTS)
@example("((a)\\1)", "aa")
@example("\\1(a)", "a")
@example("(|a)+", "aaa")
@example("(?=a)*", "b")
@example("(?:a|(b))\\1", "a")
def test_patterns_match_as_in_node(node, pattern, text):
    agree(node, pattern, text)


@MANY
@given(patterns(plain_atoms()), st.text(alphabet="aab", max_size=6))
def test_groups_and_loops_match_as_in_node(node, pattern, text):
    agree(node, pattern, text)


@MANY
@given(patterns(unreferring()), TEXTS, st.sampled_from(["i", "m", "s", "im"]))
def test_flags_mean_what_they_mean_in_node(node, pattern, text, flags):
    agree(node, f"^{pattern}", text, flags)


@pytest.mark.parametrize(
    "case", [each for each in cases("regex") if each.values[0].get("context") and "values" in each.values[0]["expect"]]
)
def test_the_rows_are_as_in_node(node, case):
    """The expectations in fixtures/cases/regex are the results of Node, except for refused patterns."""
    pattern, text, flags = case["query"], case["context"], ""
    if pattern.startswith("/"):
        pattern, _, flags = pattern[1:].rpartition("/")
    wanted, _ = node.found(pattern, text if isinstance(text, str) else json.dumps(text, separators=(",", ":")), flags)
    assert case["expect"]["values"] == wanted


@MANY
@given(st.text(alphabet="?:=!<>-imsP$#|)", max_size=5), st.sampled_from(["a)", ")"]))
@example("?", ")")
@example("?", "a)")
def test_a_group_opens_as_in_node(node, opening, rest):
    """What begins no group is refused; modifiers are of ECMA-262, but Node has them only since version 23."""
    pattern = f"({opening}{rest}"
    if re.search(r"\(\?P<|\(\?[ims]*-?[ims]*[:)](?<!\(\?[:)])", pattern) is None:
        agree(node, pattern, "a")
