"""Run, validate and test Arazzo workflows: sequences of API calls described in YAML.

Start with `load`, `validate`, `run`, `arun` or `dry_run`.
"""

from arazzo_runner.api import arun, dry_run, load, run, validate
from arazzo_runner.diagnostics import (
    ArazzoError,
    Diagnostic,
    InvalidDescription,
    InvalidInputs,
    InvalidUsage,
    Location,
    Severity,
    UnknownWorkflow,
)
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import Attempt, RunResult, StepResult, Verdict, WorkflowResult
from arazzo_runner.program.model import Program
from arazzo_runner.secrets import Secrets

__version__ = "0.1.0"

__all__ = [
    "ArazzoError",
    "Attempt",
    "Diagnostic",
    "InvalidDescription",
    "InvalidInputs",
    "InvalidUsage",
    "Location",
    "Program",
    "RunOptions",
    "RunResult",
    "Secrets",
    "Severity",
    "StepResult",
    "UnknownWorkflow",
    "Verdict",
    "WorkflowResult",
    "arun",
    "dry_run",
    "load",
    "run",
    "validate",
]
