"""ECMA-262 patterns: text → nodes (ECMA-262 §22.2.1 with the flag `u`, else Annex B.1.2)."""

from __future__ import annotations

import re
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.ecma_characters import ANY, Characters
from arazzo_runner.expressions.queries.ecma_nodes import (
    Assertion,
    Cased,
    Choice,
    Group,
    Look,
    Node,
    Reference,
    Repeat,
    Sequence,
    Single,
)

MAX_NESTING: Final = 60
_QUANTIFIER: Final = pattern(r"\{([0-9]+)(,([0-9]*))?\}")
_GROUP_NAME: Final = pattern(r"\(\?P?<([^>]*)>")
_MODIFIERS: Final = pattern(r"\(\?([ims]*)(?:-([ims]*))?([:)])")
_LOOKS: Final = {"(?=": (False, False), "(?!": (False, True), "(?<=": (True, False), "(?<!": (True, True)}
_UNREPEATED: Final = ("^", "$", "\\b", "\\B", "(?<=", "(?<!")
_MANY: Final = 10**9  # more than any text has characters


class Parsed(Record):
    """A pattern's nodes, and the group number of each Reference by its offset."""

    node: Node
    targets: dict[int, int]


def parse_pattern(text: str, dot: Single, *, flags: str = "") -> Parsed:
    """Parse a pattern; `flags` are of `i`, `m` and `s`. Raises ExpressionSyntaxError at what does not fit."""
    return _Parser(text, dot, flags).run()


class _Parser:
    def __init__(self, text: str, dot: Single, flags: str) -> None:
        self.text = text
        self.dot = dot
        self.flags = frozenset(flags)
        self.read = Characters(text)
        self.read.caseless = "i" in flags
        self.names: dict[str, int] = {}
        self.wanted: list[tuple[str, int]] = []  # the group names that are referred to
        self.groups = self.depth = 0

    def run(self) -> Parsed:
        node = self._choice()
        if self.read.place < len(self.text):
            raise ExpressionSyntaxError("this parenthesis closes nothing", self.read.place, hint="write \\) for itself")
        self.read.check()
        return Parsed(node, {start: self._target(name, start) for name, start in self.wanted})

    # -------------------------------------------------------------- structure

    def _choice(self) -> Node:
        before = self.flags
        options = [self._sequence("i" in before)]
        while self._takes("|"):
            options.append(self._sequence("i" in before))
        self._set_flags(before)
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, caseless: bool) -> Node:
        """Parse up to `|` or `)`; `caseless` is the flag of the surrounding group."""
        items: list[Node] = []
        while self.read.place < len(self.text) and self.text[self.read.place] not in "|)":
            start = self.read.place
            inline = self._modifiers(start) if self.text[start] == "(" else None
            if inline is not None and inline[3] == ")":
                # Not in ECMA-262, but frequent: the rest of the group has these flags.
                self._set_flags(self.flags.union(inline[1]).difference(inline[2] or ""))
                self.read.place = inline.end()
                continue
            item = self._quantified(self._atom(), start)
            items.append(item if self.read.caseless == caseless else Cased(item, self.read.caseless))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _atom(self) -> Node:
        place, text = self.read.place, self.text
        character = text[place]
        if character in "*+?" or (character == "{" and _QUANTIFIER.match(text, place)):
            raise ExpressionSyntaxError(
                "there is nothing to repeat before this", place, hint=f"write \\{character} for itself"
            )
        if character == "(":
            return self._group()
        if character in "^$":
            self.read.place += 1
            return Assertion(character, "m" in self.flags)
        if character == ".":
            self.read.place += 1
            return ANY if "s" in self.flags else self.dot
        if character == "\\" and text[place + 1 : place + 2] not in ("", "0"):
            letter = text[place + 1]
            if letter in "bB":
                self.read.place += 2
                return Assertion(character + letter)
            if letter in "123456789":
                return self._numbered(place)
            if letter == "k":
                return self._named(place)
        return self.read.single()

    def _quantified(self, atom: Node, start: int) -> Node:
        place = self.read.place
        character = self.text[place : place + 1]
        counted = _QUANTIFIER.match(self.text, place) if character == "{" else None
        if character == "" or (character not in "*+?" and counted is None):
            return atom
        if self.text.startswith(_UNREPEATED, start):
            raise ExpressionSyntaxError("an assertion cannot be repeated", place, hint="put it in a group: (?:…)")
        if isinstance(atom, Look) and self.text.startswith("(?", start):
            self.read.legacy(start, place + 1)
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(character, (0, None))
        self.read.place += 1
        if counted is not None:
            least = _count(counted[1])
            most = least if counted[2] is None else _count(counted[3]) if counted[3] else None
            self.read.place = counted.end()
            if most is not None and most < least:
                length = counted.end() - place
                raise ExpressionSyntaxError("the least of this repetition is above its most", place, length)
        return Repeat(atom, least, most, self._takes("?"))

    # -------------------------------------------------------------- groups

    def _group(self) -> Node:
        start = self.read.place
        look = next((sign for sign in reversed(_LOOKS) if self.text.startswith(sign, start)), None)
        if look is not None:
            self.read.place += len(look)
            behind, negated = _LOOKS[look]
            return Look(self._inside(start), behind, negated)
        modifiers = self._modifiers(start)
        if modifiers is not None:
            return self._modified(modifiers)
        named = _GROUP_NAME.match(self.text, start)
        if named is None and self.text.startswith("(?", start):
            raise ExpressionSyntaxError(f'"{self.text[start : start + 4]}" begins no group of ECMA-262', start, 3)
        self.groups += 1
        number = self.groups
        self.read.place = start + 1 if named is None else named.end()
        if named is not None:
            self._name(named[1], number, start)
        return Group(self._inside(start), number)

    def _name(self, name: str, number: int, start: int) -> None:
        if not name.replace("$", "_").isidentifier():
            raise ExpressionSyntaxError(f'"{name[:40]}" is not a valid group name', start, 3 + len(name))
        if name in self.names:
            raise ExpressionSyntaxError(f'the pattern has two groups "{name}"', start, 3 + len(name))
        self.names[name] = number

    def _modifiers(self, start: int) -> re.Match[str] | None:
        """Return the modifiers that begin at `start`, as in `(?i-s:…)`; each may be given once."""
        found = _MODIFIERS.match(self.text, start)
        if found is None or found[0] == "(?:":
            return found
        given = found[1] + (found[2] or "")
        if not given or found[0].endswith("-)"):
            raise ExpressionSyntaxError(f'"{found[0]}" begins no group of ECMA-262', start, len(found[0]))
        if len(set(given)) < len(given):
            raise ExpressionSyntaxError(f'"{found[0]}" gives a modifier twice', start, len(found[0]))
        return found

    def _modified(self, found: re.Match[str]) -> Node:
        start, before = self.read.place, self.flags
        self.read.place = found.end()
        self._set_flags(before.union(found[1]).difference(found[2] or ""))
        node = self._inside(start)
        node = node if self.read.caseless == ("i" in before) else Cased(node, self.read.caseless)
        self._set_flags(before)
        return node

    def _set_flags(self, flags: frozenset[str]) -> None:
        self.flags = flags
        self.read.caseless = "i" in flags

    def _inside(self, start: int) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise ExpressionSyntaxError(f"the pattern is nested deeper than {MAX_NESTING}", start)
        node = self._choice()
        self.depth -= 1
        if not self._takes(")"):
            raise ExpressionSyntaxError("the group is never closed", start, hint="add )")
        return node

    # -------------------------------------------------------------- references

    def _target(self, name: str, start: int) -> int:
        """Return the number of the group that a reference means; the group may come later."""
        number = int(name) if name[:1].isdigit() else self.names.get(name, 0)
        if 0 < number <= self.groups:
            return number
        what = f"group {name}" if name[:1].isdigit() else f'group "{name[:40]}"'
        raise ExpressionSyntaxError(f"this refers to {what}, which the pattern does not have", start, 2)

    def _numbered(self, start: int) -> Node:
        end = start + 1
        while end < len(self.text) and self.text[end] in "0123456789" and end < start + 8:
            end += 1
        self.read.place = end
        self.wanted.append((self.text[start + 1 : end], start))
        return Reference(start)

    def _named(self, start: int) -> Node:
        end = self.text.find(">", start)
        if not self.text.startswith("<", start + 2) or end < 0:
            raise ExpressionSyntaxError("\\k needs a group name", start, 2, "write \\k<name>")
        self.read.place = end + 1
        self.wanted.append((self.text[start + 3 : end], start))
        return Reference(start)

    def _takes(self, token: str) -> bool:
        if not self.text.startswith(token, self.read.place):
            return False
        self.read.place += len(token)
        return True


def _count(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) < 10 else _MANY
