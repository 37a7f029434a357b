"""Text languages: how a value is written into JSON, a form, XML or a query, so that it stays data."""

from __future__ import annotations

from math import isinf
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.xml_text import NO_XML, XML_NAME, escape, escape_attribute
from arazzo_runner.expressions.evaluate import MOST_RENDERED, MissingValue, embeddable, evaluate, render
from arazzo_runner.expressions.nodes import Expression, Template, TextLanguage
from arazzo_runner.expressions.queries.query import MAX_LENGTH
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.expressions.text_writers import (
    Form,
    Json,
    JsonPath,
    Pointer,
    Unwritable,
    Writer,
    continues,
    is_number,
)


def render_as(template: Template, scope: Scope, language: TextLanguage) -> str:
    """Return a template's text in a language: a value is escaped, unless the whole text is one expression.

    Raises MissingValue for a part that has no value or cannot be written at its place.
    """
    # JSON by itself is a value too: the writer quotes it where it is not.
    writer = None if template.is_whole and language != "json" else writer_of(language)
    if writer is None:
        return render(template, scope)
    written = []
    length = 0
    for part in template.parts:
        text = writer.text(part) if isinstance(part, str) else _written(part, scope, writer)
        length += len(text)
        if length > MOST_RENDERED and not isinstance(part, str):
            raise MissingValue(part, f"the text around it has more than {MOST_RENDERED} characters")
        written.append(text)
    return "".join(written) + writer.end()


def _written(part: Expression, scope: Scope, writer: Writer) -> str:
    value = evaluate(part, scope)
    if value is MISSING:
        raise MissingValue(part)
    try:
        return writer.value(embeddable(value, part))
    except Unwritable as problem:
        raise MissingValue(part, str(problem)) from None


def writer_of(language: TextLanguage) -> Writer | None:
    """Return a new Writer of a language; None for `text`, where a value is its text."""
    match language:
        case "text":
            return None
        case "json":
            return Json()
        case "form":
            return Form()
        case "xml":
            return _Xml()
        case "jsonpath":
            return JsonPath()
        case "jsonpointer":
            return Pointer()
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
            raise Unwritable("it is in a comment")
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
        # A string without an end: no value may end it.
        return self._quote + "".join(self._string).replace(self._quote, self._quote * 2) if self._quote else ""

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
            self._before = ""  # the colon of (:) begins a comment, and does not end it too
            return character
        self._before = (self._before + written)[-64:]
        return written

    def _is_name_expected(self) -> bool:
        before = self._before.rstrip()
        return before.endswith(("/", "@", "::"))

    def _name(self, text: str) -> str:
        if not XML_NAME.fullmatch(text):
            raise Unwritable("it is not a name of an element or attribute")
        return text

    def _literal(self, value: JsonValue, text: str) -> str:
        if continues(self._before[-1:], text):
            return text
        if isinstance(value, bool):
            return f"{text}()"
        if value is None:
            return "(/..)" if self._is_version_1 else "()"
        if not is_number(value, text) or isinf(float(text)):
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
        self._before = ""  # the last character of a tag that is not a blank

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
            raise Unwritable(f"it is in {_KINDS[self._inside]} of XML, where nothing can be escaped")
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
            raise Unwritable("it is not a name for an XML element or attribute")
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
