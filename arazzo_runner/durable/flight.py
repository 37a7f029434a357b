"""An effect of a durable run that is under way, and its answer as the journal has it."""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.durable.journal import answer_to_json, file_to_json
from arazzo_runner.durable.messages import Waited, message_answer_to_json
from arazzo_runner.durable.records import PUBLISH, Doubt
from arazzo_runner.engine.effects import LeafEffect, Now, ReadFile, SendRequest, Sleep
from arazzo_runner.engine.messages import Publish, Receive, Subscribe
from arazzo_runner.report.masking import masked_url
from arazzo_runner.sources.uris import without_userinfo

Leaf: TypeAlias = LeafEffect | Waited
"""The effects that a durable run has answers of."""


class Flight(MutableRecord):
    """An effect under way: its answer once it has one, and the execution that began it, if that is recorded.

    `until` is when a wait ends; `is_held` says that the outcome is unknown, which is not reported yet.
    """

    leaf: Leaf
    sender: str | None = None
    until: float | None = None
    answer: object = None
    is_answered: bool = False
    is_held: bool = False
    is_sent: bool = False

    def settle(self, answer: object) -> None:
        """Give it its answer."""
        self.answer = answer
        self.is_answered = True

    def recorded(self, *, unknown: bool) -> JsonValue:
        """Return the answer as a JSON value; `unknown` marks an unsafe request of unknown outcome."""
        answer = cast(Any, self.answer)
        match self.leaf:
            case SendRequest():
                return answer_to_json(answer, unknown=unknown)
            case Publish() | Subscribe() | Receive():
                return message_answer_to_json(answer, unknown=unknown)
            case ReadFile():
                return file_to_json(answer)
            case Now() | Sleep():
                return cast(JsonValue, answer)
            case _:
                assert_never(self.leaf)

    def doubt(self, secrets: Secrets) -> Doubt:
        """Return a request or message of unknown outcome as what a person decides about."""
        assert self.sender is not None
        return Doubt(key=self.leaf.key, token=self.sender, **shown(self.leaf, secrets))


def is_unknown(value: JsonValue) -> bool:
    """Return whether a recorded answer says that the outcome is unknown."""
    return isinstance(value, dict) and value.get("unknown") is True


def shown(leaf: Leaf, secrets: Secrets) -> dict[str, str]:
    """Return what the journal says about an unsafe request, or about a message that is sent, masked.

    Lists of runs print it, which do not know the secrets of any.
    """
    if isinstance(leaf, Publish):
        url = f"{without_userinfo(leaf.broker.url)} {leaf.message.address}"
        return {"method": PUBLISH, "url": secrets.mask_url(url)}
    assert isinstance(leaf, SendRequest)
    return {"method": leaf.request.method, "url": masked_url(leaf.request.url, secrets)}
