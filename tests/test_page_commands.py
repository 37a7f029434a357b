"""Every command of every page works in the checkout as it is printed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page_commands import ROOT, Shell, commands_of

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def parts() -> Iterator[Any]:
    """Return the texts that are read in one go: a page, of the page of the command line a section."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        sections = text.split("\n## ") if page.name == "cli.md" else [text]
        for section in sections:
            if any(commands_of(section)):
                yield pytest.param(section, id=page.name if section is text else section.partition("\n")[0].strip("# "))


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands of pages are those of a POSIX shell")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in a copy of what a checkout has for its readers, with a home of its own."""
    checkout = tmp_path / "checkout"
    for name in ("specs", "fixtures/scenarios"):
        shutil.copytree(ROOT / name, checkout / name)
    home = {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "home" / "state")}
    with Shell(checkout, home) as found:
        yield found


@pytest.mark.parametrize("text", [*parts()])
def test_every_command_of_a_page_works_as_it_is_printed(text: str, shell: Shell) -> None:
    wrong = []
    for command in commands_of(text):
        if not command.not_run:
            code, printed = shell.run(command.text)
            if re.search(r"error\[(durable-not-installed|old-sqlite)\]", printed):
                pytest.skip("durable runs need packages that are not here")
            if code != command.code:
                wrong.append(f"$ {command.text}\nexit code {code} instead of {command.code}\n{printed[-1500:]}")
    assert wrong == [], "\n\n".join(wrong)
