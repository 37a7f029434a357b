"""The entry point: help and version at once, `validate` mostly without click, everything else through click."""

from __future__ import annotations

import gc
import os
import sys

from arazzo_runner.cli.commands import COMPLETE, help_text

_STREAMS = ("stdin", "stdout", "stderr")


def main() -> None:
    """Run the command line of this process and exit with its code (the console script `arazzo`)."""
    _open_missing_streams()
    code = run(sys.argv[1:])
    gc.freeze()  # keeps Python from collecting garbage once more at exit: a tenth of a check of one document
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; `help COMMAND` is `COMMAND --help`."""
    # A short-lived process makes little garbage: collecting it less often saves a few milliseconds.
    gc.set_threshold(200_000, 20, 50)
    if arguments[:1] == ["help"]:
        arguments = [*(word for word in arguments[1:] if not word.startswith("-") and word != "help"), "--help"]
    code = None if os.environ.get(COMPLETE) else _run_without_click(arguments)
    if code is not None:
        return code
    from arazzo_runner.cli.group import run_command_line

    return run_command_line(arguments)


def _run_without_click(arguments: list[str]) -> int | None:
    """Run a command line that does without click, whose import takes longer than the start of Python; else None."""
    if not arguments or arguments[0] in ("-h", "--help"):
        return _print(help_text())
    if arguments[0] == "--version":
        from arazzo_runner import __version__

        return _print(f"arazzo {__version__}\n")
    return _validate_without_click(arguments) if arguments[0] == "validate" else None


def _validate_without_click(arguments: list[str]) -> int | None:
    """Run `arazzo validate`; None, nothing done, where click must print help or an error about the options."""
    from arazzo_runner.cli.errors import guarded
    from arazzo_runner.cli.lint_arguments import VALIDATE_OPTIONS
    from arazzo_runner.cli.option_table import read_options

    values = read_options(arguments[1:], VALIDATE_OPTIONS, "specs")
    if values is None:
        return None

    def work() -> int:
        from arazzo_runner.cli.lint_session import lint  # here, for an interrupted import is reported too

        return lint(values)

    return guarded(work, arguments, ends_line=True)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # suppresses Python's own message at exit
    except OSError as problem:
        from arazzo_runner.report.terminal.console import Console

        console = Console(sys.stdout, sys.stderr)
        console.deliver("")  # fails again, and closes the stream
        console.err(f"standard output cannot be written: {(problem.strerror or str(problem)).lower()}\n")
        return 2
    return 0


def _open_missing_streams() -> None:
    """Open the standard streams that the process was started without (`2>&-`), so that using them fails.

    Python leaves None in their place, and the next file that is opened would get their descriptor:
    error messages would be written into a document.
    """
    for number, name in enumerate(_STREAMS):
        if getattr(sys, name) is not None:
            continue
        # Opened in the wrong mode: reading or writing is refused (EBADF) instead of being lost silently.
        opened = os.open(os.devnull, os.O_WRONLY if name == "stdin" else os.O_RDONLY)
        if opened != number and not _is_open(number):
            os.dup2(opened, number)
            os.close(opened)
            opened = number
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(opened, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
