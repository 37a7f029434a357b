"""Every Diagnostic code there is: each has a page, which `arazzo explain` prints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

OPTIONS: Final = {"retry-limits": ("most-retries", "longest-wait")}
"""The rules that have options, with their names."""
_FOLDER = os.path.join(os.path.dirname(__file__), "rules", "pages")


def pages() -> dict[str, Any]:
    """Return the pages of all codes as paths (pathlib), sorted by code."""
    from pathlib import Path  # lazily: most commands need only the names

    return {page.stem: page for page in sorted(Path(_FOLDER).glob("*.md"))}


def titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the first sentence of the page of each code."""
    known = pages()
    return {code: title(known[code]) for code in codes if code in known}


def title(page: Any) -> str:
    """Return the first sentence of a page that is no heading."""
    lines = (line.strip() for line in page.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


@cache
def known_codes() -> frozenset[str]:
    """Return all codes."""
    return frozenset(name.removesuffix(".md") for name in os.listdir(_FOLDER) if name.endswith(".md"))


def codes_with_options() -> dict[str, tuple[str, ...]]:
    """Return all codes, with the names of the options that each has in the configuration."""
    return {code: OPTIONS.get(code, ()) for code in known_codes()}
