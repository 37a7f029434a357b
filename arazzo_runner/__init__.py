"""Run, validate and test Arazzo workflows: sequences of API calls described in YAML.

Start with `load`, `validate`, `run`, `arun` or `dry_run`. A name is imported when it is first
used, so that `arazzo --help` does not pay for the engine; types stand in `__init__.pyi`.
"""

from arazzo_runner.base.version import __version__ as __version__

_HOMES = {
    "ArazzoError": "errors",
    "AsyncWorld": "runtime.http",
    "Attempt": "engine.results",
    "BlockingWorld": "runtime.http",
    "CheckOptions": "engine.check_options",
    "Credentials": "runtime.auth.sources",
    "Diagnostic": "errors",
    "InvalidDescription": "errors",
    "InvalidInputs": "errors",
    "InvalidUsage": "errors",
    "Location": "errors",
    "Program": "program.model",
    "RunOptions": "engine.options",
    "RunResult": "engine.results",
    "Secrets": "base.secrets",
    "Severity": "errors",
    "StepResult": "engine.results",
    "TransportOptions": "engine.options",
    "UnknownWorkflow": "errors",
    "Verdict": "engine.results",
    "WorkflowResult": "engine.results",
    "arun": "api",
    "dry_run": "api",
    "load": "api",
    "render_report": "report.runs.formats",
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
