"""Additions to a document that exists: its text is kept as it is, comments and layout included.

Each addition is inserted at a position of the text and the result is read again: it must have the value that the
addition makes, else the text is refused. So no layout can be damaged, only be one that nothing can be added to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, escaped, pointer_tokens
from arazzo_runner.base.records import Record
from arazzo_runner.document.positions import Entry, IndexedPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.errors import Location
from arazzo_runner.generate.draft import Tree, plain
from arazzo_runner.generate.writing import tree_text

_BREAK: Final = re.compile(r"\r\n|\r|\n")


class CannotAdd(Exception):
    """Nothing can be added at a place of a document; `at` is the place, the message ends a sentence about it."""

    def __init__(self, message: str, at: Location) -> None:
        super().__init__(message)
        self.at = at


class Addition(Record):
    """A new last item of the list at `pointer`, or with `key` a new member of the mapping there.

    `before` names a member that the new one is placed before, if the mapping has it.
    """

    pointer: str
    value: Tree
    key: str | None = None
    before: str | None = None


def with_additions(document: Document, additions: Iterable[Addition], limits: Limits | None = None) -> str:
    """Return the text of a document with additions, made one after another; raises CannotAdd."""
    for addition in additions:
        text = _Text(document).with_addition(addition)
        document = _checked(document, text, addition, limits)
    return document.text


def value_with(value: JsonValue, addition: Addition) -> JsonValue:
    """Return a document's value with an addition; values that aliases share are no longer shared."""
    found = json.loads(json.dumps(value))
    holder: Any = found
    for token in pointer_tokens(addition.pointer):
        holder = holder[int(token) if isinstance(holder, list) else token]
    if addition.key is None:
        holder.append(plain(addition.value))
    else:
        holder[addition.key] = plain(addition.value)
    return found


def _checked(document: Document, text: str, addition: Addition, limits: Limits | None) -> Document:
    """Return the new text as a Document; raises CannotAdd unless it has the value that it should have."""
    problems = Problems()
    found = read(text.encode("utf-8", "surrogatepass"), document.uri, problems, limits=limits)
    wanted = value_with(document.value, addition)
    if found is None or problems.has_errors or _exact(found.value) != _exact(wanted):
        raise CannotAdd("is written in a way that nothing can be added to", document.at(addition.pointer))
    return found


def _exact(value: JsonValue) -> str:
    """Return a value as text that distinguishes 1, 1.0 and true; the order of members counts not."""
    return json.dumps(value, sort_keys=True)


class _Text:
    """The text of a document, and where its values are."""

    def __init__(self, document: Document) -> None:
        if not isinstance(document.positions, IndexedPositions):
            raise CannotAdd("has no text", document.at())
        self.text = document.text
        self._document = document
        self._entries: Mapping[str, Entry] = document.positions.entries()
        breaks = _BREAK.search(self.text)
        self._break = breaks.group() if breaks else "\n"

    def with_addition(self, addition: Addition) -> str:
        entry = self._entries.get(addition.pointer)
        if entry is None:
            raise self._refused(addition)
        if self.text[entry.start : entry.start + 1] in ("[", "{"):
            return self._in_flow(addition, entry)
        return self._in_block(addition)

    def _refused(self, addition: Addition) -> CannotAdd:
        at = self._document.at(addition.pointer)
        return CannotAdd("is written in a way that nothing can be added to", at)

    def _children(self, pointer: str) -> list[tuple[str, Entry]]:
        """Return the direct members or items of a collection, in their order."""
        depth = pointer.count("/") + 1
        start = f"{pointer}/"
        found = [(at, each) for at, each in self._entries.items() if at.startswith(start) and at.count("/") == depth]
        return sorted(found, key=lambda item: item[1].start)

    # -------------------------------------------------------------- flow style and JSON

    def _in_flow(self, addition: Addition, entry: Entry) -> str:
        children = self._children(addition.pointer)
        if not children:
            return self._in_empty(addition, entry)
        begin = self._begin_of(children[0][0], children[0][1])
        blank = self.text[entry.start + 1 : begin]
        separator = blank if not blank.strip() else " "
        is_spread = "\n" in separator or "\r" in separator
        written = self._json(addition, separator if is_spread else None)
        before = addition.before is not None and self._entries.get(f"{addition.pointer}/{escaped(addition.before)}")
        if before:
            at = self._begin_of(f"{addition.pointer}/{escaped(addition.before or '')}", before)
            return f"{self.text[:at]}{written},{separator or ' '}{self.text[at:]}"
        end = max(each.end for _, each in children)
        return f"{self.text[:end]},{separator or ' '}{written}{self.text[end:]}"

    def _in_empty(self, addition: Addition, entry: Entry) -> str:
        """Fill `[]` or `{}`: in JSON and in flow style as JSON, in block style as a block."""
        parent = self._entries.get(addition.pointer.rpartition("/")[0])
        is_root = addition.pointer == ""
        if is_root or parent is None or self.text[parent.start : parent.start + 1] in ("[", "{") or entry.key is None:
            close = "]" if addition.key is None else "}"
            opening = "[" if addition.key is None else "{"
            return f"{self.text[: entry.start]}{opening}{self._json(addition, None)}{close}{self.text[entry.end :]}"
        indent = entry.key.column - 1 + 2
        tree = [addition.value] if addition.key is None else {addition.key: addition.value}
        block = self._lines(tree, indent).rstrip("\r\n")
        rest = self.text[entry.end :]
        return f"{self.text[: entry.start].rstrip(' ')}{self._break}{block}{rest}"

    def _begin_of(self, pointer: str, entry: Entry) -> int:
        """Return where a member begins, with its key."""
        if entry.key is None:
            return entry.start
        starts = self._document.positions.line_starts()
        return starts[entry.key.line - 1] + entry.key.column - 1

    def _json(self, addition: Addition, separator: str | None) -> str:
        """Return an addition as JSON: on one line, or indented as what follows the separator is."""
        key = "" if addition.key is None else f"{json.dumps(addition.key, ensure_ascii=False)}: "
        value = plain(addition.value)
        if separator is None:
            return key + json.dumps(value, ensure_ascii=False)
        margin = _BREAK.split(separator)[-1]
        step = "\t" if "\t" in margin else " " * self._step()
        text = json.dumps(value, ensure_ascii=False, indent=step)
        return key + text.replace("\n", self._break + margin)

    def _step(self) -> int:
        """Return by how many blanks the document indents."""
        first = next((each for at, each in self._children("") if each.key is not None), None)
        column = 0 if first is None or first.key is None else first.key.column - 1
        return column if 1 <= column <= 8 else 2

    # -------------------------------------------------------------- block style

    def _in_block(self, addition: Addition) -> str:
        children = self._children(addition.pointer)
        if not children:
            raise self._refused(addition)
        if addition.key is None:
            return self._after(children, self._lines([addition.value], self._dash(addition, children[-1][1])))
        first = children[0][1].key
        if first is None:
            raise self._refused(addition)
        written = self._lines({addition.key: addition.value}, first.column - 1)
        before = self._entries.get(f"{addition.pointer}/{escaped(addition.before)}") if addition.before else None
        if before is None or before.key is None:
            return self._after(children, written)
        at = self._begin_of(addition.pointer, before)
        line = self._document.positions.line_starts()[before.key.line - 1]
        if self.text[line:at].strip():  # behind a dash: the new member takes its place there
            indent = " " * (first.column - 1)
            return f"{self.text[:at]}{written.removeprefix(indent)}{indent}{self.text[at:]}"
        return f"{self.text[:line]}{written}{self.text[line:]}"

    def _dash(self, addition: Addition, last: Entry) -> int:
        """Return the column of the dashes of a list."""
        start = last.start
        dash = self.text.rfind("-", 0, start)
        if dash < 0 or self.text[dash + 1 : start].strip():
            raise self._refused(addition)
        line = max(self.text.rfind("\n", 0, dash), self.text.rfind("\r", 0, dash)) + 1
        return dash - line

    def _after(self, children: list[tuple[str, Entry]], written: str) -> str:
        """Insert lines after the last line of the last child; a comment at its end stays there."""
        end = self._content_end(children[-1][0])
        found = _BREAK.search(self.text, end)
        if found is None:
            return f"{self.text}{self._break}{written}"
        return f"{self.text[: found.end()]}{written}{self.text[found.end() :]}"

    def _content_end(self, pointer: str) -> int:
        """Return the end of the last character of a value that is neither blank nor in a comment after it."""
        start = f"{pointer}/"
        last = 0
        for at, each in self._entries.items():
            if at == pointer or at.startswith(start):
                is_flow = self.text[each.start : each.start + 1] in ("[", "{")
                if each.text is not None or is_flow or each.end == each.start:
                    last = max(last, each.end)
                elif not any(below.startswith(f"{at}/") for below in self._entries):
                    last = max(last, each.end)  # an alias
                if each.key is not None:
                    last = max(last, self._begin_of(at, each))
        return len(self.text[:last].rstrip())

    def _lines(self, tree: Tree, indent: int) -> str:
        return tree_text(tree, indent).replace("\n", self._break)
