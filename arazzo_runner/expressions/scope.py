"""Scope: what an expression may see at this moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import Record, field


class Message(Record):
    """A request, response or message as expressions see it.

    `headers` keeps the order and repeats of the wire; `query` and `path` are the parameters
    of a request; `body` is the parsed body (text when it is not JSON), MISSING when there is
    none.
    """

    headers: tuple[tuple[str, str], ...] = ()
    query: Mapping[str, JsonValue] = field(default_factory=dict)
    path: Mapping[str, JsonValue] = field(default_factory=dict)
    body: JsonValue | Missing = MISSING

    def header(self, name: str) -> JsonValue | Missing:
        """Return a header's value, its name read without regard to case (RFC 9110 §5.1).

        Repeated headers are joined with ", "; Set-Cookie sent more than once is a list.
        """
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        if not values:
            return MISSING
        if len(values) > 1 and wanted == "set-cookie":
            return values
        return ", ".join(values)


class WorkflowScope(Record):
    """What `$workflows.<id>` shows of a workflow that ran in this run."""

    inputs: Mapping[str, JsonValue]
    outputs: Mapping[str, JsonValue]


class Scope(Record):
    """Everything a runtime expression may refer to; fields are empty while there is nothing to see.

    `steps` maps a stepId to its outputs, `workflows` a workflowId to its WorkflowScope,
    `sources` a source name to its fields (`url`, `type`, `name`), `components` a component
    type to its named objects. Outputs that could not be had are absent (MISSING). `not_yet`
    are steps that could not run yet: a loop will come to them. `query_timeout` are the seconds
    that one selector or replacement may take, `now` is the time that XPath's current-dateTime()
    gives, in seconds since the epoch.
    """

    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    workflows: Mapping[str, WorkflowScope] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    self_uri: str | None = None
    url: str | Missing = MISSING
    method: str | Missing = MISSING
    status_code: int | Missing = MISSING
    request: Message | None = None
    response: Message | None = None
    message: Message | None = None
    not_yet: Collection[str] = ()
    query_timeout: float = 1.0
    now: float = 0.0
