"""The channels that a mock speaks on: those of a program's steps, and those of their descriptions by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location
from arazzo_runner.program.model import CompiledStep, MessageCall, Program
from arazzo_runner.runtime.mock.expected import step_label
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import Channel

_VARIABLE: Final = pattern(r"\{([^{}]+)\}")
_WILDCARDS: Final = frozenset("+#*>")
_SAMPLE: Final = "example"


class KnownChannel(Record):
    """A channel, and the description that it is in."""

    description: AsyncApiDescription
    channel: Channel

    @property
    def names(self) -> frozenset[str]:
        """What a scenario may call it."""
        return frozenset({self.channel.key, self.channel.address or self.channel.key})


class Channels:
    """The calls of a program's steps that send or receive, by the places of the steps, and the channels by name."""

    def __init__(self, program: Program) -> None:
        self._steps: dict[str, tuple[CompiledStep, MessageCall]] = {
            step_label(step.at): (step, call) for _, step, call in program.message_steps()
        }
        self._descriptions = {call.description.base: call.description for _, call in self._steps.values()}

    def call(self, at: Location | None) -> MessageCall | None:
        """Return the call of the step at a place, None when it is none of the program's."""
        found = self._steps.get(step_label(at))
        return None if found is None else found[1]

    def label(self, call: MessageCall) -> str:
        """Return the label of the step that has a call, "" for none."""
        return next((label for label, (_, each) in self._steps.items() if each is call), "")

    def named(self, text: str) -> KnownChannel | None:
        """Return the channel of a name, of an address as described, or of one that is filled in; None for none."""
        every = list(self.every())
        exact = next((each for each in every if text in each.names), None)
        if exact is not None:
            return exact
        return next((each for each in every if variables_in(each.channel.address, text) is not None), None)

    def of_operation(self, name: str) -> Channel | None:
        """Return the channel of a step's operation, None when no step that sends or receives names it."""
        calls = (call for _, call in self._steps.values() if call.operation is not None)
        return next((call.channel for call in calls if call.operation is not None and call.operation.id == name), None)

    def every(self) -> Iterator[KnownChannel]:
        """Yield the channels of all descriptions."""
        for description in self._descriptions.values():
            for key in description.channel_keys:
                channel = description.channel_at(f"/channels/{escaped(key)}")
                if channel is not None:
                    yield KnownChannel(description, channel)


def variables_in(template: str | None, address: str) -> Mapping[str, str] | None:
    """Return the values that an address has for the variables of a template, None when it is of another channel.

    >>> variables_in("orders/{region}/confirmed", "orders/eu/confirmed")
    {'region': 'eu'}
    """
    if template is None:
        return None
    parts = _VARIABLE.split(template)  # text, name, text, name, …, text
    written = "".join(re.escape(part) if index % 2 == 0 else "(.+?)" for index, part in enumerate(parts))
    found = re.fullmatch(written, address, re.DOTALL)
    return None if found is None else dict(zip(parts[1::2], found.groups(), strict=True))


def filled(channel: Channel, *known: Mapping[str, str] | None) -> str:
    """Return the address of a channel; a variable has the first known value that is no wildcard, else one made up."""

    def value_of(name: str) -> str:
        for values in known:
            value = (values or {}).get(name)
            if value and value not in _WILDCARDS:
                return value
        parameter = channel.parameters.get(name)
        stated = () if parameter is None else (parameter.default, *parameter.enum)
        return next((each for each in stated if each), _SAMPLE)

    return _VARIABLE.sub(lambda match: value_of(match[1]), channel.address or "")


def without_wildcards(address: str) -> str:
    """Return an address that messages can have, made of one that is subscribed to.

    >>> without_wildcards("orders/+/confirmed/#")
    'orders/example/confirmed/example'
    """
    return _WORD.sub(lambda match: f"{match[1]}{_SAMPLE}", address)


_WORD: Final = pattern(r"(^|[/.])[+#*>](?=$|[/.])")
