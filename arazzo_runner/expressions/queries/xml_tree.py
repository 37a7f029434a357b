"""XML: parsing it safely with lxml, and XPath 1.0's data model (§5) and axes (§2.2) over its trees.

No document type declarations, entities or network; bounded depth and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal as OneOf, Protocol, TypeAlias

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure

Kind: TypeAlias = OneOf["document", "element", "attribute", "namespace", "text", "comment", "processing-instruction"]
XML = "http://www.w3.org/XML/1998/namespace"


class XmlElement(Protocol):
    """The part of an lxml element that is used; lxml has no types."""

    tag: object  # a function for comments and processing instructions
    text: str | None
    tail: str | None
    attrib: dict[str, str]
    nsmap: dict[str | None, str]
    prefix: str | None
    target: str

    def __iter__(self) -> Iterator[XmlElement]:
        """Walk the children."""

    def __delitem__(self, children: slice) -> None:
        """Remove children."""

    def iter(self) -> Iterator[XmlElement]:
        """Walk this element and everything below it."""

    def itersiblings(self, *, preceding: bool = False) -> Iterator[XmlElement]:
        """Walk what comes after this element beside it, or before it, the nearest first."""


def parse_xml(value: JsonValue) -> XmlElement:
    """Return the root element of an XML text (or bytes).

    Raises QueryFailure for anything else, for a document type declaration (security.md: XXE, XML
    bombs) and for what libxml2 refuses: more than 256 levels, texts above 10 MB.
    """
    from lxml import etree

    if not isinstance(value, (str, bytes)):
        raise QueryFailure(f"the context is JSON ({type_name(value)}), not XML")
    if not value.strip():
        raise QueryFailure("the context is empty, not XML")
    _refuse_doctype(value)
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    options["collect_ids"] = False  # otherwise a repeated xml:id is an error
    try:
        if isinstance(value, bytes):
            root: XmlElement = etree.fromstring(value, etree.XMLParser(**options))
        else:  # already decoded, whatever encoding its declaration names
            root = etree.fromstring(
                value.lstrip("\ufeff \t\r\n").encode(), etree.XMLParser(encoding="utf-8", **options)
            )
    except (etree.XMLSyntaxError, UnicodeEncodeError) as problem:
        raise QueryFailure(f"the context is not XML: {problem}") from None
    return root


def write_xml(root: XmlElement, source: str) -> str:
    """Return a tree as text, with everything before the root element as in `source`."""
    from lxml import etree

    written = [etree.tostring(part, encoding="unicode", with_tail=False) for part in (root, *root.itersiblings())]
    return source[: _prolog_end(source)] + "".join(written) + source[len(source.rstrip()) :]


def _refuse_doctype(value: str | bytes) -> None:
    if isinstance(value, str):
        text = value
    else:  # enough for the prolog: its markup is ASCII in every encoding but the 16-bit ones
        text = value.replace(b"\0", b"").decode("latin-1").removeprefix("ï»¿").removeprefix("ÿþ").removeprefix("þÿ")
    if text.startswith("<!DOCTYPE", _prolog_end(text)):
        raise QueryFailure("the context has a document type declaration (<!DOCTYPE), which is not read")


def _prolog_end(text: str) -> int:
    """Return where the root element or DOCTYPE begins, after declaration, comments and instructions."""
    place = 0
    while True:
        while place < len(text) and text[place] in "\ufeff \t\r\n":
            place += 1
        for opening, closing in (("<?", "?>"), ("<!--", "-->")):
            if text.startswith(opening, place):
                end = text.find(closing, place)
                place = len(text) if end < 0 else end + len(closing)
                break
        else:
            return place


class XmlNode:
    """A node. `place` is its document order; `source` its lxml element, for a text the one before it or around it."""

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
    """The nodes of a document, without attributes and namespaces, in document order; the document is first."""

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

        if source.tag is etree.Entity:  # not expanded; cannot occur without a DOCTYPE
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
    # The children of its element follow an attribute or namespace.
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
"""The nodes of each axis, in its order: the nearest first."""
