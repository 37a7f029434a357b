"""Credentials in a script for k6: from the environment, and tokens that the script requests itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.errors import Location
from arazzo_runner.export.js_text import camel, comment, literal
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Credential, Plan

_GRANTED: Final = """\
const tokens = {};

// An access token: that of the environment, else one that is requested once.
function token(variable, url, fields) {
  if (__ENV[variable]) return __ENV[variable];
  if (tokens[variable] === undefined) {
    const answer = http.post(url, fields());
    if (answer.status !== 200) throw new Error("no token for " + variable + ": status " + answer.status);
    tokens[variable] = answer.json("access_token");
  }
  return tokens[variable];
}
"""


class CredentialParts(MutableRecord):
    """What credentials add to a request, as (name, expression), and comments on those that cannot be said."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def credential_parts(credentials: Iterable[Credential], at: Location, notes: Notes) -> CredentialParts:
    """Return what the credentials of a request add to it."""
    parts = CredentialParts()
    for each in credentials:
        if not is_sayable(each):
            sentence = f"credential {each.scheme} of {each.source} ({each.kind}) is not added"
            parts.comments += comment(notes.cannot(at, sentence))
            continue
        value = f"{_name(each)}()"
        place = {"query": parts.query, "cookie": parts.cookies}.get(each.place, parts.headers)
        place.append((each.name, value))
    return parts


def is_sayable(credential: Credential) -> bool:
    """Return whether a script can give a credential."""
    return credential.kind in ("apiKey", "basic", "bearer", "http", "token")


def _name(credential: Credential) -> str:
    return camel(f"credential-{credential.source}-{credential.scheme}")


def credential_lines(plan: Plan, notes: Notes, helpers: set[str]) -> Iterator[str]:
    """Yield a function for each credential."""
    sayable = [each for each in plan.credentials if is_sayable(each)]
    for each in sayable:
        yield f"function {_name(each)}() {{"
        if each.place == "cookie":
            yield "  // Without a value, the cookie that a response has set is sent."
        if each.is_optional or each.place == "cookie":
            missing = " || ".join(f"!__ENV.{variable}" for variable in each.variables.values())
            yield f"  if ({missing}) return undefined;"
        yield f"  return {_value(each)};"
        yield "}"
        yield ""
    if any(each.grant is not None and each.token_url for each in sayable):
        yield from _GRANTED.splitlines()
        yield ""


def _value(each: Credential) -> str:
    given = {name: f"given({literal(variable)})" for name, variable in each.variables.items()}
    if each.kind == "basic":
        return f'"Basic " + encoding.b64encode({given["user"]} + ":" + {given["password"]})'
    value = given["value"]
    if each.kind == "token" and each.grant is not None and each.token_url:
        names = {"clientId": "client_id", "clientSecret": "client_secret", "user": "username", "password": "password"}
        fields = [f'grant_type: "{each.grant}"']
        fields += [f"{names[name]}: {text}" for name, text in given.items() if name in names]
        fields += [f"scope: {literal(' '.join(each.scopes))}"] if each.scopes else []
        variable = literal(each.variables["value"])
        value = f"token({variable}, {literal(each.token_url)}, () => ({{ {', '.join(fields)} }}))"
    return f"{literal(each.prefix + ' ')} + {value}" if each.prefix else value
