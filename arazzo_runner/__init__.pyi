"""Run, validate and test Arazzo workflows."""

from arazzo_runner.api import arun as arun, dry_run as dry_run, load as load, run as run, validate as validate
from arazzo_runner.diagnostics import (
    ArazzoError as ArazzoError,
    Diagnostic as Diagnostic,
    InvalidDescription as InvalidDescription,
    InvalidInputs as InvalidInputs,
    InvalidUsage as InvalidUsage,
    Location as Location,
    Severity as Severity,
    UnknownWorkflow as UnknownWorkflow,
)
from arazzo_runner.engine.options import RunOptions as RunOptions
from arazzo_runner.engine.results import (
    Attempt as Attempt,
    RunResult as RunResult,
    StepResult as StepResult,
    Verdict as Verdict,
    WorkflowResult as WorkflowResult,
)
from arazzo_runner.program.model import Program as Program
from arazzo_runner.secrets import Secrets as Secrets

__version__: str
__all__: list[str]
