"""Generate docs/cli.md: its introduction is kept, the help text of every command is current."""

from __future__ import annotations

import re
from pathlib import Path

import click

from arazzo_runner.cli.commands import COMMANDS, help_text
from arazzo_runner.cli.group import group

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"


def page() -> str:
    """Return the page with current help texts, sections in the order of `arazzo --help`."""
    head, *sections = re.split(r"^## arazzo ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    written = {section.partition("\n")[0]: section.partition("\n")[2] for section in sections}
    intro, _, rest = head.partition("```text\n")
    _, _, rest = rest.partition("```\n")
    head = f"{intro}```text\n{help_text()}```\n{rest}"
    return head + "\n".join(_section(name, written.get(name, "")).rstrip() + "\n" for name in COMMANDS)


def _section(name: str, written: str) -> str:
    """Return a command's section: its help, and the text around it that a person wrote."""
    before, _, after = written.partition("```text\n")
    remarks = after.partition("\n```\n")[2]
    return f"## arazzo {name}\n\n{before.strip()}\n\n```text\n{_help(name)}\n```\n{remarks}".replace("\n\n\n\n", "\n\n")


def _help(name: str) -> str:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    texts = [_help_of(command, f"arazzo {name}")]
    if isinstance(command, click.Group):
        texts += [_help_of(each, f"arazzo {name} {own}") for own, each in command.commands.items()]
    return "\n\n".join(texts)


def _help_of(command: click.Command, path: str) -> str:
    # 98 is what a terminal of 100 columns gets.
    context = click.Context(command, info_name=path, terminal_width=98, **command.context_settings)
    return command.get_help(context)
