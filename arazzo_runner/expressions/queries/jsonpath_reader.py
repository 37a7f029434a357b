"""The characters of a JSONPath: blanks, names, integers, numbers and strings (RFC 9535 §2.1.1, §2.3, §2.3.5.1)."""

from __future__ import annotations

import math
from typing import Final, NoReturn

from arazzo_runner.base.json_values import LONGEST_NUMBER
from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.nodes import ExpressionSyntaxError

MAX_INTEGER: Final = 2**53 - 1  # I-JSON (RFC 7493 §2.2)
_BLANK: Final = " \t\n\r"
_NAME: Final = pattern(r"[A-Za-z_\x80-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\x80-\ud7ff\ue000-\U0010ffff]*")
_INTEGER: Final = pattern(r"-?[0-9]+")
_NUMBER: Final = pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_UNESCAPED: Final = pattern(r"[ !#-&(-\[\]-\ud7ff\ue000-\U0010ffff]*")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\"}
_CODE_UNIT: Final = pattern(r"\\u([0-9A-Fa-f]{4})")
_WITH_HYPHENS: Final = pattern(r"[\w-]+")
# Goessner's draft does not say what a name is: all that means nothing else. In a filter + is an operator.
_LOOSE_NAME: Final = pattern(r"[^\s.\[\]()'\",*?=!<>&|]+")
_LOOSE_NAME_IN_FILTER: Final = pattern(r"[^\s.\[\]()'\",*?=!<>&|+]+")
_LOOSE_INTEGER: Final = pattern(r"-?[0-9]{1,15}(?=\s*[:,\]])")


class Reader:
    """A text and how far it is read. `goessner` accepts the names and strings of that draft."""

    def __init__(self, text: str, *, goessner: bool) -> None:
        self.text = text
        self.place = 0
        self.goessner = goessner

    def fail(self, message: str, offset: int | None = None, length: int = 1, hint: str | None = None) -> NoReturn:
        """Raise the syntax error for an offset, by default the place reached."""
        raise ExpressionSyntaxError(message, self.place if offset is None else offset, length, hint)

    def at(self, *tokens: str) -> bool:
        """Return whether one of the tokens comes next."""
        return self.text.startswith(tokens, self.place)

    def accept(self, token: str) -> bool:
        """Read the token if it comes next."""
        if not self.text.startswith(token, self.place):
            return False
        self.place += len(token)
        return True

    def blank(self) -> None:
        """Skip blanks."""
        while self.place < len(self.text) and self.text[self.place] in _BLANK:
            self.place += 1

    # -------------------------------------------------------------- names and numbers

    def name(self, *, in_filter: bool) -> str:
        """Read a member name written without quotes."""
        loose = _LOOSE_NAME_IN_FILTER if in_filter else _LOOSE_NAME
        found = (loose if self.goessner else _NAME).match(self.text, self.place)
        if found is None:
            self.fail("expected a name, * or [")
        self.place = found.end()
        if not self.goessner and self.at("-"):
            whole = _WITH_HYPHENS.match(self.text, found.start())
            hint = f"write ['{whole.group()}']" if whole is not None else None
            self.fail("a name with a hyphen must be in brackets and quotes", hint=hint)
        return found.group()

    def integer(self) -> int | None:
        """Read the integer of an index or slice; None when none comes next."""
        start = self.place
        found = (_LOOSE_INTEGER if self.goessner else _INTEGER).match(self.text, start)
        if found is None:
            return None
        digits = found.group().removeprefix("-")
        if not self.goessner and digits[0] == "0" and found.group() != "0":
            self.fail("an integer has no leading zeros, and 0 has no sign", start, len(found.group()))
        if len(digits) > 16 or int(digits) > MAX_INTEGER:
            self.fail("the integer is beyond the range of exact integers in JSON", start, len(found.group()))
        self.place = found.end()
        return int(found.group())

    def number(self) -> int | float | None:
        """Read a JSON number; None when none comes next."""
        found = _NUMBER.match(self.text, self.place)
        if found is None:
            return None
        text = found.group()
        if len(text) > LONGEST_NUMBER:
            self.fail("the number has too many digits", length=len(text))
        value = int(text) if text.removeprefix("-").isdigit() else float(text)
        if math.isinf(value):
            self.fail("the number is too large", length=len(text))
        self.place = found.end()
        return value

    # -------------------------------------------------------------- strings

    def string(self) -> str:
        """Read a string in single or double quotes, the quote being next."""
        start, quote = self.place, self.text[self.place]
        parts: list[str] = []
        self.place += 1
        while not self.accept(quote):
            found = _UNESCAPED.match(self.text, self.place)
            assert found is not None  # it matches the empty text too
            if found.group():
                parts.append(found.group())
                self.place = found.end()
            elif self.place >= len(self.text):
                self.fail("the string is never closed", start, len(self.text) - start, f"add {quote}")
            else:
                parts.append(self._special(quote))
        return "".join(parts)

    def _special(self, quote: str) -> str:
        """Read what is not a plain character: an escape, the other quote, or a character to be escaped."""
        character = self.text[self.place]
        if character == "\\":
            return self._escape(quote)
        if character not in "'\"" and not self.goessner:
            self.fail(f"{character!r} must be escaped in a string", hint=f"write \\u{ord(character):04x}")
        self.place += 1
        return character

    def _escape(self, quote: str) -> str:
        unit = self._code_unit(self.place)
        if unit is not None:
            return self._code_point(unit)
        letter = self.text[self.place + 1 : self.place + 2]
        if letter in _ESCAPES or letter == quote or (self.goessner and letter):
            self.place += 2
            return _ESCAPES.get(letter, letter)
        self.fail(f"\\{letter} is not an escape", length=2, hint="write \\\\ for a backslash")

    def _code_point(self, unit: int) -> str:
        """Read `\\uXXXX`; two of them where they are the halves of a surrogate pair."""
        low = self._code_unit(self.place + 6) if 0xD800 <= unit < 0xDC00 else None
        if low is not None and 0xDC00 <= low < 0xE000:
            self.place += 12
            return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
        if 0xD800 <= unit < 0xE000 and not self.goessner:
            self.fail("half a surrogate pair is not a character", length=6)
        self.place += 6
        return chr(unit)

    def _code_unit(self, place: int) -> int | None:
        found = _CODE_UNIT.match(self.text, place)
        return None if found is None else int(found[1], 16)
