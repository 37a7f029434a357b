"""Drafts as YAML, as a person would write it: block style, comments, plain scalars where YAML reads them as text.

PyYAML has no comments, hence the structure is printed here; each scalar is PyYAML's.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Final

import yaml

from arazzo_runner.generate.draft import Draft, Noted, Tree

WIDTH: Final = 110
_COMMENT: Final = WIDTH - 2
_NUMBER: Final = re.compile(r"[-+]?(?:0o[0-7]+|0x[0-9A-Fa-f]+|(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?)")
"""Texts that some version of YAML reads as numbers; PyYAML leaves `012345678` plain."""


def draft_text(draft: Draft) -> str:
    """Return a draft as the text of a YAML document."""
    return notes_text(draft.notes) + tree_text(draft.tree())


def notes_text(notes: list[str]) -> str:
    """Return paragraphs as the comments at the beginning of a document; "" if there are none."""
    filled = [textwrap.fill(_one_line(note), _COMMENT, initial_indent="# ", subsequent_indent="# ") for note in notes]
    return "\n#\n".join(filled) + "\n" if filled else ""


def tree_text(tree: Tree, indent: int = 0) -> str:
    """Return one value, a mapping or a list, as lines of YAML at an indentation."""
    lines = _mapping(tree, indent) if isinstance(_value(tree), dict) else _sequence(_value(tree), indent)
    return "\n".join(lines) + "\n"


def _mapping(tree: dict[str, Tree], indent: int) -> Iterator[str]:
    for name, entry in tree.items():
        yield from _entry(f"{' ' * indent}{_scalar(name)}:", entry, indent, indent)


def _sequence(items: list[Tree], indent: int) -> Iterator[str]:
    for item in items:
        value = _value(item)
        if isinstance(value, dict) and value:
            yield from _comment(item, indent)
            yield from _with_dash(list(_mapping(value, indent + 2)), indent)
        else:
            yield from _entry(f"{' ' * indent}-", item, indent, indent)


def _with_dash(lines: list[str], indent: int) -> Iterator[str]:
    """Put the dash of an item before its first line that is no comment."""
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = f"{' ' * indent}- {lines[first].lstrip()}"
    yield from lines


def _entry(head: str, entry: Tree, indent: int, outer: int) -> Iterator[str]:
    """Yield a value after its key or dash, with its comment."""
    value = _value(entry)
    if isinstance(value, dict) and value:
        yield from _comment(entry, outer)
        yield head
        yield from _mapping(value, indent + 2)
    elif isinstance(value, list) and value:
        yield from _comment(entry, outer)
        yield head
        yield from _sequence(value, indent + 2)
    else:
        yield from _line(head, entry, indent, outer)


def _line(head: str, entry: Tree, indent: int, outer: int) -> Iterator[str]:
    value = _value(entry)
    if isinstance(value, str) and "\n" in value and _is_block(value):
        yield from _comment(entry, outer)
        yield f"{head} |" if value.endswith("\n") else f"{head} |-"
        yield from (f"{' ' * (indent + 2)}{line}".rstrip() for line in value.rstrip("\n").split("\n"))
        return
    line = f"{head} {_scalar(value)}"
    if not isinstance(entry, Noted):
        yield line
    elif len(line) + len(entry.comment) + 4 <= WIDTH and len(entry.comment.splitlines()) == 1:
        yield f"{line}  # {_one_line(entry.comment)}"
    else:
        yield from _comment(entry, outer)
        yield line


def _comment(entry: Tree, indent: int) -> Iterator[str]:
    if isinstance(entry, Noted):
        begin = f"{' ' * indent}# "
        for line in entry.comment.splitlines():
            text = _one_line(line)
            yield from textwrap.fill(text, WIDTH, initial_indent=begin, subsequent_indent=begin).split("\n")


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _value(entry: Tree) -> Tree:
    return entry.value if isinstance(entry, Noted) else entry


def _scalar(value: Tree) -> str:
    """Return a scalar, an empty mapping or an empty list on one line."""
    is_doubtful = isinstance(value, str) and (not value.isprintable() or _NUMBER.fullmatch(value) is not None)
    quoted = '"' if is_doubtful else None
    text = yaml.dump(value, Dumper=_Dumper, default_style=quoted, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")


def _is_block(text: str) -> bool:
    """Return whether a text can be written as a block: YAML keeps it then as it is."""
    lines = text.removesuffix("\n").split("\n")
    printable = all(char.isprintable() or char == "\n" for char in text)
    begins = lines[0] and not lines[0].startswith(" ")
    return printable and bool(begins and lines[-1]) and all(line == line.rstrip() for line in lines)


class _Dumper(yaml.SafeDumper):
    """Writes each value out: no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Return that no value is written as an alias."""
        return True
