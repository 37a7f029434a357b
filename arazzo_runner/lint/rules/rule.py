"""What a rule is, and running rules: each is a module with one pure function over an `Inspection`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from arazzo_runner.base.records import Record, replace
from arazzo_runner.errors import Diagnostic, Severity

if TYPE_CHECKING:
    from arazzo_runner.lint.inspection import Inspection

Needs: TypeAlias = Literal["", "operations", "calls", "actions", "certain-actions", "forecast"]


class Rule(Protocol):
    """A module of `validation.rules`, or anything of its shape (a plugin's rule).

    `CODE` names the rule, its page, its module and its folder of fixtures; `GROUP` is one of
    `GROUPS`; `DEFAULT` says whether it runs when nobody asks. `check` is total: it never raises,
    whatever the document holds, and keeps nothing between calls. Its parameter may be declared
    as a plain Program, which an Inspection is. A rule is hashable, as modules and plain objects are.
    """

    @property
    def CODE(self) -> str: ...

    @property
    def SEVERITY(self) -> Severity: ...

    @property
    def GROUP(self) -> str: ...

    @property
    def DEFAULT(self) -> bool: ...

    def check(self, program: Inspection, /) -> Iterable[Diagnostic]:
        """Return what this rule finds in the entry document of a program."""


class Signs(Record):
    """What a document holds of that which rules look for: words, parts of its texts, and what they need besides."""

    words: frozenset[str]
    parts: frozenset[str]
    needs: frozenset[str]


class LazyRule:
    """A rule of this project, whose module is imported when a document first has something for it to look at.

    A document holds nothing that the rule could find when none of its `words` is a key or a text
    in it, none of its `parts` stands in a text, or it lacks what the rule `needs`: `operations`
    that steps call, `calls` of workflows, `actions`, `certain-actions` (which are taken whenever their
    turn comes), or something that the `forecast` knows of.
    What is empty is not asked for.
    """

    def __init__(
        self,
        code: str,
        group: str,
        *,
        default: bool = True,
        words: tuple[str, ...] = (),
        parts: tuple[str, ...] = (),
        needs: Needs = "",
    ) -> None:
        self.CODE = code
        self.GROUP = group
        self.DEFAULT = default
        self.words = words
        self.parts = parts
        self.needs = needs

    @property
    def SEVERITY(self) -> Severity:
        """How much its findings matter, where nothing else is said."""
        return self.module.SEVERITY

    @cached_property
    def module(self) -> Rule:
        """The module of the rule."""
        return cast(Rule, import_module(f"arazzo_runner.lint.rules.{self.CODE.replace('-', '_')}"))

    def check(self, program: Inspection) -> Iterable[Diagnostic]:
        """Return what this rule finds in the entry document of a program."""
        return self.module.check(program)

    def may_find(self, signs: Signs) -> bool:
        """Tell whether a document with these signs holds what the rule looks for; false only when it finds nothing."""
        if self.needs and self.needs not in signs.needs:
            return False
        if self.words and signs.words.isdisjoint(self.words):
            return False
        return not self.parts or not signs.parts.isdisjoint(self.parts)


GROUPS = ("shape", "names", "references", "language", "flow", "openapi", "safety", "style")
"""The groups of rules, in the order the documentation lists them."""


def run_rules(program: Inspection, rules: Iterable[Rule], *, strict: bool = False) -> Iterator[Diagnostic]:
    """Return what the rules find, in their order; with `strict` every warning is an error."""
    for rule in asked(program, tuple(rules)):
        for found in rule.check(program):
            if strict and found.severity is Severity.WARNING:
                yield replace(found, severity=Severity.ERROR)
            else:
                yield found


def asked(program: Inspection, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules that may find something in a document."""
    words, parts = _sought(rules)
    texts = program.texts
    return _with_signs(rules, Signs(texts.words_among(words), texts.parts_among(parts), program.needs))


@lru_cache(maxsize=16)
def _sought(rules: tuple[Rule, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words and the parts that rules look for."""
    lazy = [rule for rule in rules if isinstance(rule, LazyRule)]
    return frozenset(chain(*[rule.words for rule in lazy])), frozenset(chain(*[rule.parts for rule in lazy]))


@lru_cache(maxsize=256)
def _with_signs(rules: tuple[Rule, ...], signs: Signs) -> tuple[Rule, ...]:
    """Return the rules to be asked about documents with some signs: there are few kinds of documents."""
    return tuple(rule for rule in rules if not isinstance(rule, LazyRule) or rule.may_find(signs))
