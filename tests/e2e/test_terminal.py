"""A run on a real terminal (a pty): the line that changes, colours, and what a pipe gets instead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.server import Answer, Conversation, conversation
from tests.e2e.test_many_runs import API, TWO

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command line with stderr on a pty; return its exit code and all that was written there."""
    ours, theirs = pty.openpty()
    cleared = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "arazzo_runner", *arguments],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=theirs,
        env={**cleared, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    return process.wait(20), written.decode("utf-8", "replace")


def screen(text: str) -> list[str]:
    """Return what the terminal shows in the end, without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text.replace("\r\n", "\n"))
    return [re.sub(r".*\r\x1b\[2K", "", line) for line in plain.split("\n")]


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    (tmp_path / "pets.yml").write_text(TWO)
    (tmp_path / "api.yml").write_text(API)
    (tmp_path / "rows.csv").write_text("_name,id\nrex,1\ntom,2\n")
    return tmp_path


def release(server: Conversation, held: threading.Event) -> None:
    """Let the answer go a while after its request has come."""
    with server.arrived:
        server.arrived.wait_for(lambda: server.received, 20)
    time.sleep(1.5)
    held.set()


def test_the_line_of_a_step_shows_its_duration(pets: Path) -> None:
    held = threading.Event()
    with conversation({"GET /pets/1": [Answer(200, {"name": "Rex"}, hold=held)]}) as server:
        threading.Thread(target=release, args=(server, held), daemon=True).start()
        code, text = on_a_terminal(
            pets, "run", "pets.yml", "-w", "get-one", "-i", "id=1", "--server", f"pets={server.url}"
        )
    assert code == 0
    assert re.search(r"\r\x1b\[2K  [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] get  1\.\d s", text)
    shown = [re.sub(r"\b[\d.]+ m?s\b", "N s", line) for line in screen(text)]
    assert shown == ["get-one (1 step)", "  ✓ get (N s)", 'workflow "get-one" succeeded (1 step, N s)', ""]
    assert "\x1b[32m✓\x1b[0m" in text


@pytest.mark.parametrize(
    ("environment", "colored"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)]
)
def test_many_runs_and_colours(pets: Path, environment: dict[str, str], colored: bool) -> None:
    answers = {f"GET /pets/{number}": [Answer(200, {"name": "x"})] for number in (1, 2)}
    with conversation(answers) as server:
        code, text = on_a_terminal(
            pets,
            "run",
            "pets.yml",
            "-w",
            "get-one",
            "--data",
            "rows.csv",
            "--server",
            f"pets={server.url}",
            **environment,
        )
    assert code == 0
    assert ("\x1b[32m" in text) == colored
    shown = [re.sub(r" +", " ", re.sub(r"\b[\d.]+ m?s\b", "N s", line)) for line in screen(text)]
    shown = [re.sub(r" (←|<-) slowest$", "", line) for line in shown]
    mark = "succeeded" if environment.get("TERM") == "dumb" else "✓"
    assert shown == [
        "2 runs",
        f" {mark} get-one [rex] (1 step, N s)",
        f" {mark} get-one [tom] (1 step, N s)",
        "",
        "run status time",
        "get-one [rex] succeeded N s",
        "get-one [tom] succeeded N s",
        "2 runs: 2 succeeded (N s)",
        "",
    ]
