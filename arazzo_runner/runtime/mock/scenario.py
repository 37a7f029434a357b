"""Scenarios: a declarative file that gives a mock API state and makes it fail on request.

The format is documented in docs/mock.md. Rules are tried in order; the first whose operation,
switch, times and conditions fit is applied: its changes are made and its answer is given.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.user_files import UnusableFile, read_file
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean, similar_or_all
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Template
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.expressions.template import parse_template

RULE_FIELDS = frozenset({"operation", "switch", "times", "when", "do", "answer", "delay", "drop"})


class Drop(Record):
    """The connection is closed without an answer."""


class ScenarioAnswer(Record):
    """The answer of a rule; with status None the description's is used."""

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: JsonValue = MISSING
    delay: float = 0.0
    drop: bool = False


class Scenario(MutableRecord):
    """The rules and the state: `sets` of texts and `counters`, both by name."""

    rules: Sequence[Mapping[str, Any]]
    sets: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()
    _used: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fresh(self) -> Scenario:
        """Return the same rules with a memory of their own, a copy of this one."""
        sets = {name: list(texts) for name, texts in self.sets.items()}
        return Scenario(rules=self.rules, sets=sets, counters=dict(self.counters), switches=self.switches)

    def answer(self, operation: str, request: HttpRequest, message: Message) -> ScenarioAnswer | None:
        """Apply the first rule that fits a request; None when none does."""
        with self._lock:
            for index, rule in enumerate(self.rules):
                if rule.get("operation") == operation and self._fits(index, rule, request, message):
                    self._used[index] = self._used.get(index, 0) + 1
                    self._change(rule.get("do", ()), request, message)
                    return self._answer(rule, request, message)
        return None

    def _fits(self, index: int, rule: Mapping[str, Any], request: HttpRequest, message: Message) -> bool:
        if "switch" in rule and rule["switch"] not in self.switches:
            return False
        if "times" in rule and self._used.get(index, 0) >= rule["times"]:
            return False
        return all(self._holds(condition, request, message) for condition in rule.get("when", ()))

    def _holds(self, condition: Any, request: HttpRequest, message: Message) -> bool:
        scope = self._scope(request, message)
        if isinstance(condition, str):
            return holds(parse_condition(condition).node, scope).passed
        value = self._text(condition["value"], scope)
        if "in" in condition:
            return value in self.sets.get(condition["in"], [])
        return value not in self.sets.get(condition["not in"], [])

    def _change(self, changes: Sequence[Mapping[str, Any]], request: HttpRequest, message: Message) -> None:
        for change in changes:
            scope = self._scope(request, message)
            if "add" in change:
                self.sets.setdefault(change["to"], []).append(self._text(change["add"], scope))
            elif "remove" in change:
                text = self._text(change["remove"], scope)
                self.sets[change["from"]] = [each for each in self.sets.get(change["from"], []) if each != text]
            elif "clear" in change:
                self.sets[change["clear"]] = []
            elif "count" in change:
                self.counters[change["count"]] = self.counters.get(change["count"], 0) + 1

    def _answer(self, rule: Mapping[str, Any], request: HttpRequest, message: Message) -> ScenarioAnswer:
        scope = self._scope(request, message)
        stated = rule.get("answer")
        delay, drop = float(rule.get("delay", 0)), rule.get("drop") is True
        if stated is None:
            return ScenarioAnswer(None, delay=delay, drop=drop)
        headers = tuple(
            (name, to_text(self._filled(value, scope))) for name, value in stated.get("headers", {}).items()
        )
        body = self._filled(stated.get("body", MISSING), scope)
        return ScenarioAnswer(int(stated.get("status", 200)), headers, body, delay, drop)

    def _filled(self, value: JsonValue, scope: Scope) -> JsonValue:
        if isinstance(value, str):
            return _value_of(value, scope)
        if isinstance(value, dict):
            return {name: self._filled(item, scope) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, scope) for item in value]
        return value

    def _text(self, value: JsonValue, scope: Scope) -> str:
        return to_text(self._filled(value, scope))

    def _scope(self, request: HttpRequest, message: Message) -> Scope:
        return Scope(inputs=dict(self.counters), request=message, method=request.method, url=request.url)


def read_scenario(path: str | PathLike[str], switches: Sequence[str] = ()) -> Scenario:
    """Read a scenario file; raises InvalidUsage with Diagnostics when it is broken or a switch is unknown."""
    name = fspath(path)
    problems = Problems()
    try:
        document = read(read_file(name), name, problems)
    except UnusableFile as problem:
        raise _invalid(f"the scenario cannot be read: {problem}", Location(name)) from None
    if document is None:
        raise InvalidUsage(problems.diagnostics)
    raw = document.value
    if not isinstance(raw, dict) or not isinstance(raw.get("rules"), list):
        raise _invalid("a scenario is a mapping with rules", document.at())
    for index, rule in enumerate(raw["rules"]):
        _check_rule(rule, document.at(f"/rules/{index}"))
    known = {rule["switch"] for rule in raw["rules"] if "switch" in rule}
    for switch in switches:
        if switch not in known:
            hint = similar_or_all(switch, sorted(known))
            raise _invalid(f'the scenario has no switch "{switch}"', document.at(), hint)
    return Scenario(
        rules=raw["rules"],
        sets={name: list(texts) for name, texts in (raw.get("sets") or {}).items()},
        counters=dict(raw.get("counters") or {}),
        switches=frozenset(switches),
    )


def _check_rule(rule: JsonValue, at: Location) -> None:
    if not isinstance(rule, dict) or not isinstance(rule.get("operation"), str):
        raise _invalid("a rule is a mapping with an operation", at)
    unknown = sorted(set(rule) - RULE_FIELDS)
    if unknown:
        raise _invalid(f'a rule has no "{unknown[0]}"', at.child(unknown[0]), did_you_mean(unknown[0], RULE_FIELDS))
    for index, condition in enumerate(rule.get("when", ())):
        place = at.child("when").child(index)
        if isinstance(condition, str):
            try:
                parse_condition(condition)
            except ExpressionSyntaxError as problem:
                raise _invalid(problem.message, place.within(problem.offset), problem.hint) from None
        elif not isinstance(condition, dict) or "value" not in condition or not {"in", "not in"} & set(condition):
            raise _invalid("a condition is a text, or a mapping with value and in", place)


def _invalid(message: str, at: Location, hint: str | None = None) -> InvalidUsage:
    return InvalidUsage(
        [Diagnostic(code="invalid-scenario", severity=Severity.ERROR, message=message, at=at, hint=hint)]
    )


def _value_of(text: str, scope: Scope) -> JsonValue:
    node = parse_template(text, bare=False).node
    if isinstance(node, str):
        return node
    if isinstance(node, Template):
        try:
            return render(node, scope)
        except MissingValue:
            return ""
    value = evaluate(node, scope)
    return "" if value is MISSING else value
