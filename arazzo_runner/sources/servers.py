"""The server URL of an operation (OpenAPI §Server Object, semantics §2)."""

from __future__ import annotations

from collections.abc import Mapping

from arazzo_runner.base.patterns import pattern
from arazzo_runner.sources.operation import Operation, Server
from arazzo_runner.sources.uris import is_remote, join, origin, without_userinfo

_VARIABLE = pattern(r"\{([^{}]+)\}")


class NoServer(Exception):
    """There is no usable server URL; `message` is the reason, `hint` what to give (None: `--server SOURCE=URL`)."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def server_url(
    operation: Operation, variables: Mapping[str, str], environment: Mapping[str, str], override: str | None
) -> str:
    """Return the absolute server URL without a final slash: `override`, else the first usable server.

    The values of variables are those of `variables`, else of the environment
    (`ARAZZO_SERVER_VAR_<NAME>`), else the defaults. Raises NoServer.
    """
    if override is not None:
        if origin(override) is None:
            shown = without_userinfo(override)
            raise NoServer(f'the server "{shown}" is no http(s) URL', "write https://host/path")
        return override.rstrip("/")
    if not operation.servers:
        return _from_location(operation)
    failures = []
    for server in operation.servers:
        filled = _filled(server, variables, environment)
        url = filled if is_remote(filled) else join(server.base, filled)
        if origin(url) is not None:
            return url.partition("#")[0].rstrip("/")
        failures.append(_why_not(server, url))
    raise NoServer(failures[0])


def _filled(server: Server, variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: _variable(server, match[1], variables, environment), server.url)


def _from_location(operation: Operation) -> str:
    # OpenAPI: the default is a server with the URL "/", relative to the description.
    if is_remote(operation.uri):
        return join(operation.uri, "/").rstrip("/")
    raise NoServer("the description names no server")


def _why_not(server: Server, url: str) -> str:
    shown = without_userinfo(server.url)
    if is_remote(url):
        return f'the server URL "{shown}" has no host'
    if "://" in server.url:
        return f'the server URL "{shown}" is not http(s)'
    return f'the server URL "{shown}" is relative and the description was read from a file'


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
