"""`arazzo debug`: a scripted dialogue on standard input against a real server, checked by the requests that the server received."""

from __future__ import annotations

import io
import json
import re

import pytest

from tests.e2e.conftest import SPECS, Arazzo
from tests.e2e.golden import assert_golden
from tests.e2e.server import conversation
from tests.e2e.test_run import ACCESS, GOOD, NEW, OLD, SERVER, called


@pytest.fixture
def debug(seed: str, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch):
    """Debug the seed with these lines as standard input; return the result and the requests received."""

    def call(*lines: str, arguments=()):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        with conversation(GOOD) as server:
            ran = arazzo("debug", seed, "-i", f"refreshToken={OLD}", "--server", f"{SERVER}={server.url}", *arguments)
            return ran, called(server), [each.body for each in server.received]

    return call


REFRESH, QUERY, REVOKE = "POST /auth/refresh", "POST /api", "POST /auth/revoke"


@pytest.mark.parametrize(
    ("lines", "sent", "code"),
    [
        pytest.param(["c"], [REFRESH, QUERY, REVOKE], 0, id="continue runs to the end"),
        pytest.param([""] * 6, [REFRESH, QUERY, REVOKE], 0, id="enter goes on step by step"),
        pytest.param(["n", "q"], [REFRESH], 130, id="quit ends the run as interrupted"),
        pytest.param(["n", "n"], [REFRESH], 130, id="the end of the input ends the run"),
        pytest.param(["n", "n", "s", "c"], [REFRESH, REVOKE], 0, id="a skipped request is not sent"),
        pytest.param(
            ["n", "r", "no", "c"], [REFRESH, QUERY, REVOKE], 0, id="an unsafe request is not repeated without yes"
        ),
        pytest.param(["b revokeOldToken", "c", "c"], [REFRESH, QUERY, REVOKE], 0, id="continue stops at a breakpoint"),
        pytest.param(
            ["b revokeOldToken", "c", "q"],
            [REFRESH, QUERY],
            130,
            id="nothing is sent at a breakpoint before the command",
        ),
    ],
)
def test_the_run_follows_the_commands(debug, lines, sent, code):
    ran, received, _ = debug(*lines)
    assert (ran.code, received) == (code, sent)


def test_an_unsafe_request_is_repeated_after_confirmation(debug):
    ran, received, _ = debug("n", "r", "yes", "q")
    assert (ran.code, received) == (130, [REFRESH, REFRESH])


def test_outputs_before_quitting_are_saved(debug, state):
    debug("n", "q")
    [kept] = state.iterdir()
    assert ACCESS in kept.read_text(encoding="utf-8")


def test_an_edited_input_changes_the_pending_request_and_sends_nothing_twice(debug):
    ran, received, bodies = debug("e refreshToken=edited-token-0123", "n", "n", "c")
    assert (ran.code, received) == (0, [REFRESH, QUERY, REVOKE])
    assert json.loads(bodies[0]) == json.loads(bodies[2]) == {"refresh_token": "edited-token-0123"}
    ran, received, bodies = debug("n", "n", "n", "n", "e refreshToken=edited-token-0123", "c")
    assert (ran.code, received) == (0, [REFRESH, QUERY, REVOKE])
    assert [json.loads(bodies[place])["refresh_token"] for place in (0, 2)] == [OLD, "edited-token-0123"]


def test_the_dialogue_prints_values_and_masks_secrets(debug):
    ran, _, _ = debug("v", "p $inputs.refreshToken", "n", "p $response.body#/token_type", "p $statusCode", "p $nonsense",
                      "e oops", "e unknown=1", "b nowhere", "b validateToken", "curl", "?", "c", "q")  # fmt: skip
    assert not any(secret in ran.out + ran.err for secret in (OLD, NEW, ACCESS))
    ran.arguments[3:] = ["refreshToken=…"]
    assert_golden("debug/dialogue", re.sub(r"kept in \S+", "kept in FILE", ran.transcript()))


def test_what_has_no_value_or_is_no_command_is_explained(debug):
    ran, _, _ = debug(
        "n", "p $response.body#/token_typ", "p $steps.nowhere.outputs.x", "p $steps.validateToken.outputs", "hlep", "q"
    )
    assert 'no value: there is no "token_typ" in the body of the response, only ' in ran.out + ran.err
    assert 'there is no step "nowhere" (available: ' in ran.out + ran.err
    assert 'no value: step "validateToken" has not run' in ran.out + ran.err
    assert 'there is no command "hlep" here' in ran.out + ran.err


def test_breakpoints_of_the_command_line_are_checked(debug):
    ran, received, _ = debug(arguments=("--break", "nowhere"))
    assert (ran.code, received) == (2, [])
    assert '--break: there is no step "nowhere"' in ran.err


def test_the_mock_remembers_over_an_edit(arazzo, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\nn\ne traveller=Bob\nc\n"))
    scenario = str(SPECS / "scenarios" / "undo-when-it-fails.yml")
    document = str(SPECS / "arazzo" / "undo-when-it-fails.yml")
    ran = arazzo("debug", document, "-i", "traveller=Ada", "--mock", "--scenario", scenario)
    assert ran.code == 0
    assert "seat" in json.loads(ran.out)
