"""The credentials that a program's operations need, found and checked before the first request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import CERTIFICATE
from arazzo_runner.engine.effects import HttpRequest, SendRequest
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.program.model import Program
from arazzo_runner.program.security import Alternative, SecuredCall, Slot, secured_steps, shared_slot, slot_of
from arazzo_runner.runtime.auth.schemes import (
    UNSUPPORTED,
    WITH_PASSWORD,
    Login,
    fault_of,
    file_entry,
    kind_of,
    learn_secrets,
    needed_fields,
    optional_fields,
    shown_with,
    slots_of,
    variable_names,
)
from arazzo_runner.runtime.auth.sources import Credentials, Found, Placeholders, shown_path
from arazzo_runner.sources.hosts import EVERY_HOST, first_origin, meant_for, origin_of

Chosen = tuple[tuple[Login, tuple[str, ...]], ...]
"""The logins of one alternative, each with the scopes asked of it."""


class Plan(Record):
    """The logins that a program can use, by source and scheme; `missing` are findings about those it lacks."""

    _hidden_in_repr = ("certificates",)

    logins: Mapping[tuple[str, str], Login] = field(default_factory=dict)
    certificates: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[Diagnostic, ...] = ()

    def choose(self, effect: SendRequest) -> Chosen:
        """Return the logins of the first alternative whose credentials are all configured; () when there is none."""
        if not effect.security:
            return ()
        given = slots_of(effect.request)
        for alternative in effect.security:
            chosen = self._usable(effect, alternative, given) if alternative else None
            if chosen is not None:
                return chosen
        return ()

    def _usable(self, effect: SendRequest, alternative: Alternative, given: frozenset[Slot]) -> Chosen | None:
        chosen = []
        if shared_slot(alternative, effect.schemes, given):
            return None  # one credential would replace the other
        for name, scopes in alternative.items():
            scheme = effect.schemes.get(name)
            if slot_of(scheme) in given:
                continue  # the step sets it itself
            login = self.logins.get((effect.source, name))
            if kind_of(scheme) == "mutualTLS":
                if meant_for(self.certificates, origin_of(effect.request.url)) is None:
                    return None
            elif login is None or not login.is_for(effect.request.url):
                return None
            else:
                chosen.append((login, scopes))
        return tuple(chosen)

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request as records show it: `***` where a credential is added."""
        request = effect.request
        for login, _ in self.choose(effect):
            request = shown_with(request, login)
        return request


def make_plan(
    program: Program, credentials: Credentials, transport: TransportOptions | None, *, required: bool = False
) -> Plan:
    """Look for the credentials of a program's operations.

    With `required`, raises InvalidUsage for what is missing, which else is a warning; always for
    what cannot be sent or read.
    """
    logins: dict[tuple[str, str], Login] = {}
    faults: list[Diagnostic] = []
    tried: set[tuple[str, str]] = set()
    steps = list(secured_steps(program))
    for call in steps:
        for name in dict.fromkeys(name for each in call.security for name in each):
            if (call.source, name) not in tried:
                tried.add((call.source, name))
                login = find_login(credentials, call.source, name, call.schemes.get(name))
                fault = None if login is None else fault_of(login)
                if fault is not None:
                    faults.append(_unusable(call.source, name, fault))
                elif login is not None:
                    logins[call.source, name] = login
    faults += _ambiguous(logins, credentials)
    faults += () if isinstance(credentials, Placeholders) else _clashing(steps, logins)  # a mock gets none of them
    certificates = {} if transport is None else transport.certificates
    plan = Plan(logins, certificates)
    missing = tuple(_missing(steps, plan, credentials, Severity.ERROR if required else Severity.WARNING))
    if faults or (required and missing):
        raise InvalidUsage([*faults, *missing])
    return Plan(logins, certificates, missing)


def _ambiguous(logins: Iterable[tuple[str, str]], credentials: Credentials) -> Iterator[Diagnostic]:
    """Return errors for variables that two schemes would read: one server would get the other's credential."""
    readers: dict[str, tuple[str, str]] = {}
    for source, name in logins:
        called = credentials.called(source, name)
        for variable in credentials.variables(source, name):
            if readers.setdefault(variable, called) != called:
                other = ".".join(readers[variable])
                yield _unusable(source, name, f"{variable} may be {other} too; write both into the credentials file")


def _clashing(steps: Iterable[SecuredCall], logins: Mapping[tuple[str, str], Login]) -> Iterator[Diagnostic]:
    """Refuse credentials that an operation needs together, and that go into the same place, when it takes no others."""
    reported: set[tuple[str, tuple[str, ...]]] = set()
    for call in steps:
        step = call.step
        configured = [each for each in call.security if all((call.source, name) in logins for name in each)]
        names = [shared_slot(each, call.schemes, call.given) for each in configured]
        if names and all(names) and (call.source, names[0]) not in reported:
            reported.add((call.source, names[0]))
            message = f'step "{step.step_id}" needs {" and ".join(names[0])} together, and both go into the same place'
            hint = "fix the description, or give the credential by a parameter of the step"
            yield Diagnostic(
                code="unusable-credential", severity=Severity.ERROR, message=message, at=step.at, hint=hint
            )


def placeholder_plan(program: Program) -> Plan:
    """Return a plan in which every scheme has its credential, shown as `***`.

    Cookies are left to the mock, which sets them, unless there is a single step, before which nothing can.
    """
    plan = make_plan(program, Placeholders(), None)
    is_alone = sum(len(workflow.steps) for workflow in program.workflows.values()) == 1
    logins = {
        key: login for key, login in plan.logins.items() if is_alone or login.slot is None or login.slot[0] != "cookie"
    }
    return Plan(logins, {EVERY_HOST: ()})


def learn(plan: Plan, secrets: Secrets) -> None:
    """Register every credential of a plan as a secret of the run."""
    for login in plan.logins.values():
        learn_secrets(login, secrets)


def find_login(credentials: Credentials, source: str, name: str, scheme: JsonValue) -> Login | None:
    """Return a scheme with the fields found for it, None when they do not suffice."""
    fields = {key: found.text for key, found in find_fields(credentials, source, name, scheme).items()}
    if kind_of(scheme) in WITH_PASSWORD:
        user, colon, password = fields.pop("value", "").partition(":")
        fields = {**({"user": user, "password": password} if colon else {}), **fields}
    sets = needed_fields(scheme)
    if "tokenUrl" in fields:  # it replaces the token URL that the description lacks
        sets = (*sets, ("refreshToken",), ("user", "password"), ("clientId", "clientSecret"))
    if any(set(each) <= set(fields) for each in sets):
        return Login(source, name, scheme, fields)
    return None


def find_fields(credentials: Credentials, source: str, name: str, scheme: JsonValue) -> dict[str, Found]:
    """Return every field found of a scheme's credential."""
    names = dict.fromkeys((*(each for fields in needed_fields(scheme) for each in fields), *optional_fields(scheme)))
    found = ((key, credentials.find(source, name, key)) for key in names)
    return {key: each for key, each in found if each is not None}


# ------------------------------------------------------------------ what is missing


def missing_names(call: SecuredCall, plan: Plan) -> tuple[str, ...]:
    """Return the schemes missing in the alternative that lacks the fewest; () when none is missing."""
    if not call.security or not all(call.security):
        return ()
    best: tuple[str, ...] | None = None
    for alternative in call.security:
        lacking = tuple(name for name in alternative if not _is_configured(call, name, plan))
        if best is None or len(lacking) < len(best):
            best = lacking
    return best or ()


def _is_configured(call: SecuredCall, name: str, plan: Plan) -> bool:
    scheme = call.schemes.get(name)
    slot = slot_of(scheme)
    if slot in call.given or (slot is not None and slot[0] == "cookie"):
        return True  # a response of an earlier step may set the cookie, as logins do
    if kind_of(scheme) == "mutualTLS":
        return meant_for(plan.certificates, first_origin(call.server)) is not None
    login = plan.logins.get((call.source, name))
    return login is not None and login.is_for(call.server)


def _missing(
    steps: Iterable[SecuredCall], plan: Plan, credentials: Credentials, severity: Severity
) -> Iterator[Diagnostic]:
    """Yield one Diagnostic per credential, at the first step that needs it."""
    lacking: dict[tuple[str, tuple[str, ...]], list[SecuredCall]] = {}
    for call in steps:
        names = missing_names(call, plan)
        if names:
            lacking.setdefault((call.source, names), []).append(call)
    for (source, names), places in lacking.items():
        call, step = places[0], places[0].step
        schemes = [f'"{name}"{_described(call.schemes.get(name))}' for name in names]
        others = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        yield Diagnostic(
            code="missing-credential",
            severity=severity,
            message=f'step "{step.step_id}"{others}: no credential of source "{source}" for {" and ".join(schemes)}',
            at=step.at,
            hint=_elsewhere(source, names, plan) or _where(source, names, call.schemes, credentials),
        )


def _elsewhere(source: str, names: Sequence[str], plan: Plan) -> str | None:
    """Return a Diagnostic for a credential that is configured for other servers only."""
    found = [login for name in names if (login := plan.logins.get((source, name))) is not None]
    return f"the one that is configured is for {found[0].fields.get('hosts')} (hosts)" if found else None


def _described(scheme: JsonValue) -> str:
    return ", which the description does not declare" if scheme is None else f" ({describe(scheme)})"


def describe(scheme: JsonValue) -> str:
    """Return a scheme in a few words: `apiKey in header X-Api-Key`, `oauth2 clientCredentials`."""
    if not isinstance(scheme, Mapping):
        return "unknown"
    kind = str(scheme.get("type"))
    if kind_of(scheme) == "loginKey":
        return f"apiKey as {'the user' if scheme.get('in') == 'user' else 'the password'}"
    if kind in ("apiKey", "httpApiKey"):
        return f"{kind} in {scheme.get('in')} {scheme.get('name')}"
    if kind == "http":
        return f"http {scheme.get('scheme')}"
    flows = scheme.get("flows")
    return f"oauth2 {', '.join(flows)}" if kind == "oauth2" and isinstance(flows, Mapping) else kind


def _where(source: str, names: Sequence[str], schemes: Mapping[str, JsonValue], credentials: Credentials) -> str | None:
    places = [
        place
        for name in names
        if (place := where_to_put(source, name, schemes.get(name), shown_path(credentials.file)))
    ]
    similar = (credentials.similar(source, name, schemes) for name in names)
    places += [f"{each} is not read" for each in dict.fromkeys(filter(None, similar))]
    return "; ".join(places) or None


def where_to_put(source: str, name: str, scheme: JsonValue, file: str) -> str:
    """Return in one sentence where the credential of a scheme is read from."""
    kind = kind_of(scheme)
    if kind == "mutualTLS":
        return f"give a client certificate: {CERTIFICATE.of('HOST')}"
    sets = needed_fields(scheme)
    if not sets and isinstance(scheme, Mapping) and scheme.get("type") in UNSUPPORTED:
        return f"{scheme['type']} is not supported: use another scheme of the server, or call another server"
    if not sets:
        return "define the scheme in components/securitySchemes, or give it by a parameter such as Authorization"
    variables = " and ".join(variable_names(source, name, each)[0] for each in sets[0])
    entries = " and ".join(file_entry(source, name, each) for each in sets[0])
    return f"set {variables}, or write {entries} into {file}"


def _unusable(source: str, name: str, fault: str) -> Diagnostic:
    return Diagnostic(
        code="unusable-credential",
        severity=Severity.ERROR,
        message=f'the credential of source "{source}" for "{name}" cannot be sent: {fault}',
        at=Location(""),
    )
