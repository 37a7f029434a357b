"""Runs are recorded without their secrets, replayed offline, compared, and served as a mock."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import yaml

from arazzo_runner.runtime.cassette.api import CassetteApi
from arazzo_runner.runtime.cassette.file import read_cassette
from arazzo_runner.runtime.mock.api import MockServer
from tests.e2e.conftest import SPECS, Arazzo
from tests.e2e.golden import assert_golden
from tests.e2e.server import Answer, conversation
from tests.e2e.test_run import ACCESS, GOOD, NEW, OLD, SERVER

CANARIES = (OLD, NEW, ACCESS)


@pytest.fixture
def cassette(seed: str, arazzo: Arazzo, folder: Path) -> Path:
    """A recording of the seed."""
    path = folder / "seen.yml"
    with conversation(GOOD) as server:
        ran = arazzo(
            "run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", "--record", "seen.yml"
        )
    assert ran.code == 0
    return path


def edited(cassette: Path, change):
    """Change a cassette as a person would with an editor."""
    content = yaml.safe_load(cassette.read_text(encoding="utf-8"))
    change(content)
    cassette.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_cassette_holds_no_secret_and_every_exchange(cassette):
    text = cassette.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert not any(secret in text for secret in CANARIES)
    assert [each["key"] for each in content["interactions"]] == [
        "refreshToken#1",
        "validateToken#1",
        "revokeOldToken#1",
    ]
    assert content["interactions"][1]["request"]["headers"][0] == "Authorization: Bearer arazzo-secret-2"
    assert content["interactions"][2]["request"]["json"] == {"refresh_token": content["inputs"]["refreshToken"]}


def test_a_replay_gives_the_recorded_outputs_and_no_difference(cassette, arazzo):
    ran = arazzo("replay", "seen.yml")
    assert (ran.code, json.loads(ran.out)) == (0, {"accessToken": "arazzo-secret-2", "revokedStatus": 200})
    assert ran.err.endswith("as recorded: succeeded, 3 requests\n")


def test_differences_are_reported_at_the_part_of_the_step_that_made_them(cassette, arazzo):
    def change(content):
        request = content["interactions"][1]["request"]
        request["headers"][0] = "Authorization: Bearer another"
        request["json"]["query"] = request["json"]["query"].replace("customers", "clients")
        content["outputs"]["revokedStatus"] = 204
        content["interactions"].append({**content["interactions"][2], "key": "revokeOldToken#2"})

    edited(cassette, change)
    ran = arazzo("replay", "seen.yml", "-q")
    assert ran.code == 1
    assert_golden("replay/differences", ran.transcript())


def test_differences_as_json(cassette, arazzo):
    edited(cassette, lambda content: content["interactions"].pop(1))
    ran = arazzo("replay", "seen.yml", "-q", "--format", "json")
    report = json.loads(ran.out)
    codes = [each["code"] for each in report["differences"]]
    assert (ran.code, report["same"]) == (1, False)
    assert codes == ["request-unrecorded", "request-unplayed", "outcome-differs"]
    assert report["run"]["status"] == "failed"


def test_another_input_shows_the_changed_requests(cassette, arazzo):
    ran = arazzo("replay", "seen.yml", "-q", "-i", "refreshToken=changed-token-123")
    assert ran.code == 1
    assert "body /refresh_token was" in ran.err
    assert "changed-token-123" not in ran.err


def test_the_rest_of_an_input_cut_at_the_front_is_masked(cassette, arazzo):
    long = "".join(f"{number}-of-a-long-token-" for number in range(8))

    def change(content):
        content["interactions"][2]["request"]["json"]["refresh_token"] = f"{long}recorded"

    edited(cassette, change)
    ran = arazzo("replay", "seen.yml", "-q", "-i", f"refreshToken={long}given-now")
    assert ran.code == 1
    assert "now it is" in ran.err
    assert "given-now" not in ran.err


def test_a_recorded_failure_is_replayed_as_that_failure(seed, arazzo, folder):
    with conversation({"POST /auth/refresh": [Answer(401, {"detail": "expired"})]}) as server:
        arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", "--record", "seen.yml")
    ran = arazzo("replay", "seen.yml", "-q")
    assert (ran.code, ran.err) == (0, "as recorded: failed, 1 request\n")


def test_a_request_without_an_answer_is_replayed_too(seed, arazzo, folder):
    arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}=http://127.0.0.1:9", "--record", "seen.yml")
    assert "reason: refused" in (folder / "seen.yml").read_text(encoding="utf-8")
    assert arazzo("replay", "seen.yml", "-q").code == 0


def test_a_mock_serves_a_cassette_to_a_client_with_secrets_of_its_own(cassette, seed, arazzo):
    with MockServer(CassetteApi(read_cassette(cassette))) as server:
        ran = arazzo("run", seed, "-i", "refreshToken=quite-another-token", "--server", f"{SERVER}={server.url}", "-q")
    assert (ran.code, json.loads(ran.out)["revokedStatus"]) == (0, 200)


def test_a_mock_of_a_cassette_reports_requests_it_lacks(cassette, seed, arazzo):
    edited(cassette, lambda content: content["interactions"].pop())
    with MockServer(CassetteApi(read_cassette(cassette))) as server:
        ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", "-q")
    assert ran.code == 1
    assert "the cassette has no POST /auth/revoke" in ran.err


PARALLEL = SPECS / "arazzo" / "fan-out-and-join.yml"


def test_a_parallel_run_is_replayed_as_it_ran(arazzo, folder):
    threads = threading.active_count()
    scenario = str(SPECS / "scenarios" / "fan-out-and-join.yml")
    recorded = arazzo(
        "run",
        str(PARALLEL),
        "--mock",
        "--scenario",
        scenario,
        "-i",
        "day=2026-11-24",
        "--parallel",
        "--record",
        "seen.yml",
        "-q",
    )
    replayed = arazzo("replay", "seen.yml", "-q")
    assert (recorded.code, replayed.code, replayed.out) == (0, 0, recorded.out)
    assert "\nparallel: " in (folder / "seen.yml").read_text(encoding="utf-8")
    assert threading.active_count() < threads + 10


def test_a_parallel_run_that_failed_is_replayed_with_all_its_requests(arazzo, folder):
    api = {
        f"/{name}": {"get": {"operationId": name, "responses": {"200": {"description": "it"}}}} for name in ("a", "b")
    }
    source = {"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": api}
    steps = [
        {"stepId": "a", "operationId": "a", "successCriteria": [{"condition": "$statusCode == 500"}]},
        {"stepId": "b", "operationId": "b"},
    ]
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "two", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "two-api.yml", "type": "openapi"}],
        "workflows": [{"workflowId": "two", "steps": steps}],
    }
    (folder / "two-api.yml").write_text(yaml.safe_dump(source), encoding="utf-8")
    (folder / "two.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    recorded = arazzo("run", "two.yml", "--mock", "--parallel", "2", "--record", "seen.yml", "-q")
    assert (recorded.code, arazzo("replay", "seen.yml", "-q").code) == (1, 0)


WRONG = [
    pytest.param("arazzo: 1.0.1\n", "this is not a cassette", id="another kind of document"),
    pytest.param("arazzo-cassette: 7\n", "reads cassettes of version 1", id="a version of the future"),
    pytest.param("arazzo-cassette: 1\n", "interactions is missing", id="nothing in it"),
    pytest.param(
        "arazzo-cassette: 1\ndocument: a.yml\nworkflowId: w\nstatus: succeeded\ninteractions: [{key: a#1}]\n",
        "request is missing",
        id="an interaction without its request",
    ),
    pytest.param(
        "arazzo-cassette: 1\ndocument: a.yml\nworkflowId: w\nstatus: succeeded\ninteractions:\n- key: a#1\n"
        "  request: {method: GET, url: 'http://x/'}\n  response: {status: 200, base64: '%%'}\n",
        "this is not base64",
        id="a body that is not base64",
    ),
    pytest.param("a: [\n", "yaml-syntax", id="broken YAML"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_broken_cassette_is_one_clear_error(arazzo, folder, text, said):
    (folder / "seen.yml").write_text(text, encoding="utf-8")
    ran = arazzo("replay", "seen.yml")
    assert ran.code == 2
    assert said in ran.err
    assert "seen.yml" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("replay", "nowhere.yml"), "cannot be read", id="a cassette that is not there"),
        pytest.param(("mock",), "name either SPECs or --from FILE", id="a mock of nothing"),
        pytest.param(("mock", "a.yml", "--from", "b.yml"), "name either SPECs or --from FILE", id="a mock of both"),
        pytest.param(
            ("run", str(PARALLEL), "-i", "day=2026-11-24", "--record", "no/such/folder/x.yml"),
            "cannot be written",
            id="a place that cannot be",
        ),
        pytest.param(("run", str(PARALLEL), "--record", "x", "--dry-run"), "exclude each other", id="a dry run"),
    ],
)
def test_impossible_options_are_reported_before_anything_is_sent(arazzo, folder, arguments, said):
    ran = arazzo(*arguments)
    assert ran.code == 2
    assert said in ran.err
