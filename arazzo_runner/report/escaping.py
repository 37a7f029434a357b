"""Escape foreign text: what a server or document sends must not control a terminal or a CI log."""

from __future__ import annotations

import re
from functools import lru_cache

from arazzo_runner.base.patterns import pattern as lazy_pattern

# C0 and C1 controls, DEL, line and paragraph separators, bidirectional marks, embeddings and
# isolates (CVE-2021-42574), invisible joiners, tags, lone surrogates, the two characters that XML
# cannot hold. Tab is left as it is.
_UNSAFE_CHARACTERS = (
    "\x00-\x08%s-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}
_LINE_COMMAND = lazy_pattern(r"^(\s*):(?=:)", re.MULTILINE)
_INLINE_COMMAND = lazy_pattern(r"##(?=(vso)?\[)")


def one_line(text: str) -> str:
    """Return foreign text as one harmless line: control and bidirectional characters become escapes.

    >>> one_line("a\\x1b[2Jb\\n::error::x")
    'a\\\\e[2Jb\\\\n::error::x'
    """
    return neutral(_escaped(text))


def is_plain(text: str) -> bool:
    """Return whether a text, and every part of it, is harmless unescaped."""
    return text.isascii() and text.isprintable() and "::" not in text and "##" not in text


def lines(text: str) -> list[str]:
    """Return foreign text as harmless lines."""
    return [one_line(line.rstrip("\r")) for line in text.split("\n")]


def neutral(text: str) -> str:
    """Return text none of whose lines is a command to a CI runner (`::error::…`, `##[…]`, `##vso[…]`)."""
    if "::" in text:
        text = _LINE_COMMAND.sub(r"\1: ", text)
    return _INLINE_COMMAND.sub("# #", text) if "##" in text else text


def json_text(text: str) -> str:
    """Return serialised JSON with the same meaning that is harmless to print.

    Unsafe characters only occur inside its strings, so each becomes its JSON escape.
    """
    if not (text.isascii() and text.replace("\n", "").isprintable()):
        text = _unsafe("\x0b").sub(_json_escape, text)
    return _INLINE_COMMAND.sub(r"#\\u0023", text) if "##" in text else text


def _escaped(text: str) -> str:
    # Most text is plain: do not compile the pattern before it is needed.
    return text if text.isascii() and text.isprintable() else _unsafe("\x0a").sub(_escape, text)


@lru_cache(maxsize=2)
def _unsafe(from_control: str) -> re.Pattern[str]:
    return re.compile(f"[{_UNSAFE_CHARACTERS % from_control}]")


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index] << 8 | units[index + 1]:04x}" for index in range(0, len(units), 2))
