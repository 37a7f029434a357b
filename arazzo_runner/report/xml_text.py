"""XML written by hand: elements with attributes, every foreign character harmless."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from arazzo_runner.report.escaping import lines, one_line


def element(name: str, attributes: Mapping[str, object], children: str = "") -> str:
    """Return an element; attributes that are None are left out."""
    told = "".join(
        f" {key}={quoteattr(one_line(str(value)))}" for key, value in attributes.items() if value is not None
    )
    return f"<{name}{told}>{children}</{name}>" if children else f"<{name}{told}/>"


def text(value: str) -> str:
    """Return a text of several lines as XML content; XML has no way to write most control characters."""
    return escape("\n".join(lines(value)))
