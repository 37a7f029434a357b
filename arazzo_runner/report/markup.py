"""HTML and XML elements and Markdown written by hand; foreign text in them is harmless (see escaping)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape as html_escape
from xml.sax.saxutils import escape as xml_escape, quoteattr

from arazzo_runner.base.patterns import pattern
from arazzo_runner.report.escaping import lines, one_line

_SPECIAL = pattern(r"([\\`*_{}\[\]()#+\-.!|~>@:/$^=])")
_VOID = frozenset({"meta", "rect", "path", "line", "circle"})


def words(text: object) -> str:
    """Return foreign text of one line as HTML."""
    return html_escape(one_line(str(text)))


def block(text: str) -> str:
    """Return foreign text of several lines as HTML, for an element that keeps white space."""
    return html_escape("\n".join(lines(text)))


def tag(name: str, /, *children: str, **attributes: object) -> str:
    """Return an HTML or SVG element; children are markup already, attributes are escaped, None and False left out.

    >>> tag("a", words("1 < 2"), href="#x", class_=None)
    '<a href="#x">1 &lt; 2</a>'
    """
    shown = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{words(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return f"<{name}{shown}>" if name == "meta" else f"<{name}{shown}/>"
    return f"<{name}{shown}>{''.join(children)}</{name}>"


def xml_element(name: str, attributes: Mapping[str, object], children: str = "") -> str:
    """Return an XML element; children are markup already, attributes that are None are left out."""
    shown = "".join(
        f" {key}={quoteattr(one_line(str(value)))}" for key, value in attributes.items() if value is not None
    )
    return f"<{name}{shown}>{children}</{name}>" if children else f"<{name}{shown}/>"


def xml_text(value: str) -> str:
    """Return foreign text of several lines as XML; control characters are escaped, as XML 1.0 cannot hold them."""
    return xml_escape("\n".join(lines(value)))


def markdown_text(text: object) -> str:
    """Escape foreign text for Markdown and HTML.

    >>> markdown_text("<b>*x*</b> |@all")
    '&lt;b&gt;\\\\*x\\\\*&lt;\\\\/b&gt; \\\\|\\\\@all'
    """
    escaped = _SPECIAL.sub(r"\\\1", one_line(str(text)).replace("&", "\0").replace("<", "\1"))
    return escaped.replace("\\>", "&gt;").replace("\0", "&amp;").replace("\1", "&lt;")
