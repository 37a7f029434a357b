"""Arguments of `run`, `arun` and `dry_run` that contradict each other, or that nothing could obey: they are refused.

A caller who means another server, certificate or credential must not be served by the usual one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Final, TypeAlias

from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.records import Record, field_names
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, similar_or_all
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.performing import Mock

Fault: TypeAlias = tuple[object, str, str | None]
"""Whether something is wrong, the message about it, and what to do instead."""

STATEFUL: Final = "stateful"


class RunArguments(Record, kw_only=True):
    """The arguments of a run that say who answers its requests; `servers` are those of every argument."""

    world: World | None = None
    mock: Mock = False
    mock_lenient: bool = False
    scenario: str | PathLike[str] | None = None
    switches: Sequence[str] = ()
    servers: LoadOptions
    options: RunOptions
    is_blocking: bool = False


def check_arguments(given: RunArguments) -> None:
    """Raise InvalidUsage with every argument of a run that could not be obeyed."""
    _refuse((*_about_mock(given), *(() if given.world is None else _about_world(given, given.world))))


def check_of_program(options: LoadOptions) -> None:
    """Raise InvalidUsage for options of loading that were given with a Program, which is loaded; `servers` apply."""
    default = LoadOptions()
    names = [name for name in field_names(options) if name != "servers"]
    _refuse(
        (
            getattr(options, name) != getattr(default, name),
            f"load_options.{name} cannot be applied to a Program, which is loaded already",
            f"give it to load: load(document, load_options=LoadOptions({name}=…))",
        )
        for name in names
    )


def check_for_validation(options: LoadOptions) -> None:
    """Raise InvalidUsage for options of loading that validation could not obey."""
    _refuse(
        (getattr(options, name), f"load_options.{name} has no meaning for validate, which sends nothing", None)
        for name in ("server_variables", "channel_addresses")
    )


def check_remote(options: LoadOptions) -> None:
    """Raise InvalidUsage for remote documents that are allowed and forbidden."""
    allowed = [name for name in ("allow_remote", "allow_hosts") if getattr(options, name)]
    _refuse((options.offline, f"load_options: offline and {name} exclude each other", None) for name in allowed)


def check_credential_names(program: Program, credentials: Mapping[str, object]) -> None:
    """Raise InvalidUsage for credentials given to one run, which no operation of its program could ask for."""
    schemes: dict[str, dict[str, None]] = {}
    for _, _, call in program.operation_steps():
        schemes.setdefault(call.source, {}).update(dict.fromkeys(call.operation.security_schemes))
    for _, _, message in program.message_steps():
        schemes.setdefault(message.source, {}).update(dict.fromkeys(message.description.security_schemes))
    _refuse(_unknown_credentials(schemes, credentials))


def _unknown_credentials(
    schemes: Mapping[str, Mapping[str, None]], credentials: Mapping[str, object]
) -> Iterator[Fault]:
    for source, given in credentials.items():
        if source not in schemes:
            yield True, f'credentials: no operation of the source "{source}" is called', similar_or_all(source, schemes)
            continue
        if not isinstance(given, Mapping):
            example = f'credentials={{"{source}": {{"{next(iter(schemes[source]), "SCHEME")}": …}}}}'
            yield True, f'credentials: "{source}" has a mapping of schemes, not {type_of(given)}', f"write {example}"
            continue
        for name in given:
            is_unknown = name not in schemes[source]
            message = f'credentials: the source "{source}" has no security scheme "{name}"'
            yield is_unknown, message, similar_or_all(name, schemes[source]) if is_unknown else None


def _about_mock(given: RunArguments) -> Iterator[Fault]:
    mock, servers = given.mock, given.servers
    yield mock not in (True, False, STATEFUL), f'mock is True, False or "stateful", not {mock!r:.40}', None
    for name in ("mock_lenient", "scenario"):
        yield not mock and getattr(given, name), f"{name} needs mock", "give mock=True, or leave it out"
    yield given.switches and given.scenario is None, "switches need a scenario, which defines them", None
    in_place = "the mock answers in the place of every server"
    yield mock and servers.servers, f"servers and mock exclude each other: {in_place}", None
    yield mock and servers.server_variables, f"server_variables and mock exclude each other: {in_place}", None


def _about_world(given: RunArguments, world: World) -> Iterator[Fault]:
    waits = given.is_blocking and getattr(world, "waits", False) is True
    instead = "run it with arun(…), or give run a World that blocks, such as BlockingWorld()"
    yield waits, f"{type(world).__name__} waits for an event loop, which a blocking run does not have", instead
    sends = bool(getattr(world, "sends", False))
    hint = "a World that sends has the attribute sends = True"
    yield given.mock and not sends, "world and mock exclude each other: the world sends nothing to the mock", hint
    for name, of_world in (("transport", "options"), ("max_response_size", "max_response_size")):
        value: Any = getattr(given.options, name)
        is_asked = value != getattr(RunOptions(), name) and value != getattr(world, of_world, None)
        message = f"options.{name} cannot be applied to the world, which was made without it"
        yield is_asked, message, f"give it to the World: AsyncWorld({of_world}=…), BlockingWorld({of_world}=…)"


def _refuse(faults: Iterable[Fault]) -> None:
    wrong = [(message, hint) for is_wrong, message, hint in faults if is_wrong]
    if wrong:
        raise InvalidUsage(
            Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
            for message, hint in wrong
        )
