"""XPath: evaluation, results as JSON, verdicts of conditions, and targets of replacements.

XPath 2.0 to 3.1 run on elementpath, in parsers of our own (xpath_engine.py) that count their work.
1.0 has other types and its own evaluator (xpath1.py): elementpath evaluates it with those of 2.0.
"""

from __future__ import annotations

import math
import operator
from decimal import Decimal
from typing import Literal as OneOf

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure, TooMuchWork
from arazzo_runner.expressions.queries.xml_tree import XmlElement, XmlNode
from arazzo_runner.expressions.queries.xpath import XPath
from arazzo_runner.expressions.queries.xpath1 import evaluate_xpath1
from arazzo_runner.expressions.queries.xpath1_parser import parse_xpath1
from arazzo_runner.expressions.queries.xpath_engine import context_of, failure_message, guarded, is_node, parsed


class XPathResult(Record):
    """The items an expression returns: nodes if the first is a node, else atomic values.

    `passed` is the Effective Boolean Value by the rules of the version, `problem` the reason why
    there is none.
    """

    items: tuple[object, ...]
    passed: bool
    problem: str | None = None

    @property
    def type(self) -> OneOf["nodes", "boolean", "number", "string"]:
        """The XPath 1.0 type of the result."""
        first = self.items[0] if self.items else None
        if first is None or is_node(first):
            return "nodes"
        if isinstance(first, bool):
            return "boolean"
        return "number" if isinstance(first, (int, float, Decimal)) else "string"


def evaluate_xpath(query: XPath, root: XmlElement, budget: Budget, now: float = 0.0) -> XPathResult:
    """Evaluate on the document of `root`.

    Prefixes are those that the document declares, the root's declarations first. From XPath 2.0 on
    a name without prefix is in the root's default namespace (its static context is the
    host's to say); XPath 1.0 §2.3 puts it in none. `now` is the time of current-dateTime(), in
    seconds since the epoch. Raises QueryFailure.
    """
    namespaces = _namespaces(query, root)
    if query.version == "1.0":
        items = _select_1(query, root, namespaces, budget)
    else:
        items = _select_2(query, root, namespaces, budget, now)
    passed, reason = _effective_boolean(items, query.version)
    return XPathResult(items, passed, reason)


def _select_1(query: XPath, root: XmlElement, namespaces: dict[str, str], budget: Budget) -> tuple[object, ...]:
    value = evaluate_xpath1(parse_xpath1(query.text), root, namespaces, budget)
    return tuple(value) if isinstance(value, list) else (value,)


def _select_2(
    query: XPath, root: XmlElement, namespaces: dict[str, str], budget: Budget, now: float
) -> tuple[object, ...]:
    token = parsed(query.text, query.version, tuple(sorted(namespaces.items())))
    context = context_of(root, namespaces, budget, now)
    try:
        with guarded(budget):
            items = tuple(token.select(context))
        if token.symbol in ("/", "//"):  # XPath 3.1 §3.3.1.1; elementpath returns texts after a child too early
            items = _in_document_order(items)
    except TooMuchWork:
        raise
    except Exception as problem:  # its own errors, and whatever else it raises on odd expressions
        raise QueryFailure(failure_message(problem)) from None
    return items


def item_value(item: object, budget: Budget) -> JsonValue:
    """Return an item as JSON: a node as its string value (XPath 3.1 §2.5.2), a map as an object.

    Raises TooMuchWork: what is shared by arrays, and by nodes and those around them, is written out each time.
    """
    budget.spend()
    if is_node(item):
        text = item.string_value
        budget.spend(len(text) // 64)
        return text
    if isinstance(item, (bool, int)):
        return item
    if isinstance(item, Decimal):
        return int(item) if item == item.to_integral_value() else float(item)
    if isinstance(item, float):
        if math.isfinite(item):
            return int(item) if item.is_integer() and abs(item) < 2**53 else item
        return "NaN" if math.isnan(item) else ("INF" if item > 0 else "-INF")
    if isinstance(item, (list, tuple)):
        return [item_value(part, budget) for part in item]
    return _structure(item, budget)


def _in_document_order(items: tuple[object, ...]) -> tuple[object, ...]:
    if not all(map(is_node, items)):
        return items
    return tuple(sorted(items, key=operator.attrgetter("position")))


def _structure(item: object, budget: Budget) -> JsonValue:
    if isinstance(item, str):
        return item
    from elementpath.xpath_tokens import XPathArray, XPathMap

    if isinstance(item, XPathMap):
        return {str(item_value(key, budget)): item_value(value, budget) for key, value in item.items()}
    if isinstance(item, XPathArray):
        return [item_value(part, budget) for part in item.items()]
    return str(item)


def _namespaces(query: XPath, root: XmlElement) -> dict[str, str]:
    declared = root.nsmap
    found: dict[str, str] = {}
    if query.version != "1.0" and None in declared:
        found[""] = declared[None]
    for prefix in query.prefixes:
        uri = declared.get(prefix) or _declared_below(root, prefix)
        if uri is not None:
            found[prefix] = uri
    return found


def _declared_below(root: XmlElement, prefix: str) -> str | None:
    # Comments and instructions have no declarations.
    declared = (element.nsmap.get(prefix) for element in root.iter() if isinstance(element.tag, str))
    return next((uri for uri in declared if uri is not None), None)


def _effective_boolean(items: tuple[object, ...], version: str) -> tuple[bool, str | None]:
    """Return the Effective Boolean Value (XPath 3.1 §2.4.3; 1.0 §4.3), or False and the reason why there is none."""
    if not items:
        return False, None
    first = items[0]
    if is_node(first):
        return True, None
    if len(items) > 1:
        return False, f"a sequence of {len(items)} values has no effective boolean value (XPath {version}, FORG0006)"
    if isinstance(first, (bool, int, float, Decimal)):
        return bool(first) and not (isinstance(first, (float, Decimal)) and math.isnan(first)), None
    if _is_text(first):
        return len(str(first)) > 0, None
    return False, f"a value of type {type(first).__name__} has no effective boolean value (FORG0006)"


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return True
    from elementpath.datatypes import AnyURI, UntypedAtomic

    return isinstance(value, (AnyURI, UntypedAtomic))


class XmlTarget(Record):
    """A place in a tree: an element's content, an attribute, or a text in `element` or, with `after`, after it."""

    element: XmlElement
    attribute: str | None = None
    text: bool = False
    after: bool = False

    def set(self, value: str) -> None:
        """Write a text there; an element loses its children.

        Raises ValueError for characters that XML 1.0 cannot hold.
        """
        if self.attribute is not None:
            self.element.attrib[self.attribute] = value
        elif self.after:
            self.element.tail = value
        else:
            if not self.text:
                del self.element[:]
            self.element.text = value


def xpath_targets(query: XPath, root: XmlElement, budget: Budget, now: float = 0.0) -> tuple[XmlTarget, ...]:
    """Return the places a query selects; none for no nodes, and for comments and instructions.

    Raises QueryFailure.
    """
    items = evaluate_xpath(query, root, budget, now).items
    if not all(map(is_node, items)):
        raise QueryFailure(f"{query.text} gives a value, not a place in the payload")
    found = map(_target, items)
    return tuple(target for target in found if target is not None)


def _target(node: JsonValue) -> XmlTarget | None:
    if isinstance(node, XmlNode):
        return _target_1(node)
    from elementpath.xpath_nodes import AttributeNode, DocumentNode, ElementNode, TextNode

    holder: JsonValue = node.value
    if isinstance(node, DocumentNode):
        return XmlTarget(holder.getroot())
    if isinstance(node, ElementNode):
        return XmlTarget(holder)
    if node.parent is None:
        return None
    if isinstance(node, AttributeNode):
        return XmlTarget(node.parent.value, attribute=node.name)
    return _text(node, node.parent) if isinstance(node, TextNode) else None


def _target_1(node: XmlNode) -> XmlTarget | None:
    """Return the place of a node of XPath 1.0; a text's source is its parent or the element before it."""
    if node.kind == "document":
        root = next(child.source for child in node.children if child.kind == "element")
        return None if root is None else XmlTarget(root)
    if node.source is None or node.parent is None:
        return None
    if node.kind == "attribute":
        return XmlTarget(node.source, attribute=node.name)
    if node.kind == "text":
        after = node.source is not node.parent.source
        return XmlTarget(node.source, text=not after, after=after)
    return XmlTarget(node.source) if node.kind == "element" else None


def _text(node: JsonValue, parent: JsonValue) -> XmlTarget:
    before: JsonValue = None
    for child in parent.children or ():
        if child is node:
            break
        before = child
    if before is None:
        return XmlTarget(parent.value, text=True)
    return XmlTarget(before.value, after=True)
