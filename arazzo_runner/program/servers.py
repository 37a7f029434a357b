"""Servers of a program by the names of their source descriptions, and names in options that nothing has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.records import replace
from arazzo_runner.base.server_urls import broker_fault, corrected_server, is_broker
from arazzo_runner.base.settings import SERVER, SOURCE
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean, similar_or_all
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, MessageCall, OperationCall, Program
from arazzo_runner.sources.operation import VARIABLE, NoServer, read_variables, server_url


def check_urls(servers: Mapping[str, str]) -> None:
    """Raise InvalidUsage with every server that is no http(s) URL and none of a broker."""
    wrong = {name: correct for name, url in servers.items() if (correct := corrected_server(url)) is not None}
    if wrong:
        raise InvalidUsage(_wrong_url(name, servers[name], correct) for name, correct in wrong.items())


def _wrong_url(name: str, url: object, correct: str) -> Diagnostic:
    shown = preview(url.rpartition("@")[2] if isinstance(url, str) else url)
    fault = broker_fault(url) if isinstance(url, str) and is_broker(url) else None
    message = f'the server of source "{name}" must be an http(s) URL or that of a broker, found {shown}'
    message = f'the server of source "{name}" {fault}: {shown}' if fault is not None else message
    return _wrong(message, "usage", f"write {correct}")


def called_at(program: Program, servers: Mapping[str, str]) -> Program:
    """Return the program with its operations called at these URLs, by the names of their source descriptions.

    Raises InvalidUsage for a name that is no API of the program and for a text that is no URL.
    """
    check_urls(servers)
    problems = list(unknown_names(program, LoadOptions(servers=servers)))
    if problems:
        raise InvalidUsage(problems)
    return replace(program, workflows={key: _called_at(each, servers) for key, each in program.workflows.items()})


def _called_at(workflow: CompiledWorkflow, servers: Mapping[str, str]) -> CompiledWorkflow:
    return replace(workflow, steps=tuple(_step_called_at(step, servers) for step in workflow.steps))


def _step_called_at(step: CompiledStep, servers: Mapping[str, str]) -> CompiledStep:
    call = step.call
    if isinstance(call, MessageCall) and call.source in servers:
        from arazzo_runner.program.brokers import broker_hint, http_fault  # lazily: few documents have messages

        url = servers[call.source]
        described = [call.description.servers[name] for name in call.channel.servers]
        fault = http_fault(call.source, url, described)
        if fault is not None:
            raise InvalidUsage([_wrong(fault, "usage", broker_hint(call.source, described))])
        return replace(step, call=replace(call, url=url.rstrip("/"), protocol=url.partition("://")[0].lower()))
    if not isinstance(call, OperationCall) or call.source not in servers:
        return step
    try:
        url = server_url(call.operation, {}, {}, servers[call.source])
    except NoServer as problem:
        raise InvalidUsage([_wrong(f'source "{call.source}": {problem.message}', "no-server", problem.hint)]) from None
    return replace(step, call=replace(call, server=url))


def unknown_names(program: Program, named: LoadOptions) -> Iterator[Diagnostic]:
    """Yield an error for each name in `sources` and `servers` that no source description of the program has."""
    yield from unknown_sources(_types(program), named)


def check_near_names(program: Program, names: Iterable[str], what: str) -> None:
    """Raise InvalidUsage for names that no source has but one nearly has; other names are for other documents."""
    known = _types(program)
    near = [(name, hint) for name in names if name not in known and (hint := did_you_mean(name, known))]
    if near:
        raise InvalidUsage(
            _wrong(f'{what}: there is no source "{name}"', "unknown-source", hint) for name, hint in near
        )


def _types(program: Program) -> dict[str, str | None]:
    """Return the types of the source descriptions of every document of a program, by name."""
    documents = {each.document.uri: each.document for each in program.workflows.values()}.values()
    return {name: each.get("type") for document in documents for name, each in document.sources.items()}


def unknown_sources(types: Mapping[str, str | None], named: LoadOptions) -> Iterator[Diagnostic]:
    """Yield an error for each name in `sources` and `servers` that is not in `types`, the types of sources by name.

    A request that was meant for another server would go to the real one.
    """
    for setting, names in ((SOURCE, named.sources), (SERVER, named.servers)):
        for name in names:
            if name not in types:
                hint = f"{similar_or_all(name, types) or 'there are none'} ({setting.of(name)} names it)"
                yield _wrong(f'there is no source "{name}"', "unknown-source", hint)
            elif setting is SERVER and types[name] == "arazzo":
                message = f'the source "{name}" is an Arazzo document, which has no server'
                yield _wrong(message, "unknown-source", "name the source of that document which has one")
            elif setting is SERVER and types[name] == "openapi" and is_broker(named.servers[name]):
                message = f'the source "{name}" is an OpenAPI description; its server must be an http(s) URL'
                yield _wrong(message, "usage", f"write {setting.of(name)} with https://…")


def unknown_variables(
    programs: Sequence[Program], named: LoadOptions, servers: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield an error for each of `server_variables` that the server URLs of the programs do not have.

    The sources in `servers` are called at other URLs, which have no variables.
    """
    variables = named.server_variables
    if not variables:
        return
    known = {
        name: None
        for program in programs
        for _, _, call in program.operation_steps()
        if call.source not in servers
        for name in read_variables(call.operation, variables, os.environ)
    }
    for program in programs:
        for _, _, sent in program.message_steps():
            if sent.source not in servers and sent.server is not None:
                known.update(dict.fromkeys(VARIABLE.findall(sent.server.url)))
    for name in variables:
        if name not in known:
            message = f'no server URL that is called has the variable "{name}"'
            yield _wrong(message, "usage", similar_or_all(name, known))


def unknown_channels(programs: Iterable[Program], named: LoadOptions) -> Iterator[Diagnostic]:
    """Yield an error for each of `channel_addresses` that names no channel on which a step of the programs acts."""
    if not named.channel_addresses:
        return
    known: dict[str, None] = {}
    for program in programs:
        for _, _, call in program.message_steps():
            known.update({call.channel.key: None, f"{call.source}.{call.channel.key}": None})
    for name in named.channel_addresses:
        if name not in known:
            hint = similar_or_all(name, [each for each in known if each.count(".") <= name.count(".")] or known)
            yield _wrong(f'no channel that a step names is called "{name}"', "usage", hint)


def _wrong(message: str, code: str, hint: str | None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
