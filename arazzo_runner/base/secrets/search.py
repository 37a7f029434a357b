"""Find thousands of secrets in a text at once, in time linear in the text; secrets can be added at any time.

An Aho-Corasick automaton would have to be rebuilt whenever a response brings a secret, and needs a
node per character of secrets of megabytes. This index has four grams of each secret's head: every
secret that occurs in a text has one of them at an offset divisible by four.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final, NamedTuple

from arazzo_runner.base.patterns import pattern

HEAD: Final = 8  # the length of the shortest secret
LONGEST_NEED: Final = 256
_GRAM, _STRIDE = 5, 4  # a gram at a multiple of the stride lies within every head: _GRAM + _STRIDE - 1 == HEAD
_FEW = 48  # up to this many secrets, `str.find` for each is faster than looking up every gram
_LONGEST_OVERLAP = 4096
_ELLIPSIS = "…"
_CUT_ESCAPE = pattern(r"(?:\\(?:[uU][0-9a-fA-F]{0,7}|x[0-9a-fA-F]?)?|%[0-9a-fA-F]?|&#?[0-9A-Za-z]{0,8})\Z")


class Hit(NamedTuple):
    """Where a secret, or the beginning of one, occurs in a text."""

    start: int
    end: int
    secret: str


class SecretIndex:
    """An index of secrets; a secret has at least HEAD characters.

    Of a secret longer than LONGEST_NEED, a prefix of at least that length is a hit too: half a token
    must not be shown, and comparing is bounded.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._offsets: dict[str, tuple[int, ...]] = {}
        self._secrets: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._secrets)

    def add(self, secret: str) -> None:
        """Add a secret."""
        if secret in self._secrets:
            return
        self._secrets[secret] = None
        head = secret[:HEAD]
        group = self._groups.get(head)
        if group is None:
            group = self._groups[head] = _Group()
            for offset in range(_STRIDE):
                gram = head[offset : offset + _GRAM]
                known = self._offsets.get(gram, ())
                if offset not in known:
                    self._offsets[gram] = (*known, offset)
        group.add(secret)

    def hits(self, text: str) -> Iterator[Hit]:
        """Yield the hits in a text; they may overlap."""
        if len(text) >= HEAD:
            yield from self._each(text) if len(self._secrets) <= _FEW else self._all(text)
            if _ELLIPSIS in text:
                yield from self._cut_short(text)

    def _each(self, text: str) -> Iterator[Hit]:
        for secret in self._secrets:
            need = secret[:LONGEST_NEED]
            place = text.find(need)
            while place >= 0:
                end = place + _agreement(text, place, secret, len(secret))
                yield Hit(place, end, secret)
                place = text.find(need, end)

    def _all(self, text: str) -> Iterator[Hit]:
        places, groups = self._places(text), self._groups
        reached = 0
        for index, place in enumerate(places):
            found = None if place < reached else groups[text[place : place + HEAD]].at(text, place, 0)
            if found is not None:
                yield found._replace(secret=self._named(text, found))
                reached = found.end
                for more in self._overlaps(text, places, index + 1, reached):
                    yield more
                    reached = more.end

    def _places(self, text: str) -> list[int]:
        """Return the positions of secrets' heads in a text."""
        offsets, groups = self._offsets, self._groups
        grams = [at for at in range(0, len(text) - _GRAM + 1, _STRIDE) if text[at : at + _GRAM] in offsets]
        places = [at - offset for at in grams for offset in offsets[text[at : at + _GRAM]] if at >= offset]
        places.sort()
        return [place for place in places if text[place : place + HEAD] in groups]

    def _overlaps(self, text: str, places: list[int], first: int, end: int) -> Iterator[Hit]:
        """Yield hits that begin before `end` and go beyond it, each beyond the one before.

        Tries the last positions first: in a repetitive text a few then reach as far as all of them.
        """
        seen = bisect_left(places, end, first)
        waiting = [(first, seen)]
        while waiting:
            first, last = waiting.pop()
            for index in range(last - 1, first - 1, -1):
                found = self._at(text, places[index], beyond=end)
                if found is not None and found.end > end:
                    yield found
                    end, new = found.end, bisect_left(places, found.end, seen)
                    waiting += [(first, index), (seen, new)]
                    seen = new
                    break

    def _at(self, text: str, place: int, beyond: int) -> Hit | None:
        found = self._groups[text[place : place + HEAD]].at(text, place, beyond)
        return None if found is None else found._replace(secret=self._named(text, found))

    def _named(self, text: str, found: Hit) -> str:
        """Return the secret that equals a hit's text, else the hit's own."""
        exact = text[found.start : found.end] if found.end - found.start <= _LONGEST_OVERLAP else found.secret
        return exact if exact in self._secrets else found.secret

    def _cut_short(self, text: str) -> Iterator[Hit]:
        """Yield prefixes of secrets that a preview has cut short with an ellipsis."""
        before, ellipsis = 0, text.find(_ELLIPSIS)
        while ellipsis >= 0:
            # A longer prefix is found without its ellipsis.
            for place in range(max(before, ellipsis - LONGEST_NEED - HEAD), ellipsis - HEAD + 1):
                group = self._groups.get(text[place : place + HEAD])
                secret = None if group is None else group.continuing(text[place:ellipsis])
                if secret is not None:
                    yield Hit(place, ellipsis + 1, secret)
                    break
            before, ellipsis = ellipsis + 1, text.find(_ELLIPSIS, ellipsis + 1)


class _Group:
    """The secrets with the same head."""

    def __init__(self) -> None:
        self._secrets: list[str] = []  # sorted: those most like a text are neighbours
        self._needs: list[str] = []  # prefixes of which a text must have one; none is a prefix of another
        self._most = 0  # the length of the longest

    def add(self, secret: str) -> None:
        insort(self._secrets, secret)
        self._most = max(self._most, len(secret))
        need = secret[:LONGEST_NEED]
        index = bisect_right(self._needs, need)
        if index and need.startswith(self._needs[index - 1]):
            return
        last = index
        while last < len(self._needs) and self._needs[last].startswith(need):
            last += 1
        self._needs[index:last] = [need]

    def at(self, text: str, place: int, beyond: int) -> Hit | None:
        """Return the hit at a position of a text, None if there is none or it cannot reach beyond `beyond`.

        A hit that begins before `beyond` overlaps another one: compare a bounded length only.
        """
        most = min(self._most, _LONGEST_OVERLAP) if place < beyond else len(text)
        if place + most <= beyond or (place < beyond and self._beginning_with(text[place : beyond + 1]) is None):
            return None
        index = bisect_right(self._needs, text[place : place + LONGEST_NEED]) if len(self._needs) > 1 else 1
        if not index or not text.startswith(self._needs[index - 1], place):
            return None
        length, secret = self._longest(text, place, most)
        return Hit(place, place + length, secret)

    def _longest(self, text: str, place: int, most: int) -> tuple[int, str]:
        """Return the longest common prefix of a text, from a position on, with a secret, and the secret."""
        if len(self._secrets) == 1:
            return _agreement(text, place, self._secrets[0], most), self._secrets[0]
        size = LONGEST_NEED
        while True:
            # The secrets with the longest common prefixes are next to where the text would be inserted.
            index = bisect_left(self._secrets, text[place : place + size])
            near = self._secrets[max(0, index - 1) : index + 1]
            found = max((_agreement(text, place, each, most), each) for each in near)
            if found[0] < size or size >= most:
                return found
            size *= 8

    def continuing(self, beginning: str) -> str | None:
        """Return a secret with this prefix, ignoring an escape that is cut at its end."""
        cut = _CUT_ESCAPE.search(beginning)
        for text in (beginning,) if cut is None or cut.start() < HEAD else (beginning, beginning[: cut.start()]):
            secret = self._beginning_with(text)
            if secret is not None:
                return secret
        return None

    def _beginning_with(self, text: str) -> str | None:
        index = bisect_left(self._secrets, text)
        return self._secrets[index] if index < len(self._secrets) and self._secrets[index].startswith(text) else None


def _agreement(text: str, place: int, secret: str, most: int) -> int:
    """Return the length of the common prefix of a secret and a text from a position on."""
    end = min(len(secret), len(text) - place, most)
    known, step = 0, LONGEST_NEED
    while known < end:
        size = min(step, end - known)
        if text.startswith(secret[known : known + size], place + known):
            known, step = known + size, 2 * step
        elif size == 1:
            break
        else:
            end, step = known + size - 1, max(1, size // 2)
    return known
