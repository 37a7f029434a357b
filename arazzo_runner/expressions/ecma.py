"""ECMA-262 patterns (ECMA-262 §22.2.1 and Annex B) → the spelling that RE2 and `regex` read."""

from __future__ import annotations

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.patterns import pattern
from arazzo_runner.records import record

_DOT = "[^\n\r\u2028\u2029]"
_DOT_IREGEXP = "[^\n\r]"  # RFC 9485 §5.3
_SPACE = "\\t\\n\\x0b\\x0c\\r \\xa0\ufeff\u2028\u2029\\p{Zs}"
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "v": "\\x0b", "f": "\\x0c"}
_SPECIAL = frozenset("\\^$.|?*+()[]{}-/#&~ ")
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")

# Fixed patterns of our own, each linear: never a document's.
_QUANTIFIER = pattern(r"\{[0-9]+(?:,[0-9]*)?\}")
_GROUP_NAME = pattern(r"\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
_MODIFIERS = pattern(r"\(\?[ims]*(?:-[ims]+)?[:)]")
_PROPERTY = pattern(r"\{\^?(?:(?:Script|sc|Script_Extensions|scx|General_Category|gc)=)?([A-Za-z_]+)\}")
_LONG_CATEGORIES = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Mark": "M",
    "Other": "C",
}


@record(frozen=True, slots=True)
class Translated:
    """A pattern in both spellings; `backtracking`: it holds what RE2 cannot do."""

    for_re2: str
    for_regex: str
    backtracking: bool


def translate(pattern: str, *, iregexp: bool = False) -> Translated:
    """Translate an ECMA-262 pattern, or an I-Regexp (RFC 9485), which is a subset but for its dot.

    Raises ExpressionSyntaxError for escapes and groups that ECMA-262 does not have.
    """
    return _Translator(pattern, _DOT_IREGEXP if iregexp else _DOT).run()


class _Translator:
    def __init__(self, text: str, dot: str) -> None:
        self.text = text
        self.dot = dot
        self.place = 0
        self.parts: list[str | None] = []  # None is the end of the text, which each engine spells its own way
        self.backtracking = False

    def run(self) -> Translated:
        while self.place < len(self.text):
            self._atom()
        re2 = "".join("$" if part is None else part for part in self.parts)
        other = "".join("\\Z" if part is None else part for part in self.parts)
        return Translated(re2, other, self.backtracking)

    def _atom(self) -> None:
        character = self.text[self.place]
        if character == "\\":
            self.parts.append(self._escape(inside=False))
            return
        if character == "[":
            self._class()
            return
        if character == "(":
            self._group()
            return
        if character == "{":
            self._brace()
            return
        self.place += 1
        if character == "$":
            self.parts.append(None)
        else:
            self.parts.append({".": self.dot, "]": "\\]", "}": "\\}"}.get(character, character))

    def _brace(self) -> None:
        quantifier = _QUANTIFIER.match(self.text, self.place)
        # Annex B: a brace that begins no quantifier is an ordinary character.
        written = "\\{" if quantifier is None else quantifier.group()
        self.parts.append(written)
        self.place += 1 if quantifier is None else len(written)

    def _group(self) -> None:
        start = self.place
        if self.text.startswith(_LOOKAROUND, start):
            self.backtracking = True
            end = start + (4 if self.text.startswith("(?<", start) else 3)
            self.parts.append(self.text[start:end])
        elif (named := _GROUP_NAME.match(self.text, start)) is not None:
            end = named.end()
            self.parts.append(f"(?P<{named.group(1)}>")
        elif (modifiers := _MODIFIERS.match(self.text, start)) is not None:
            end = modifiers.end()
            self.parts.append(modifiers.group())
        elif self.text.startswith("(?", start):
            raise ExpressionSyntaxError(f'"{self.text[start : start + 4]}" begins no group of ECMA-262', start, 3)
        else:
            end = start + 1
            self.parts.append("(")
        self.place = end

    # -------------------------------------------------------------- classes

    def _class(self) -> None:
        start = self.place
        self.place += 1
        negated = self.text.startswith("^", self.place)
        self.place += negated
        body: list[str] = []
        while not self.text.startswith("]", self.place):
            if self.place >= len(self.text):
                raise ExpressionSyntaxError("the character class is never closed", start, hint="add ]")
            body.append(self._class_member())
        self.place += 1
        if body:
            self.parts.append(f"[{'^' if negated else ''}{''.join(body)}]")
        else:  # `[]` matches nothing, `[^]` any character
            self.parts.append("(?s:.)" if negated else "[^\\x00-\U0010ffff]")

    def _class_member(self) -> str:
        character = self.text[self.place]
        if character == "\\":
            return self._escape(inside=True)
        self.place += 1
        return "\\" + character if character in "[&~|^" else character

    # -------------------------------------------------------------- escapes

    def _escape(self, *, inside: bool) -> str:
        start = self.place
        letter = self.text[start + 1 : start + 2]
        if not letter:
            raise ExpressionSyntaxError("a backslash ends the pattern", start, hint="write \\\\ for a backslash")
        self.place += 2
        if letter in "dDwW":
            return "\\" + letter
        if letter in "bB":
            return "\\x08" if inside and letter == "b" else "\\" + letter
        if letter == "s":
            return _SPACE if inside else f"[{_SPACE}]"
        if letter == "S":
            return "\\S" if inside else f"[^{_SPACE}]"
        if letter in "pP":
            return self._property(letter, start)
        if letter == "k" or letter in "123456789":
            return self._back_reference(letter, start)
        return self._character(letter, start)

    def _character(self, letter: str, start: int) -> str:
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "0":
            return "\\x00"
        if letter == "c" and self.text[self.place : self.place + 1].isascii() and self.text[self.place :][:1].isalpha():
            self.place += 1
            return f"\\x{ord(self.text[self.place - 1]) % 32:02x}"
        if letter in "xu":
            return _literal(self._code_point(letter, start))
        if letter.isascii() and letter.isalpha():
            message = f'"\\{letter}" is no escape of ECMA-262'
            hint = {"A": "write ^", "z": "write $", "Z": "write $"}.get(letter)
            raise ExpressionSyntaxError(message, start, 2, hint)
        return _literal(ord(letter))

    def _code_point(self, letter: str, start: int) -> int:
        if letter == "u" and self.text.startswith("{", self.place):
            end = self.text.find("}", self.place)
            code = self._hexadecimal(self.place + 1, end if end > 0 else self.place, start)
            self.place = end + 1
            return code
        width = 4 if letter == "u" else 2
        code = self._hexadecimal(self.place, self.place + width, start, width)
        self.place += width
        if 0xD800 <= code < 0xDC00 and self.text.startswith("\\u", self.place):
            low = self._hexadecimal(self.place + 2, self.place + 6, start, 4)
            if 0xDC00 <= low < 0xE000:
                self.place += 6
                return 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF))
        if 0xD800 <= code < 0xE000:
            raise ExpressionSyntaxError("half a surrogate pair is no character", start, 6, "write \\u{X…}")
        return code

    def _hexadecimal(self, start: int, end: int, escape: int, width: int | None = None) -> int:
        digits = self.text[start:end]
        known = digits and len(digits) <= 8 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
        code = int(digits, 16) if known else -1
        if not 0 <= code <= 0x10FFFF or (width is not None and len(digits) != width):
            hint = "write \\uXXXX, \\u{X…} or \\xXX"
            raise ExpressionSyntaxError("this escape names no character", escape, 2, hint)
        return code

    def _property(self, letter: str, start: int) -> str:
        found = _PROPERTY.match(self.text, self.place)
        if found is None:
            raise ExpressionSyntaxError(f"\\{letter} needs a property in braces", start, 2, "write \\p{L}")
        self.place = found.end()
        name = found.group(1)
        return f"\\{letter}{{{_LONG_CATEGORIES.get(name, name)}}}"

    def _back_reference(self, letter: str, start: int) -> str:
        self.backtracking = True
        if letter == "k":
            end = self.text.find(">", self.place)
            name = self.text[self.place + 1 : end]
            if not self.text.startswith("<", self.place) or end < 0 or not name.isidentifier():
                raise ExpressionSyntaxError("\\k needs a group name", start, 2, "write \\k<name>")
            self.place = end + 1
            return f"(?P={name})"
        end = self.place
        while end < len(self.text) and self.text[end] in "0123456789" and end < start + 3:
            end += 1
        number = self.text[start + 1 : end]
        self.place = end
        return f"(?:\\{number})"


def _literal(code: int) -> str:
    character = chr(code)
    if code < 0x20 or 0x7F <= code <= 0xFF:
        return f"\\x{code:02x}"
    return "\\" + character if character in _SPECIAL and character not in "/ #" else character
