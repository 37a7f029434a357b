"""A run that is killed or interrupted after the refresh leaves the new token in the file that stderr named."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.e2e.server import Answer, conversation
from tests.e2e.test_run import ACCESS, GOOD, OLD, SERVER

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, None), (signal.SIGTERM, None)]
)
def test_stopped_while_the_second_step_is_in_progress(
    number: signal.Signals, code: int | None, seed: str, folder: Path, state: Path
) -> None:
    hold = threading.Event()
    with conversation({**GOOD, "POST /api": [Answer(200, {}, hold=hold)]}) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", "run", seed, "--server", f"{SERVER}={server.url}"],
            env={**os.environ, "ARAZZO_INPUT_REFRESH_TOKEN": OLD},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.wait_for(2)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        hold.set()
    # The query is a POST: interrupted while under way, its outcome is unknown, which outranks 130.
    assert process.returncode in ((code,) if code is not None else (3, 130))
    named = re.search(r"secret outputs are kept in (.+)", err)
    assert named is not None
    kept = json.loads(Path(named.group(1)).read_text())
    assert kept["steps"]["refreshToken"] == {"accessToken": ACCESS}
    assert [file.name for file in state.iterdir()] == [Path(named.group(1)).name]
    assert "Traceback" not in err
    assert ACCESS not in out + err


def test_killed_with_a_file_for_the_outputs_the_secrets_so_far_are_in_it(seed: str, folder: Path, state: Path) -> None:
    hold = threading.Event()
    with conversation({**GOOD, "POST /api": [Answer(200, {}, hold=hold)]}) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", "run", seed, "--server", f"{SERVER}={server.url}"]
            + ["--output", "out.json", "-q"],
            env={**os.environ, "ARAZZO_INPUT_REFRESH_TOKEN": OLD},
            cwd=folder,
        )
        assert server.wait_for(2)
        process.kill()
        process.wait(20)
        hold.set()
    kept = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert (kept["status"], kept["steps"]["refreshToken"]) == ("running", {"accessToken": ACCESS})
    assert not state.exists()


def test_a_reader_that_goes_away_changes_nothing(seed: str, folder: Path) -> None:
    with conversation(GOOD) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", "run", seed, "--server", f"{SERVER}={server.url}", "-q"],
            env={**os.environ, "ARAZZO_INPUT_refreshToken": OLD},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.stderr.close()
        process.wait(20)
        received = len(server.received)
    assert received == 3
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "could not be written to standard output" in err
