"""Which server a step talks to: the run's override, else what the description says (semantics §2)."""

from __future__ import annotations

from arazzo_runner.errors import Location, Problems
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.link import Linked


def choose_server(linked: Linked, options: LoadOptions, problems: Problems, at: Location) -> str | None:
    """Return the absolute server URL of an operation; None when there is none (reported)."""
    from arazzo_runner.sources.servers import NoServer, server_url  # lazily: without a description there is no server

    override = options.servers.get(linked.source)
    try:
        return server_url(linked.operation, options.server_variables, options.environment, override)
    except NoServer as problem:
        if options.any_server:
            return "http://mock.invalid"
        hint = problem.hint or f"name one with --server {linked.source}=URL"
        problems.error("no-server", f'source "{linked.source}": {problem.message}', at, hint=hint)
        return None
