"""HTML written by hand: elements with attributes, every foreign character harmless, no style attribute ever."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from arazzo_runner.report.escaping import lines, one_line

_VOID = frozenset({"meta", "rect", "path", "line", "circle"})


def words(text: object) -> str:
    """Return foreign text of one line as HTML."""
    return escape(one_line(str(text)))


def block(text: str) -> str:
    """Return foreign text of several lines as HTML, for an element that keeps white space."""
    return escape("\n".join(lines(text)))


def tag(name: str, /, *children: str, **attributes: object) -> str:
    """Return an element; children are HTML already, attributes are escaped (`class_`, `aria_label`), None left out.

    >>> tag("a", words("1 < 2"), href="#x", class_=None)
    '<a href="#x">1 &lt; 2</a>'
    """
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{words(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return f"<{name}{told}>" if name == "meta" else f"<{name}{told}/>"
    return f"<{name}{told}>{''.join(children)}</{name}>"


def joined(parts: Iterable[str]) -> str:
    """Return pieces of HTML as one."""
    return "".join(parts)
