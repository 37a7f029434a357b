"""All rules, and every code that checking a document can give: those of the rules, and those of the loader.

The loader reads, links and compiles; each code that it reports on the way has a group, a level and
a page like a rule. Codes of runs, of the command line and of configuration files are not listed:
they are not about a document.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal, TypeAlias

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Severity
from arazzo_runner.lint.pages import known_codes
from arazzo_runner.lint.rules import (
    bodies,
    calls,
    criteria,
    flow,
    members,
    message_addresses,
    messages,
    names,
    references,
    requests,
    responses,
    schemas,
    secrets,
    servers,
    texts,
)
from arazzo_runner.lint.rules.rule import GROUPS, Group, Rule

_MODULES: Final = (
    bodies,
    calls,
    criteria,
    flow,
    members,
    message_addresses,
    messages,
    names,
    references,
    requests,
    responses,
    schemas,
    secrets,
    servers,
    texts,
)


def _rules() -> Iterable[Rule]:
    return (each for module in _MODULES for each in vars(module).values() if isinstance(each, Rule))


RULES: Final = tuple(sorted(_rules(), key=lambda each: (GROUPS.index(each.group), each.code)))
"""Every rule, in the order in which they run: by group and code."""


def select_rules(codes: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Return the rules with these codes; None: those that run by default."""
    return tuple(each for each in RULES if (each.is_default if codes is None else each.code in codes))


def codes_with_options() -> dict[str, tuple[str, ...]]:
    """Return every code there is, with the names of the options that it has in arazzo.toml."""
    return dict.fromkeys(known_codes(), ()) | {each.code: tuple(each.options) for each in RULES}


ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


Tolerance: TypeAlias = Literal["none", "some", "all"]
"""Which findings of a code a run goes on over, with a warning, though they are errors of the document."""


class Check(Record):
    """One code: its group, its usual level, what a run tolerates, whether it is a default, and whether a rule.

    Codes of the loader are always checked; their findings can only be hidden. A few of them have
    another level in some cases.
    """

    code: str
    group: Group
    severity: Severity
    tolerance: Tolerance = "none"
    is_default: bool = True
    is_rule: bool = False

    @property
    def in_a_run(self) -> str:
        """The level before a run: "error" refuses it, "" is not looked for."""
        if self.is_rule and not (self.severity is ERROR and self.is_default):
            return ""
        return {"none": self.severity.value, "some": "error or warning", "all": "warning"}[self.tolerance]


def _loader(group: Group, severity: Severity, codes: str, tolerance: Tolerance = "none") -> Iterable[Check]:
    return (Check(code, group, severity, tolerance) for code in codes.split())


LOADER: Final[tuple[Check, ...]] = (
    *_loader(
        "shape",
        ERROR,
        "alias-expansion document-too-deep document-too-large duplicate-key empty-document exclusive-fields "
        "invalid-value json-syntax missing-field not-arazzo not-json not-text not-utf8 "
        "unquoted-braces unsupported-tag unusable-key wrong-type yaml-syntax",
    ),
    *_loader("shape", ERROR, "empty-list unknown-field unknown-version", "some"),
    *_loader("shape", ERROR, "newer-field second-document uri-form version-number", "all"),
    *_loader("shape", WARNING, "ignored-field ignored-in merge-key"),
    *_loader("names", ERROR, "duplicate-action duplicate-parameter"),
    *_loader("names", ERROR, "duplicate-name", "some"),
    *_loader("names", ERROR, "unusual-name", "all"),
    *_loader("names", WARNING, "unusual-id"),
    *_loader(
        "references",
        ERROR,
        "source-not-found source-not-readable unknown-component unknown-output unknown-source "
        "unknown-step unknown-workflow",
    ),
    *_loader("references", ERROR, "source-kind", "some"),
    *_loader("references", ERROR, "depends-on-form", "all"),
    *_loader("references", ERROR, "undeclared-input", "some"),
    *_loader("references", WARNING, "source-moved"),
    *_loader("references", INFO, "not-checked"),
    *_loader(
        "language",
        ERROR,
        "expression-syntax jsonpath-syntax jsonpointer-syntax regex-syntax xpath-syntax",
    ),
    *_loader("language", ERROR, "braced-expression context-comparison double-quotes jsonpath-comparison", "all"),
    *_loader("language", ERROR, "condition-syntax", "some"),
    *_loader(
        "language",
        WARNING,
        "bare-expression constant-output expression-as-key filter-passes-anything headers-plural jsonpath-version "
        "length-property pointer-fragment pointer-slash property-step regex-delimiters target-language whole-inputs "
        "whole-outputs",
    ),
    *_loader("flow", ERROR, "dependency-cycle later-step"),
    *_loader(
        "openapi",
        ERROR,
        "ambiguous-operation broken-reference duplicate-operation-id missing-path-parameter unknown-operation "
        "unknown-path-parameter unusable-scheme",
    ),
    *_loader("openapi", ERROR, "broken-description operation-path-form", "some"),
    *_loader("openapi", ERROR, "operation-reference unqualified-operation", "all"),
    *_loader("openapi", WARNING, "undeclared-parameter"),
    *_loader("asyncapi", ERROR, "open-address-parameter unknown-channel unknown-message-operation"),
    *_loader("asyncapi", ERROR, "channel-path-form", "some"),
    *_loader("asyncapi", WARNING, "message-operation-path missing-action"),
)
"""The codes that the loader reports."""


def checks() -> tuple[Check, ...]:
    """Return every code that checking a document can give, by group and name.

    >>> next(each.severity.value for each in checks() if each.code == "unused-input")
    'warning'
    """
    rules = (
        Check(each.code, each.group, each.severity, "all" if each.is_tolerated else "none", each.is_default, True)
        for each in RULES
    )
    return tuple(sorted((*LOADER, *rules), key=lambda each: (GROUPS.index(each.group), each.code)))
