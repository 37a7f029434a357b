"""XML of strangers → lxml trees: no DOCTYPE, no entities, no network, bounded depth and size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from arazzo_runner.base.json_values import JsonValue, type_name


class NotXml(Exception):
    """A value is no XML that may be read; the message says why."""


class XmlElement(Protocol):
    """What is used of an lxml element, whose package has no types."""

    tag: object  # of comments and the like, a function
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

    Raises NotXml for anything else, for a document type declaration (security.md: XXE, XML
    bombs) and for what libxml2 refuses: more than 256 levels, texts above 10 MB.
    """
    from lxml import etree

    if not isinstance(value, (str, bytes)):
        raise NotXml(f"the context is JSON ({type_name(value)}), not XML")
    if not value.strip():
        raise NotXml("the context is empty, not XML")
    _refuse_doctype(value)
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    options["collect_ids"] = False  # or an xml:id that comes twice is an error
    try:
        if isinstance(value, bytes):
            root: XmlElement = etree.fromstring(value, etree.XMLParser(**options))
        else:  # the text is decoded already, whatever encoding its declaration names
            root = etree.fromstring(
                value.lstrip("\ufeff \t\r\n").encode(), etree.XMLParser(encoding="utf-8", **options)
            )
    except (etree.XMLSyntaxError, UnicodeEncodeError) as problem:
        raise NotXml(f"the context is not XML: {problem}") from None
    return root


def write_xml(root: XmlElement, source: str) -> str:
    """Return a tree as text, with the declaration and all that stood before the root in `source` as it was."""
    from lxml import etree

    written = [etree.tostring(part, encoding="unicode", with_tail=False) for part in (root, *root.itersiblings())]
    return source[: _prolog_end(source)] + "".join(written) + source[len(source.rstrip()) :]


def _refuse_doctype(value: str | bytes) -> None:
    if isinstance(value, str):
        text = value
    else:  # enough to see the prolog: its markup is ASCII in every encoding but the 16-bit ones
        text = value.replace(b"\0", b"").decode("latin-1").removeprefix("ï»¿").removeprefix("ÿþ").removeprefix("þÿ")
    if text.startswith("<!DOCTYPE", _prolog_end(text)):
        raise NotXml("the context has a document type declaration (<!DOCTYPE), which is not read")


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
