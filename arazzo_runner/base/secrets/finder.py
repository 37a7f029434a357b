"""Find secrets in texts: literal, escaped, encoded, or cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from arazzo_runner.base.secrets.encoded import Views, may_be_decoded
from arazzo_runner.base.secrets.search import Hit, SecretIndex
from arazzo_runner.base.secrets.views import Traits, View

# A secret that ends with the start of an escape hides the next one until it is replaced.
_ROUNDS = 4


class Finder:
    """Finds secrets in texts; secrets can be added at any time."""

    def __init__(self) -> None:
        self._index = SecretIndex()
        self._traits = Traits()

    def add(self, secret: str) -> None:
        """Add a secret."""
        self._index.add(secret)
        self._traits = Traits(self._traits.non_ascii or not secret.isascii(), self._traits.blanks or " " in secret)

    def replaced(self, text: str, replacement: Callable[[Hit], str]) -> str:
        """Return a text with every secret replaced by `replacement(hit)`."""
        for _ in range(_ROUNDS):
            found = self._found(text)
            if not found:
                break
            parts, place = [], 0
            for hit in found:
                parts += [text[place : hit.start], replacement(hit)]
                place = hit.end
            text = "".join([*parts, text[place:]])
        return text

    def _found(self, text: str) -> list[Hit]:
        """Return the hits in a text in order; overlapping ones are merged into one of the longest secret."""
        view = View(text)
        plain = _joined(self._hits(view))
        is_hidden = bool(plain) and plain[0].start == 0 and plain[0].end == len(text)
        if is_hidden or not may_be_decoded(text):
            return plain
        views = Views([(hit.start, hit.end) for hit in plain], self._traits)
        more = [hit for each in views.of(view) if each is not view for hit in self._hits(each)]
        return _joined([*plain, *more]) if more else plain

    def _hits(self, view: View) -> Iterator[Hit]:
        for start, end, secret in self._index.hits(view.text):
            yield Hit(*view.span(start, end), secret)


def _joined(hits: Iterable[Hit]) -> list[Hit]:
    found: list[Hit] = []
    for hit in sorted(hits):
        if not found or hit.start >= found[-1].end:
            found.append(hit)
            continue
        last = found[-1]
        longer = hit if hit.end - hit.start > last.end - last.start else last
        found[-1] = Hit(last.start, max(last.end, hit.end), longer.secret)
    return found
