"""Every code that checking a document can give: what the loader itself reports, and what the rules find.

The loader reads, links and compiles; what it reports on the way counts as rules too, with a
group, a level and a page each. Codes of runs, of the command line and of configuration files
are not listed: they are about no document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Severity
from arazzo_runner.lint.rules import RULES
from arazzo_runner.lint.rules.rule import GROUPS

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Check(Record):
    """One code: its group, the level it usually has, whether it is looked for by default, and whether a rule does.

    What the loader reports cannot be switched off before it is found, only hidden; a few of its
    codes have another level where the matter is graver or lighter than usual.
    """

    code: str
    group: str
    severity: Severity
    is_default: bool = True
    is_rule: bool = False


def _loader(group: str, severity: Severity, codes: str) -> Iterable[Check]:
    return (Check(code, group, severity) for code in codes.split())


LOADER: Final[tuple[Check, ...]] = (
    *_loader(
        "shape",
        ERROR,
        "alias-expansion document-too-deep document-too-large duplicate-key empty-document empty-list exclusive-fields "
        "invalid-value json-syntax missing-field not-json not-text not-utf8 unknown-field unknown-version "
        "unsupported-tag unusable-key wrong-type yaml-syntax",
    ),
    *_loader(
        "shape", WARNING, "ignored-field ignored-in merge-key newer-field second-document uri-form version-number"
    ),
    *_loader("names", ERROR, "duplicate-action duplicate-name duplicate-parameter"),
    *_loader("names", WARNING, "unusual-id unusual-name"),
    *_loader(
        "references",
        ERROR,
        "not-supported source-kind source-not-found source-not-readable unknown-component unknown-output "
        "unknown-source unknown-step unknown-workflow",
    ),
    *_loader("references", WARNING, "depends-on-form source-moved undeclared-input"),
    *_loader("references", INFO, "not-checked"),
    *_loader(
        "language",
        ERROR,
        "condition-syntax expression-syntax jsonpath-syntax jsonpointer-syntax regex-syntax xpath-syntax",
    ),
    *_loader(
        "language",
        WARNING,
        "bare-expression braced-expression constant-output context-comparison double-quotes expression-as-key "
        "filter-passes-anything headers-plural jsonpath-comparison jsonpath-version length-property pointer-fragment "
        "pointer-slash property-step regex-delimiters target-language whole-inputs whole-outputs",
    ),
    *_loader("flow", ERROR, "dependency-cycle"),
    *_loader("flow", WARNING, "later-step"),
    *_loader(
        "openapi",
        ERROR,
        "ambiguous-operation missing-path-parameter unknown-operation unknown-path-parameter unusable-scheme",
    ),
    *_loader(
        "openapi",
        WARNING,
        "broken-description broken-reference duplicate-operation-id operation-path-form operation-reference "
        "undeclared-parameter unqualified-operation",
    ),
)
"""What the loader reports of a document."""


def checks() -> tuple[Check, ...]:
    """Return every code that checking a document can give, by group and name.

    >>> next(each.severity.value for each in checks() if each.code == "unused-input")
    'warning'
    """
    return tuple(sorted((*LOADER, *_rules()), key=lambda each: (GROUPS.index(each.group), each.code)))


def _rules() -> Iterator[Check]:
    return (Check(rule.CODE, rule.GROUP, rule.SEVERITY, rule.DEFAULT, is_rule=True) for rule in RULES)
