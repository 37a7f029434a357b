"""The URL that requests of an operation go to (OpenAPI §Server Object, semantics §2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from arazzo_runner.sources.operation import Operation, Server
from arazzo_runner.sources.uris import is_remote, join

_VARIABLE = re.compile(r"\{([^{}]+)\}")


class NoServer(Exception):
    """No usable server URL; `message` says why, `hint` what to give."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def server_url(
    operation: Operation, variables: Mapping[str, str], environment: Mapping[str, str], override: str | None
) -> str:
    """Return the absolute server URL, without a slash at its end.

    `override` wins. Variables take their value from `variables`, else from the environment
    (`ARAZZO_SERVER_VAR_<NAME>`), else their default. Raises NoServer.
    """
    if override is not None:
        if not is_remote(override):
            raise NoServer(f'the server "{override}" is no http(s) URL', "write https://host/path")
        return override.rstrip("/")
    if not operation.servers:
        return _from_location(operation)
    server = operation.servers[0]
    url = _VARIABLE.sub(lambda match: _variable(server, match[1], variables, environment), server.url)
    absolute = url if is_remote(url) else join(server.base, url)
    if not is_remote(absolute):
        raise NoServer(f'the server URL "{server.url}" is relative and the description was read from a file')
    return absolute.rstrip("/")


def _from_location(operation: Operation) -> str:
    # OpenAPI: without servers, the default is one with the URL "/", relative to the description.
    if is_remote(operation.uri):
        return join(operation.uri, "/").rstrip("/")
    raise NoServer("the description names no server")


def _variable(server: Server, name: str, variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
    declared = server.variables.get(name)
    value = variables.get(name, environment.get(f"ARAZZO_SERVER_VAR_{name.upper()}"))
    if value is None:
        if declared is None:
            raise NoServer(f'server variable "{name}" has no default', f"give it with --server-var {name}=VALUE")
        value = declared.default
    if declared is not None and declared.enum and value not in declared.enum:
        message = f'server variable "{name}" is "{value}", expected one of {", ".join(declared.enum)}'
        raise NoServer(message, f"give it with --server-var {name}=VALUE")
    return value
