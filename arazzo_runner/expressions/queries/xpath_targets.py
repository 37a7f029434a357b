"""What an XPath selects, as places in an lxml tree that can be written to (payload replacements)."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.queries.budget import Budget
from arazzo_runner.expressions.queries.xml_text import XmlElement
from arazzo_runner.expressions.queries.xml_tree import XmlNode
from arazzo_runner.expressions.queries.xpath import XPath, XPathFailure
from arazzo_runner.expressions.queries.xpath_engine import is_node
from arazzo_runner.expressions.queries.xpath_evaluate import evaluate_xpath


class XmlTarget(Record):
    """An element's content, one of its attributes, or a text: of `element` or, `after`, behind it."""

    element: XmlElement
    attribute: str | None = None
    text: bool = False
    after: bool = False

    def set(self, value: str) -> None:
        """Put a text there; an element loses the children it had.

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
    """Return the places a query selects; none when it gives no nodes, or only comments and the like.

    Raises XPathFailure, TooMuchWork.
    """
    items = evaluate_xpath(query, root, budget, now).items
    if not all(map(is_node, items)):
        raise XPathFailure(f"{query.text} gives a value, not a place in the payload")
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
    """Return the place of a node of XPath 1.0; a text's source is its parent or the element that it stands behind."""
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
