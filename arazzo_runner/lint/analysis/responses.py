"""The documented responses of a step's operation: those for a status, those of a passed step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.records import Record
from arazzo_runner.lint.analysis.conditions import atoms_of, possible_statuses
from arazzo_runner.lint.analysis.schema_types import SchemaType, SchemaTypes
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.sources.http_media.media_types import is_form, is_json
from arazzo_runner.sources.operation import Operation, OperationResponse


class Answers(Record):
    """The documented responses of a step.

    `passed_keys` are the keys of the responses with which the step may pass; `can_pass`: it may
    pass with some status, documented or not. `passed_body` are the types of the body of a passed
    step, `any_body` those of any response; None: not documented.
    """

    operation: Operation
    can_pass: bool
    passed_keys: frozenset[str]
    passed_body: SchemaTypes | None
    any_body: SchemaTypes | None

    @property
    def has_no_body(self) -> bool:
        """Whether the response of a passed step has no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5)."""
        return bool(self.passed_keys) and self.passed_keys <= {"204", "205", "304"}


def answers_of(step: CompiledStep, call: OperationCall) -> Answers:
    """Return the documented responses of a step that calls an operation."""
    operation = call.operation
    atoms = atoms_of(step.criteria)
    possible = possible_statuses(atoms, documented_statuses(operation))
    keys: set[str] = set()
    can_pass = False
    for status in possible:
        if atoms or 200 <= status < 300:
            can_pass = True
            keys.add(response_key(operation, status) or "")
            if len(keys) > len(operation.responses):
                break  # all of them, and a status that is not documented
    keys.discard("")
    likely = keys - {"default"} or keys
    passed = [response for key, response in operation.responses.items() if key in likely]
    bodies = body_types(operation, passed), body_types(operation, operation.responses.values())
    return Answers(operation, can_pass, frozenset(likely), *bodies)


def documented_statuses(operation: Operation) -> Iterator[int]:
    """Yield the statuses that are documented by number."""
    return (int(key) for key in operation.responses if len(key) == 3 and key.isascii() and key.isdigit())


def response_key(operation: Operation, status: int) -> str | None:
    """Return the key of the response for a status (OpenAPI §Responses Object), None if there is none."""
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in operation.responses:
            return key
    return None


def body_types(operation: Operation, responses: Iterable[OperationResponse]) -> SchemaTypes | None:
    """Return the types of JSON bodies; None if one of the bodies has no schema, or is not JSON."""
    alternatives: list[SchemaType] = []
    for response in responses:
        if not response.content:
            continue  # no body
        media = [each for name, each in response.content.items() if is_json(name) or is_form(name) or "*" in name]
        if not media or any(each.schema is None for each in media):
            return None
        alternatives += [SchemaType(each.schema, each.base, operation.schemas) for each in media]
    return tuple(alternatives) if alternatives else None
