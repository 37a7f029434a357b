"""kill -9 at every effect and every write of the real command line: no answered secret is lost (POSIX only)."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.flow import PLACES, token_server, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are POSIX")
ROOT = Path(__file__).parents[2]
FLOWS = {"steps in order": [], "steps at the same time": ["--parallel"]}
UNDER_WAY = {"steps in order": 1, "steps at the same time": 5}


@pytest.fixture(scope="module")
def server():
    with token_server() as tokens:
        yield tokens


@pytest.fixture(scope="module")
def driver():
    command = [sys.executable, "-m", "tests.faults.driver"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def run(driver, server, tmp_path):
    path = write(tmp_path)

    def call(fault, number, *options):
        server.forget()
        state = tmp_path / f"{fault}-{number}"
        arguments = ["run", str(path), "-w", "main", "--server", f"tokens={server.url}", *options]
        order = {"fault": fault, "number": number, "state": str(state), "arguments": arguments}
        driver.stdin.write(json.dumps(order) + "\n")
        driver.stdin.flush()
        code = json.loads(driver.stdout.readline())["code"]
        return code, state, dict(server.counts), list(server.sent)

    return call


def kept(state):
    """Return the tokens on disk, by the name of their step."""
    found = {}
    for path in sorted((state / "arazzo").glob("*.json")) + sorted(state.glob("*.json")):
        steps = json.loads(path.read_text() or '{"steps": {}}')["steps"]
        found.update({name: steps[place]["token"] for name, place in PLACES.items() if place in steps})
    return found


@pytest.mark.parametrize("flow", FLOWS)
def test_killed_before_the_next_effect_every_answered_token_is_on_disk(run, flow):
    for number in range(40):
        code, state, counts, _ = run("kill-before", number, *FLOWS[flow])
        expected = {name: f"{name}-token-{count}" for name, count in counts.items() if name in PLACES}
        if code != -9:
            break
        lost = {name for name, token in expected.items() if kept(state).get(name) != token}
        assert len(lost) <= UNDER_WAY[flow] - 1, number  # the others have a request under way
    assert code == 0
    assert number >= 11  # sends and waits of a whole run
    assert kept(state) == expected


@pytest.mark.parametrize("flow", FLOWS)
def test_killed_while_an_effect_is_under_way_only_its_own_token_may_be_missing(run, flow):
    for number in range(40):
        code, state, counts, _ = run("kill-after", number, *FLOWS[flow])
        if code != -9:
            break
        answered = {name: f"{name}-token-{count}" for name, count in counts.items() if name in PLACES}
        lost = {name for name, token in answered.items() if kept(state).get(name) != token}
        assert len(lost) <= UNDER_WAY[flow], number
    assert code == 0


def test_when_killed_while_writing_the_file_keeps_its_old_content(run):
    for number in range(30):
        code, state, counts, _ = run("kill-at-write", number)
        if code != -9:
            break
        answered = {name: f"{name}-token-{count}" for name, count in counts.items() if name in PLACES}
        before = {name: f"{name}-token-{count - 1}" for name, count in counts.items() if name in PLACES}
        found = kept(state)  # readable, never half
        stale = [name for name in answered if found.get(name) != answered[name]]
        assert len(stale) <= 1
        assert all(found.get(name) in (before[name], None) for name in stale)
    assert code == 0
    assert number >= 6


def test_when_no_place_takes_the_secrets_the_run_stops_before_it_sends_more(run):
    for number in range(30):
        code, state, _, sent = run("fail-write", number)
        err = (state / "err").read_text()
        assert "Traceback" not in err
        if code == 0:
            break
        assert code == 1
        assert "No space left on device" in err
        # The file for secrets is first written after the first answer: each failed write ends the run there.
        assert len(sent) <= 1 + 2 * number + 4
        assert len(kept(state)) >= (number > 0)
    assert code == 0
    assert number >= 6


def test_outputs_whose_file_takes_them_no_more_are_elsewhere(run, tmp_path):
    (tmp_path / "out.json").write_text("{}")
    code, state, counts, _ = run("fail-one-write", 1, "--output", str(tmp_path / "out.json"))
    err = (state / "err").read_text()
    found = re.search(r"could not be written to .*out\.json: No space left on device; they are in (.+)", err)
    assert code == 1
    assert found is not None, err
    assert json.loads(Path(found[1]).read_text()) == {"token": f"right-token-{counts['right']}"}
    assert stat.S_IMODE(os.stat(found[1]).st_mode) == 0o600


def test_secrets_move_when_the_file_cannot_be_extended(run):
    code, state, _, _ = run("fail-one-write", 2)
    assert code == 0
    assert set(kept(state)) == set(PLACES)
    assert (state / "err").read_text().count("secret outputs are kept in") == 2
