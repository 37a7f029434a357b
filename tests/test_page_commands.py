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


def test_nearly_every_command_is_run():
    every = [command for page in PAGES for command in commands_of(page.read_text(encoding="utf-8"))]
    left_out = [command for command in every if command.not_run]
    assert len(every) > 120
    assert len(left_out) < len(every) / 5
    assert all(len(command.not_run) > 10 for command in left_out)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("```sh\narazzo a   # exit code 1: why\n# none\narazzo b \\\n  -c\n```", [("arazzo a", 1), ("arazzo b    -c", 0)], id="a block of a shell"),
        pytest.param("```console exit 1\n$ arazzo a\nits output\n$ arazzo b\n```", [("arazzo a", 1), ("arazzo b", 1)], id="a dialogue"),
        pytest.param("```sh\ncat > x.yml <<'E'\na: 1\nE\narazzo a x.yml\n```", [("cat > x.yml <<'E'\na: 1\nE", 0), ("arazzo a x.yml", 0)], id="a file made by the reader"),
        pytest.param("```yaml\nscript:\n  - arazzo a\n  - run: arazzo b\n```", [("arazzo a", 0), ("arazzo b", 0)], id="steps of CI"),
        pytest.param("```text\nUsage: arazzo x\n\n  Examples:\n    arazzo x 1\n    echo | arazzo x\n\n  More.\n```", [("arazzo x 1", 0), ("echo | arazzo x", 0)], id="a help text"),
        pytest.param("See `arazzo a specs/x.yml`, `arazzo a SPEC.yml`, `arazzo a FILE` and `arazzo a --b`.", [("arazzo a specs/x.yml", 0), ("arazzo a SPEC.yml", 0)], id="sentences that name a file"),
        pytest.param("```python\narazzo = 1\n```", [], id="Python"),
    ],
)  # fmt: skip
def test_commands_are_found(text, found):
    assert [(command.text, command.code) for command in commands_of(text)] == found
