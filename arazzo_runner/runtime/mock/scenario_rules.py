"""The checks of the rules of a scenario: every field is known, of its kind, and can be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from arazzo_runner.base.json_values import JsonValue, to_text, type_name
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.template import parse_template

if TYPE_CHECKING:
    from arazzo_runner.runtime.mock.channels import Channels

_COMMON: Final = frozenset({"switch", "times", "when", "do", "answer", "delay", "drop"})
RULE_FIELDS: Final = _COMMON | {"operation", "publish"}
CHANNEL_FIELDS: Final = _COMMON | {"channel", "action"}
MESSAGE_FIELDS: Final = frozenset({"channel", "payload", "headers", "after"})
_ACTIONS: Final = ("send", "receive")
_OF_REQUESTS: Final = {
    "body": "write payload:",
    "status": "messages have no status; write payload:",
    "delay": "write after:",
}


def invalid_scenario(message: str, at: Location, hint: str | None = None) -> InvalidUsage:
    """Return the exception that says what is wrong with a scenario."""
    return InvalidUsage(
        [Diagnostic(code="invalid-scenario", severity=Severity.ERROR, message=message, at=at, hint=hint)]
    )


def check_rule(rule: JsonValue, at: Location) -> None:
    """Raise InvalidUsage for a rule that could not be applied."""
    kinds = [kind for kind in ("operation", "channel") if isinstance(rule, dict) and isinstance(rule.get(kind), str)]
    if not isinstance(rule, dict) or not kinds:
        raise invalid_scenario("a rule is a mapping with an operation or a channel", at)
    if len(kinds) == 2:
        raise invalid_scenario("a rule is about an operation or about a channel, not both", at.child("channel"))
    about_channel = kinds == ["channel"]
    _check_fields(rule, CHANNEL_FIELDS if about_channel else RULE_FIELDS, "a rule", at)
    _check_conditions(rule, at)
    if about_channel:
        _check_channel_rule(rule, at)
    if "publish" in rule:
        _check_messages(rule["publish"], at.child("publish"), needs_channel=True)


def check_channels(rules: Sequence[Mapping[str, Any]], known: Channels, at: Location) -> None:
    """Raise InvalidUsage for a channel that a rule misspells; others may be those of another document."""
    names = sorted({name for each in known.every() for name in each.names})
    _check_operations(rules, known, at)
    for text, place in _channels_in(rules, at):
        hint = None if "{$" in text or known.named(text) is not None else did_you_mean(text, names)
        if hint is not None:
            raise invalid_scenario(f'no description has the channel "{text}"', place, hint)


def _check_operations(rules: Sequence[Mapping[str, Any]], known: Channels, at: Location) -> None:
    """Raise InvalidUsage for a rule about requests that names an operation of an AsyncAPI description."""
    for index, rule in enumerate(rules):
        name = rule.get("operation")
        channel = None if name is None else known.of_operation(name)
        if channel is not None:
            message = f'"{name}" sends or receives messages; a rule about them names their channel'
            raise invalid_scenario(message, at.child(index).child("operation"), f"write channel: {channel.key}")


def _channels_in(rules: Sequence[Mapping[str, Any]], at: Location) -> Iterator[tuple[str, Location]]:
    for index, rule in enumerate(rules):
        place = at.child(index)
        if "channel" in rule:
            yield rule["channel"], place.child("channel")
        stated = rule.get("answer" if "channel" in rule else "publish", ())
        for each, below in _listed(stated, place.child("answer" if "channel" in rule else "publish")):
            if isinstance(each, dict) and "channel" in each:
                yield str(each["channel"]), below.child("channel")


def _check_fields(value: Mapping[str, Any], known: Collection[str], what: str, at: Location) -> None:
    unknown = sorted(set(value) - set(known))
    if unknown:
        name = unknown[0]
        hint = _OF_REQUESTS.get(name) if what == "a message" else None
        raise invalid_scenario(f'{what} has no "{name}"', at.child(name), hint or did_you_mean(name, known))


def _check_conditions(rule: Mapping[str, Any], at: Location) -> None:
    if not isinstance(rule.get("when", []), list):
        raise invalid_scenario("when is a list of conditions", at.child("when"), "write it in brackets: when: [...]")
    for index, condition in enumerate(rule.get("when", ())):
        place = at.child("when").child(index)
        if isinstance(condition, str):
            try:
                parse_condition(condition)
            except ExpressionSyntaxError as problem:
                raise invalid_scenario(problem.message, place.within(problem.offset), problem.hint) from None
        elif not isinstance(condition, dict) or "value" not in condition or not {"in", "not in"} & set(condition):
            raise invalid_scenario("a condition is a text, or a mapping with value and in", place)


def _check_channel_rule(rule: Mapping[str, Any], at: Location) -> None:
    action = rule.get("action", "send")
    if action not in _ACTIONS:
        hint = did_you_mean(str(action), _ACTIONS) or f"write {' or '.join(_ACTIONS)}: what the run does"
        raise invalid_scenario(
            f'a rule has the action "send" or "receive", not {action!r:.40}', at.child("action"), hint
        )
    for place in ("when", "do", "answer"):
        if "$request." in to_text(rule.get(place, "")):
            hint = "read $message.payload or $message.header.<name>"
            raise invalid_scenario("a rule about messages has no $request", at.child(place), hint)
    if "answer" in rule:
        _check_messages(rule["answer"], at.child("answer"), needs_channel=False)


def _check_messages(stated: JsonValue, at: Location, *, needs_channel: bool) -> None:
    for each, place in _listed(stated, at):
        if not isinstance(each, dict):
            raise invalid_scenario(
                f"a message is a mapping of channel, payload, headers, after, not {type_name(each)}", place
            )
        _check_fields(each, MESSAGE_FIELDS, "a message", place)
        channel, after = each.get("channel", "" if not needs_channel else None), each.get("after", 0)
        if not isinstance(channel, str) or (needs_channel and not channel):
            raise invalid_scenario("a message names the channel that it goes to", place, "write channel: NAME")
        if not isinstance(each.get("headers", {}), dict):
            raise invalid_scenario("the headers of a message are a mapping", place.child("headers"))
        if isinstance(after, bool) or not isinstance(after, (int, float)) or not after >= 0:
            raise invalid_scenario(
                "after is a number of seconds, 0 or more", place.child("after"), "write it without a unit, such as 2"
            )
        _check_templates(each, place)


def _listed(stated: JsonValue, at: Location) -> Iterator[tuple[JsonValue, Location]]:
    if isinstance(stated, list):
        yield from ((each, at.child(index)) for index, each in enumerate(stated))
    else:
        yield stated, at


def _check_templates(value: JsonValue, at: Location) -> None:
    """Raise InvalidUsage for an expression in a message that is none."""
    if isinstance(value, str):
        try:
            parse_template(value, bare=False)
        except ExpressionSyntaxError as problem:
            raise invalid_scenario(problem.message, at.within(problem.offset), problem.hint) from None
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_templates(item, at.child(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_templates(item, at.child(index))
