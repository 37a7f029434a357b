"""The values that answers gave, found by their text: where each one is, and whether it came from there first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

from arazzo_runner.base.json_values import JsonValue, escaped, to_text
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.secrets import SECRET_HEADERS
from arazzo_runner.generate.recording.exchange import Exchange
from arazzo_runner.generate.recording.names import agree, is_secret, singular, words_of
from arazzo_runner.sources.http_media.media_types import is_xml

Where: TypeAlias = Literal["body", "header", "unreachable"]
"""`unreachable`: in a text of which no expression can take a part, such as HTML or a Location header."""

MINIMUM: Final = 6
SMALLEST: Final = 1000
_LONGEST: Final = 8192
_MOST_LEAVES: Final = 20_000
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_WORDY: Final = re.compile(r"[^\W\d_]+([ \-_/.,:;!?'&()]+[^\W\d_]+)*[.!?]?")
_LOOKED_AT: Final = 200
_MOST_SENT: Final = 200_000
_SHORT_ID: Final = 3
_KINDS_OF_ID: Final = ("id", "uuid", "key", "name", "code", "number")
_MIXED: Final = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9_-]+")
_PIECE: Final = re.compile(r"[A-Za-z0-9_.~+=-]{6,}")
_NO_VALUE: Final = frozenset(
    {
        *("date", "server", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection"),
        *("cache-control", "vary", "expires", "keep-alive", "set-cookie", "strict-transport-security", "alt-svc"),
        *("last-modified", "age", "via", "pragma", "allow", "accept-ranges", "x-frame-options", "nel", "report-to"),
    }
)


class Found(Record, kw_only=True):
    """A value of an answer: the number of its call, where it is, and the name beside it there."""

    call: int
    where: Where
    at: str
    name: str
    value: JsonValue
    nouns: frozenset[str] = frozenset()

    @property
    def expression(self) -> str:
        """The expression for it in the outputs of its step."""
        if self.where == "header":
            return f"$response.header.{self.at}"
        return "$response.body" if self.at == "" else f"$response.body#{self.at}"

    @property
    def depth(self) -> int:
        """How deep it is in its answer."""
        return self.at.count("/") + (self.where == "header")


class Answers(MutableRecord):
    """The values of the answers, by their texts in the order in which they came."""

    exchanges: Sequence[Exchange]
    secrets: Collection[str] = ()
    by_text: dict[str, list[Found]] = field(default_factory=dict)
    _sent: list[str] = field(default_factory=list)
    _atoms: list[list[tuple[str, str]]] = field(default_factory=list)
    _pieces: list[frozenset[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, each in enumerate(self.exchanges):
            self._sent.append(_sent_text(each))
            self._atoms.append(list(_sent_atoms(each)))
            pieces: set[str] = set()
            for found in _found(number, each):
                if found.where != "unreachable":
                    self.by_text.setdefault(to_text(found.value), []).append(found)
                if isinstance(found.value, str) and len(found.value) > MINIMUM:
                    pieces.update(each for each in _PIECE.findall(unquote(found.value)) if each != found.value)
            self._pieces.append(frozenset(pieces))

    def source(self, text: str, call: int, name: str, nouns: frozenset[str]) -> Found | None:
        """Return the answer that gave a value which the request of a call sent, None if none did.

        `name` is that of the field in the request, `nouns` the things that it is about.
        """
        known = [each for each in self.by_text.get(text, ()) if each.call < call]
        if not known or self._came_from_client(text, known[0].call, name):
            return None
        fitting = [each for each in known if is_telling(each, text, name, nouns)]
        if not fitting:
            return None
        latest = max(each.call for each in fitting)
        last = [each for each in fitting if each.call == latest]
        return min(last, key=lambda each: (not agree(each.name, name), each.where != "body", each.depth))

    def is_secret(self, text: str) -> bool:
        """Return whether requests sent a text as a secret."""
        return text in self.secrets

    def parts(self, text: str, call: int) -> Iterator[tuple[int, int, Found]]:
        """Yield the parts of a text that answers gave, from left to right: start, end, and where it came from."""
        end = 0
        for start, stop in _spans(text):
            if start >= end:
                found = self.source(text[start:stop], call, "", frozenset())
                if found is not None and (start, stop) != (0, len(text)):
                    yield start, stop, found
                    end = stop

    def unreachable(self, text: str, call: int) -> int | None:
        """Return the latest call before one whose answer has a text inside a longer one, None if none has."""
        if not is_distinctive(text):
            return None
        having = [number for number in range(call) if text in self._pieces[number]]
        return having[-1] if having and not self._came_from_client(text, having[0], "") else None

    def _came_from_client(self, text: str, call: int, name: str) -> bool:
        """Return whether a request, up to that of the call that answered with it first, had sent it."""
        if len(text) < MINIMUM:
            atoms = (atom for atoms in self._atoms[: call + 1] for atom in atoms)
            return any(sent == text and (not field or agree(field, name)) for field, sent in atoms)
        return any(text in sent for sent in self._sent[: call + 1])


def is_distinctive(text: str) -> bool:
    """Return whether two equal texts of this kind are hardly so by chance: ids and tokens, not words and dates.

    >>> [is_distinctive(each) for each in ("ord_81273", "approved", "2026-11-24", "4711", "2000", "a-1")]
    [True, False, False, True, False, False]
    """
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        number = int(text) if len(text) < 40 else SMALLEST + 1
        return abs(number) >= SMALLEST and number % 100 != 0 and not 1900 <= number <= 2100
    return len(text) >= MINIMUM and not _DATE.fullmatch(text) and (not _WORDY.fullmatch(text) or _is_random(text))


def _is_random(text: str) -> bool:
    """Return whether letters look like a token: long, in one word, with upper case in its middle."""
    text = text[:_LOOKED_AT]
    return (
        len(text) >= 16 and not re.search(r"[ \-_/.,]", text) and re.search(r"[a-z][A-Z].*[a-z][A-Z]", text) is not None
    )


def is_telling(found: Found, text: str, name: str, nouns: frozenset[str]) -> bool:
    """Return whether an answer's value is the one that was sent: by its look, else by the names of both."""
    if is_distinctive(text) or (len(text) >= MINIMUM and is_secret(found.name)):
        return True
    if not name or found.name == "" or not agree(found.name, name):
        return False
    if len(text) >= MINIMUM:
        return True
    if found.name.lower() not in _KINDS_OF_ID:
        return _without_kind(found.name) == _without_kind(name)
    # A short id: of the same kind of thing, or more than a number.
    return bool(found.nouns & nouns) or (len(text) >= _SHORT_ID and bool(_MIXED.fullmatch(text)))


def _without_kind(name: str) -> list[str]:
    words = words_of(name)
    return words[:-1] if len(words) > 1 and words[-1] in _KINDS_OF_ID else words


def nouns_of(path: str, *names: str) -> frozenset[str]:
    """Return what a path and names are about, in the singular: its last literal segment, names without `id`."""
    segments = [each for each in path.split("/") if each and not each.startswith("{")]
    found = {singular(segments[-1]).lower()} if segments else set()
    for name in names:
        words = [word for word in words_of(name) if word not in _KINDS_OF_ID]
        found |= {singular(word) for word in words}
    return frozenset(found)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text that may be values, longer ones first where they begin at the same place."""
    if len(text) > 20_000:
        return
    for match in re.finditer(r"[A-Za-z0-9_.~+/=:-]{4,}", text):
        begin, piece = match.start(), match.group()
        edges = [0, *(each.end() for each in re.finditer(r"[^A-Za-z0-9]+", piece))]
        ends = [*(each.start() for each in re.finditer(r"[^A-Za-z0-9]+", piece)), len(piece)]
        for start in edges[:40]:
            for stop in reversed(ends[:40]):
                if stop - start >= 4:
                    yield begin + start, begin + stop


def _found(number: int, each: Exchange) -> Iterator[Found]:
    path_nouns = nouns_of(each.path)
    if each.has_answer and isinstance(each.answer, (dict, list)):
        for count, (pointer, name, value, inner) in enumerate(leaves(each.answer)):
            if count >= _MOST_LEAVES:
                break
            if _is_value(value):
                nouns = nouns_of("", inner) if inner else path_nouns
                yield Found(call=number, where="body", at=pointer, name=name, value=value, nouns=nouns | path_nouns)
    elif each.has_answer and isinstance(each.answer, (str, int, float)) and not isinstance(each.answer, bool):
        is_markup = is_xml(each.answer_type) or "html" in each.answer_type
        where: Where = "unreachable" if is_markup else "body"
        yield Found(call=number, where=where, at="", name="", value=each.answer)
    for header, value in each.answer_headers:
        lower = header.lower()
        if lower == "set-cookie":
            yield Found(call=number, where="unreachable", at=header, name=header, value=value)
        elif value and is_of_interest(lower):
            yield Found(call=number, where="header", at=header, name=header, value=value, nouns=path_nouns)


def leaves(
    value: JsonValue, pointer: str = "", name: str = "", inner: str = ""
) -> Iterator[tuple[str, str, JsonValue, str]]:
    """Yield each scalar of a JSON value: its JSON Pointer, its name, itself, the name of what it is in."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{pointer}/{escaped(key)}", key, name or inner)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{pointer}/{index}", name, inner)
    else:
        yield pointer, name, value, inner


def is_of_interest(header: str) -> bool:
    """Return whether a header of answers may have a value that requests send later."""
    lower = header.lower()
    return lower not in _NO_VALUE | SECRET_HEADERS and not lower.startswith(("access-control-", "cf-"))


def _is_value(value: JsonValue) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    return not isinstance(value, str) or 0 < len(value) <= _LONGEST


def _sent_atoms(each: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the values that a request sent; those of the path have no name."""
    yield from (("", unquote(segment)) for segment in each.path.split("/") if segment)
    yield from each.query
    if each.body is not None:
        yield from ((name, to_text(value)) for _, name, value, _ in leaves(each.body.value))


def _sent_text(each: Exchange) -> str:
    """Return all that a request sent, as a text in which values are looked for."""
    body = "" if each.body is None else "\n".join(to_text(value) for _, _, value, _ in leaves(each.body.value))
    headers = "\n".join(value for _, value in each.headers)
    query = "\n".join(value for _, value in each.query)
    return f"{unquote(each.url.partition('//')[2].partition('/')[2])}\n{query}\n{headers}\n{body}"[:_MOST_SENT]
