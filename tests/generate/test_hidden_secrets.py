"""Secrets whose names do not give them away: in paths, odd headers, cookies and members of bodies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run as arazzo

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
HOOK = "T0kenInThePath1234567890abcdef"
BOT = "bot123456:AAFtelegramTOKENvalue1234567890abcd"
AT = "https://api.example.com"


def _generated(tmp_path: Path, given: object, name: str) -> str:
    (tmp_path / name).write_text(json.dumps(given))
    output = tmp_path / "made.arazzo.yml"
    assert arazzo(["generate", str(tmp_path / name), "-o", str(output)]) == 0
    assert arazzo(["validate", "--strict", str(output)]) == 0
    assert arazzo(["run", str(output), "--mock", "--sample-inputs"]) == 0
    return "".join(each.read_text() for each in tmp_path.iterdir() if each.name != name)


@pytest.mark.parametrize(
    ("url", "headers", "secret"),
    [
        pytest.param(f"{AT}/hooks/{HOOK}/items", {}, HOOK, id="a webhook with its secret in the path"),
        pytest.param(f"{AT}/{BOT}/getMe", {}, BOT, id="a bot with its token in the path"),
        pytest.param(f"{AT}/files?sig=abcdef0123456789", {}, "abcdef0123456789", id="a signed URL"),
        pytest.param(f"{AT}/files", {"X-Custom-Auth": "letmein-please"}, "letmein-please", id="a header of auth"),
    ],
)
def test_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, headers: dict[str, str], secret: str
) -> None:
    pairs = [{"name": name, "value": value} for name, value in headers.items()]
    request = {"method": "GET", "url": url, "headers": pairs, "queryString": [], "cookies": []}
    content = {"mimeType": "application/json", "text": "{}"}
    kind = [{"name": "Content-Type", "value": "application/json"}]
    response = {"status": 200, "headers": kind, "cookies": [], "content": content}
    entry = {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "request": request, "response": response}
    written = _generated(tmp_path, {"log": {"version": "1.2", "entries": [entry]}}, "seen.har")
    printed = capsys.readouterr()
    assert secret not in written + printed.out + printed.err


@pytest.mark.parametrize(
    ("header", "body", "secret"),
    [
        pytest.param("s=letmein-please", "{}", "letmein-please", id="a cookie"),
        pytest.param("", json.dumps({"x": {"t": JWT}}), JWT, id="a JWT in a body"),
    ],
)
def test_a_collection(tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, body: str, secret: str) -> None:
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    cookie = [{"key": "Cookie", "value": header}] if header else []
    request = {"method": "POST", "url": f"{AT}/a", "header": cookie, "body": {"mode": "raw", "raw": body}}
    collection = {"info": {"name": "c", "schema": schema}, "item": [{"name": "a", "request": request}]}
    written = _generated(tmp_path, collection, "c.postman_collection.json")
    printed = capsys.readouterr()
    assert secret not in written + printed.out + printed.err
