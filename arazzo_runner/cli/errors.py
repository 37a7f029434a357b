"""Print errors and choose exit codes; free of click."""

from __future__ import annotations

import errno
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable

from arazzo_runner.base.user_files import reason_of
from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.errors import ArazzoError, Diagnostic, Location, Severity
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import STDOUT, Console

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


def guarded(work: Callable[[], int], arguments: list[str], *, ends_line: bool = False) -> int:
    """Do the work of a command line and return its exit code; every exception is printed as a Diagnostic.

    `ends_line` ends the line in which a terminal shows ^C, as click does.
    """
    console = Console(sys.stdout, sys.stderr, color=False if "--no-color" in arguments else None)
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    as_json = _wants_json(arguments)
    try:
        return work()
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, command, as_json=as_json)
    except KeyboardInterrupt:
        if ends_line:
            console.err("\n")
        message = "interrupted before anything was sent"
        print_errors(console, [usage_error(message, code="interrupted")], command, as_json=as_json)
        return EXIT_INTERRUPTED
    except (OSError, MemoryError) as problem:
        return refuse(console, [_system_error(problem)], command, as_json=as_json)
    # The only broad except of the project: any other exception is a bug of ours, and is printed as one.
    except Exception as problem:
        if isinstance(problem, OverflowError) and not _has_clock():
            return refuse(console, [_CLOCK_ERROR], command, as_json=as_json)
        print_errors(console, [_internal_error(problem)], command, as_json=as_json)
        return EXIT_BUG


def usage_error(message: str, *, code: str = "usage", hint: str | None = None, file: str = "") -> Diagnostic:
    """Return a Diagnostic about the command line or about a file that it names."""
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(file), hint=hint)


def refuse(
    console: Console,
    diagnostics: Iterable[Diagnostic],
    command: str | None,
    *,
    as_json: bool,
    workflow_id: str | None = None,
) -> int:
    """Print why nothing was done and return the exit code 2."""
    print_errors(console, diagnostics, command, as_json=as_json, workflow_id=workflow_id)
    return EXIT_USAGE


def print_errors(
    console: Console,
    diagnostics: Iterable[Diagnostic],
    command: str | None,
    *,
    as_json: bool,
    workflow_id: str | None = None,
) -> None:
    """Print Diagnostics to stderr, or to stdout as the JSON that the command promises."""
    diagnostics = tuple(diagnostics)
    is_unwritable = any(each.at.uri == STDOUT for each in diagnostics)
    if not as_json or is_unwritable:
        print_diagnostics(console, diagnostics)
        return
    from arazzo_runner.report.json import error_report, pretty, validate_report  # few errors are JSON

    report = error_report(workflow_id, diagnostics) if command in ("run", "call") else validate_report(diagnostics)
    if not console.deliver(pretty(report)):
        print_diagnostics(console, diagnostics)


_CLOCK_ERROR = usage_error(
    "the clock of this machine is beyond the year 2262, the last that Python supports",
    code="system-error",
    hint="set the clock",
)


def _system_error(problem: OSError | MemoryError) -> Diagnostic:
    """Return the Diagnostic of a refusal by the operating system that no other code expects."""
    if isinstance(problem, MemoryError):
        return usage_error("out of memory", code="system-error", hint="give the process more memory")
    if not _has_working_folder():
        message = "the working directory no longer exists"
        return usage_error(message, code="system-error", hint="change to one that exists: cd")
    reason = reason_of(problem)
    file = problem.filename if isinstance(problem.filename, str) else ""
    hint = {errno.EMFILE: "allow more open files: ulimit -n 1024", errno.ENOSPC: "free space on the disk"}
    message = f"the system refuses: {reason}{': ' if file else ''}{file}"
    return usage_error(message, code="system-error", hint=hint.get(problem.errno or 0))


def _has_clock() -> bool:
    try:
        time.time()
    except OverflowError:  # nanoseconds since 1970 in 64 bits
        return False
    return True


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _internal_error(problem: Exception) -> Diagnostic:
    if os.environ.get("ARAZZO_DEBUG") == "1":
        import traceback  # only on request

        traceback.print_exception(problem)
    message = f"this is a bug in arazzo: {type(problem).__name__}"
    hint = "please report it; ARAZZO_DEBUG=1 shows where it happened (that may show secrets)"
    return usage_error(message, code="internal-error", hint=hint)


def _wants_json(arguments: list[str]) -> bool:
    # Read without a parser: the command line itself may be what is wrong.
    before_end = arguments[: arguments.index("--")] if "--" in arguments else arguments
    following = itertools.pairwise(before_end)
    return "--format=json" in before_end or ("--format", "json") in following
