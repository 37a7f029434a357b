"""Expressions of XPath 1.0 and small documents for them, drawn by hypothesis; and what libxml2 makes of them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from lxml import etree

NAMES = st.sampled_from(["a", "b", "c", "n:a", "div", "*", "n:*"])
# No text of these is one that libxml2 writes in its own way (test_xpath1.py has those); nor a number's quotient.
NUMBERS = ["0", "1", "2", "3.5", "-1", "0.5", "-2.5", ".25", "7.", "99", "(1 div 0)", "(-1 div 0)", "(0 div 0)", "-0"]
DIVISORS = ["0", "-0", "1", "-2", "4", "0.5", "(1 div 0)", "(0 div 0)", "'2'", "'x'", "//none"]
STRINGS = ["''", "'1'", "' 2 '", "'x'", "'ab'", "'-0.5'", "'+1'", "'en'", "'é𝒳z'", "'NaN'", "'Infinity'", "'-'", "'1.'"]
AXES = [
    "ancestor",
    "ancestor-or-self",
    "attribute",
    "child",
    "descendant",
    "descendant-or-self",
    "following",
    "following-sibling",
    "namespace",
    "parent",
    "preceding",
    "preceding-sibling",
    "self",
]
COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
TESTS = st.one_of(NAMES, st.sampled_from(["node()", "text()", "comment()", "processing-instruction()", "*"]))


def _call(name: str, *operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*operands).map(lambda given: f"{name}({', '.join(given)})")


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


def _grammar() -> st.SearchStrategy[str]:
    nodes: st.SearchStrategy[str] = st.deferred(lambda: _nodes)
    number: st.SearchStrategy[str] = st.deferred(lambda: _number)
    text: st.SearchStrategy[str] = st.deferred(lambda: _text)
    boolean: st.SearchStrategy[str] = st.deferred(lambda: _boolean)
    value = st.one_of(nodes, number, text, boolean)
    predicate = st.one_of(
        st.just(""),
        st.just(""),
        st.one_of(number, boolean, nodes, text, st.sampled_from(["1", "2", "last()", "position() = 2"])).map(
            "[{}]".format
        ),
    )
    step = st.one_of(
        st.tuples(TESTS, predicate).map("".join),
        st.tuples(NAMES.map("@{}".format), predicate).map("".join),
        st.tuples(st.sampled_from(AXES), st.just("::"), TESTS, predicate, predicate).map("".join),
        st.sampled_from([".", ".."]),
    )
    steps = st.tuples(step, st.lists(st.tuples(st.sampled_from(["/", "/", "//"]), step).map("".join), max_size=2)).map(
        lambda found: found[0] + "".join(found[1])
    )
    path = st.one_of(st.tuples(st.sampled_from(["", "/", "//", "//"]), steps).map("".join), st.just("/"))
    _nodes = st.one_of(
        path,
        path,
        st.tuples(path, path).map(" | ".join),
        st.tuples(path, predicate, st.sampled_from(["", "/*", "//text()", "/.."])).map(
            lambda found: "({}){}{}".format(*found)
        ),
        _call("id", st.sampled_from(["'i1'", "'i2 i1'", "//@*", "'none'"])),
    )
    _number = st.one_of(
        st.sampled_from(NUMBERS),
        st.sampled_from(["position()", "last()", "number()", "string-length()"]),
        _joined(value, st.sampled_from(["+", "-", "*", "mod"]), value).map("({})".format),
        _joined(value, st.just("div"), st.sampled_from(DIVISORS)).map("({})".format),
        value.map("-({})".format),
        _call("count", nodes),
        _call("sum", nodes),
        *(_call(name, value) for name in ("number", "floor", "ceiling", "round", "string-length")),
    )
    _text = st.one_of(
        st.sampled_from(STRINGS),
        st.sampled_from(["string()", "name()", "local-name()", "namespace-uri()", "normalize-space()"]),
        *(_call(name, value) for name in ("string", "normalize-space")),
        *(_call(name, nodes) for name in ("name", "local-name", "namespace-uri")),
        *(_call(name, value, value) for name in ("concat", "substring-before", "substring-after")),
        _call("concat", value, value, value),
        _call("substring", value, value),
        _call("substring", value, value, value),
        _call("translate", value, value, value),
    )
    _boolean = st.one_of(
        st.sampled_from(["true()", "false()", "lang('en')", "lang('EN-us')", "lang('')"]),
        *(_call(name, value) for name in ("boolean", "not", "lang")),
        *(_call(name, value, value) for name in ("starts-with", "contains")),
        _joined(value, st.sampled_from(COMPARISONS), value).map("({})".format),
        _joined(value, st.sampled_from(["and", "or"]), value).map("({})".format),
    )
    return value


EXPRESSIONS = _grammar()

_TEXTS = st.sampled_from(["", "1", " 2 ", "x", "-0.5", "é𝒳z", "ab", "7"])
_ATTRIBUTES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "n:a", "xml:lang", "xml:id", "xmlns:m"]), _TEXTS),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


def _element(name: str, attributes: list[tuple[str, str]], children: list[str]) -> str:
    known = {"xml:lang": "en-US", "xmlns:m": "urn:m", "xml:id": "i1"}
    written = "".join(f' {key}="{known.get(key, value)}"' for key, value in attributes)
    return f"<{name}{written}>{''.join(children)}</{name}>"


_LEAVES = st.one_of(_TEXTS, st.sampled_from(["<!--c-->", "<?p i?>", "<?q?>", "<c/>"]))
_TREES = st.recursive(
    _LEAVES,
    lambda children: st.builds(
        _element, st.sampled_from(["a", "b", "c", "n:a", "div"]), _ATTRIBUTES, st.lists(children, max_size=4)
    ),
    max_leaves=10,
)


def _with_ids(document: str) -> str:
    first, *others = document.split('xml:id="i1"')
    return first + "".join(f'xml:id="i{number}"{text}' for number, text in enumerate(others, 1))


DOCUMENTS = st.builds(
    lambda before, children: _with_ids(f'{before}<r xmlns:n="urn:n">{"".join(children)}</r>'),
    st.sampled_from(["", "<!--before-->", "<?p before?>"]),
    st.lists(_TREES, min_size=1, max_size=4),
)


_STYLESHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:n="urn:n"
  xmlns:m="urn:m" xmlns:o="urn:o"><xsl:template match="/"><xsl:value-of select="o:take({})"/></xsl:template>
</xsl:stylesheet>"""


def libxml2(expression: str, document: str) -> object:
    """Return what libxml2 selects with the document as the context node, or "error".

    Through libxslt: lxml's own `xpath` starts from the root element. Nodes are returned as their string
    values, without the document.
    """
    taken: list[object] = []

    def take(_context: object, value: object) -> str:
        taken.append([_node(item) for item in value] if isinstance(value, list) else plain(value))
        return ""

    written = expression.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    try:
        stylesheet = etree.fromstring(_STYLESHEET.format(written))
        etree.XSLT(stylesheet, extensions={("urn:o", "take"): take})(etree.fromstring(document).getroottree())
    except (etree.XSLTError, etree.XPathError):
        return "error"
    return taken[0] if taken else "error"


def _node(item: Any) -> str:
    if isinstance(item, tuple):
        return str(item[1])
    if isinstance(item, str):
        return str(item)
    return _text(item) if isinstance(item.tag, str) else item.text or ""


def _text(element: Any) -> str:
    parts = [element.text or ""]
    for child in element:
        parts += [_text(child) if isinstance(child.tag, str) else "", child.tail or ""]
    return "".join(parts)


def plain(value: object) -> object:
    """Return a number in a form that equals itself, and in which 0 and -0 differ."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if math.isnan(value):
        return "NaN"
    return "-0" if value == 0 and math.copysign(1, value) < 0 else float(value)
