"""Text languages: how a value is written into JSON, a form, XML or a query, so that it stays data.

A Writer follows the text of a template, so it knows where each value stands: inside a string it is
escaped as that string's language asks; elsewhere it becomes a complete literal. Where a value of
this kind cannot stand at all, as inside a comment, it raises Unwritable.
"""

from __future__ import annotations

import json
from math import isinf
from typing import Final, Literal as OneOf, Protocol, TypeAlias, assert_never
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.xml_text import NO_XML, XML_NAME, escape, escape_attribute

TextLanguage: TypeAlias = OneOf["text", "json", "form", "xml", "jsonpath", "jsonpointer", "xpath-10", "xpath"]
"""The language of a template: `form` is that of query strings too, `xpath` is XPath 2.0 and later, `text` has no rules.

A pattern (type: regex) is `text`: in the Specification's own example the value is a part of a pattern.
"""


MAX_LENGTH: Final = 65_536
"""Of a query, in characters."""


class Unwritable(Exception):
    """A value that cannot stand where the template has it; the message says why."""


class Writer(Protocol):
    """Writes one template: its texts and values in turn."""

    def text(self, text: str, /) -> str:
        """Return what to write for a text of the template."""

    def value(self, value: JsonValue, /) -> str:
        """Return what to write for a value here; raises Unwritable."""

    def end(self) -> str:
        """Return what is left to write at the template's end."""


def writer_of(language: TextLanguage) -> Writer | None:
    """Return a new Writer of a language; None for `text`, where a value is its text."""
    match language:
        case "text":
            return None
        case "json":
            return _Json()
        case "form":
            return _Form()
        case "xml":
            return _Xml()
        case "jsonpath":
            return _JsonPath()
        case "jsonpointer":
            return _Pointer()
        case "xpath" | "xpath-10":
            return _XPath(is_version_1=language == "xpath-10")
        case _:
            assert_never(language)


def query_language(kind: str, version: str | None) -> TextLanguage:
    """Return the language of a query's template by its kind and version."""
    if kind == "xpath":
        return "xpath-10" if version == "xpath-10" else "xpath"
    if kind == "jsonpath":
        return "jsonpath"
    return "jsonpointer" if kind == "jsonpointer" else "text"


# ------------------------------------------------------------------ values without a place


class _Form:
    """`application/x-www-form-urlencoded` and query strings: a value is percent-encoded (RFC 3986 §2.3)."""

    def text(self, text: str) -> str:
        return text

    def value(self, value: JsonValue) -> str:
        return quote(to_text(value), safe="", errors="surrogatepass")

    def end(self) -> str:
        return ""


class _Pointer(_Form):
    """JSON Pointer: a value is (part of) one reference token (RFC 6901 §3)."""

    def value(self, value: JsonValue) -> str:
        return to_text(value).replace("~", "~0").replace("/", "~1")


# ------------------------------------------------------------------ JSON and JSONPath


class _Json:
    """JSON: inside quotes a value is escaped; elsewhere it is JSON itself, a text that is none becomes a string."""

    quotes = '"'

    def __init__(self) -> None:
        self.open = ""
        self._is_escaped = False
        self._last = ""

    def text(self, text: str) -> str:
        for character in text:
            if self._is_escaped:
                self._is_escaped = False
            elif not self.open:
                self.open = character if character in self.quotes else ""
            elif character == "\\":
                self._is_escaped = True
            elif character == self.open:
                self.open = ""
        self._last = text[-1:] or self._last
        return text

    def value(self, value: JsonValue) -> str:
        if self._is_escaped:
            raise Unwritable("a backslash before it would escape its first character")
        written = self._escaped(to_text(value)) if self.open else self._literal(value)
        self._last = written[-1:] or self._last
        return written

    def end(self) -> str:
        return ""

    def _escaped(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)[1:-1]

    def _literal(self, value: JsonValue) -> str:
        # A number, boolean, null or structure is JSON as it is; a text may already be JSON.
        if not isinstance(value, str):
            return to_text(value)
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return json.dumps(value, ensure_ascii=False)
        return value


_NUMBER: Final = pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MEMBER_NAME: Final = pattern(r"[^\W\d]\w*")
_WORD: Final = pattern(r"\w+")


class _JsonPath(_Json):
    """JSONPath (RFC 9535 §2.3.1.1): strings in quotes of either kind; elsewhere number, true, null or 'string'."""

    quotes = "'\""

    def _escaped(self, text: str) -> str:
        escaped = super()._escaped(text)
        return escaped if self.open == '"' else escaped.replace('\\"', '"').replace("'", "\\'")

    def _literal(self, value: JsonValue) -> str:
        text = to_text(value)
        if self._last == ".":
            if not _MEMBER_NAME.fullmatch(text):
                raise Unwritable("it is no name that JSONPath allows after a full stop; write ['…'] around it")
            return text
        if _continues(self._last, text) or _is_number(value, text) or value is None or isinstance(value, bool):
            return text
        return f"'{self._escaped(text)}'"


def _continues(before: str, text: str) -> bool:
    """Return whether a text of letters and digits follows such a character: it can only make that word longer."""
    return _WORD.fullmatch(before) is not None and _WORD.fullmatch(text) is not None


def _is_number(value: JsonValue, text: str) -> bool:
    """Return whether a value is a number, or a text that is one: values of headers, XML and the shell are texts."""
    return not isinstance(value, (bool, dict, list)) and _NUMBER.fullmatch(text) is not None


# ------------------------------------------------------------------ XPath


class _XPath:
    """XPath: strings in quotes of either kind; elsewhere number, true(), () or 'string', or the name of a step.

    A quote in a string is doubled. XPath 1.0 cannot do that, so there a string with both kinds of
    quotes becomes concat(…); a string is therefore written when its end is reached.
    """

    def __init__(self, *, is_version_1: bool) -> None:
        self._is_version_1 = is_version_1
        self._quote = ""
        self._string: list[str] = []
        self._held = 0
        self._comments = 0
        self._before = ""

    def text(self, text: str) -> str:
        return "".join(map(self._character, text))

    def value(self, value: JsonValue) -> str:
        if self._comments:
            raise Unwritable("it stands in a comment")
        text = to_text(value)
        if self._quote:
            self._held += len(text)
            if self._held > MAX_LENGTH:
                raise Unwritable(f"with it the query has more than {MAX_LENGTH} characters")
            self._string.append(text)
            return ""
        written = self._name(text) if self._is_name_expected() else self._literal(value, text)
        self._before += written
        return written

    def end(self) -> str:
        return self._quote + "".join(self._string)

    def _character(self, character: str) -> str:
        if self._quote and character != self._quote:
            self._string.append(character)
            return ""
        written = character
        if self._quote:
            written = self._written_string("".join(self._string), self._quote)
            self._quote, self._string = "", []
        elif character in "'\"" and not self._comments:
            self._quote, written = character, ""
        elif not self._is_version_1 and (self._before[-1:], character) in (("(", ":"), (":", ")")):
            self._comments = max(0, self._comments + (1 if character == ":" else -1))
            written = character
        self._before = (self._before + written)[-64:]
        return written

    def _is_name_expected(self) -> bool:
        before = self._before.rstrip()
        return before.endswith(("/", "@", "::"))

    def _name(self, text: str) -> str:
        if not XML_NAME.fullmatch(text):
            raise Unwritable("it is no name of an element or attribute")
        return text

    def _literal(self, value: JsonValue, text: str) -> str:
        if _continues(self._before[-1:], text):
            return text
        if isinstance(value, bool):
            return f"{text}()"
        if value is None:
            return "(/..)" if self._is_version_1 else "()"
        if not _is_number(value, text) or isinf(float(text)):
            return self._written_string(text, "'")
        if self._is_version_1 and "e" in text.lower():  # XPath 1.0 §3.7 has no exponents
            from decimal import Decimal  # lazily: it costs more than this module, and few numbers need it

            text = f"{Decimal(repr(float(text))):f}"
        return f"({text})" if text.startswith("-") else text

    def _written_string(self, text: str, mark: str) -> str:
        if not self._is_version_1:
            return mark + text.replace(mark, mark * 2) + mark
        if mark in text:
            mark = "'" if mark == '"' else '"'
        if mark not in text:
            return mark + text + mark
        return "concat(" + ", '\"', ".join(f'"{part}"' for part in text.split('"')) + ")"


# ------------------------------------------------------------------ XML


_OPENINGS: Final = ("<!--", "<![CDATA[", "<?", "<!", "<")
"""What markup begins with, the longer first."""
_ENDS: Final = {
    "<!--": pattern("-->"),
    "<![CDATA[": pattern(r"\]\]>"),
    "<?": pattern(r"\?>"),
    "<!": pattern(r"(?:\[[^\]]*\]\s*)?>"),
}
_KINDS: Final = {"<!--": "a comment", "<?": "a processing instruction", "<!": "a declaration"}
_TAG_SIGNS: Final = pattern("['\">]")


class _Xml:
    """XML: a value is character data or (part of) an attribute's value, escaped as such; or a name."""

    def __init__(self) -> None:
        self._inside = ""  # the opening of markup; "" in character data
        self._quote = ""
        self._before = ""  # the last character of a tag that is no blank

    def text(self, text: str) -> str:
        place = 0
        while place < len(text):
            if not self._inside:
                place = self._opening(text, place)
            else:
                place = self._tag(text, place) if self._inside == "<" else self._closing(text, place)
        return text

    def value(self, value: JsonValue) -> str:
        text = to_text(value)
        if NO_XML.search(text):
            raise Unwritable("it has a character that XML cannot contain")
        if self._inside == "<":
            return self._in_tag(text)
        if self._inside == "<![CDATA[":
            # What could end the section is written outside of it.
            is_plain = text and not any(each in text for each in "]>\r")
            return text if is_plain else f"]]>{escape(text)}<![CDATA["
        if self._inside:
            raise Unwritable(f"it stands in {_KINDS[self._inside]} of XML, where nothing can be escaped")
        return escape(text)

    def end(self) -> str:
        return ""

    def _in_tag(self, text: str) -> str:
        if self._quote:
            return escape_attribute(text)
        if self._before == "=":
            self._before = '"'
            return f'"{escape_attribute(text)}"'
        if not XML_NAME.fullmatch(text):
            raise Unwritable("it is no name for an XML element or attribute")
        self._before = text[-1]
        return text

    def _opening(self, text: str, place: int) -> int:
        start = text.find("<", place)
        if start < 0:
            return len(text)
        self._inside = next(each for each in _OPENINGS if text.startswith(each, start))
        self._before = ""
        return start + len(self._inside)

    def _closing(self, text: str, place: int) -> int:
        found = _ENDS[self._inside].search(text, place)
        if found is None:
            return len(text)
        self._inside = ""
        return found.end()

    def _tag(self, text: str, place: int) -> int:
        """Read a tag up to its next quote or its end."""
        if self._quote:
            end = text.find(self._quote, place)
            self._quote = self._quote if end < 0 else ""
            return len(text) if end < 0 else end + 1
        found = _TAG_SIGNS.search(text, place)
        end = len(text) if found is None else found.end()
        self._before = text[place:end].rstrip()[-1:] or self._before
        if found is not None:
            sign = found.group()
            self._inside, self._quote = ("", "") if sign == ">" else ("<", sign)
        return end
