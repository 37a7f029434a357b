"""The group of commands, and what becomes of errors: one message, one exit code, JSON where it was asked for."""

from __future__ import annotations

import importlib
import itertools
import os
import sys

import click

from arazzo_runner.cli.errors import EXIT_BUG, EXIT_INTERRUPTED, print_errors, refuse, usage_error
from arazzo_runner.cli.main import COMMANDS, help_text
from arazzo_runner.diagnostics import ArazzoError, Diagnostic, did_you_mean
from arazzo_runner.report.console import Console


class LazyGroup(click.Group):
    """Knows the commands by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"arazzo_runner.cli.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command called; an unknown one is answered with the nearest names."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f"there are: {', '.join(COMMANDS)}"
            raise click.UsageError(f'there is no command "{args[0]}"; {hint}', ctx)
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """Return the same text as `arazzo --help` without click."""
        return help_text().rstrip("\n")


group = LazyGroup("arazzo", context_settings={"help_option_names": ["-h", "--help"]})


def run_command_line(arguments: list[str]) -> int:
    """Run a command and return its exit code; every error ends here."""
    console = Console(sys.stdout, sys.stderr, color=False if "--no-color" in arguments else None)
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    as_json = _wants_json(arguments)
    try:
        code = group.main(arguments, prog_name="arazzo", standalone_mode=False)
    except click.ClickException as problem:
        return refuse(console, [_usage(problem)], command, as_json=as_json)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, command, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        message = "interrupted before anything was sent"
        print_errors(console, [usage_error(message, code="interrupted")], command, as_json=as_json)
        return EXIT_INTERRUPTED
    # The only broad except of the project: what arrives here is a bug of ours, and is shown as one.
    except Exception as problem:
        print_errors(console, [_confession(problem)], command, as_json=as_json)
        return EXIT_BUG
    return code if isinstance(code, int) else 0


def _usage(problem: click.ClickException) -> Diagnostic:
    context = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "arazzo"
    message = problem.format_message().rstrip(".")
    return usage_error(message[:1].lower() + message[1:], hint=f"see {path} --help")


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
