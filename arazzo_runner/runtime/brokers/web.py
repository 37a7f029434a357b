"""What WebSocket, event streams and webhooks share: URLs and headers, checked before anything is sent.

An address is a path below the server's URL, perhaps with a query; it never changes the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Login

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f#\\]")
USER_AGENT: Final = ("User-Agent", f"arazzo/{__version__}")


def address_url(server: str, address: str, query: Mapping[str, JsonValue], login: Login) -> str:
    """Return the URL of an address; raises BrokerFailure for an address that is no path.

    `query` is a schema of parameters: those with a constant or a default are added unless the address has them.
    """
    fault = _address_fault(address)
    if fault is not None:
        raise BrokerFailure("rejected", f"the address {address[:200]!r} {fault}", hint="write it as a path: /orders")
    parts = urlsplit(server)
    path, _, given = address.partition("?")
    base = parts.path.rstrip("/")
    pairs = [*filter(None, (parts.query, quote(given, safe="/?:@!$&'()*+,;=-._~%")))]
    known = {unquote(each.partition("=")[0]) for text in pairs for each in text.split("&")}
    added = [pair for pair in (*_schema_values(query, known), *login.query) if pair[0] not in known]
    pairs += [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in added]
    host = parts.netloc.rpartition("@")[2]
    whole = f"{base}/{quote(path.lstrip('/'), safe=_PATH)}" if path.strip("/") else parts.path or "/"
    return f"{parts.scheme}://{host}{whole}" + (f"?{'&'.join(pairs)}" if pairs else "")


_PATH: Final = "/:@!$&'()*+,;=-._~%"


def _address_fault(address: str) -> str | None:
    if _UNSAFE.search(address):
        return "has #, \\ or a control character"
    path = address.partition("?")[0]
    if "://" in path or path.startswith("//"):
        return "names a host, which only the server may"
    if any(segment in (".", "..") for segment in unquote(path).split("/")):
        return "has a segment . or .."
    return None


def _schema_values(schema: Mapping[str, JsonValue], known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield what a schema of parameters or headers says of their values; raises BrokerFailure for one that lacks."""
    properties = schema.get("properties")
    required = schema.get("required")
    for name, each in (properties if isinstance(properties, Mapping) else {}).items():
        value = _stated(each)
        if value is not MISSING:
            yield name, to_text(value)
        elif isinstance(required, list) and name in required and name not in known:
            message = f'the channel needs the parameter "{name}", which has no value'
            raise BrokerFailure("rejected", message, hint=f"give it by a parameter of the step: name: {name}")


def _stated(schema: JsonValue) -> JsonValue:
    raw: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    enum = raw.get("enum")
    only = enum[0] if isinstance(enum, list) and len(enum) == 1 else MISSING
    found: JsonValue = raw.get("const", raw.get("default", only))
    return found


def stated_headers(schema: Mapping[str, JsonValue], given: Headers, login: Login) -> Headers:
    """Return headers with those of a schema that have a constant or a default, and those of the login.

    What is given counts more than the login, and that more than the schema.
    """
    found = list(given)
    for source in (login.headers, tuple(_schema_values(schema, _names((*given, *login.headers), schema)))):
        names = _names(tuple(found))
        found += [pair for pair in source if pair[0].lower() not in names]
    return tuple(found)


def _names(headers: Headers, schema: Mapping[str, JsonValue] | None = None) -> set[str]:
    """Return the names of headers in lower case, or as a schema spells them."""
    names = {name.lower() for name, _ in headers}
    properties = {} if schema is None else schema.get("properties")
    return names | {each for each in (properties if isinstance(properties, Mapping) else {}) if each.lower() in names}


def check_headers(headers: Headers, reserved: frozenset[str]) -> None:
    """Raise BrokerFailure for headers that would break the request, or that the protocol sets itself."""
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise BrokerFailure("rejected", f"{name[:100]!r} cannot be the name of a header")
        if _CONTROL.search(value.replace("\t", " ")):
            raise BrokerFailure("rejected", f"the header {name} has a line break or another control character")
        if name.lower() in reserved:
            raise BrokerFailure("rejected", f"the header {name} is set by the protocol itself")


def with_user_agent(headers: Headers) -> Headers:
    """Return headers with a User-Agent."""
    return headers if "user-agent" in _names(headers) else (*headers, USER_AGENT)


def binding(bindings: BindingsByPlace, places: tuple[str, ...], name: str) -> JsonValue:
    """Return a member of the first binding object that has it, MISSING for none."""
    raw: Mapping[Any, Mapping[str, JsonValue]] = bindings
    found = (raw.get(place, {}).get(name, MISSING) for place in places)
    return next((each for each in found if each is not MISSING), MISSING)


def schema_of(bindings: BindingsByPlace, places: tuple[str, ...], name: str) -> Mapping[str, JsonValue]:
    """Return a schema in a binding object; {} for none."""
    found = binding(bindings, places, name)
    return found if isinstance(found, Mapping) else {}
