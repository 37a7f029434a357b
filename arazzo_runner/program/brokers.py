"""Which server of an AsyncAPI description a step's messages go to, and its URL (semantics §2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.base.server_urls import broker_fault, broker_hosts
from arazzo_runner.base.settings import SERVER
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.link_sources import LinkedMessage
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import BrokerServer, Channel
from arazzo_runner.sources.operation import VARIABLE, NoServer, variable_value
from arazzo_runner.sources.policy import ALLOW_HINT, address_kind
from arazzo_runner.sources.protocols import rules_of
from arazzo_runner.sources.uris import is_remote, origin

_MOCK: Final = "memory://mock.invalid"


class ChosenServer(Record):
    """A server (None for a description without one), the protocol and the URL that messages go to."""

    server: BrokerServer | None
    protocol: str
    url: str


def choose_broker(
    linked: LinkedMessage, channel: Channel, options: LoadOptions, problems: Problems, at: Location
) -> ChosenServer:
    """Return the server of a channel: the URL of the options, else the first one that there is a driver for.

    Where there is none, that is reported, except where any server will do.
    """
    description = linked.description
    servers = [description.servers[name] for name in channel.servers if name in description.servers]
    given = options.servers.get(linked.source)
    if given is not None:
        protocol = given.partition("://")[0].lower()
        _check_password(linked.source, given, problems)
        fault = http_fault(linked.source, given, servers)
        if fault is not None:
            problems.error("no-server", fault, Location(""), hint=broker_hint(linked.source, servers))
        return ChosenServer(_of_protocol(servers, protocol), protocol, given.rstrip("/"))
    if not servers:
        return _without_server(linked, channel, options, problems, at)
    first = next((each for each in servers if rules_of(each.protocol).is_served), servers[0])
    if not options.any_server:
        for each in description.faults(first.pointer):
            problems.error(each.code, each.message, each.at, hint=each.hint)
    try:
        url = broker_url(first, options.server_variables, options.environment)
        is_sound = bool(first.protocol) and not description.faults(first.pointer)
        fault = broker_fault(url) or _reach_fault(description, url, options) if is_sound else None
        if fault is not None and not options.any_server:
            message = f'source "{linked.source}": the server "{first.name}" {fault}'
            hint = f"name another one with {SERVER.of(linked.source)}"
            hint = hint if broker_fault(url) is not None else f"{hint}, or {ALLOW_HINT}"
            problems.error("no-server", message, description.place(first.pointer), hint=hint)
        return ChosenServer(first, first.protocol, url)
    except NoServer as problem:
        if not options.any_server:
            hint = problem.hint or f"name one with {SERVER.of(linked.source)}"
            problems.error("no-server", f'source "{linked.source}": {problem.message}', at, hint=hint)
        return ChosenServer(first, first.protocol, _MOCK)


def _check_password(source: str, url: str, problems: Problems) -> None:
    """Warn of a URL with a password, or with a NATS token in place of the user."""
    userinfo = re.split(r"[/?#]", url.partition("://")[2])[0].rpartition("@")[0]
    if ":" in userinfo or (userinfo and url.lower().startswith("nats")):
        message = f'source "{source}": the URL of its server has a password in it'
        hint = "configure it as a credential instead: arazzo auth lists them; command lines are seen by others"
        problems.warn("password-in-url", message, Location(""), hint=hint)


def _reach_fault(description: AsyncApiDescription, url: str, options: LoadOptions) -> str | None:
    """Return why a description from the network must not lead to a broker, as the end of a sentence; None if it may.

    One on the network of the description's own host it may name; what names stand for is known when connecting only.
    """
    own = (origin(description.uri) or ("", "", 0))[1]
    if not is_remote(description.uri) or options.allow_remote or _is_inside(own):
        return None
    inside = [each for each in broker_hosts(url) if _is_inside(each) and each not in options.allow_hosts]
    return f"is at {inside[0]}, a private or loopback address, and a remote document leads there" if inside else None


def _is_inside(host: str) -> bool:
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    is_address = ":" in host or host.replace(".", "").isdigit()
    return is_address and address_kind(host) != "public"


def http_fault(source: str, url: str, servers: Sequence[BrokerServer]) -> str | None:
    """Return why an http(s) URL of the options cannot be that of a source's broker, None if it can."""
    protocols = list(dict.fromkeys(each.protocol for each in servers))
    if rules_of(url.partition("://")[0]).title != "HTTP" or not protocols:
        return None
    if any(rules_of(each).title == "HTTP" for each in protocols):
        return None
    return f'the server of source "{source}" is an http(s) URL, and its messages go over {", ".join(protocols)}'


def broker_hint(source: str, servers: Sequence[BrokerServer]) -> str:
    """Return what to write in place of an http(s) URL."""
    return f"write {SERVER.of(source)} with {servers[0].protocol}://host:port"


def _of_protocol(servers: Sequence[BrokerServer], protocol: str) -> BrokerServer | None:
    """Return the server whose bindings and security hold for a URL of the options."""
    title = rules_of(protocol).title
    same = (each for each in servers if rules_of(each.protocol).title == title)
    return next(same, servers[0] if servers else None)


def _without_server(
    linked: LinkedMessage, channel: Channel, options: LoadOptions, problems: Problems, at: Location
) -> ChosenServer:
    faults = linked.description.faults("/servers", *(f"/servers/{name}" for name in channel.servers))
    report = problems.tolerate if options.any_server else problems.error
    for each in faults:
        report(each.code, each.message, each.at, hint=each.hint)
    if not faults and not options.any_server:
        message = f'source "{linked.source}": the description does not name a server'
        problems.error("no-server", message, at, hint=f"name one with {SERVER.of(linked.source)}")
    return ChosenServer(None, "memory", _MOCK)


def broker_url(server: BrokerServer, variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the URL of a server with its variables filled in; raises NoServer."""
    return VARIABLE.sub(lambda match: variable_value(server.variables, match[1], variables, environment), server.url)
