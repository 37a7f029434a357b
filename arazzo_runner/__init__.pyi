"""Run, validate and test Arazzo workflows."""

from arazzo_runner.api import arun as arun
from arazzo_runner.api import dry_run as dry_run
from arazzo_runner.api import load as load
from arazzo_runner.api import run as run
from arazzo_runner.api import validate as validate
from arazzo_runner.base.secrets import Secrets as Secrets
from arazzo_runner.engine.options import CheckOptions as CheckOptions
from arazzo_runner.engine.options import (
    RunOptions as RunOptions,
)
from arazzo_runner.engine.options import (
    TransportOptions as TransportOptions,
)
from arazzo_runner.engine.results import (
    Attempt as Attempt,
)
from arazzo_runner.engine.results import (
    RunResult as RunResult,
)
from arazzo_runner.engine.results import (
    StepResult as StepResult,
)
from arazzo_runner.engine.results import (
    Verdict as Verdict,
)
from arazzo_runner.engine.results import (
    WorkflowResult as WorkflowResult,
)
from arazzo_runner.errors import (
    ArazzoError as ArazzoError,
)
from arazzo_runner.errors import (
    Diagnostic as Diagnostic,
)
from arazzo_runner.errors import (
    InvalidDescription as InvalidDescription,
)
from arazzo_runner.errors import (
    InvalidInputs as InvalidInputs,
)
from arazzo_runner.errors import (
    InvalidUsage as InvalidUsage,
)
from arazzo_runner.errors import (
    Location as Location,
)
from arazzo_runner.errors import (
    Severity as Severity,
)
from arazzo_runner.errors import (
    UnknownWorkflow as UnknownWorkflow,
)
from arazzo_runner.program.model import Program as Program
from arazzo_runner.report.public import render_report as render_report
from arazzo_runner.runtime.auth.sources import Credentials as Credentials
from arazzo_runner.runtime.http import AsyncWorld as AsyncWorld
from arazzo_runner.runtime.http import BlockingWorld as BlockingWorld

__version__: str
__all__: list[str]
