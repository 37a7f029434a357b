"""The command line as a person uses it, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run
from tests.e2e.golden import settled

SPECS = Path(__file__).parents[2] / "specs"
SEED = SPECS / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"


@dataclass
class Ran:
    """The result of a command line."""

    arguments: list[str]
    code: int
    out: str
    err: str

    def transcript(self) -> str:
        """Return all of it as the text that golden files hold."""
        shown = [f"$ arazzo {' '.join(self.arguments)}", f"exit code {self.code}"]
        for name, text in (("stdout", self.out), ("stderr", self.err)):
            shown += [f"--- {name}", *(settled(text).splitlines() if text else [])]
        return settled("\n".join(shown) + "\n", (str(Path.cwd()), "DIR"))


Arazzo = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test, with a state directory of its own and no colours."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("ARAZZO_DEBUG", raising=False)
    return work


@pytest.fixture
def state(folder: Path) -> Path:
    """Where secret outputs are kept."""
    return folder.parent / "state" / "arazzo"


@pytest.fixture
def arazzo(folder: Path, capsys: pytest.CaptureFixture[str]) -> Arazzo:
    """Run one command line in this process."""

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return Ran(list(arguments), code, captured.out, captured.err)

    return call


@pytest.fixture
def seed(folder: Path) -> str:
    """The seed and its API description, copied next to the test; its path as the user would type it."""
    for kind in ("arazzo", "openapi"):
        (folder / kind).mkdir()
        for file in (SPECS / kind).glob("prismatic*"):
            (folder / kind / file.name).write_bytes(file.read_bytes())
    return "arazzo/" + SEED.name
