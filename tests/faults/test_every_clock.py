"""Runs and reports at absurd times, and with absurd dates and lengths of time from servers and files."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.cli import main
from arazzo_runner.engine.actions import retry_after_seconds
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.effects import Answer, Effect, HttpResponse, Now, SendRequest
from arazzo_runner.errors import ArazzoError, InvalidUsage
from arazzo_runner.report.runs.formats import KINDS, render
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from arazzo_runner.runtime.auth.tokens import Grant, Token, TokenCache, read_token
from tests.faults.flow import write

MOMENTS = {
    "the year 1": -62_135_596_800.0,
    "before the year 1": -1e15,
    "1970": 0.0,
    "the end of 9999": 253_402_300_799.9,
    "the year 10000": 253_402_300_800.0,
    "long after": 1e18,
    "as late as numbers go": 1.7e308,
}
DATES = (
    "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 10000 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 -9999",
    "Thu, 01 Jan 1970 00:00:00 +99999999999", "Thu, 99 Jan 1970 99:99:99 GMT", "Thu, 01 Jan -1 00:00:00 GMT", "1e999", "-1", "9" * 5000,
    "soon", "nan", "\u0663", "Thu, 01-Jan-70 00:00:00 GMT", "0", ",", "Thu", "1 " * 5000, "\ud800",
)  # fmt: skip


class At:
    """A World with a fixed clock, whose server sends Retry-After."""

    def __init__(self, moment: float, retry_after: str) -> None:
        self._moment = moment
        self._headers = (("Retry-After", retry_after), ("Set-Cookie", f"a=b; Expires={retry_after}"))

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        return cast(Answer, self._given(effect))

    def _given(self, effect: Effect[Any]) -> object:
        if isinstance(effect, SendRequest):
            headers = (*self._headers, ("Content-Type", "application/json"))
            return HttpResponse(200, headers, b'{"count": 1, "token": "long-secret-text"}')
        return self._moment if isinstance(effect, Now) else None


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("date", DATES[:4])
def test_a_run_and_its_reports_at(moment, date, tmp_path):
    at = MOMENTS[moment]
    program = arazzo_runner.load(str(write(tmp_path)), "main")
    result = arazzo_runner.run(program, world=At(at, date))
    assert result.status == "failed"  # its waiting never ends well, and no clock ended it otherwise
    record = RunRecord(name="main", document="flow.yml", workflow_id="main", result=result, program=program, started=at)
    report = RunsReport(runs=(record,), started=at, duration_ms=1.0, many=True)
    for kind in KINDS:
        assert render(kind, report)


@pytest.mark.parametrize("command", ["run", "validate", "list", "trace"])
def test_a_clock_that_python_cannot_read(command, tmp_path, monkeypatch, capsys):
    """From 2262-04-12 on, time.time() of Python raises: nothing can be sent then, and documents can be checked."""

    def beyond() -> float:
        raise OverflowError("timestamp too large to convert to C _PyTime_t")

    spec = str(write(tmp_path))
    monkeypatch.setattr(time, "time", beyond)
    arguments = [
        command,
        spec,
        *(("-w", "main", "--mock") if command == "run" else ("-w", "main") if command == "trace" else ()),
    ]
    assert main.run(arguments) == (2 if command == "run" else 0)
    assert ("beyond the year 2262" in capsys.readouterr().err) == (command == "run")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("date", DATES, ids=lambda date: ascii(date[:30]))
def test_dates_of_servers_are_dates_or_nothing(date, moment):
    at = MOMENTS[moment]
    seconds = retry_after_seconds(HttpResponse(503, (("Retry-After", date),)), at)
    assert seconds is None or seconds >= 0
    for attribute in ("Expires", "Max-Age"):
        jar = Jar().after_response("http://h/", (("Set-Cookie", f"a=b; {attribute}={date}"),), at)
        assert jar.header_for("http://h/", at) in (None, "a=b")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "expires",
    ["1e308", "1e999", "-1", '"soon"', "true", "null", "[]", '"nan"', '"1e999"', "9" * 4000, "0", '"٣"', "1e-320"],
)
def test_tokens_that_expire(expires, moment):
    at = MOMENTS[moment]
    body = f'{{"access_token": "abcdefgh", "expires_in": {expires}}}'.encode()
    token = read_token(Grant("client_credentials", "https://h/"), "https://h/", HttpResponse(200, (), body), at)
    assert isinstance(token, Token)
    cache = TokenCache()
    pending, _ = cache.join("key")
    cache.finish("key", pending, token)
    assert cache.get("key", at) in (None, token)


@pytest.mark.parametrize(
    "number", ["1e308", "-1e308", "1e999", ".inf", ".nan", "9" * 4000, "-1", "true", "soon", "2001-01-01"]
)
@pytest.mark.parametrize("field", ["started", "elapsed_ms", "status"])
def test_cassettes_with_absurd_numbers(field, number, tmp_path, capsys):
    write(tmp_path)
    values = {"started": "1.5", "elapsed_ms": "1.5", "status": "200", field: number}
    cassette = tmp_path / "cassette.yml"
    cassette.write_text(
        "arazzo-cassette: 1\ndocument: flow.yml\nworkflowId: inner\nstatus: succeeded\ninteractions:\n"
        f"- {{key: deep, started: {values['started']}, source: tokens, server: 'http://127.0.0.1:9',\n"
        "   request: {method: POST, url: 'http://127.0.0.1:9/rotate/deep'},\n"
        f"   response: {{status: {values['status']}, elapsed_ms: {values['elapsed_ms']}, json: {{count: 1}}}}}}\n"
    )
    for arguments in (["replay", str(cassette)], ["replay", str(cassette), "--format", "json", "-vv"]):
        assert main.run(arguments) in (0, 1, 2)
    printed = "".join(capsys.readouterr())
    assert "internal-error" not in printed
    assert "NaN" not in printed
    assert "Infinity" not in printed


# ------------------------------------------------------------------ options of the API


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": float("nan")}, {"timeout": float("inf")}, {"timeout": 0}, {"timeout": -1}, {"timeout": 10**400}, {"timeout": "30"},
        {"timeout": True}, {"timeout": None}, {"run_timeout": float("nan")}, {"run_timeout": 1e308}, {"criterion_timeout": 0},
        {"max_retry_wait": float("inf")}, {"poll_interval": -0.1}, {"poll_interval": None}, {"max_steps": 0}, {"max_steps": 1.5},
        {"max_depth": 0}, {"max_depth": True}, {"parallel": 0}, {"parallel": "8"}, {"max_response_size": -1},
        {"max_response_size": 10**5000 * -1},
    ],
    ids=lambda options: ", ".join(options),
)  # fmt: skip
def test_numbers_of_run_options_that_cannot_be_meant(options, tmp_path):
    program = arazzo_runner.load(str(write(tmp_path)), "main")
    with pytest.raises(InvalidUsage) as caught:
        arazzo_runner.run(program, world=At(0, "0"), options=arazzo_runner.RunOptions(**options))
    (found,) = caught.value.diagnostics
    assert next(iter(options)) in found.message


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "n" * 300, "n/" * 2500, "x\n", "http://[", "file:///%00"])
def test_names_of_files_that_the_api_is_given(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for ask in (arazzo_runner.load, arazzo_runner.run, arazzo_runner.validate):
        with pytest.raises(ArazzoError):
            ask(name)
    spec = str(write(tmp_path))
    with pytest.raises(ArazzoError):
        arazzo_runner.run(spec, "main", mock=True, scenario=name)
    with pytest.raises(ArazzoError):
        arazzo_runner.Credentials(file=name).find("tokens", "key", "value")
    assert json.dumps(
        [each.message for each in arazzo_runner.validate(spec, load_options=LoadOptions(sources={"tokens": name}))]
    )
