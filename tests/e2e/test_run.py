"""`arazzo run` of the seed and its likes: outputs, masks, files, exit codes, JSON in every case."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Arazzo
from tests.e2e.golden import assert_golden
from tests.e2e.server import Answer, Conversation, conversation

OLD, NEW, ACCESS = "old-refresh-0123456789", "new-refresh-0123456789", "new-access-0123456789"
REFRESHED = Answer(200, {"access_token": ACCESS, "refresh_token": NEW, "token_type": "Bearer", "expires_in": 604800})
CUSTOMERS = Answer(200, {"data": {"customers": {"nodes": [{"id": "1", "name": "Acme", "externalId": None}]}}})
GOOD = {"POST /auth/refresh": [REFRESHED], "POST /api": [CUSTOMERS], "POST /auth/revoke": [Answer(200, {})]}
SERVER = "prismaticGraphqlApi"


def called(server: Conversation) -> list[str]:
    return [f"{each.method} {each.path}" for each in server.received]


def test_the_rotation(seed: str, arazzo: Arazzo, state: Path) -> None:
    with conversation(GOOD) as server:
        ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}")
    assert ran.code == 0
    assert json.loads(ran.out) == {"accessToken": "***", "revokedStatus": 200}
    refresh, query, revoke = server.received
    assert called(server) == ["POST /auth/refresh", "POST /api", "POST /auth/revoke"]
    assert query.headers["authorization"] == f"Bearer {ACCESS}"
    assert "{ customers { nodes { id name externalId } } }" in " ".join(json.loads(query.body)["query"].split())
    assert json.loads(refresh.body) == json.loads(revoke.body) == {"refresh_token": OLD}
    [kept] = state.iterdir()
    assert json.loads(kept.read_text())["outputs"] == {"accessToken": ACCESS}
    assert f"secret outputs are kept in {kept}" in ran.err
    assert not any(secret in ran.out + ran.err for secret in (OLD, NEW, ACCESS))
    if sys.platform != "win32":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(state.stat().st_mode) == 0o700


@pytest.mark.parametrize("verbosity", ["-v", "-vv"])
@pytest.mark.parametrize("format_", ["text", "json"])
def test_nothing_shown_holds_a_secret(seed: str, arazzo: Arazzo, verbosity: str, format_: str) -> None:
    with conversation({**GOOD, "POST /auth/revoke": [Answer(500, {"echo": f"{OLD} {ACCESS}"})]}) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}"),
            *(verbosity, "--format", format_),
        )
    assert ran.code == 1
    assert not any(secret in ran.out + ran.err for secret in (OLD, NEW, ACCESS))


def test_show_secrets_prints_the_outputs_in_clear_and_nothing_else(seed: str, arazzo: Arazzo, state: Path) -> None:
    with conversation(GOOD) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}"),
            *("--show-secrets", "-vv"),
        )
    assert json.loads(ran.out)["accessToken"] == ACCESS
    assert ACCESS not in ran.err
    assert not state.exists()


def test_output_holds_them_in_clear(seed: str, arazzo: Arazzo, folder: Path, state: Path) -> None:
    with conversation(GOOD) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}"),
            *("--output", "out.json"),
        )
    assert json.loads(ran.out)["accessToken"] == "***"
    assert json.loads((folder / "out.json").read_text()) == {"accessToken": ACCESS, "revokedStatus": 200}
    assert not state.exists()
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / "out.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--output", "no/such/folder/out.json"], 2, "error[cannot-write-output]"),
        (["--output", "."], 2, "error[cannot-write-output]"),
        ([], 2, "error[cannot-keep-secrets]"),
    ],
)
def test_nothing_is_sent_when_secrets_could_not_be_saved(
    arguments: list[str], code: int, message: str, seed: str, arazzo: Arazzo, state: Path
) -> None:
    state.parent.write_text("a file where the folder should be")
    with conversation(GOOD) as server:
        ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", *arguments)
    assert (ran.code, ran.out, server.received) == (code, "", [])
    assert message in ran.err


@pytest.mark.parametrize(
    ("name", "script", "kept"),
    [
        ("refresh-401", {"POST /auth/refresh": [Answer(401, {"detail": "expired"})]}, False),
        ("validate-401", {**GOOD, "POST /api": [Answer(401, {"errors": [{"message": "no"}]})]}, True),
    ],
)
def test_failing_scenarios(
    name: str, script: dict[str, list[Answer]], kept: bool, seed: str, arazzo: Arazzo, state: Path
) -> None:
    with conversation(script) as server:
        ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", "-q")
    assert ran.code == 1
    assert len(list(state.iterdir())) == kept
    shown = ran.transcript()
    for path in state.iterdir():
        shown = shown.replace(str(path), "STATE")
        assert json.loads(path.read_text())["steps"] == {"refreshToken": {"accessToken": ACCESS}}
    assert_golden(f"run/{name}", shown)


def test_json_is_the_only_thing_on_stdout(seed: str, arazzo: Arazzo) -> None:
    with conversation(GOOD) as server:
        ran = arazzo(
            *("run", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", "--format", "json")
        )
    report = json.loads(ran.out)
    assert (report["status"], report["workflowId"]) == ("succeeded", "rotate-refresh-token")
    assert [(step["stepId"], step["status"]) for step in report["steps"]] == [
        ("refreshToken", "passed"),
        ("validateToken", "passed"),
        ("revokeOldToken", "passed"),
    ]
    assert [each["code"] for each in report["diagnostics"]] == ["bare-expression"]


@pytest.mark.parametrize(
    ("arguments", "code", "diagnostic"),
    [
        (["run", "nowhere.yml", "--format", "json"], 2, "unreadable-file"),
        (["run", "SEED", "--format", "json"], 2, "missing-input"),
        (["run", "SEED", "--format=json", "-w", "x"], 2, "unknown-workflow"),
        (["run", "SEED", "--format", "json", "--frob"], 2, "usage"),
        (["run", "--format", "json"], 2, "usage"),
        (["run", "SEED", "--format", "json", "-i", "x"], 2, "usage"),
        (["run", "SEED", "--format", "json", "--strict", "-i", "refreshToken=x"], 2, "bare-expression"),
        (["run", "SEED", "--format", "json", "--server", "no=http://h", "-i", "refreshToken=x"], 2, "unknown-source"),
        (["validate", "nowhere.yml", "--format", "json"], 2, "unreadable-file"),
        (["validate", "SEED", "--format", "json"], 0, "bare-expression"),
        (["validate", "SEED", "--format", "json", "--strict"], 1, "bare-expression"),
    ],
)
def test_json_is_printed_in_every_case(
    arguments: list[str], code: int, diagnostic: str, seed: str, arazzo: Arazzo
) -> None:
    ran = arazzo(*(seed if argument == "SEED" else argument for argument in arguments))
    report = json.loads(ran.out)
    assert ran.code == code
    assert diagnostic in [each["code"] for each in report["diagnostics"]]
    members = {"diagnostics", "summary"} if arguments[0] == "validate" else {"status", "workflowId", "outputs", "steps"}
    assert members <= report.keys()
    assert ran.err == ""


def test_a_secret_input_of_the_wrong_type_is_not_shown(seed: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "in.yml").write_text("refreshToken: [wrong-but-secret-1]\n")
    ran = arazzo("run", seed, "--input-file", "in.yml")
    assert ran.code == 2
    assert "wrong-but-secret-1" not in ran.err


def test_a_dry_run_prints_the_requests_and_sends_nothing(seed: str, arazzo: Arazzo, state: Path) -> None:
    ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--dry-run", "-q")
    assert ran.code == 0
    assert ran.err == ""
    assert not state.exists()
    assert_golden("run/dry-run", ran.transcript())


def test_against_the_mock(seed: str, arazzo: Arazzo) -> None:
    ran = arazzo("run", seed, "-i", f"refreshToken={OLD}", "--mock")
    assert ran.code == 0
    assert json.loads(ran.out)["revokedStatus"] == 200
    assert 'workflow "rotate-refresh-token" succeeded (3 steps, ' in ran.err


def test_list_and_show(seed: str, arazzo: Arazzo) -> None:
    listed, shown = arazzo("list", seed), arazzo("show", seed)
    assert (listed.code, shown.code) == (0, 0)
    assert_golden("show/seed", listed.transcript() + "\n" + shown.transcript())
    records = json.loads(arazzo("show", seed, "--format", "json").out)["workflows"]
    assert [step["path"] for step in records[0]["steps"]] == ["/auth/refresh", "/api", "/auth/revoke"]
    names = [
        each["name"] for each in json.loads(arazzo("list", seed, "--format", "json").out)["workflows"][0]["inputs"]
    ]
    assert names == ["refreshToken"]
