"""The HTML report in a browser; skipped without one (`scripts/check-pages` installs it)."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner.base.records import replace
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.report.runs.formats import render
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from tests.e2e.server import Answer, conversation
from tests.report.records import result
from tests.report.test_runs_reports import hostile, lost, nested, record, report

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".venv" / "page-check"
CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))
SPEC = str(HERE.parents[1] / "fixtures" / "variants" / "order-and-deliver.arazzo.yml")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or shutil.which("node") is None or not (MODULES / "node_modules" / "axe-core").is_dir(),
    reason="no Chromium, node or axe-core: scripts/check-pages sets them up",
)

ANSWERS = {
    "GET /login": [Answer(200, {"session_token": "session-0123456789"})],
    "POST /orders": [Answer(503, {"error": "busy"}), Answer(201, {"id": "o-1", "state": "accepted"})],
    "GET /orders/o-1": [
        Answer(200, {"state": "on its way"}),
        Answer(200, {"state": "delivered"}),
        Answer(200, {"state": "delivered"}),
        Answer(200, {"state": "open", "items": [{"name": f"thing {number}"} for number in range(6)]}),
    ],
}


def one_run() -> RunRecord:
    """A run that shows everything: a retry, a loop, a nested workflow, a failure, a step that was skipped."""
    with conversation(ANSWERS) as server:
        program = arazzo_runner.load(SPEC, "order-and-deliver", servers={"shop": server.url})
        done = arazzo_runner.run(
            program, inputs={"apiToken": "input-0123456789"}, options=RunOptions(poll_interval=0.05)
        )
    return RunRecord(name="order-and-deliver", document="shop.arazzo.yml", result=done, program=program, started=1.7e9)


def pages() -> dict[str, RunsReport]:
    shown = one_run()
    assert shown.result is not None
    good = replace(shown, name="all well", result=replace(shown.result, status="succeeded", reason=None))
    names = [f"order-and-deliver [{name}]" for name in ("rex", "tom", "ada")]
    many = [replace(shown, name=names[0]), replace(good, name=names[1]), replace(shown, name=names[2], result=None)]
    return {
        "one": report(shown),
        "many": report(*many, record(name="lost", result=lost()), many=True),
        "odd": report(record(result=nested()), record(name="hostile", result=hostile()), many=True),
    }


def opened(file: Path) -> float:
    """Return the CPU seconds of a browser that opens a page."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900",
               f"--user-data-dir={file}.profile", f"--screenshot={file}.png", file.as_uri()]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (ended.ru_utime + ended.ru_stime) - (began.ru_utime + began.ru_stime)


def test_a_page_of_ten_thousand_steps_opens_in_less_than_three_seconds(tmp_path: Path) -> None:
    failed = result()
    visits = [replace(failed.steps[0], step_id=f"step-{number}", status="passed") for number in range(10_000)]
    long, empty = tmp_path / "long.html", tmp_path / "empty.html"
    long.write_text(render("html", report(record(result=replace(failed, steps=(*visits, *failed.steps))))))
    empty.write_text("<p>nothing")
    assert opened(long) - opened(empty) < 3


@pytest.mark.parametrize("name", ["one", "many", "odd"])
def test_the_page_in_a_browser(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(render("html", pages()[name]), encoding="utf-8", errors="backslashreplace")
    folder = os.environ.get("ARAZZO_SCREENSHOTS")
    arguments = [str(HERE / "page_check.mjs"), str(MODULES), str(file)]
    done = subprocess.run(
        ["node", *arguments, *([str(Path(folder) / name)] if folder else [])],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "CHROMIUM": str(CHROMIUM)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
