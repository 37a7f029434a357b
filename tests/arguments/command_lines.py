"""Command lines in a folder of documents: all that one does, to be compared with what another does."""

from __future__ import annotations

import io
import json
import re
import socket
import types
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from arazzo_runner import api, durable_runs
from arazzo_runner.base.records import replace
from arazzo_runner.cli.main import run
from tests.arguments.place import FLOW, Place, api as description

FLAWED = FLOW.replace("type: jsonpath}", "type: jsonpath}\n    - condition: '{$statusCode} == 200'")
"""The flow with a deviation that is tolerated."""
SCENARIO = (
    "rules: [{operation: getPet, switch: s, answer: {body: {id: 1, tag: switched}}},"
    " {operation: getPet, answer: {body: {id: 1, tag: scripted}}}]\n"
)
REPORT = '{"workflowId": "look", "status": "failed", "steps": [{"stepId": "find", "status": "failed", "attempts": []}]}'
TOML = """\
[environments.other]
servers = {pets = "OTHER"}
credentials-file = "keys.yml"
"""


def files(made: Place, paths: str) -> None:
    """Write the files that the command lines name."""
    usual, other = made.usual.url, made.other.url
    made.write("flow.yml", FLAWED)
    made.write("remote.yml", FLOW.replace("url: api.json", "url: http://127.0.0.1:9/api.json"))
    made.write("referring.yml", FLOW.replace("url: api.json", "url: referring.json"))
    made.write("inner.yml", FLOW.replace("url: api.json", "url: inner.json"))
    made.write("large.yml", FLOW.replace("url: api.json", "url: large-api.yml"))
    made.write("secret.yml", FLOW.replace("outputs: {tag: $response.body#/tag,", "outputs: {access_token: $response.body#/tag, tag: $response.body#/tag,").replace("\n  outputs: {tag: $steps.find.outputs.tag,", "\n  outputs: {access_token: $steps.find.outputs.access_token,"))  # fmt: skip
    made.write("odd.yml", FLOW.replace("- workflowId: poll", "- workflowId: poll\n  odd: 1"))
    made.write("failing.yml", FLOW.replace("$statusCode == 200", "$statusCode == 418"))
    made.write("copy.json", description(other))
    made.write("lacking.json", {**description(usual), "paths": {}})
    referring = description(usual)
    path = referring["paths"]["/pets/{id}"]
    made.write("path.json", path)
    made.write("referring.json", {**referring, "paths": {**referring["paths"], "/pets/{id}": {"$ref": f"{paths}/x"}}})
    made.write("inner.json", {**referring, "paths": {**referring["paths"], "/pets/{id}": {"$ref": "path.json"}}})
    large = description(usual, info={"title": "Pets", "version": "1", "description": "x" * 100_000})
    made.write("large-api.yml", yaml.safe_dump(large))
    made.write("map.json", {"http://127.0.0.1:9/api.json": "copy.json"})
    made.write("more.yml", "arazzo: [1")
    made.write("inputs.yml", "id: 8\n")
    made.write("rows.csv", "id\n8\n9\n")
    made.write("columns.csv", "id,colour\n8,red\n")
    made.write("tagged.yml", FLOW.replace("- workflowId: look", "- workflowId: look\n  x-tags: [smoke]"))
    made.write("broken.yml", FLOW.replace("url: api.json", "url: broken.json"))
    made.write(
        "broken.json", json.dumps(description(usual)).replace('"maximum": 100', '"maximum": 100, "default": "x"')
    )
    made.write("scenario.yml", SCENARIO)
    made.write("variables.env", "ARAZZO_INPUT_ID=9\n")
    made.write("keys.env", "ARAZZO_AUTH_PETS_KEY=key-from-a-file-of-variables\n")
    made.write("outputs.json", '{"steps": {"find": {"tag": "given"}}}')
    made.write("keys.yml", "pets: {key: key-from-the-file}\n")
    made.write("report.json", REPORT)
    made.write("context.json", '{"inputs": {"a": 1}, "response": {"body": [1]}}')
    made.write("settings.toml", '[validate]\npreset = "strict"\n')
    made.write("arazzo.toml", TOML.replace("OTHER", other))
    (made.folder / "inside").mkdir()
    (made.folder / "inside" / "arazzo.toml").write_text('[validate]\npreset = "minimal"\n')
    (made.folder / "inside" / "flow.yml").write_text(
        FLAWED.replace("api.json", "../api.json").replace("shop.json", "../shop.json")
    )
    cassette = {
        "arazzo-cassette": 1,
        "document": "flow.yml",
        "workflowId": "look",
        "status": "failed",
        "inputs": {"id": 7},
    }
    made.write("cassette.yml", json.dumps({**cassette, "interactions": []}))


class Seen:
    """What one command line did: the calls of the interpreter, what was stored, what a mock answered."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.store: Any = None

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to close."""

    def opened(self, store: str | None, environment: Mapping[str, str]) -> Seen:
        """Take the place of the Runtime of a store."""
        self.calls.append(f"store {store}")
        return self

    def keep(self, bundle: Any) -> None:
        """Note a bundle."""
        self.calls.append(json.dumps(bundle.to_json(), sort_keys=True))

    def submit(self, runs: Sequence[tuple[str, Any]], *, priority: int | None) -> int:
        """Note runs."""
        self.calls += [f"{name} {priority} {replace(spec, nonce='').to_json()}" for name, spec in runs]
        return len(runs)

    def add_schedule(self, name: str, cron: str, spec: Any, *, timezone: str | None) -> None:
        """Note a schedule."""
        self.calls.append(f"{name} {cron} {timezone} {replace(spec, nonce='').to_json()}")

    def noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that notes with which options it is called."""

        def called(*arguments: Any, **options: Any) -> Any:
            shown = {name: options.get(name) for name in ("options", "mock", "mock_lenient")}
            self.calls.append(f"{function.__name__} {shown}")
            return function(*arguments, **options)

        return called

    def waiting(self, port: int) -> Any:
        """Return what a mock waits for: a few requests, then Ctrl-C."""
        seen = self

        class Event:
            def wait(self) -> None:
                seen.calls += [
                    _asked(f"http://127.0.0.1:{port}{way}{path}", body)
                    for way in ("", "/api", "/pets")
                    for path, body in (("/pets/7", None), ("/pets", b'{"id": 7, "tag": "made"}'), ("/pets/7", None))
                ]
                raise KeyboardInterrupt

        return Event


def _asked(url: str, body: bytes | None) -> str:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return f"{answer.status} {answer.read()!r}"
    except urllib.error.HTTPError as problem:
        with problem:
            return f"{problem.code} {problem.read()!r}"
    except OSError as problem:
        return type(problem).__name__


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


_TIMES = re.compile(
    r"(?<![\d.])\d+(\.\d+)? ?(ms|s)\b|\d{4}-\d\d-\d\dT[\d:.]+Z?|time=\\?\"[\d.]+|\"(durationMs|elapsedMs)\": [\d.]+"
    r"|\d{8}T\d{6}\w*-\d+(-\d+)?"
)
_SLOWEST = re.compile(r" +(<-|←) slowest")


def alike(text: str, home: Path, made: Place) -> str:
    """Return a text without what differs each time: times, folders, ports of mocks."""
    text = _SLOWEST.sub("", text)
    text = re.sub(" +", " ", _TIMES.sub("TIME", text.replace(str(home), "HOME")))
    known = {made.usual.url.rpartition(":")[2], made.other.url.rpartition(":")[2]}
    return re.sub(
        r"127\.0\.0\.1:(\d+)",
        lambda found: found[0] if found[1] in known else "MOCK",
        re.sub(r"port \d+", "port", text),
    )


def done(made: Place, command: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: Any, *, color: bool) -> Any:
    """Run a command line in a fresh copy of the surroundings and return all that it did."""
    port = free_port()
    seen = Seen()
    number = len(list(made.folder.parent.glob(f"{made.folder.name}-home-*")))
    home = made.folder.parent / f"{made.folder.name}-home-{number}"
    home.mkdir()
    before = {path.name: path.read_bytes() for path in made.folder.iterdir() if path.is_file()}
    with monkeypatch.context() as patch, socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(home / name))
        patch.delenv("ARAZZO_NO_CACHE", raising=False)
        patch.setenv("FORCE_COLOR", "1" if color else "0")
        for name in ("run", "arun", "dry_run"):
            patch.setattr(api, name, seen.noting(getattr(api, name)))
        patch.setattr(durable_runs, "opened", seen.opened)
        patch.setattr(durable_runs, "queues", lambda runtime: runtime)
        patch.setattr("arazzo_runner.cli.commands.mock.threading", types.SimpleNamespace(Event=seen.waiting(port)))
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"continue\n" * 30)))
        made.requests()
        words = [
            each.format(port=port, busy=busy.getsockname()[1], other=made.other.url)
            if "{" in each and "$" not in each
            else each
            for each in command
        ]
        code = run(words)
    printed = capsys.readouterr()
    after = {path.name: path.read_bytes() for path in made.folder.iterdir() if path.is_file()}
    written = {name: alike(data.decode(), home, made) for name, data in after.items() if before.get(name) != data}
    for name in written:  # as it was, for the next command line
        made.write(name, before[name].decode()) if name in before else (made.folder / name).unlink()
    cached = len(list(home.glob("XDG_CACHE_HOME/**/*")))
    texts = [alike(each, home, made) for each in (printed.out, printed.err)]
    return code, texts, [alike(each, home, made) for each in seen.calls], made.requests(), written, cached
