"""The outputs of steps and workflows: those that have a value, and a finding for each that has none, where it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from arazzo_runner.base.json_values import MISSING, JsonValue, pointer_tokens
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.absent import absence
from arazzo_runner.engine.resolve import expression_text, resolve_output
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import ExpressionValue, Value
from arazzo_runner.sources.operation import OperationResponse
from arazzo_runner.sources.schema.check import SchemaContext, schemas_below


class Outputs(Record):
    """Outputs by name, the names of those without a value, and the findings about these."""

    values: dict[str, JsonValue]
    missing: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def evaluated(
    outputs: Iterable[tuple[str, Value]],
    scope: Scope,
    secrets: Secrets,
    secret: Collection[str],
    *,
    owner: str,
    at: Location,
    may_lack: Callable[[Value], bool] = lambda value: False,
) -> Outputs:
    """Return the values of outputs; those named in `secret` are added to `secrets`.

    `owner` is what has the outputs ('step "a"'), `at` where they are written. One that `may_lack` a value is only
    noted, the others are warned of.
    """
    values: dict[str, JsonValue] = {}
    missing: list[str] = []
    findings: list[Diagnostic] = []
    for name, value in outputs:
        resolved = resolve_output(value, scope)
        if resolved is MISSING:
            missing.append(name)
            findings.append(_missing(name, value, scope, owner, at.child(name), is_optional=may_lack(value)))
            continue
        values[name] = resolved
        if name in secret:
            secrets.add(resolved)
    return Outputs(values, tuple(missing), tuple(findings))


def _missing(name: str, value: Value, scope: Scope, owner: str, at: Location, *, is_optional: bool) -> Diagnostic:
    why = absence(value, scope)
    return Diagnostic(
        code="missing-output",
        severity=Severity.INFO if is_optional else Severity.WARNING,
        message=f'output "{name}" of {owner} has no value: {expression_text(value)}: {why.reason}',
        at=at,
        hint=why.hint,
    )


def is_documented(value: Value, response: OperationResponse | None, schemas: SchemaContext) -> bool:
    """Return whether a response's description names the member of a body that an expression reads.

    When it is not there all the same, that is nothing strange: it is optional, or else its lack is another finding.
    """
    reference = value.expression if isinstance(value, ExpressionValue) else None
    if not isinstance(reference, MessageReference) or reference.message != "response" or response is None:
        return False
    if reference.part == "header":
        return (reference.name or "").lower() in {name.lower() for name in response.headers}
    tokens = (*pointer_tokens(reference.pointer or ""), *map(str, reference.path))
    documented = (
        schemas_below(media.schema, tokens, schemas, media.base)
        for media in response.content.values()
        if media.schema is not None
    )
    return bool(tokens) and any(documented)
