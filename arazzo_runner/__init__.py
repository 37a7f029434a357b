"""Run, validate and test Arazzo workflows: sequences of API calls and messages described in YAML.

Start with `load`, `validate`, `run`, `arun` or `dry_run`; docs/python.md shows them. A name is imported when it is
first used, so that `arazzo --help` and `import arazzo_runner` don't pay for the engine.
"""

from arazzo_runner.base.version import __version__ as __version__

TYPE_CHECKING = False  # that of `typing`, without its import: type checkers take the name as true
if TYPE_CHECKING:
    from arazzo_runner.api import (
        aload as aload,
        arun as arun,
        dry_run as dry_run,
        load as load,
        run as run,
        validate as validate,
    )
    from arazzo_runner.base.files import File as File
    from arazzo_runner.base.records import replace as replace
    from arazzo_runner.base.secrets import Secrets as Secrets
    from arazzo_runner.document.reading import Limits as Limits
    from arazzo_runner.engine.effects import (
        Effect as Effect,
        HttpRequest as HttpRequest,
        HttpResponse as HttpResponse,
        NoFile as NoFile,
        NoResponse as NoResponse,
        Now as Now,
        ReadFile as ReadFile,
        SendRequest as SendRequest,
        Sleep as Sleep,
        World as World,
    )
    from arazzo_runner.engine.interruption import partial_result as partial_result
    from arazzo_runner.engine.options import (
        CheckOptions as CheckOptions,
        RunOptions as RunOptions,
        TransportOptions as TransportOptions,
    )
    from arazzo_runner.engine.results import (
        Attempt as Attempt,
        AttemptFinished as AttemptFinished,
        Event as Event,
        MessageAwaited as MessageAwaited,
        PollScheduled as PollScheduled,
        RetryScheduled as RetryScheduled,
        RunResult as RunResult,
        StepFinished as StepFinished,
        StepResult as StepResult,
        StepStarted as StepStarted,
        StopRun as StopRun,
        UnknownStep as UnknownStep,
        Verdict as Verdict,
        Wait as Wait,
        WorkflowFinished as WorkflowFinished,
        WorkflowResult as WorkflowResult,
        WorkflowStarted as WorkflowStarted,
    )
    from arazzo_runner.errors import (
        ArazzoError as ArazzoError,
        Diagnostic as Diagnostic,
        InvalidDescription as InvalidDescription,
        InvalidInputs as InvalidInputs,
        InvalidUsage as InvalidUsage,
        Judge as Judge,
        Location as Location,
        Severity as Severity,
        UnknownWorkflow as UnknownWorkflow,
    )
    from arazzo_runner.program.inputs_schema import inputs_schema as inputs_schema
    from arazzo_runner.program.library import LoadOptions as LoadOptions
    from arazzo_runner.program.model import Program as Program
    from arazzo_runner.report.json import to_dict as to_dict
    from arazzo_runner.report.runs.formats import render_report as render_report
    from arazzo_runner.runtime.auth.sources import Credentials as Credentials
    from arazzo_runner.runtime.http import AsyncWorld as AsyncWorld, BlockingWorld as BlockingWorld

_MODULES = {
    "api": "aload arun dry_run load run validate",
    "base.files": "File",
    "base.records": "replace",
    "base.secrets": "Secrets",
    "document.reading": "Limits",
    "engine.effects": "Effect HttpRequest HttpResponse NoFile NoResponse Now ReadFile SendRequest Sleep World",
    "engine.interruption": "partial_result",
    "engine.options": "CheckOptions RunOptions TransportOptions",
    "engine.results": (
        "Attempt AttemptFinished Event MessageAwaited PollScheduled RetryScheduled RunResult StepFinished StepResult "
        "StepStarted StopRun UnknownStep Verdict Wait WorkflowFinished WorkflowResult WorkflowStarted"
    ),
    "errors": "ArazzoError Diagnostic InvalidDescription InvalidInputs InvalidUsage Judge Location Severity "
    "UnknownWorkflow",
    "program.inputs_schema": "inputs_schema",
    "program.library": "LoadOptions",
    "program.model": "Program",
    "report.json": "to_dict",
    "report.runs.formats": "render_report",
    "runtime.auth.sources": "Credentials",
    "runtime.http": "AsyncWorld BlockingWorld",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name from its module (PEP 562)."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
