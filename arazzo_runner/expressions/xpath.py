"""XPath: 1.0 through lxml, 2.0 to 3.1 through elementpath; XML without DTD, entities or network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.regex import RegexTimeout, search_pattern
from arazzo_runner.expressions.selectors import Selection
from arazzo_runner.values import JsonValue

VERSIONS: Final = {"xpath-10": "1.0", "xpath-20": "2.0", "xpath-30": "3.0", "xpath-31": "3.1"}
_FORBIDDEN: Final = ("doc", "doc-available", "collection", "uri-collection", "unparsed-text", "unparsed-text-lines",
                     "unparsed-text-available", "environment-variable", "available-environment-variables",
                     "json-doc", "put", "load-xquery-module", "transform")  # fmt: skip
MAX_LENGTH: Final = 65_536


class XmlError(ValueError):
    """A text that is no XML, or XML with a DOCTYPE; the message says so."""


@dataclass(frozen=True, slots=True)
class XPathQuery:
    """An XPath expression and its version; it is compiled against the namespaces of each document."""

    text: str
    version: str


def compile_xpath(text: str, version: str) -> XPathQuery:
    """Check the syntax of an XPath; raises ExpressionSyntaxError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the XPath is longer than {MAX_LENGTH} characters")
    number = VERSIONS[version]
    if number == "1.0":
        _compile_lxml(text)
    else:
        _check_elementpath(text, number)
    return XPathQuery(text, number)


def parse_xml(text: str) -> Any:
    """Parse XML safely and return its root element; raises XmlError."""
    from lxml import etree

    if "<!DOCTYPE" in text[:100_000] or "<!ENTITY" in text:
        raise XmlError("the XML has a DOCTYPE, which is refused")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(text.encode("utf-8", "replace") if _declares(text) else text, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        message = str(problem).splitlines()[0] if str(problem) else "it is empty"
        raise XmlError(f"the context is no XML: {message}") from None


def select_xpath(query: XPathQuery, value: JsonValue) -> Selection:
    """Apply an XPath to XML text."""
    if not isinstance(value, str):
        return Selection("failed", reason="the context is no XML text")
    try:
        root = parse_xml(value)
        result = evaluate_xpath(query, root)
    except (XmlError, RegexTimeout) as problem:
        return Selection("failed", reason=str(problem))
    except XPathFailure as problem:
        return Selection("failed", reason=f"XPath: {problem}")
    if isinstance(result, list):
        return Selection("nodes", tuple(node_value(node) for node in result))
    return Selection("value", (_plain(result),))


class XPathFailure(ValueError):
    """An XPath that could not be evaluated on this document."""


def evaluate_xpath(query: XPathQuery, root: Any) -> Any:
    """Return a list of nodes, or a boolean, number or string; raises XPathFailure."""
    namespaces = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    if query.version == "1.0":
        from lxml import etree

        try:
            return root.getroottree().xpath(
                query.text, namespaces=namespaces or None, regexp=False, smart_strings=False
            )
        except (etree.XPathError, TypeError) as problem:
            raise XPathFailure(str(problem)) from None
    return _evaluate_elementpath(query, root, namespaces)


def node_value(node: Any) -> JsonValue:
    """Return what a node is worth as data: an element's text, an attribute's value."""
    if isinstance(node, str):
        return str(node)
    if isinstance(node, (bool, int, float)) or node is None:
        return node
    if hasattr(node, "itertext"):
        return "".join(node.itertext())
    text = getattr(node, "text", None) or getattr(node, "value", None)
    return str(text if text is not None else node)


def _declares(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("<?xml")


def _plain(result: Any) -> JsonValue:
    if isinstance(result, (bool, int, float, str)) or result is None:
        if isinstance(result, float) and result != result:
            return False  # NaN is false in every version's boolean rules
        return result
    import decimal

    return float(result) if isinstance(result, decimal.Decimal) else str(result)


# ------------------------------------------------------------------ engines


def _compile_lxml(text: str) -> None:
    from lxml import etree

    try:
        etree.XPath(text, regexp=False)
    except etree.XPathSyntaxError as problem:
        raise ExpressionSyntaxError(f"this is no XPath 1.0: {problem}") from None


@lru_cache(maxsize=1)
def _parsers() -> dict[str, Any]:
    """The parser classes by version, with regular expressions that cannot run away."""
    import elementpath
    from elementpath.xpath3 import XPath3Parser
    from elementpath.xpath30 import XPath30Parser

    return {"2.0": elementpath.XPath2Parser, "3.0": XPath30Parser, "3.1": XPath3Parser}


def _parser(version: str, namespaces: dict[str, str] | None) -> Any:
    return _parsers()[version](namespaces=namespaces)


def _check_elementpath(text: str, version: str) -> None:
    import elementpath

    for name in _FORBIDDEN:
        if _calls(text, name):
            raise ExpressionSyntaxError(
                f"{name}() reads what is outside the document; it is refused", text.find(name), len(name)
            )
    try:
        _parser(version, None).parse(text)
    except elementpath.ElementPathError as problem:
        code = str(getattr(problem, "code", "") or "")
        if "XPST0081" in code or "prefix" in str(problem):
            return  # the prefix may be declared by the document that is looked at
        message = str(problem).partition("]")[2].strip() or str(problem)
        raise ExpressionSyntaxError(f"this is no XPath {version}: {message}") from None
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ExpressionSyntaxError(f"this is no XPath {version}: {problem}") from None


def _calls(text: str, name: str) -> bool:
    position = text.find(name)
    while position >= 0:
        before = text[position - 1 : position]
        after = text[position + len(name) :].lstrip()
        if not (before.isalnum() or before in ("-", "_", "$", "@", "/")) and after[:1] in ("(", "#"):
            return True
        position = text.find(name, position + 1)
    return False


def _evaluate_elementpath(query: XPathQuery, root: Any, namespaces: dict[str, str]) -> Any:
    import elementpath

    _refuse_slow_patterns(query.text)
    try:
        token = _parser(query.version, namespaces).parse(query.text)
        context = elementpath.XPathContext(root.getroottree())
        result = token.get_results(context)
    except elementpath.ElementPathError as problem:
        raise XPathFailure(str(problem)) from None
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as problem:
        raise XPathFailure(f"{type(problem).__name__}: {problem}") from None
    if isinstance(result, list):
        return [] if not result else result
    return result


def _refuse_slow_patterns(text: str) -> None:
    """elementpath hands patterns to a backtracking engine: nested repeats are not let through."""
    for name in ("matches", "replace", "tokenize", "analyze-string"):
        if _calls(text, name) and not search_pattern(r"^[^()]*(\([^()]*\)[^()*+{]*)*$", text.partition(name)[2]):
            raise XPathFailure(f"{name}() with nested groups is not evaluated, since it may never end")
