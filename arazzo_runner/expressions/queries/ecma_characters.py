"""Characters, escapes and classes of ECMA-262 patterns → the spelling that RE2 and `regex` share.

They are parsed as under the flag `u`, as JSON Schema 2020-12 §6.4 recommends: a character is a
code point, `\\p{…}` is a property (ECMA-262 §22.2.2.9.7, tables 66-68). Forms of Annex B that are
errors under `u` but have one meaning are accepted; forms that engines interpret differently are not.
"""

from __future__ import annotations

import functools
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.ecma_nodes import Single

DOT: Final = Single("[^\n\r\u2028\u2029]", 21)
DOT_IREGEXP: Final = Single("[^\n\r]", 12)  # RFC 9485 §5.3
ANY: Final = Single("(?s:.)", 12)
NOTHING: Final = Single("[^\\x00-\U0010ffff]", 1)

_DIGIT: Final = "0-9"
_NO_DIGIT: Final = "\\x00-/:-\U0010ffff"
_WORD: Final = "0-9A-Z_a-z"
_NO_WORD: Final = "\\x00-/:-@\\[-\\^`{-\U0010ffff"
# Under `iu`, ſ and the Kelvin sign are word characters: they fold to s and k (ECMA-262 §22.2.2.9.3).
_NO_WORD_CASELESS: Final = "\\x00-/:-@\\[-\\^`{-\u017e\u0180-\u2129\u212b-\U0010ffff"
_SPACE: Final = "\\t-\\r \\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_SPACE: Final = (
    "\\x00-\\x08\\x0e-\\x1f!-\\x9f\\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    "\u3001-\ufefe\uff00-\U0010ffff"
)
_SETS: Final = {"d": (_DIGIT, 1), "D": (_NO_DIGIT, 12), "w": (_WORD, 4), "W": (_NO_WORD, 16),
                "s": (_SPACE, 20), "S": (_NO_SPACE, 60)}  # fmt: skip
_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}-#&~ ")
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


_CATEGORIES: Final = {
    "Other": "C", "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Unassigned": "Cn", "Private_Use": "Co",
    "Surrogate": "Cs", "Letter": "L", "Cased_Letter": "LC", "Lowercase_Letter": "Ll", "Modifier_Letter": "Lm",
    "Other_Letter": "Lo", "Titlecase_Letter": "Lt", "Uppercase_Letter": "Lu", "Mark": "M", "Combining_Mark": "M",
    "Spacing_Mark": "Mc", "Enclosing_Mark": "Me", "Nonspacing_Mark": "Mn", "Number": "N", "Decimal_Number": "Nd",
    "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P",
    "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Close_Punctuation": "Pe", "Final_Punctuation": "Pf",
    "Initial_Punctuation": "Pi", "Other_Punctuation": "Po", "Open_Punctuation": "Ps", "Symbol": "S",
    "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Math_Symbol": "Sm", "Other_Symbol": "So", "Separator": "Z",
    "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Space_Separator": "Zs",
}  # fmt: skip
# RE2 has no property of unassigned characters, nor of upper-, lower- and titlecase letters together.
_NOT_IN_RE2: Final = frozenset({"C", "Cn", "Cs", "LC"})
_BINARY: Final = frozenset({
    "ASCII", "ASCII_Hex_Digit", "AHex", "Alphabetic", "Alpha", "Any", "Assigned", "Bidi_Control", "Bidi_C",
    "Bidi_Mirrored", "Bidi_M", "Case_Ignorable", "CI", "Cased", "Changes_When_Casefolded", "CWCF",
    "Changes_When_Casemapped", "CWCM", "Changes_When_Lowercased", "CWL", "Changes_When_Titlecased", "CWT",
    "Changes_When_Uppercased", "CWU", "Dash", "Default_Ignorable_Code_Point", "DI", "Deprecated", "Dep",
    "Diacritic", "Dia", "Emoji", "Emoji_Component", "EComp", "Emoji_Modifier", "EMod", "Emoji_Modifier_Base",
    "EBase", "Emoji_Presentation", "EPres", "Extended_Pictographic", "ExtPict", "Extender", "Ext", "Grapheme_Base",
    "Gr_Base", "Grapheme_Extend", "Gr_Ext", "Hex_Digit", "Hex", "IDS_Binary_Operator", "IDSB",
    "IDS_Trinary_Operator", "IDST", "ID_Continue", "IDC", "ID_Start", "IDS", "Ideographic", "Ideo", "Join_Control",
    "Join_C", "Logical_Order_Exception", "LOE", "Lowercase", "Lower", "Math", "Noncharacter_Code_Point", "NChar",
    "Pattern_Syntax", "Pat_Syn", "Pattern_White_Space", "Pat_WS", "Quotation_Mark", "QMark", "Radical",
    "Regional_Indicator", "RI", "Sentence_Terminal", "STerm", "Soft_Dotted", "SD", "Terminal_Punctuation", "Term",
    "Unified_Ideograph", "UIdeo", "Uppercase", "Upper", "Variation_Selector", "VS", "White_Space", "space",
    "XID_Continue", "XIDC", "XID_Start", "XIDS",
})  # fmt: skip
_WEIGHT: Final = 800
_VALUE: Final = pattern(r"[A-Z][A-Za-z_]{1,40}")


class Characters:
    """Parses one character, escape or class at a time; `place` is the offset of the next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.caseless = False
        self._unicode = ""  # a form that has its meaning only under the flag u
        self._legacy: tuple[str, int] | None = None  # a form that is an error under it

    def legacy(self, start: int, end: int) -> None:
        """Note a form of Annex B, which is an error under the flag u."""
        self._legacy = self._legacy or (self.text[start:end], start)

    def check(self) -> None:
        """Raise ExpressionSyntaxError if the text needs the flag u and has a form that is an error under it."""
        if self._unicode and self._legacy is not None:
            form, start = self._legacy
            message = f"{form} is an error under the flag u, without which {self._unicode} means something else"
            hint = f"write {form[1:]}" if form[:1] == "\\" else f"write \\{form}" if form in ("{", "}", "]") else None
            raise ExpressionSyntaxError(message, start, len(form), hint)

    def single(self) -> Single:
        """Read a character, an escape that takes one, or a class."""
        character = self.text[self.place]
        if character == "[":
            return self._class()
        if character in "{}]":
            self.legacy(self.place, self.place + 1)
        code = self._code_or_set()
        content, weight, linear = _content(code)
        return Single(content if isinstance(code, int) else f"[{content}]", weight, linear)

    # -------------------------------------------------------------- classes

    def _class(self) -> Single:
        start = self.place
        self.place += 1
        negated = self._takes("^")
        body: list[str] = []
        weight, linear = 1, True
        while not self._takes("]"):
            if self.place >= len(self.text):
                raise ExpressionSyntaxError("the character class is never closed", start, hint="add ]")
            content, more, is_linear = self._members()
            body.append(content)
            weight, linear = weight + more, linear and is_linear
        if not body:
            return ANY if negated else NOTHING  # `[]` matches nothing, `[^]` any character
        if any("\\P" + content.removeprefix("\\p") in body for content in body if content.startswith("\\p")):
            return NOTHING if negated else ANY  # `[^\p{L}\P{L}]`, which `regex` treats as any character
        return Single(f"[{'^' if negated else ''}{''.join(body)}]", weight + 20 * negated, linear)

    def _members(self) -> tuple[str, int, bool]:
        """Read a character, a range or a set; `[\\d-x]` is a set, a hyphen and x (Annex B.1.4)."""
        start = self.place
        first = self._code_or_set(inside=True)
        is_range = self.text.startswith("-", self.place) and not self.text.startswith("-]", self.place)
        if not is_range or self.place + 1 >= len(self.text):
            return _content(first)
        self.place += 1
        last = self._code_or_set(inside=True)
        if not isinstance(first, int) or not isinstance(last, int):
            self.legacy(start, self.place)
            (one, weight, linear), (other, more, is_linear) = _content(first), _content(last)
            return f"{one}\\-{other}", weight + more + 1, linear and is_linear
        if last < first:
            message = f"the range {self.text[start : self.place]} ends before it begins"
            raise ExpressionSyntaxError(message, start, self.place - start)
        return f"{_spelled(first)}-{_spelled(last)}", 1 if last < 0x80 else 12, True

    # -------------------------------------------------------------- escapes

    def _code_or_set(self, *, inside: bool = False) -> int | tuple[str, int, bool]:
        """Read a character as its code, or a set as (content of a class, weight, whether RE2 has it)."""
        start = self.place
        character = self.text[start]
        self.place += 1
        if character != "\\":
            if "\ud800" <= character <= "\udfff":
                raise ExpressionSyntaxError("half a surrogate pair is not a character", start, 1, "write \\u{X…}")
            if character > "\uffff":
                self._unicode = character
            return ord(character)
        letter = self.text[self.place : self.place + 1]
        if not letter:
            raise ExpressionSyntaxError("a backslash ends the pattern", start, hint="write \\\\ for a backslash")
        self.place += 1
        if letter in _SETS:
            content, weight = _SETS[letter]
            return _NO_WORD_CASELESS if letter == "W" and self.caseless else content, weight, True
        if letter in "pP":
            return self._property(letter, start)
        return self._escaped(letter, start, inside)

    def _escaped(self, letter: str, start: int, inside: bool) -> int:
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "b" and inside:
            return 8
        if letter in "0123456789":
            if letter == "0" and self.text[self.place : self.place + 1] not in tuple("0123456789"):
                return 0
            hint = "write \\x and two hexadecimal digits for a character by its number"
            raise ExpressionSyntaxError("octal escapes are not part of ECMA-262", start, 2, hint)
        follows = self.text[self.place : self.place + 1]
        if letter == "c" and follows.isascii() and follows.isalpha():
            self.place += 1
            return ord(follows) % 32
        if letter in "xu":
            return self._by_number(letter, start)
        if letter.isascii() and letter.isalpha():
            anchor = {"A": "write ^", "z": "write $", "Z": "write $"}.get(letter)
            raise ExpressionSyntaxError(f'"\\{letter}" is not an escape of ECMA-262', start, 2, anchor)
        if "\ud800" <= letter <= "\udfff":
            raise ExpressionSyntaxError("half a surrogate pair is not a character", start, 2, "write \\u{X…}")
        if letter not in "^$\\.*+?()[]{}|/" and not (inside and letter == "-"):
            self.legacy(start, self.place)
        return ord(letter)

    def _by_number(self, letter: str, start: int) -> int:
        if letter == "u" and self._takes("{"):
            end = self.text.find("}", self.place)
            code = self._hexadecimal(end if end >= 0 else self.place, start)
            self.place += 1
            self._unicode = self.text[start : self.place]
            return code
        code = self._hexadecimal(self.place + (4 if letter == "u" else 2), start, exactly=True)
        if 0xD800 <= code < 0xDC00 and letter == "u" and self.text.startswith("\\u", self.place):
            before = self.place
            self.place += 2
            if not self.text.startswith("{", self.place):
                low = self._hexadecimal(self.place + 4, before, exactly=True)
                if 0xDC00 <= low < 0xE000:
                    self._unicode = self.text[start : self.place]
                    return 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF))
            self.place = before
        if 0xD800 <= code < 0xE000:
            raise ExpressionSyntaxError("half a surrogate pair is not a character", start, 6, "write \\u{X…}")
        return code

    def _hexadecimal(self, end: int, escape: int, *, exactly: bool = False) -> int:
        width = end - self.place
        digits = self.text[self.place : end]
        # ECMA-262 allows any number of leading zeros.
        is_number = bool(digits) and _HEXADECIMAL.issuperset(digits) and (not exactly or len(digits) == width)
        code = int(digits[-6:], 16) if is_number and not digits[:-6].strip("0") else -1
        if not 0 <= code <= 0x10FFFF:
            hint = "write \\uXXXX, \\u{X…} or \\xXX"
            raise ExpressionSyntaxError("this escape does not name a character", escape, 2, hint)
        self.place = end
        return code

    def _property(self, letter: str, start: int) -> tuple[str, int, bool]:
        end = self.text.find("}", self.place)
        if not self.text.startswith("{", self.place) or end < 0:
            raise ExpressionSyntaxError(f"\\{letter} needs a property in braces", start, 2, "write \\p{L}")
        name = self.text[self.place + 1 : end]
        if letter == "P" and self.caseless:
            message = "\\P where case is ignored is read differently by different engines"
            raise ExpressionSyntaxError(message, start, end - start + 1, f"write [^\\p{{{name[:40]}}}]")
        found = property_class(name, negated=letter == "P")
        if isinstance(found, str):
            message = f"\\{letter}{{{name[:40]}}} is not a property of ECMA-262"
            raise ExpressionSyntaxError(message, start, end - start + 1, found)
        self.place = end + 1
        self._unicode = self.text[start : self.place]
        return found

    def _takes(self, token: str) -> bool:
        if not self.text.startswith(token, self.place):
            return False
        self.place += len(token)
        return True


def _content(code: int | tuple[str, int, bool]) -> tuple[str, int, bool]:
    """Return a character or a set as (content of a class, weight, whether RE2 has it)."""
    return (_spelled(code), 1 if code < 0x80 else 3, True) if isinstance(code, int) else code


def _spelled(code: int) -> str:
    character = chr(code)
    if code < 0x20 or 0x7F <= code <= 0xFF:
        return f"\\x{code:02x}"
    return "\\" + character if character in _SPECIAL and character not in "# " else character


@functools.lru_cache(maxsize=256)
def property_class(name: str, *, negated: bool) -> tuple[str, int, bool] | str:
    """Return a property as (content of a class, weight, whether RE2 has it), or a hint if there is none.

    >>> property_class("Letter", negated=False)
    ('\\\\p{L}', 800, True)
    """
    key, equals, value = name.partition("=")
    sign = "\\P" if negated else "\\p"
    if not equals or key in ("General_Category", "gc"):
        category = _CATEGORIES.get(value or name, value or name)
        if category in _CATEGORIES.values():
            return f"{sign}{{{category}}}", _WEIGHT, category not in _NOT_IN_RE2
    if not equals and name in _BINARY:
        return f"{sign}{{{name}}}", _WEIGHT, False
    if key in ("Script", "sc", "Script_Extensions", "scx") and _VALUE.fullmatch(value):
        if key in ("Script", "sc") and _known_to_re2(value):
            return f"{sign}{{{value}}}", _WEIGHT, True
        if _known_to_regex(f"{key}={value}"):
            return f"{sign}{{{key}={value}}}", _WEIGHT, False
    if not equals and _VALUE.fullmatch(name) and _known_to_regex(f"Script={name}"):
        return f"write \\{'P' if negated else 'p'}{{Script={name}}}"
    return "write a general category such as \\p{L}, or a script such as \\p{Script=Greek}"


def _known_to_re2(script: str) -> bool:
    try:
        import re2
    except ImportError:
        return False
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(f"\\p{{{script}}}", options)
    except re2.error:
        return False
    return True


def _known_to_regex(text: str) -> bool:
    import regex

    try:
        regex.compile(f"\\p{{{text}}}")
    except regex.error:
        return False
    return True
