"""The credentials that a request needs, by the environment variables that `arazzo run` reads too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal as OneOf

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.export.plan import Credential, CredentialKind
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.program.security import Alternative, given_by, is_given, slot_of
from arazzo_runner.runtime.auth.schemes import flows_of, kind_of, variable_names

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "basic": ("user", "password"),
    "digest": ("user", "password"),
    "client_credentials": ("value", "clientId", "clientSecret", "tokenUrl"),
    "password": ("value", "user", "password", "tokenUrl"),
    "refresh_token": ("value", "refreshToken"),
    "mutualTLS": (),
}
"""The fields of each kind of credential, or of each grant of a token; of the others, `value`."""
_KINDS: Final[Mapping[str, CredentialKind]] = {
    "apiKey": "apiKey", "basic": "basic", "bearer": "bearer", "http": "http",
    "token": "token", "digest": "digest", "mutualTLS": "mutualTLS",
}  # fmt: skip
_EASY: Final = ("apiKey", "basic", "bearer", "http")


def planned_credentials(step: CompiledStep, call: OperationCall) -> Iterator[Credential]:
    """Yield the credentials that are added to a request: those of the alternative that is easiest to give."""
    operation = call.operation
    schemes, given = operation.security_schemes, given_by(step.parameters)
    if is_given(operation.security, schemes, given):
        return
    stated = [each for each in operation.security if each]
    chosen = min(stated, key=lambda each: _effort(each, schemes))
    for name, scopes in chosen.items():
        if slot_of(schemes.get(name)) not in given:
            yield _credential(call.source, name, schemes.get(name), scopes, len(stated) < len(operation.security))


def _effort(alternative: Alternative, schemes: Mapping[str, JsonValue]) -> int:
    """Return how much it takes to meet an alternative: variables alone, a request for a token, or more."""
    made = [_credential("", name, schemes.get(name), (), False) for name in alternative]
    costs = (0 if each.kind in _EASY else 1 if each.kind == "token" and each.grant else 2 for each in made)
    return max(costs, default=0)


def _credential(source: str, scheme: str, raw: JsonValue, scopes: tuple[str, ...], is_optional: bool) -> Credential:
    described: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    kind: CredentialKind = _KINDS.get(kind_of(raw), "unknown")
    grant, token_url = _grant(raw) if kind == "token" else (None, None)
    fields = _FIELDS.get(grant or kind, ("value",))
    in_key = kind == "apiKey"
    return Credential(
        source=source,
        scheme=scheme,
        kind=kind,
        variables={each: variable_names(source, scheme, each)[0] for each in fields},
        place=str(described["in"]) if in_key else "header",
        name=str(described["name"]) if in_key else "Authorization",
        prefix=_prefix(kind, described),
        grant=grant,
        token_url=token_url,
        scopes=tuple(scopes),
        is_optional=is_optional or (in_key and described["in"] == "cookie"),  # a response may set it, as logins do
    )


def _prefix(kind: CredentialKind, scheme: Mapping[str, Any]) -> str:
    if kind in ("bearer", "token"):
        return "Bearer"
    return str(scheme.get("scheme", "")) if kind == "http" else "Basic" if kind == "basic" else ""


def _grant(
    scheme: JsonValue,
) -> tuple[OneOf["client_credentials", "password", "refresh_token"] | None, str | None]:
    """Return the grant with which a script can request a token, and where; (None, None) when that takes a person."""
    flows = flows_of(scheme)
    if "clientCredentials" in flows:
        return "client_credentials", _url(flows["clientCredentials"])
    if "password" in flows:
        return "password", _url(flows["password"])
    return None, None


def _url(flow: Mapping[str, Any]) -> str | None:
    url = flow.get("tokenUrl")
    return url if isinstance(url, str) else None
