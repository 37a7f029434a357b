"""Run, validate and test Arazzo workflows: sequences of API calls described in YAML.

Start with `load`, `validate`, `run`, `arun` or `dry_run`. A name is imported when it is first
used, so that `arazzo --help` does not pay for the engine; types stand in `__init__.pyi`.
"""

from arazzo_runner.base.version import __version__ as __version__

_HOMES = {
    "ArazzoError": "diagnostics",
    "AsyncWorld": "worlds.http",
    "Attempt": "engine.results",
    "BlockingWorld": "worlds.http",
    "CheckOptions": "engine.check_options",
    "Credentials": "worlds.auth_sources",
    "Diagnostic": "diagnostics",
    "InvalidDescription": "diagnostics",
    "InvalidInputs": "diagnostics",
    "InvalidUsage": "diagnostics",
    "Location": "diagnostics",
    "Program": "program.model",
    "RunOptions": "engine.options",
    "RunResult": "engine.results",
    "Secrets": "secrets",
    "Severity": "diagnostics",
    "StepResult": "engine.results",
    "TransportOptions": "engine.options",
    "UnknownWorkflow": "diagnostics",
    "Verdict": "engine.results",
    "WorkflowResult": "engine.results",
    "arun": "api",
    "dry_run": "api",
    "load": "api",
    "render_report": "report.public",
    "run": "api",
    "validate": "api",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name from its home (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what can be imported from here."""
    return [*__all__, "__version__"]
