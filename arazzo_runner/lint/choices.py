"""Which rules run and with which options, as a caller of `validate` chooses; unknown names are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.errors import Diagnostic, InvalidUsage, Judge, Location, Severity, did_you_mean, similar_or_all
from arazzo_runner.lint.checker import Checks, RuleOptions


def chosen_checks(judge: Judge, rules: Collection[str] | None, options: RuleOptions, *, strict: bool) -> Checks:
    """Return what `validate` checks; raises InvalidUsage for what could not be obeyed."""
    wrong: list[Diagnostic] = []
    if strict and judge is Judge.RUN:
        wrong.append(_wrong("judge=Judge.RUN tolerates what load_options.strict does not: give one of them"))
    if rules is not None or options:
        wrong += _unknown(rules, options)
    if wrong:
        raise InvalidUsage(wrong)
    return Checks(judge=Judge.STRICT if strict else judge, rules=rules, rule_options=options)


def _unknown(rules: Collection[str] | None, options: RuleOptions) -> Iterator[Diagnostic]:
    from arazzo_runner.lint.rules.catalogue import LOADER, RULES  # lazily: most callers choose no rules

    known, always = {each.code: each for each in RULES}, {each.code for each in LOADER}
    for code in rules or ():
        if code not in known and code not in always:
            yield _wrong(f'rules: there is no rule "{code}"', did_you_mean(code, known))
    for code, given in options.items():
        rule = known.get(code)
        if rule is None:
            yield _wrong(f'rule_options: there is no rule "{code}"', did_you_mean(code, known))
            continue
        if code not in rules if rules is not None else not rule.is_default:
            yield _wrong(f'rule_options: the rule "{code}" is not run', "name it in rules")
        for name, value in given.items():
            yield from _option(code, name, value, rule.options)


def _option(code: str, name: str, value: JsonValue, known: Collection[str]) -> Iterator[Diagnostic]:
    if name not in known:
        hint = similar_or_all(name, known) or "it has none"
        yield _wrong(f'rule_options: the rule "{code}" has no option "{name}"', hint)
    elif not isinstance(value, int) or isinstance(value, bool):
        yield _wrong(f'rule_options: "{name}" of "{code}" is a whole number, found {type_name(value)}')


def _wrong(message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
