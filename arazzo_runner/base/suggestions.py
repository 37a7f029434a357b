"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "did you mean ") -> str | None:
    """Return a hint with the most similar known words, None when none is similar.

    Example: `did_you_mean("getPetz", ["getPet"])` gives `did you mean "getPet"?`.
    """
    import difflib  # lazily: it is slow to import, and only errors need it

    names = list(known)
    by_fold = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), by_fold, n=3, cutoff=0.6)
    if not near:
        return None
    return prefix + " or ".join(f'"{by_fold[name]}"' for name in near) + "?"
