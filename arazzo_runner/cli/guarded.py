"""What becomes of errors: one message, one exit code, JSON where it was asked for; free of click."""

from __future__ import annotations

import errno
import itertools
import os
import sys
import time
from collections.abc import Callable

from arazzo_runner.base.user_files import reason_of
from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.cli.errors import EXIT_BUG, EXIT_INTERRUPTED, print_errors, refuse, usage_error
from arazzo_runner.errors import ArazzoError, Diagnostic
from arazzo_runner.report.terminal.console import Console


def guarded(work: Callable[[], int], arguments: list[str]) -> int:
    """Do what a command line asks for and return its exit code; every error ends here."""
    console = Console(sys.stdout, sys.stderr, color=False if "--no-color" in arguments else None)
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    as_json = _wants_json(arguments)
    try:
        return work()
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, command, as_json=as_json)
    except KeyboardInterrupt:
        message = "interrupted before anything was sent"
        print_errors(console, [usage_error(message, code="interrupted")], command, as_json=as_json)
        return EXIT_INTERRUPTED
    except (OSError, MemoryError) as problem:
        return refuse(console, [_system_error(problem)], command, as_json=as_json)
    # The only broad except of the project: what arrives here is a bug of ours, and is shown as one.
    except Exception as problem:
        if isinstance(problem, OverflowError) and not _has_clock():
            message = "the clock of this machine is beyond the year 2262, where Python's ends"
            return refuse(console, [usage_error(message, code="system-error", hint="set it")], command, as_json=as_json)
        print_errors(console, [_confession(problem)], command, as_json=as_json)
        return EXIT_BUG


def _system_error(problem: OSError | MemoryError) -> Diagnostic:
    """Return what is said when the system refuses something that nothing else expects it to refuse."""
    if isinstance(problem, MemoryError):
        return usage_error("the memory is not enough", code="system-error", hint="give the process more of it")
    if not _has_working_folder():
        message = "the working directory does not exist any more"
        return usage_error(message, code="system-error", hint="go to one that exists: cd")
    reason = reason_of(problem)
    file = problem.filename if isinstance(problem.filename, str) else ""
    hint = {errno.EMFILE: "allow more open files: ulimit -n 1024", errno.ENOSPC: "make room on the disk"}
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


def _confession(problem: Exception) -> Diagnostic:
    if os.environ.get("ARAZZO_DEBUG") == "1":
        import traceback  # lazily: only for those who ask

        traceback.print_exception(problem)
    message = f"this is a bug in arazzo: {type(problem).__name__}"
    hint = "please report it; ARAZZO_DEBUG=1 shows where it happened (that may show secrets)"
    return usage_error(message, code="internal-error", hint=hint)


def _wants_json(arguments: list[str]) -> bool:
    # The command line may be unreadable as a whole: this much of it is read without click.
    before_end = arguments[: arguments.index("--")] if "--" in arguments else arguments
    following = itertools.pairwise(before_end)
    return "--format=json" in before_end or ("--format", "json") in following
