"""The entry point: help, version and plain checks at once, everything else through click, imported only then."""

from __future__ import annotations

import os
import sys

COMMANDS = {
    "run": "Run a workflow and print its outputs.",
    "validate": "Check Arazzo documents without sending anything.",
    "list": "List the workflows of a document and their inputs.",
    "show": "Show what a workflow does, step by step.",
    "auth": "List the credentials that a document needs.",
    "graph": "Draw a workflow: its steps and where their actions lead.",
    "trace": "Show where every value of a step comes from.",
    "debug": "Run a workflow step by step.",
    "mock": "Serve the APIs a document uses, answering from their descriptions.",
    "replay": "Run a recorded workflow again, offline, and tell what differs.",
    "resume": "Go on with a durable run that stopped.",
    "runs": "Look at durable runs, and put them away.",
    "submit": "Submit durable runs to workers.",
    "worker": "Carry out submitted runs.",
    "queue": "Configure the queues of durable runs.",
    "schedule": "Begin runs by the clock.",
    "eval": "Try an expression in a context.",
    "cache": "Show or clear the cache.",
    "explain": "Explain a diagnostic code.",
}
"""The commands in the order of the help; each lives in arazzo_runner/cli/<name>.py."""

COMPLETE = "_ARAZZO_COMPLETE"
"""The variable in which a shell asks click for completions."""
_HELP = """\
Usage: arazzo [OPTIONS] COMMAND [ARGS]...

  Run, validate and test Arazzo workflows: sequences of API calls described in
  YAML or JSON (https://spec.openapis.org/arazzo/latest.html).

Examples:
  arazzo validate workflow.yml
  arazzo run workflow.yml -i name=value
  arazzo run workflow.yml -i name=value --mock

Commands:
{commands}

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit. `arazzo COMMAND --help` tells more.
"""


def help_text() -> str:
    """Return the text of `arazzo --help`."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return _HELP.format(commands=commands)


def main() -> None:
    """Run the command line of this process and exit with its code (the console script `arazzo`)."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from arazzo_runner.cli.streams import open_missing_streams  # lazily: they are nearly always there

        open_missing_streams()
    code = run(sys.argv[1:])
    if _has_nothing_to_end() and _is_all_written():
        os._exit(code)  # giving memory back object by object takes as long as checking ten documents
    _leave_garbage()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    # Importing click takes longer than Python itself: what asks for no command is answered before.
    if not arguments or arguments[0] in ("-h", "--help"):
        return _say(help_text())
    if arguments[0] == "--version":
        from arazzo_runner import __version__

        return _say(f"arazzo {__version__}\n")
    import gc

    # A short-lived process makes little garbage: looking for it less often saves a few milliseconds.
    gc.set_threshold(200_000, 20, 50)
    if arguments[0] == "validate" and not os.environ.get(COMPLETE):
        from arazzo_runner.cli.plain import read_plain, run_plain

        plain = read_plain(arguments[1:])
        if plain is not None:
            return run_plain(plain, arguments)
    from arazzo_runner.cli.group import run_command_line

    return run_command_line(arguments)


def _has_nothing_to_end() -> bool:
    """Tell whether nothing waits for this process to end in order: no thread, exit handler, tracer or profiler."""
    import atexit

    if "threading" in sys.modules or sys.gettrace() or sys.getprofile():
        return False
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and any(map(monitoring.get_tool, range(6))):
        return False
    handlers = getattr(atexit, "_ncallbacks", None)  # CPython's; where it is not, we cannot know
    return handlers is not None and handlers() == 0


def _is_all_written() -> bool:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return False  # Python says so at its own end
    return True


def _leave_garbage() -> None:
    # Python looks for garbage once more at its end, only for the memory to be given back a moment later.
    import gc

    gc.freeze()


def _say(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # keeps Python's own complaint at exit away
    except OSError as problem:
        from arazzo_runner.report.terminal.console import Console  # lazily: hardly ever

        console = Console(sys.stdout, sys.stderr)
        console.deliver("")  # which gives the stream up
        console.err(f"standard output cannot be written: {(problem.strerror or str(problem)).lower()}\n")
        return 2
    return 0
