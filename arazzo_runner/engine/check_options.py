"""CheckOptions: what a run holds requests and responses to, and how much each misfit matters."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from arazzo_runner.base.records import Record

Level: TypeAlias = Literal["off", "warn", "error"]

LEVELS: Final[tuple[Level, ...]] = ("off", "warn", "error")
RESPONSE_CHECKS: Final = ("status", "content-type", "headers", "schema", "undocumented", "deep")
"""The checks of responses by name; the last two are off unless asked for."""
USUAL_CHECKS: Final = RESPONSE_CHECKS[:4]


class CheckOptions(Record, kw_only=True):
    """The level of every check of traffic against the OpenAPI description (semantics §6).

    "warn" reports, "error" fails the step, "off" does not look. `requests` looks at required
    parameters, parameter values and the body before anything is sent. Of a response `status`
    looks whether it is documented, `content_type` whether its media type is, `headers` at those
    documented, `schema` at the body. `undocumented` reports members that the schema allows but
    does not name. `deep` has openapi-core check the whole exchange once more.
    """

    requests: Level = "warn"
    status: Level = "warn"
    content_type: Level = "warn"
    headers: Level = "warn"
    schema: Level = "warn"
    undocumented: Level = "off"
    deep: Level = "off"

    @property
    def any_response(self) -> bool:
        """Whether a response is looked at at all."""
        return any(getattr(self, name.replace("-", "_")) != "off" for name in RESPONSE_CHECKS)


NO_CHECKS: Final = CheckOptions(
    requests="off", status="off", content_type="off", headers="off", schema="off", undocumented="off", deep="off"
)
