"""XPath 1.0's data model (§5) over an lxml tree: its nodes in document order, and the axes (§2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.expressions.queries.budget import Budget
from arazzo_runner.expressions.queries.xml_text import XmlElement

Kind: TypeAlias = OneOf["document", "element", "attribute", "namespace", "text", "comment", "processing-instruction"]
XML = "http://www.w3.org/XML/1998/namespace"


class XmlNode:
    """A node. `place` orders it in its document; `source` is the lxml element it is of, or for a text stands behind."""

    __slots__ = ("attributes", "children", "end", "kind", "name", "parent", "place", "source", "tree", "value")

    def __init__(self, tree: XmlTree, kind: Kind, parent: XmlNode | None, source: XmlElement | None) -> None:
        self.tree = tree
        self.kind: Kind = kind
        self.parent = parent
        self.source = source
        self.place: tuple[int, int] = (0, 0)
        self.end = 0
        self.name: str | None = None
        self.value = ""
        self.children: list[XmlNode] = []
        self.attributes: list[XmlNode] = []

    @property
    def string_value(self) -> str:
        """The text of the node, of an element and the document of all below (§5)."""
        if self.kind not in ("element", "document"):
            return self.value
        below = self.tree.nodes[self.place[0] : self.end]
        return "".join(node.value for node in below if node.kind == "text")

    @property
    def namespace(self) -> str:
        """The namespace of the node's name, empty for none."""
        return self.name[1:].partition("}")[0] if self.name is not None and self.name.startswith("{") else ""

    @property
    def local_name(self) -> str:
        """The name without its namespace, empty for none."""
        return "" if self.name is None else self.name.rpartition("}")[2]

    def namespaces(self) -> list[XmlNode]:
        """Return the namespace nodes of an element (§5.4), the same ones each time."""
        if self.kind != "element" or self.source is None:
            return []
        made = self.tree.namespace_nodes.get(self.place[0])
        if made is None:
            declared = {prefix or "": uri for prefix, uri in self.source.nsmap.items() if uri} | {"xml": XML}
            made = [_named(self, "namespace", prefix, uri, 1 + at) for at, (prefix, uri) in enumerate(declared.items())]
            self.tree.namespace_nodes[self.place[0]] = made
        return made


class XmlTree:
    """All nodes of a document but attributes and namespaces, in document order; the first is the document."""

    def __init__(self, root: XmlElement, budget: Budget) -> None:
        self.nodes: list[XmlNode] = []
        self.namespace_nodes: dict[int, list[XmlNode]] = {}
        self._budget = budget
        document = self._added(XmlNode(self, "document", None, None))
        for source in (*reversed(list(root.itersiblings(preceding=True))), root, *root.itersiblings()):
            self._add(source, document)
        document.end = len(self.nodes)

    def _add(self, source: XmlElement, parent: XmlNode) -> None:
        if not isinstance(source.tag, str):
            self._add_leaf(source, parent)
            return
        node = self._added(XmlNode(self, "element", parent, source))
        node.name = source.tag
        node.attributes = [
            _named(node, "attribute", name, value, 100_000 + at)
            for at, (name, value) in enumerate(source.attrib.items())
        ]
        self._budget.spend(len(node.attributes))
        self._add_text(source.text, node, source)
        for child in source:
            self._add(child, node)
            self._add_text(child.tail, node, child)
        node.end = len(self.nodes)

    def _add_leaf(self, source: XmlElement, parent: XmlNode) -> None:
        from lxml import etree

        if source.tag is etree.Entity:  # none is expanded, so none is left in a tree without DOCTYPE
            return
        comment = source.tag is etree.Comment
        node = self._added(XmlNode(self, "comment" if comment else "processing-instruction", parent, source))
        node.name = None if comment else source.target
        node.value = source.text or ""
        node.end = len(self.nodes)

    def _add_text(self, text: str | None, parent: XmlNode, source: XmlElement) -> None:
        if text:
            node = self._added(XmlNode(self, "text", parent, source))
            node.value = text
            node.end = len(self.nodes)

    def _added(self, node: XmlNode) -> XmlNode:
        self._budget.spend()
        node.place = (len(self.nodes), 0)
        self.nodes.append(node)
        if node.parent is not None:
            node.parent.children.append(node)
        return node


def _named(parent: XmlNode, kind: Kind, name: str, value: str, rank: int) -> XmlNode:
    node = XmlNode(parent.tree, kind, parent, parent.source)
    node.name, node.value, node.place = name, value, (parent.place[0], rank)
    return node


def _ancestors(node: XmlNode) -> list[XmlNode]:
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def _siblings(node: XmlNode) -> list[XmlNode]:
    among = node.parent is not None and node.kind not in ("attribute", "namespace")
    return node.parent.children if among and node.parent is not None else []


def _following_siblings(node: XmlNode) -> Iterable[XmlNode]:
    return (sibling for sibling in _siblings(node) if sibling.place > node.place)


def _preceding_siblings(node: XmlNode) -> Iterable[XmlNode]:
    return (sibling for sibling in reversed(_siblings(node)) if sibling.place < node.place)


def _descendants(node: XmlNode) -> Sequence[XmlNode]:
    return node.tree.nodes[node.place[0] + 1 : node.end]


def _following(node: XmlNode) -> Sequence[XmlNode]:
    # What follows an attribute or namespace begins with its element's children.
    return node.tree.nodes[node.end or node.place[0] + 1 :]


def _preceding(node: XmlNode) -> Iterable[XmlNode]:
    above = set(_ancestors(node))
    return (other for other in reversed(node.tree.nodes[: node.place[0]]) if other not in above)


AXES: Final[dict[str, Callable[[XmlNode], Iterable[XmlNode]]]] = {
    "ancestor": _ancestors,
    "ancestor-or-self": lambda node: [node, *_ancestors(node)],
    "attribute": lambda node: node.attributes,
    "child": lambda node: node.children,
    "descendant": _descendants,
    "descendant-or-self": lambda node: [node, *_descendants(node)],
    "following": _following,
    "following-sibling": _following_siblings,
    "namespace": lambda node: node.namespaces(),
    "parent": lambda node: [] if node.parent is None else [node.parent],
    "preceding": _preceding,
    "preceding-sibling": _preceding_siblings,
    "self": lambda node: [node],
}
"""The nodes of each axis, in its own order: the nearest first."""
