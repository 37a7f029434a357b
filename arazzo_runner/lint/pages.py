"""The page of every Diagnostic code, which `arazzo explain` prints; a code exists if it has a page."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import Any

_FOLDER = os.path.join(os.path.dirname(__file__), "rules", "pages")


def page_of(code: str) -> str:
    """Return the path of the page of a code."""
    return os.path.join(_FOLDER, f"{code}.md")


def pages() -> dict[str, Any]:
    """Return the pages of all codes as paths (pathlib), sorted by code."""
    from pathlib import Path  # lazily: most commands need only the names

    return {page.stem: page for page in sorted(Path(_FOLDER).glob("*.md"))}


def titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the first sentence of the page of each code."""
    known = pages()
    return {code: title(known[code]) for code in codes if code in known}


def title(page: Any) -> str:
    """Return the first sentence of a page, headings aside."""
    lines = (line.strip() for line in page.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


@cache
def known_codes() -> frozenset[str]:
    """Return all codes."""
    return frozenset(name.removesuffix(".md") for name in os.listdir(_FOLDER) if name.endswith(".md"))
