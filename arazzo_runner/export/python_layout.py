"""Python text: strings, names and nested brackets, laid out as formatters of Python do."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import unused_name, words_of
from arazzo_runner.base.records import Record

WIDTH: Final = 88
"""The longest line, as formatters have it by default."""
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Group(Record):
    """Brackets with items between commas: a call, a list, a mapping."""

    opening: str
    items: tuple[Code, ...]
    closing: str


class Prefixed(Record):
    """Code behind a text: `name=…`, `"key": …`."""

    prefix: str
    code: Code


Code: TypeAlias = str | Group | Prefixed


def quoted(text: str) -> str:
    r"""Return a text as a literal of Python, whatever it has: in double quotes, unless it has some.

    >>> print(quoted('a "b"\n'), quoted("it's é"))
    'a "b"\n' "it's é"
    """
    quote = quote_for(text)
    return quote + inside(text, quote) + quote


def quote_for(*texts: str) -> str:
    """Return the quotes that formatters of Python choose: double ones, unless single ones need fewer escapes."""
    whole = "".join(texts)
    return "'" if '"' in whole and "'" not in whole else '"'


def inside(text: str, quote: str) -> str:
    """Return a text as it is written between quotes."""
    return "".join(each if each in "\"'" and each != quote else _character(each) for each in text)


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def constant(value: JsonValue) -> Code:
    """Return a JSON value as Python."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return mapping((quoted(name), constant(item)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return Group("[", tuple(map(constant, value)), "]")
    return repr(value)


def mapping(members: Iterable[tuple[str, Code]]) -> Group:
    """Return a literal of a dict; the keys are code."""
    return Group("{", tuple(Prefixed(f"{name}: ", code) for name, code in members), "}")


def call(name: str, *arguments: Code, **named: Code) -> Group:
    """Return a call."""
    return Group(f"{name}(", (*arguments, *(Prefixed(f"{key}=", code) for key, code in named.items())), ")")


def flat(code: Code) -> str:
    """Return code in one line."""
    if isinstance(code, str):
        return code
    if isinstance(code, Prefixed):
        return code.prefix + flat(code.code)
    return code.opening + ", ".join(map(flat, code.items)) + code.closing


def lay(code: Code, indent: int = 0, before: str = "", after: str = "") -> list[str]:
    """Return code as lines; `before` and `after` are texts around it, as `x = ` and `,`."""
    margin = " " * indent
    line = f"{margin}{before}{flat(code)}{after}"
    if isinstance(code, str) or len(line) <= WIDTH:
        return [line]
    if isinstance(code, Prefixed):
        return lay(code.code, indent, before + code.prefix, after)
    if not code.items:
        return [line]
    lines = [f"{margin}{before}{code.opening}"]
    for item in code.items:
        lines += lay(item, indent + 4, after=",")
    return [*lines, f"{margin}{code.closing}{after}"]


def plain_text(text: str) -> str:
    """Return a text for a docstring: one line, without what could end or change it."""
    return " ".join(_printable(text).split()).replace("\\", "\\\\").replace('"', "'")


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def comment(text: str, indent: int = 0) -> list[str]:
    """Return a text as comments, whatever line breaks it has."""
    margin = " " * indent
    words, lines, line = _printable(text).split(), list[str](), ""
    for word in words:
        if line and len(margin) + len(line) + len(word) + 3 > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [f"{margin}# {each}" for each in [*lines, line] if each]


class Names:
    """Names of Python for the ids of a document: in snake case, each once."""

    def __init__(self, *taken: str) -> None:
        self._taken = {*taken, *keyword.kwlist, *keyword.softkwlist}
        self._known: dict[object, str] = {}

    def of(self, key: object, wanted: str) -> str:
        """Return the name for a key, that is like `wanted`."""
        if key not in self._known:
            name = unused_name(snake(wanted), self._taken, "_")
            self._taken.add(name)
            self._known[key] = name
        return self._known[key]


def snake(text: str) -> str:
    """Return a text as a name in snake case.

    >>> snake("rotate-refreshToken"), snake("2 things"), snake("é")
    ('rotate_refresh_token', 'x_2_things', 'x')
    """
    plain = "_".join(words_of(text)).lower()
    return plain if plain and plain[0].isalpha() else f"x_{plain}".rstrip("_")
