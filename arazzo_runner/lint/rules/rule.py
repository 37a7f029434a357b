"""What a rule is, and running rules over a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias, get_args

from arazzo_runner.base.records import Record, field
from arazzo_runner.errors import Diagnostic, Fix, Judge, Location, Severity, judged
from arazzo_runner.lint.inspection import Feature, Inspection
from arazzo_runner.lint.pages import page_of

Group: TypeAlias = Literal["shape", "names", "references", "language", "flow", "openapi", "asyncapi", "safety", "style"]

GROUPS: Final[tuple[Group, ...]] = get_args(Group)
"""The groups of rules, in the order in which they run and the documentation lists them."""


class Finding(Record):
    """One mistake that a rule found; `severity` is given only where it is not the rule's."""

    message: str
    at: Location
    hint: str | None = None
    severity: Severity | None = None
    related: tuple[Location, ...] = ()
    fix: Fix | None = None


class Trigger(Record, kw_only=True):
    """What a document must contain for a rule to find anything in it; empty fields require nothing.

    `words`: one of them is a mapping key or a whole text of the document. `parts`: one of them
    occurs in a text; a part may begin with a line break, which matches the beginning of a text.
    `needs`: it is one of the `features` of the Inspection.
    """

    words: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    needs: Feature | None = None

    def matches(self, inspection: Inspection) -> bool:
        """Return False only if the rule cannot find anything in the document."""
        if self.needs is not None and self.needs not in inspection.features:
            return False
        if self.words and not inspection.texts.has_any_word(self.words):
            return False
        return not self.parts or inspection.texts.has_any_part(self.parts)


ALWAYS: Final = Trigger()
"""The trigger of rules that every document is checked for."""

Check: TypeAlias = Callable[[Inspection], Iterable[Finding]]
"""Finds mistakes in the entry document of an Inspection. Total: it never raises, and keeps nothing between calls."""


class Rule(Record, kw_only=True):
    """Everything about one rule; made with the decorator `rule`.

    `code` names the rule, its page and its folder of fixtures. `is_default`: it runs when no rules
    are selected. `options` are the defaults of its options in arazzo.toml. `is_tolerated`: a run goes on
    over what it finds; other rules whose findings are errors refuse a run.
    """

    code: str
    group: Group
    severity: Severity
    check: Check
    is_tolerated: bool = False
    is_default: bool = True
    trigger: Trigger = ALWAYS
    options: Mapping[str, int] = field(default_factory=dict)

    def option(self, inspection: Inspection, name: str) -> int:
        """Return an option as configured; its default if it is not set, or not to a whole number."""
        value = inspection.options.get(self.code, {}).get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else self.options[name]

    @property
    def page(self) -> str:
        """The path of the page that explains the rule."""
        return page_of(self.code)

    def diagnostics(self, inspection: Inspection) -> Iterator[Diagnostic]:
        """Yield what the rule finds in the entry document, as Diagnostics with its code."""
        for found in self.check(inspection):
            yield Diagnostic(
                code=self.code,
                severity=found.severity or self.severity,
                message=found.message,
                at=found.at,
                hint=found.hint,
                related=found.related,
                fix=found.fix,
                is_tolerated=self.is_tolerated,
            )


def rule(
    code: str,
    group: Group,
    *,
    severity: Severity = Severity.WARNING,
    tolerated: bool = False,
    default: bool = True,
    trigger: Trigger = ALWAYS,
    options: Mapping[str, int] | None = None,
) -> Callable[[Check], Rule]:
    """Return a decorator that makes a rule of the function that checks for it."""

    def made(check: Check) -> Rule:
        return Rule(
            code=code,
            group=group,
            severity=severity,
            check=check,
            is_tolerated=tolerated,
            is_default=default,
            trigger=trigger,
            options=options or {},
        )

    return made


def run_rules(
    inspection: Inspection, rules: Iterable[Rule], *, judge: Judge = Judge.VALIDATE, use_triggers: bool = True
) -> Iterator[Diagnostic]:
    """Yield what the rules find, in their order, with the severity that a judge gives it.

    Rules whose trigger is not in the document are skipped, unless `use_triggers` is false: they find nothing.
    """
    for each in rules:
        if use_triggers and not each.trigger.matches(inspection):
            continue
        for found in each.diagnostics(inspection):
            yield judged(found, judge)
