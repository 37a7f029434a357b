"""The group of commands for click."""

from __future__ import annotations

import importlib
import os

import click

from arazzo_runner.cli.commands import COMMANDS, COMPLETE, help_text
from arazzo_runner.cli.errors import guarded, usage_error
from arazzo_runner.errors import Diagnostic, InvalidUsage, did_you_mean


class LazyGroup(click.Group):
    """Imports the module of a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, None for an unknown one."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"arazzo_runner.cli.commands.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command; raises UsageError with similar names for an unknown one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], [*COMMANDS, "help"]) or f"available: {', '.join(COMMANDS)}"
            raise click.UsageError(f'there is no command "{args[0]}"; {hint}', ctx)
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """Return the text that `arazzo --help` prints without click."""
        return help_text().rstrip("\n")


group = LazyGroup("arazzo", context_settings={"help_option_names": ["-h", "--help"]})


def run_command_line(arguments: list[str]) -> int:
    """Run a command line through click and return its exit code; every error is printed."""
    return guarded(lambda: _run(arguments), arguments)


def _run(arguments: list[str]) -> int:
    """Run a command; raises click's errors as InvalidUsage."""
    try:
        code = group.main(arguments, prog_name="arazzo", standalone_mode=False)
    except (KeyError, ValueError, IndexError):
        if COMPLETE not in os.environ:
            raise
        message = f"{COMPLETE} asks for completions without COMP_WORDS and COMP_CWORD"
        raise InvalidUsage([usage_error(message, hint=f"unset {COMPLETE}: it is for shells")]) from None
    except click.ClickException as problem:
        raise InvalidUsage([_usage(problem)]) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


def _usage(problem: click.ClickException) -> Diagnostic:
    context = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "arazzo"
    message = problem.format_message().rstrip(".")
    return usage_error(message[:1].lower() + message[1:], hint=f"see {path} --help")
