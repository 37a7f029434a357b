"""Text inside XML: escaped as character data or as an attribute value, and the characters that XML lacks."""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.patterns import pattern

# `xml:` is the only prefix that needs no declaration (Namespaces in XML 1.0 §3).
XML_NAME: Final = pattern(r"(?:xml:)?[^\W\d][\w.\-]*")
NO_XML: Final = pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""The characters that XML 1.0 cannot contain, not even escaped."""


def escape(text: str) -> str:
    """Escape text for XML (xml.sax.saxutils does the same, but its import costs 10 ms)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def escape_attribute(text: str) -> str:
    """Escape text for an attribute value in quotes of either kind."""
    quoted = escape(text).replace('"', "&quot;").replace("'", "&apos;")
    return quoted.replace("\n", "&#10;").replace("\t", "&#9;")


def quoteattr(text: str) -> str:
    """Return text as a quoted XML attribute value."""
    return f'"{escape_attribute(text).replace("&apos;", chr(39))}"'
