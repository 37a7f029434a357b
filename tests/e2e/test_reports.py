"""`--report`: several at a time, refused before the first request if one cannot be written."""

from __future__ import annotations

import json
from pathlib import Path

import junitparser
import pytest

from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, conversation
from tests.e2e.test_run import ACCESS, GOOD, NEW, OLD, SERVER

ALL = (
    "junit=out/a.xml",
    "json=out/a.json",
    "html=out/a.html",
    "har=out/a.har",
    "sarif=out/a.sarif",
    "markdown=out/a.md",
)


def reports(*texts: str) -> list[str]:
    return [part for text in texts for part in ("--report", text)]


def test_all_reports_of_a_failed_run_none_with_a_secret(seed: str, arazzo: Arazzo, folder: Path) -> None:
    bad = {**GOOD, "POST /auth/revoke": [Answer(500, {"echo": f"{OLD} {ACCESS}"})]}
    with conversation(bad) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}"),
            *reports(*ALL, "github"),
        )
    assert ran.code == 1
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in (folder / "out").iterdir()}
    assert len(texts) == 6
    assert [name for name, text in texts.items() if any(secret in text for secret in (OLD, NEW, ACCESS))] == []
    [suite] = junitparser.JUnitXml.fromstring(texts[".xml"].encode())
    assert (suite.tests, suite.failures) == (3, 1)
    assert json.loads(texts[".json"])["runs"][0]["status"] == "failed"
    assert [entry["response"]["status"] for entry in json.loads(texts[".har"])["log"]["entries"]] == [200, 200, 500]
    assert 'class="node bad"' in texts[".html"]
    assert "\n::error file=arazzo/" in ran.err


def test_a_report_of_many_runs_has_the_name_of_each(seed: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "rows.csv").write_text(f"_name,refreshToken\nfirst,{OLD}\nsecond,{OLD}\n")
    with conversation({name: answers * 2 for name, answers in GOOD.items()}) as server:
        ran = arazzo(
            *("run", seed, "--data", "rows.csv", "--server", f"{SERVER}={server.url}", "--jobs", "2", "--show-secrets"),
            *reports(*ALL),
        )
    assert ran.code == 0
    names = ["rotate-refresh-token [first]", "rotate-refresh-token [second]"]
    assert [run["name"] for run in json.loads((folder / "out" / "a.json").read_text())["runs"]] == names
    for file in ("a.xml", "a.html", "a.har"):
        text = (folder / "out" / file).read_text(encoding="utf-8")
        assert [name for name in names if name not in text] == []
        assert ACCESS not in text


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["junit=rows/a.xml"], "the junit report cannot be written to rows/a.xml"),
        (["html=."], "the html report cannot be written to ."),
        (["junt=a.xml"], 'did you mean "junit"?'),
        (["a.txt"], "--report expects KIND=FILE"),
        (["json="], "--report expects KIND=FILE"),
        (["json=-"], "--report expects KIND=FILE"),
        (["json=a", "html=a"], "two reports cannot be written to the same file a"),
    ],
)
def test_refused_before_anything_is_sent(
    seed: str, arazzo: Arazzo, folder: Path, texts: list[str], message: str
) -> None:
    (folder / "rows").write_text("a file where a folder is meant")
    with conversation(GOOD) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}"),
            *reports("json=ok.json", *texts),
        )
    assert ran.code == 2
    assert message in ran.err
    assert server.received == []
    assert not (folder / "ok.json").exists()


def test_a_refused_run_is_reported_as_an_error(arazzo: Arazzo, folder: Path) -> None:
    ran = arazzo("run", "gone.yml", *reports("a.xml", "a.json", "a.html"))
    assert ran.code == 2
    [suite] = junitparser.JUnitXml.fromstring((folder / "a.xml").read_bytes())
    assert (suite.name, suite.errors) == ("gone.yml", 1)
    assert json.loads((folder / "a.json").read_text())["status"] == "error"
    assert "gone.yml was not run" in (folder / "a.html").read_text(encoding="utf-8")


def test_the_summary_of_a_job_is_added_to(
    seed: str, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "summary.md").write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    arazzo("run", seed, "-i", f"refreshToken={OLD}", "--mock", *reports("github"))
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("# before\n## ✅ rotate\\-refresh\\-token succeeded")


def test_the_summary_of_a_job_shows_why_runs_failed(
    seed: str, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    command = (
        "run",
        seed,
        "-i",
        f"refreshToken={OLD}",
        "--server",
        "prismaticGraphqlApi=http://127.0.0.1:9",
        *reports("github"),
    )
    for several in ((), ("--repeat", "2")):
        (folder / "summary.md").write_text("")
        assert arazzo(*command, *several).code == 1
        text = (folder / "summary.md").read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| ❌ error |")]
        assert len(rows) == (2 if several else 1)
        assert all("\\.yml\\:" in row and "refuses the connection" in row for row in rows)
        assert OLD not in text
