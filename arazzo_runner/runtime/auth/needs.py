"""The credentials that a program needs, as records to be shown, without their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import urljoin

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.program.model import Program
from arazzo_runner.program.security import SecuredCall, secured_calls, slot_of
from arazzo_runner.runtime.auth.plan import Plan, describe, find_fields, make_plan, missing_names
from arazzo_runner.runtime.auth.schemes import (
    SERVICE,
    file_entry,
    flows_of,
    keyring_name,
    kind_of,
    needed_fields,
    variable_names,
)
from arazzo_runner.runtime.auth.sources import Credentials, Found

Met = Literal["step", "configured", "optional", "cookie", "missing"]


class FieldNeed(Record, kw_only=True):
    """One field of a credential: what it is called in each place, and where it was found (None: nowhere)."""

    name: str
    variable: str
    file_entry: str
    keyring: str
    found: str | None = None
    found_as: str | None = None


class SchemeNeed(Record, kw_only=True):
    """A security scheme that steps need; `fields` is one set that suffices: the one found, else the usual one.

    `others` are the other sets; `sent_to` are the servers it is for, `tokens_from` where tokens come from;
    `similar` is what is configured under a name like this one, and therefore not read.
    """

    source: str
    name: str
    description: str
    kind: str
    sent_to: tuple[str, ...]
    tokens_from: str | None = None
    fields: tuple[FieldNeed, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    usable: bool = False
    similar: str | None = None


class StepNeed(Record, kw_only=True):
    """What one step needs: alternatives of scheme names, and how they are met.

    `step`: by its own parameters; `configured`: by the schemes `by`; `optional`: nothing is needed;
    `cookie`: a response of another step may set it; `missing`: the schemes `by` are what lacks.
    """

    workflow_id: str
    step_id: str
    source: str
    operation: str
    alternatives: tuple[tuple[str, ...], ...]
    met: Met
    by: tuple[str, ...] = ()


class Needs(Record):
    """All that a program needs."""

    schemes: tuple[SchemeNeed, ...]
    steps: tuple[StepNeed, ...]

    @property
    def complete(self) -> bool:
        """Whether every step has what it needs."""
        return all(step.met != "missing" for step in self.steps)


def find_needs(program: Program, credentials: Credentials) -> Needs:
    """Return the credentials that a program needs and which are configured; raises InvalidUsage for unusable ones."""
    plan = make_plan(program, credentials, None)
    secured = list(secured_calls(program))
    return Needs(tuple(_schemes(secured, plan, credentials)), tuple(_step(call, plan) for call in secured))


# ------------------------------------------------------------------ steps


def _step(call: SecuredCall, plan: Plan) -> StepNeed:
    met, by = _met(call, plan)
    return StepNeed(
        workflow_id=call.workflow_id,
        step_id=call.step.step_id,
        source=call.source,
        operation=call.operation,
        alternatives=tuple(tuple(each) for each in call.security),
        met=met,
        by=by,
    )


def _met(call: SecuredCall, plan: Plan) -> tuple[Met, tuple[str, ...]]:
    given = call.given
    if any(call.security) and call.is_given:
        return "step", ()
    for alternative in call.security:
        lacking = [name for name in alternative if slot_of(call.schemes.get(name)) not in given]
        if alternative and all((call.source, name) in plan.logins for name in lacking):
            return "configured", tuple(lacking)
    missing = missing_names(call, plan)
    if missing:
        return "missing", missing
    return ("cookie", ()) if all(call.security) else ("optional", ())


# ------------------------------------------------------------------ schemes


def _schemes(secured: Sequence[SecuredCall], plan: Plan, credentials: Credentials) -> Iterator[SchemeNeed]:
    servers: dict[tuple[str, str], dict[str, None]] = {}
    schemes: dict[tuple[str, str], JsonValue] = {}
    for call in secured:
        if call.is_given:
            continue
        for name in dict.fromkeys(name for each in call.security for name in each):
            servers.setdefault((call.source, name), {})[call.server] = None
            schemes[call.source, name] = call.schemes.get(name)
    for (source, name), scheme in schemes.items():
        need = _scheme(source, name, scheme, tuple(servers[source, name]), plan, credentials)
        known = [other for of, other in schemes if of == source]
        yield need if need.usable else replace(need, similar=credentials.similar(source, name, known))


def _scheme(
    source: str, name: str, scheme: JsonValue, servers: tuple[str, ...], plan: Plan, credentials: Credentials
) -> SchemeNeed:
    found = find_fields(credentials, source, name, scheme)
    sets = needed_fields(scheme)
    nearest = max(sets, key=lambda each: len(set(each) & set(found)), default=())
    chosen = next((each for each in sets if set(each) <= set(found)), nearest)
    further = [each for each in found if each not in chosen]
    return SchemeNeed(
        source=source,
        name=name,
        description=describe(scheme),
        kind=kind_of(scheme),
        sent_to=servers,
        tokens_from=_token_url(scheme, found, servers[0]),
        fields=tuple(_field(source, name, each, found.get(each)) for each in (*chosen, *further)),
        others=tuple(each for each in sets if each != chosen),
        usable=(source, name) in plan.logins,
    )


def _field(source: str, scheme: str, name: str, found: Found | None) -> FieldNeed:
    return FieldNeed(
        name=name,
        variable=variable_names(source, scheme, name)[0],
        file_entry=file_entry(source, scheme, name),
        keyring=f"{SERVICE} {keyring_name(source, scheme, name)}",
        found=None if found is None else found.origin,
        found_as=None if found is None else found.name,
    )


def _token_url(scheme: JsonValue, found: Mapping[str, Found], server: str) -> str | None:
    """Return the URL that tokens are requested from, which gets the client's secret."""
    if "tokenUrl" in found:
        return found["tokenUrl"].text
    if not isinstance(scheme, Mapping) or kind_of(scheme) != "token":
        return None
    urls: Iterable[object] = (flow.get("tokenUrl") for flow in flows_of(scheme).values())
    url = next((each for each in urls if each), None) or scheme.get("openIdConnectUrl")
    return urljoin(server.rstrip("/") + "/", url) if isinstance(url, str) else None
