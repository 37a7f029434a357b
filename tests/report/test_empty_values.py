"""An empty value is shown as empty, never as `***`: no secret is in it, and that it is empty is what matters."""

from __future__ import annotations

import json

import pytest

from arazzo_runner import render_report
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import Seen
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.exchange import header_lines, request_details, request_line
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.json import pretty, run_report
from arazzo_runner.report.masking import masked_headers, masked_outputs, masked_url, masked_whole
from tests.report.records import TOKEN, attempt, request, result, step, verdict

SECRETS = Secrets([TOKEN])


@pytest.mark.parametrize(
    ("header", "masked", "line"),
    [
        pytest.param(("Authorization", ""), "", "Authorization: (empty)", id="an empty credential"),
        pytest.param(("Authorization", "Bearer "), "Bearer ", "Authorization: Bearer (empty)", id="a scheme alone"),
        pytest.param(("Authorization", "Bearer"), "Bearer", "Authorization: Bearer", id="a scheme without its blank"),
        pytest.param(("X-Api-Key", " "), " ", "X-Api-Key:  (empty)", id="a blank"),
        pytest.param(("X-Note", ""), "", "X-Note: (empty)", id="a header that is no credential"),
        pytest.param(("Authorization", "Bearer x"), "Bearer ***", "Authorization: Bearer ***", id="a short credential"),
        pytest.param(("X-Api-Key", "x"), "***", "X-Api-Key: ***", id="a short key"),
    ],
)
def test_headers(header: tuple[str, str], masked: str, line: str) -> None:
    assert masked_headers((header,), SECRETS) == ((header[0], masked),)
    assert header_lines((header,), SECRETS) == [line]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.test/?token=&x=1", "https://a.test/?token=&x=1"),
        ("https://a.test/?token=t&x=1", "https://a.test/?token=***&x=1"),
        ("https://@a.test/", "https://@a.test/"),
        ("https://u@a.test/", "https://***@a.test/"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert masked_url(url, SECRETS) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", ""), ("x", "***"), (None, None), ({"a": "", "b": [1, ""]}, {"a": "", "b": ["***", ""]})],
    ids=repr,
)
def test_secret_values(value: JsonValue, shown: JsonValue) -> None:
    assert masked_whole(value) == shown
    assert masked_outputs({"token": value}, ["token"], SECRETS) == {"token": shown}


EMPTY = request(
    url="https://api.test/a?api_key=",
    headers=(("Content-Type", "application/json"), ("Authorization", "Bearer ")),
    body=json.dumps({"password": ""}).encode(),
)
FAILED = result(
    steps=(
        step(
            attempts=(attempt(request=EMPTY, verdicts=(verdict(seen=(Seen(expression="$inputs.token", value=""),)),)),),
            outputs={"token": ""},
        ),
    ),
    outputs={"token": ""},
    secret_outputs=frozenset({"token"}),
)


def test_every_text_of_a_request_shows_what_is_empty() -> None:
    assert request_line(EMPTY, SECRETS) == "POST https://api.test/a?api_key="
    assert "Authorization: Bearer (empty)" in request_details(EMPTY, SECRETS)
    assert '  "password": ""' in request_details(EMPTY, SECRETS)
    assert "-H 'Authorization: Bearer '" in curl_line(EMPTY, SECRETS)
    assert '$inputs.token is ""' in render_failure(FAILED)


@pytest.mark.parametrize("kind", ["json", "junit", "markdown", "html", "har"])
def test_no_report_masks_nothing(kind: str) -> None:
    text = render_report(kind, FAILED).replace("Secrets are shown as ***", "")
    own = pretty(run_report(FAILED))
    for each in (text, own):
        assert "api_key=***" not in each
        assert "Bearer ***" not in each
        assert '"password": "***"' not in each
        assert '"token": "***"' not in each
