"""Every Diagnostic code there is: each has a page, which `arazzo explain` prints."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


def pages() -> dict[str, Traversable]:
    """Return the pages of all codes, sorted by code."""
    folder = files("arazzo_runner.validation") / "pages"
    if not folder.is_dir():
        return {}
    found = {page.name.removesuffix(".md"): page for page in folder.iterdir() if page.name.endswith(".md")}
    return dict(sorted(found.items()))


def titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the first sentence of the page of each code."""
    known = pages()
    return {code: title(known[code]) for code in codes if code in known}


def title(page: Traversable) -> str:
    """Return the first sentence of a page that is no heading."""
    lines = (line.strip() for line in page.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


@cache
def known_codes() -> frozenset[str]:
    """Return all codes."""
    return frozenset(pages())
