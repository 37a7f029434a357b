"""`arazzo generate` with recorded traffic: options, files, and one clear message for each wrong input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run

ROOT = Path(__file__).parents[2]
CHROME = ROOT / "fixtures/recordings/chrome.har"
API = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "https://api.shop.example/v1"}]
paths:
  /login:
    post:
      operationId: login
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {"201": {description: ok}}
"""

Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def arazzo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Run a command line in a folder with a recording and a description."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("seen.har").write_bytes(CHROME.read_bytes())
    Path("api.yml").write_text(API)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["generate", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_workflow_and_its_description_are_written(arazzo: Called) -> None:
    code, out, err = arazzo("seen.har", "-o", "shop.yml")
    assert (code, out) == (0, "")
    assert err.startswith(
        "wrote shop.openapi.yml\n5 steps, 9 values taken from earlier answers; left out: 1 × WebSocket connection"
    )
    assert sorted(each.name for each in Path().glob("shop*")) == ["shop.openapi.yml", "shop.yml"]
    assert run(["validate", "--strict", "shop.yml"]) == 0


def test_nothing_of_a_recording_is_cached(arazzo: Called) -> None:
    value = json.loads(Path("seen.har").read_text("utf-8"))
    value["log"]["comment"] = "x" * 2_000_000
    Path("seen.har").write_text(json.dumps(value), "utf-8")
    assert arazzo("seen.har", "-o", "shop.yml")[0] == 0
    assert [each for each in Path("cache").rglob("*") if each.is_file() and b"correct-horse" in each.read_bytes()] == []


def test_neither_file_is_written_when_one_exists(arazzo: Called) -> None:
    Path("shop.openapi.yml").write_text("mine")
    code, _, err = arazzo("seen.har", "-o", "shop.yml")
    assert code == 2
    assert "shop.openapi.yml cannot be written: it exists" in err
    assert not Path("shop.yml").exists()
    assert arazzo("seen.har", "-o", "shop.yml", "--force")[0] == 0


def test_the_calls_of_a_description_are_taken(arazzo: Called) -> None:
    code, out, err = arazzo("seen.har", "--openapi", "api.yml")
    assert code == 0
    assert "operationId: login" in out
    assert "4 × request without an operation in the description" in err


def test_what_a_description_does_not_have_is_marked(arazzo: Called) -> None:
    assert arazzo("seen.har", "--openapi", "api.yml", "-o", "shop.yml")[0] == 0
    assert "# arazzo-ignore: status-not-documented -- it was recorded so" in Path("shop.yml").read_text()
    assert run(["validate", "--strict", "shop.yml"]) == 0


def test_only_one_host_is_taken(arazzo: Called) -> None:
    _, _, err = arazzo("seen.har", "-o", "shop.yml", "--only", "o11.ingest.sentry.io")
    assert "\n1 step, 0 values" in err
    assert "5 × request to api.shop.example" in err


def test_a_second_recording_makes_inputs(arazzo: Called) -> None:
    Path("again.har").write_text(CHROME.read_text("utf-8").replace("sort=price", "sort=name"), "utf-8")
    assert arazzo("seen.har", "--compare", "again.har", "-o", "shop.yml")[0] == 0
    assert "value: $inputs.sort" in Path("shop.yml").read_text()


WRONG = [
    pytest.param(["seen.har"], "a description is written beside the workflow", id="no name for the description"),
    pytest.param(["seen.har", "-o", "-"], "a description is written beside the workflow", id="standard output"),
    pytest.param(["seen.har", "-o", "seen.har"], "would overwrite seen.har", id="over the recording"),
    pytest.param(["seen.har", "-o", "x.yml", "--only", "nobody.test"], "has no call of an API", id="an unknown host"),
    pytest.param(["seen.har", "--openapi", "seen.har"], "--openapi needs an OpenAPI description", id="HAR as OpenAPI"),
    pytest.param(["seen.har", "--compare", "api.yml", "-o", "x.yml"], "--compare needs recorded traffic", id="not HAR"),
    pytest.param(["seen.har", "--compare", "no.har", "-o", "x.yml"], "no.har", id="no second recording"),
    pytest.param(["seen.har", "--crud", "-o", "x.yml"], "--crud is for an OpenAPI description", id="another's option"),
    pytest.param(
        ["api.yml", "--only", "x.test"], "--only is for recorded traffic (HAR) or a cassette", id="for HAR only"
    ),
    pytest.param(["broken.har", "-o", "x.yml"], "broken.har:1", id="not JSON"),
    pytest.param(["empty.har", "-o", "x.yml"], "has no call of an API: it has no request", id="no entries"),
    pytest.param(["nothing.har", "-o", "x.yml"], "help: name a file with an OpenAPI description", id="an empty file"),
    pytest.param(["log.har", "-o", "x.yml"], "its kind is unknown", id="no list of entries"),
    pytest.param([".", "-o", "x.yml"], "directory", id="a folder"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_cannot_be_used_has_one_message(arazzo: Called, arguments: list[str], message: str) -> None:
    Path("broken.har").write_text('{"log": {"entries": [')
    Path("nothing.har").write_text("")
    Path("empty.har").write_text('{"log": {"entries": []}}')
    Path("log.har").write_text('{"log": {"entries": {}}}')
    code, out, err = arazzo(*arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert "1 error" in err
    assert not Path("x.yml").exists()
