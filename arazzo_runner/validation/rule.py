"""What a rule is, and running rules: each is a module with one pure function over an `Inspection`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.records import replace

if TYPE_CHECKING:
    from arazzo_runner.validation.inspection import Inspection

Needs: TypeAlias = Literal["", "operations", "calls", "actions", "forecast"]


class Rule(Protocol):
    """A module of `validation.rules`, or anything of its shape (a plugin's rule).

    `CODE` names the rule, its page, its module and its folder of fixtures; `GROUP` is one of
    `GROUPS`; `DEFAULT` says whether it runs when nobody asks. `check` is total: it never raises,
    whatever the document holds, and keeps nothing between calls. Its parameter may be declared
    as a plain Program, which an Inspection is.
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


class LazyRule:
    """A rule of this project, whose module is imported when a document first has something for it to look at.

    A document holds nothing that the rule could find when none of its `words` is a key or a text
    in it, none of its `parts` stands in a text, or it lacks what the rule `needs`: `operations`
    that steps call, `calls` of workflows, `actions`, or something that the `forecast` knows of.
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
        self._words = words
        self._parts = parts
        self._needs = needs

    @property
    def SEVERITY(self) -> Severity:
        """How much its findings matter, where nothing else is said."""
        return self.module.SEVERITY

    @cached_property
    def module(self) -> Rule:
        """The module of the rule."""
        return cast(Rule, import_module(f"arazzo_runner.validation.rules.{self.CODE.replace('-', '_')}"))

    def check(self, program: Inspection) -> Iterable[Diagnostic]:
        """Return what this rule finds in the entry document of a program."""
        return self.module.check(program) if self.may_find(program) else ()

    def may_find(self, program: Inspection) -> bool:
        """Tell whether the document holds what the rule looks for; false only when it can find nothing."""
        if self._words and program.texts.words.isdisjoint(self._words):
            return False
        if self._parts and not program.texts.have(self._parts):
            return False
        if self._needs == "operations":
            return program.has_operations
        if self._needs == "calls":
            return program.has_calls
        if self._needs == "actions":
            return program.has_actions
        return program.has_forecast if self._needs == "forecast" else True


GROUPS = ("shape", "names", "references", "language", "flow", "openapi", "safety", "style")
"""The groups of rules, in the order the documentation lists them."""


def run_rules(program: Inspection, rules: Iterable[Rule], *, strict: bool = False) -> Iterator[Diagnostic]:
    """Return what the rules find, in their order; with `strict` every warning is an error."""
    for rule in rules:
        for found in rule.check(program):
            if strict and found.severity is Severity.WARNING:
                yield replace(found, severity=Severity.ERROR)
            else:
                yield found
