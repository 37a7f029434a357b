"""The wildcards of protocols: which addresses a subscription to a pattern gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arazzo_runner.base.records import Record


class Wildcards(Record, kw_only=True):
    """The wildcards of a protocol: what separates words, what matches one word, and what the rest.

    `anywhere`: the one for several words may stand between others, and for none.
    """

    separator: str
    one: str
    rest: str
    anywhere: bool = False
    none: bool = False


MQTT: Final = Wildcards(separator="/", one="+", rest="#", none=True)
NATS: Final = Wildcards(separator=".", one="*", rest=">")
AMQP: Final = Wildcards(separator=".", one="*", rest="#", anywhere=True, none=True)


def wildcards_of(protocol: str) -> Wildcards | None:
    """Return the wildcards of a protocol, None for one without."""
    if "mqtt" in protocol:
        return MQTT
    if "nats" in protocol:
        return NATS
    return AMQP if protocol in ("amqp", "amqps") else None


def matches(pattern: str, address: str, wildcards: Wildcards | None) -> bool:
    """Return whether messages of an address reach a subscription to a pattern."""
    if wildcards is None or pattern == address:
        return pattern == address
    if wildcards is MQTT and address.startswith("$") and pattern[:1] in ("+", "#"):
        return False  # MQTT 5.0 §4.7.2: topics of the broker itself
    return _fits(pattern.split(wildcards.separator), address.split(wildcards.separator), wildcards)


def _fits(pattern: Sequence[str], words: Sequence[str], wildcards: Wildcards) -> bool:
    """Return whether words fit; the row tells after each word of the pattern how many words may be used up."""
    row = [True] + [False] * len(words)
    for index, each in enumerate(pattern):
        is_rest = each == wildcards.rest and (wildcards.anywhere or index == len(pattern) - 1)
        following = [False] * len(row)
        for used in range(len(row)):
            if is_rest and wildcards.none:
                following[used] = row[used] or (used > 0 and following[used - 1])
            elif used > 0:
                one = row[used - 1] and each in (wildcards.one, words[used - 1])
                following[used] = one or (is_rest and (row[used - 1] or following[used - 1]))
        row = following
    return row[-1]
