"""What a rule is, and running rules: each is a module with one pure function over an `Inspection`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.validation.inspection import Inspection


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
