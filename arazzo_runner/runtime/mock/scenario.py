"""Scenarios: a declarative file that gives a mock API state and makes it fail on request.

The format is documented in docs/mock.md. Rules are tried in order; the first whose operation (or channel and
action), switch, times and conditions fit is applied: its changes are made and its answer is given.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.base.user_files import UnusableFile, read_file
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.errors import InvalidUsage, Location, similar_or_all
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import Template
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.runtime.mock.scenario_rules import check_rule, invalid_scenario
from arazzo_runner.sources.channel import Action


class Drop(Record):
    """The connection is closed without an answer."""


class ScenarioMessage(Record, kw_only=True):
    """A message that a rule sends `after` seconds; with payload MISSING one is made up.

    `channel` is the name of a channel or an address, "" for that of the rule's own channel or its reply.
    """

    channel: str = ""
    payload: JsonValue = MISSING
    headers: tuple[tuple[str, str], ...] = ()
    after: float = 0.0


class ScenarioAnswer(Record):
    """The answer of a rule about an operation, and the messages that it sends besides.

    With status None the description's answer is used.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: JsonValue = MISSING
    delay: float = 0.0
    drop: bool = False
    publish: tuple[ScenarioMessage, ...] = ()


class ChannelAnswer(Record, kw_only=True):
    """The answer of a rule about a channel: the messages that it sends; None leaves that to the description."""

    messages: tuple[ScenarioMessage, ...] | None
    delay: float = 0.0
    drop: bool = False


class Scenario(MutableRecord):
    """The rules and the state: `sets` of texts and `counters`, both by name; `at` is where the rules are."""

    rules: Sequence[Mapping[str, Any]]
    sets: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()
    at: Location = Location("")
    _used: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fresh(self) -> Scenario:
        """Return the same rules with a memory of their own, a copy of this one."""
        sets = {name: list(texts) for name, texts in self.sets.items()}
        return Scenario(rules=self.rules, sets=sets, counters=dict(self.counters), switches=self.switches, at=self.at)

    def answer(self, operation: str, request: HttpRequest, message: Message) -> ScenarioAnswer | None:
        """Apply the first rule that fits a request; None when none does."""
        asked = Scope(request=message, method=request.method, url=request.url)
        with self._lock:
            for index, rule in enumerate(self.rules):
                if rule.get("operation") == operation and self._fits(index, rule, asked):
                    self._apply(index, rule, asked)
                    return self._answer(rule, asked)
        return None

    def channel_answer(self, names: Collection[str], action: Action, message: Message | None) -> ChannelAnswer | None:
        """Apply the first rule that fits a channel, of one of these names or addresses; None when none does.

        `action` is what the run does: it sent `message`, or waits where nothing has come.
        """
        asked = Scope(message=message)
        with self._lock:
            for index, rule in enumerate(self.rules):
                is_meant = rule.get("channel") in names and rule.get("action", "send") == action
                if is_meant and self._fits(index, rule, asked):
                    self._apply(index, rule, asked)
                    return self._channel_answer(rule, asked)
        return None

    def _fits(self, index: int, rule: Mapping[str, Any], asked: Scope) -> bool:
        if "switch" in rule and rule["switch"] not in self.switches:
            return False
        if "times" in rule and self._used.get(index, 0) >= rule["times"]:
            return False
        return all(self._holds(condition, asked) for condition in rule.get("when", ()))

    def _holds(self, condition: Any, asked: Scope) -> bool:
        scope = self._counting(asked)
        if isinstance(condition, str):
            return holds(parse_condition(condition).node, scope).passed
        value = self._text(condition["value"], scope)
        if "in" in condition:
            return value in self.sets.get(condition["in"], [])
        return value not in self.sets.get(condition["not in"], [])

    def _apply(self, index: int, rule: Mapping[str, Any], asked: Scope) -> None:
        """Count the use of a rule and make its changes."""
        self._used[index] = self._used.get(index, 0) + 1
        for change in rule.get("do", ()):
            scope = self._counting(asked)
            if "add" in change:
                self.sets.setdefault(change["to"], []).append(self._text(change["add"], scope))
            elif "remove" in change:
                text = self._text(change["remove"], scope)
                self.sets[change["from"]] = [each for each in self.sets.get(change["from"], []) if each != text]
            elif "clear" in change:
                self.sets[change["clear"]] = []
            elif "count" in change:
                self.counters[change["count"]] = self.counters.get(change["count"], 0) + 1

    def _answer(self, rule: Mapping[str, Any], asked: Scope) -> ScenarioAnswer:
        scope = self._counting(asked)
        stated = rule.get("answer")
        delay, drop = float(rule.get("delay", 0)), rule.get("drop") is True
        publish = self._messages(rule.get("publish", ()), scope)
        if stated is None:
            return ScenarioAnswer(None, delay=delay, drop=drop, publish=publish)
        body = self._filled(stated.get("body", MISSING), scope)
        return ScenarioAnswer(int(stated.get("status", 200)), self._headers(stated, scope), body, delay, drop, publish)

    def _channel_answer(self, rule: Mapping[str, Any], asked: Scope) -> ChannelAnswer:
        messages = None
        if "answer" in rule:
            messages = self._messages(rule["answer"], self._counting(asked))
        return ChannelAnswer(messages=messages, delay=float(rule.get("delay", 0)), drop=rule.get("drop") is True)

    def _messages(self, stated: Any, scope: Scope) -> tuple[ScenarioMessage, ...]:
        return tuple(
            ScenarioMessage(
                channel=self._text(each.get("channel", ""), scope),
                payload=self._filled(each.get("payload", MISSING), scope),
                headers=self._headers(each, scope),
                after=float(each.get("after", 0)),
            )
            for each in ([stated] if isinstance(stated, dict) else stated)
        )

    def _headers(self, stated: Mapping[str, Any], scope: Scope) -> tuple[tuple[str, str], ...]:
        return tuple((name, to_text(self._filled(value, scope))) for name, value in stated.get("headers", {}).items())

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

    def _counting(self, asked: Scope) -> Scope:
        return replace(asked, inputs=dict(self.counters))


def read_scenario(path: str | PathLike[str], switches: Sequence[str] = ()) -> Scenario:
    """Read a scenario file; raises InvalidUsage with Diagnostics when it is broken or a switch is unknown."""
    name = fspath(path)
    problems = Problems()
    try:
        document = read(read_file(name), name, problems)
    except UnusableFile as problem:
        raise invalid_scenario(f"the scenario cannot be read: {problem}", Location(name)) from None
    if document is None:
        raise InvalidUsage(problems.diagnostics)
    raw = document.value
    if not isinstance(raw, dict) or not isinstance(raw.get("rules"), list):
        raise invalid_scenario("a scenario is a mapping with rules", document.at())
    for index, rule in enumerate(raw["rules"]):
        check_rule(rule, document.at(f"/rules/{index}"))
    known = {rule["switch"] for rule in raw["rules"] if "switch" in rule}
    for switch in switches:
        if switch not in known:
            hint = similar_or_all(switch, sorted(known))
            raise invalid_scenario(f'the scenario has no switch "{switch}"', document.at(), hint)
    return Scenario(
        rules=raw["rules"],
        sets={name: list(texts) for name, texts in (raw.get("sets") or {}).items()},
        counters=dict(raw.get("counters") or {}),
        switches=frozenset(switches),
        at=document.at("/rules"),
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
