"""JavaScript text: literals, names and comments from which no value of a document can break out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import words_of

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_WORDS: Final = """
arguments await break case catch class const continue debugger default delete do else enum eval export extends
false finally for function if implements import in instanceof interface let new null package private protected
public return static super switch this throw true try typeof undefined var void while with yield
"""
_RESERVED: Final = frozenset(_WORDS.split())
_LINE_ENDS: Final = re.compile("\r\n|[\r\n\u2028\u2029\x0b\x0c\x85]")
_LONGEST_LINE: Final = 100


def literal(value: JsonValue) -> str:
    """Return a value as a JavaScript literal on one line; it ends no script element, template or handler around it.

    >>> literal("a</script>{{b}}")
    '"a\\\\u003c/script>{\\\\u007bb}\\\\u007d"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    # Outside of strings there is no `<` or `%`, and braces that follow each other are those of objects.
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: _safe(found[0]), text)


def _safe(quoted: str) -> str:
    written = quoted.replace("<", "\\u003c").replace("{{", "{\\u007b").replace("}}", "}\\u007d")
    written = written.replace("{%", "{\\u0025").replace("%}", "%\\u007d")
    return "".join(f"\\u{ord(each):04x}" if _is_invisible(each) else each for each in written)


def _is_invisible(character: str) -> bool:
    point = ord(character)
    return 0x7F <= point <= 0xA0 or 0x200B <= point <= 0x200F or 0x2028 <= point <= 0x202F or (
        0x2066 <= point <= 0x2069 or 0xD800 <= point <= 0xDFFF or point in (0xFEFF, 0x061C)
    )  # fmt: skip


def is_name(text: str) -> bool:
    """Return whether a text can be a variable of its own name."""
    return _IDENTIFIER.fullmatch(text) is not None and text not in _RESERVED


def key(name: str) -> str:
    """Return a name as the key of an object literal; `__proto__`, which would set the prototype, is computed."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if _IDENTIFIER.fullmatch(name) is not None else literal(name)


def member(owner: str, name: str) -> str:
    """Return the access to a member: `steps.look`, `steps["look-up"]`."""
    return f"{owner}.{name}" if _IDENTIFIER.fullmatch(name) is not None else f"{owner}[{literal(name)}]"


def camel(text: str) -> str:
    """Return a name made of the words of a text: `look-up-address` is `lookUpAddress`."""
    words = words_of(text)
    joined = "".join(word if index == 0 else word[0].upper() + word[1:] for index, word in enumerate(words)) or "it"
    joined = joined[0].lower() + joined[1:]
    return joined if is_name(joined) else f"_{joined}"


def comment(text: str, mark: str = "//") -> list[str]:
    """Return the lines of a comment, one for each line of the text; controls and end marks are made harmless.

    >>> comment("a\\nb */ </script>")
    ['// a', '// b * / < /script>']
    """
    lines = [_printable(line).rstrip() for line in _LINE_ENDS.split(text.strip())]
    return [f"{mark} {line}".rstrip() for line in lines]


def _printable(line: str) -> str:
    shown = line.replace("*/", "* /").replace("</", "< /").replace("{{", "{ {").replace("}}", "} }")
    shown = shown.replace("%}", "% }").replace("{%", "{ %")
    return "".join(" " if ord(each) < 32 or _is_invisible(each) else each for each in shown)


def indented(lines: Iterable[str], by: str = "  ") -> list[str]:
    """Return lines moved to the right; empty ones stay empty."""
    return [f"{by}{line}" if line else "" for line in lines]


def enclosed(opening: str, items: list[str], closing: str) -> str:
    """Return items between brackets, on one line when it is short, else a line each."""
    if not items:
        return opening + closing
    blank = " " if opening == "{" else ""
    line = f"{opening}{blank}{', '.join(items)}{blank}{closing}"
    if len(line) <= _LONGEST_LINE and "\n" not in line:
        return line
    inner = "\n".join("\n".join(indented(item.split("\n"))) + "," for item in items)
    return f"{opening}\n{inner}\n{closing}"
