"""Where secrets are in a text: as they are, escaped, encoded, or cut short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.secrets.encoded import Views
from arazzo_runner.secrets.search import Hit, SecretIndex
from arazzo_runner.secrets.views import View


class Finder:
    """Finds secrets in texts; secrets may become known at any time."""

    def __init__(self) -> None:
        self._index = SecretIndex()
        self._with_blanks = SecretIndex()  # in forms a blank is a plus
        self._as_given: dict[str, str] = {}
        self._non_ascii = False

    def add(self, secret: str) -> None:
        """Make a secret known."""
        self._index.add(secret)
        self._non_ascii = self._non_ascii or not secret.isascii()
        if " " in secret:
            blank = secret.replace("+", " ")
            self._as_given.setdefault(blank, secret)
            self._with_blanks.add(blank)

    def find(self, text: str) -> list[Hit]:
        """Return the parts of a text that hold secrets, in order; what overlaps is one part, of its longest secret."""
        view = View(text)
        plain = _joined(self._hits(view))
        if plain and plain[0].start == 0 and plain[0].end == len(text):
            return plain
        views = Views([(hit.start, hit.end) for hit in plain], non_ascii=self._non_ascii)
        more = [hit for each in views.of(view) if each is not view for hit in self._hits(each)]
        return _joined([*plain, *more]) if more else plain

    def _hits(self, view: View) -> Iterator[Hit]:
        for start, end, secret in self._index.hits(view.text):
            yield Hit(*view.span(start, end), secret)
        if self._as_given and "+" in view.text:
            for start, end, secret in self._with_blanks.hits(view.text.replace("+", " ")):
                yield Hit(*view.span(start, end), self._as_given.get(secret, secret))


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
