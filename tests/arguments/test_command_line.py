"""Every option of every command: it changes what is printed, sent, written or asked for, or it is refused."""

from __future__ import annotations

import io
import json
import re
import socket
import types
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from arazzo_runner import api, durable_runs
from arazzo_runner.base.records import replace
from arazzo_runner.cli.combinations import COMBINATIONS, Needs, problem_of
from arazzo_runner.cli.main import run
from tests.arguments.place import FLOW, Place, api as description, place
from tests.hostile.absurd import commands, group_of
from tests.loopback import json_reply, serving

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
    made.write("scenario.yml", SCENARIO)
    made.write("variables.env", "ARAZZO_INPUT_ID=9\n")
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
    interactions = [
        {"key": "find#1", "request": {"method": "GET", "url": f"{usual}/eu/pets/7"}, "response": {"status": 500}}
    ]
    cassette = {
        "arazzo-cassette": 1,
        "document": "flow.yml",
        "workflowId": "look",
        "status": "failed",
        "inputs": {"id": 7},
    }
    made.write("cassette.yml", json.dumps({**cassette, "interactions": []}))
    assert interactions


@dataclass(frozen=True)
class Row:
    """The option as it is given, beside what, in which command line in place of the usual one."""

    given: Sequence[str]
    beside: Sequence[str] = ()
    document: str = "flow.yml"
    base: Sequence[str] | None = None
    wants_color: bool = False


def row(*given: str, beside: Sequence[str] = (), document: str = "flow.yml", base: Sequence[str] | None = None) -> Row:
    return Row(given, beside, document, base)


BASES: dict[str, Callable[[str], list[str]]] = {
    "run": lambda document: ["run", document, "-w", "look", "-i", "id=7"],
    "validate": lambda document: ["validate", document],
    "list": lambda document: ["list", document],
    "show": lambda document: ["show", document],
    "auth": lambda document: ["auth", document],
    "graph": lambda document: ["graph", document],
    "trace": lambda document: ["trace", document, "-w", "look"],
    "debug": lambda document: ["debug", document, "-w", "look", "-i", "id=7"],
    "mock": lambda document: ["mock", document, "--port", "{port}"],
    "replay": lambda document: ["replay", "cassette.yml", document],
    "submit": lambda document: ["submit", document, "-w", "look", "-i", "id=7", "--run-id", "r"],
    "schedule add": lambda document: ["schedule", "add", "s", document, "-w", "look", "-i", "id=7", "--cron", "0 3 * * *"],
    "eval": lambda document: ["eval", "$inputs.a", "--context", "context.json"],
    "state list": lambda document: ["state", "list"],
    "state remove": lambda document: ["state", "remove", "nothing"],
}  # fmt: skip
"""The usual command line of each command, by the document that it reads."""

COLOR = Row(["--no-color"], wants_color=True)
READING = {
    "--strict": row("--strict"),
    "--max-document-size": row("--max-document-size", "10"),
    "--max-document-depth": row("--max-document-depth", "1"),
    "--max-document-nodes": row("--max-document-nodes", "3"),
    "--url-map": row("--url-map", "map.json", document="remote.yml"),
    "--source": row("--source", "pets=lacking.json"),
    "--root": row("--root", "inside", document="inner.yml"),
    "--offline": row("--offline", document="remote.yml"),
    "--no-cache": row("--no-cache", document="large.yml"),
    "--allow-remote": row("--allow-remote", document="referring.yml"),
    "--allow-host": row("--allow-host", "127.0.0.1", document="referring.yml"),
    "--no-color": COLOR,
}
LIMITS = {
    "--timeout": row("--timeout", "5"),
    "--run-timeout": row("--run-timeout", "5"),
    "--max-steps": row("--max-steps", "1"),
    "--max-depth": row("--max-depth", "5"),
    "--max-retry-wait": row("--max-retry-wait", "5"),
    "--poll-interval": row("--poll-interval", "5"),
    "--max-response-size": row("--max-response-size", "5"),
    "--criterion-timeout": row("--criterion-timeout", "5"),
    "--cookies": row("--cookies", "off"),
    "--parallel": row("--parallel=2"),
    "--resend-unknown": row("--resend-unknown"),
}
TRANSPORT = {
    "--cert": row("--cert", "nothing.pem"),
    "--cacert": row("--cacert", "nothing.pem"),
    "--insecure-host": row("--insecure-host", "x.test"),
    "--proxy": row("--proxy", "http://127.0.0.1:9"),
    "--follow-redirects": row("--follow-redirects"),
    "--max-redirects": row("--max-redirects", "3", beside=["--follow-redirects"]),
    "--http2": row("--no-http2"),
}
SENDING = {
    "--workflow": row("-w", "nested"),
    "--input": row("-i", "id=8"),
    "--input-file": row("--input-file", "inputs.yml", base=["submit", "flow.yml", "-w", "look", "--run-id", "r"]),
    "--server": row("--server", "pets={other}"),
    "--server-var": row("--server-var", "region=us"),
    "--include": row("--include", "more.yml"),
    "--env": row("--env", "other"),
}
SUBMITTED = {
    **SENDING,
    **READING,
    **LIMITS,
    **TRANSPORT,
    "--queue": row("--queue", "another"),
    "--idempotency-keys": row("--idempotency-keys"),
    "--store": row("--store", "nothing://here"),
    "--no-color": Row(["--no-color"], ["-w", "wrong"], wants_color=True),
}
MOCKED = {
    "--mock": row("--mock"),
    "--mock-lenient": row("--mock-lenient", beside=["--mock"], document="failing.yml"),
    "--scenario": row("--scenario", "scenario.yml", beside=["--mock"]),
    "--switch": row("--switch", "s", beside=["--mock", "--scenario", "scenario.yml"]),
}
_WITHOUT_INPUT = ["run", "flow.yml", "-w", "look"]
TABLE: dict[str, dict[str, Row]] = {
    "run": {
        **SENDING,
        **READING,
        **LIMITS,
        **TRANSPORT,
        **MOCKED,
        "--workflow": row("-w", "nested", base=["run", "flow.yml", "-i", "id=7"]),
        "--input-file": row("--input-file", "inputs.yml", base=_WITHOUT_INPUT),
        "--sample-inputs": row("--sample-inputs", base=_WITHOUT_INPUT),
        "--dry-run": row("--dry-run"),
        "--verbose": row("-v"),
        "--quiet": row("-q"),
        "--format": row("--format", "json"),
        "--output": row("--output", "out.json"),
        "--show-secrets": row("--show-secrets", document="secret.yml"),
        "--report": row("--report", "junit=report.xml"),
        "--data": row("--data", "rows.csv"),
        "--repeat": row("--repeat", "2"),
        "--jobs": row("--jobs", "2", beside=["--repeat", "2"]),
        "--fail-fast": row("--fail-fast", beside=["--repeat", "2"], document="failing.yml"),
        "--env-file": row("--env-file", "variables.env", base=_WITHOUT_INPUT),
        "--step": row("--step", "find"),
        "--from": row("--from", "keep", beside=[]),
        "--until": row("--until", "find"),
        "--outputs-from": row("--outputs-from", "outputs.json", beside=["--from", "keep"]),
        "--record": row("--record", "recorded.yml"),
        "--checks": row("--checks", "error"),
        "--check-requests": row("--check-requests", "error"),
        "--credentials": row("--credentials", "keys.yml"),
        "--require-credentials": row("--require-credentials"),
    },
    "validate": {
        **{name: each for name, each in READING.items() if name != "--offline"},
        "--format": row("--format", "json"),
        "--output": row("--output", "out.txt"),
        "--preset": row("--preset", "minimal"),
        "--select": row("--select", "unused-*"),
        "--ignore": row("--ignore", "*"),
        "--level": row("--level", "error"),
        "--deep": row("--deep"),
        "--max-warnings": row("--max-warnings", "0", beside=["--preset", "tolerant"]),
        "--baseline": row("--baseline", "baseline.json"),
        "--write-baseline": row("--write-baseline", "new.json"),
        "--fix": row("--fix"),
        "--unsafe": row("--unsafe", beside=["--diff"]),
        "--diff": row("--diff"),
        "--config": row("--config", "settings.toml"),
        "--no-config": row("--no-config", document="inside/flow.yml"),
        "--exclude": row("--exclude", "more.yml", base=["validate", "flow.yml", "more*.yml"]),
    },
    "list": {"--format": row("--format", "json"), "--no-color": COLOR},
    "show": {**READING, "--workflow": row("-w", "look"), "--env": row("--env", "other", beside=["--format", "json"]), "--format": row("--format", "json")},
    "auth": {
        **READING,
        "--workflow": row("-w", "poll"),
        "--credentials": row("--credentials", "keys.yml"),
        "--env": row("--env", "other"),
        "--format": row("--format", "json"),
    },
    "graph": {
        **READING,
        "--workflow": row("-w", "look"),
        "--format": row("--format", "dot"),
        "--run": row("--run", "report.json"),
    },
    "trace": {
        **READING,
        "--workflow": row("-w", "poll"),
        "--step": row("--step", "find"),
        "--format": row("--format", "json"),
    },
    "debug": {
        **{name: SENDING[name] for name in ("--workflow", "--input", "--server", "--env")},
        **READING,
        **MOCKED,
        "--input-file": row("--input-file", "inputs.yml", base=["debug", "flow.yml", "-w", "look"]),
        "--break": row("--break", "keep"),
    },
    "mock": {
        **READING,
        "--strict": row("--strict", document="odd.yml"),
        "--no-color": Row(["--no-color"], document="odd.yml", wants_color=True),
        "--from": row("--from", "cassette.yml", base=["mock", "--port", "{port}"]),
        "--port": row("--port", "{port}", base=["mock", "flow.yml", "--port", "{busy}"]),
        "--scenario": row("--scenario", "scenario.yml"),
        "--switch": row("--switch", "s", beside=["--scenario", "scenario.yml"]),
        "--stateful": row("--stateful"),
        "--quiet": row("-q"),
    },
    "replay": {
        **READING,
        "--input": row("-i", "id=8"),
        "--server": row("--server", "pets={other}"),
        "--verbose": row("-v"),
        "--quiet": row("-q"),
        "--format": row("--format", "json"),
    },
    "submit": {
        **SUBMITTED,
        "--count": row("--count", "2"),
        "--run-id": row("--run-id", "another"),
        "--priority": row("--priority", "3"),
    },
    "schedule add": {
        **SUBMITTED,
        "--input-file": row("--input-file", "inputs.yml", base=["schedule", "add", "s", "flow.yml", "-w", "look", "--cron", "0 3 * * *"]),
        "--cron": row("--cron", "0 4 * * *"),
        "--timezone": row("--timezone", "Europe/Berlin"),
    },
    "eval": {
        "--as": row("--as", "condition"),
        "--context": row("--context", "context.json", base=["eval", "$inputs.a"]),
        "--version": row("--version", "nothing-1", base=["eval", "$.a", "--as", "jsonpath"]),
        "--parse-only": row("--parse-only"),
        "--strict": row("--strict", base=["eval", "{$inputs.a} == 1", "--as", "condition"]),
        "--format": row("--format", "json"),
    },
    "state list": {"--format": row("--format", "json")},
    "state remove": {
        "--older-than": row("--older-than", "3", base=["state", "remove"]),
        "--all": row("--all", base=["state", "remove"]),
    },
}  # fmt: skip
"""A row for each option of each command."""
_DURABLE = "tests/durable/test_commands.py"
ELSEWHERE = {
    "run --rate": "tests/e2e/test_environments.py",
    "run --watch": "tests/e2e/test_environments.py",
    "run --durable": _DURABLE,
    "run --run-id": _DURABLE,
    "run --idempotency-keys": "tests/durable/test_commands.py",
    "run --store": _DURABLE,
}
"""Options that need time, a signal or a store, and the tests that show them."""
TRIVIAL = {
    "validate --offline": "is the usual, said explicitly",
    "validate --jobs": "changes how long it takes",
    "validate --stdin-filename": "see test_standard_input_has_a_name",
    "eval --criterion-timeout": "bounds the work, see tests/cli/test_eval.py",
    "eval --no-color": "colours of errors",
    "state list --no-color": "there are no colours",
    "state remove --no-color": "there are no colours",
    "replay --no-cache": "see the other commands",
}
"""Options that cannot change what is printed here, and why."""
STORED = ("resume", "runs", "worker", "queue", "schedule list", "schedule remove")
"""Commands about a store; tests/durable shows their options."""


def options_of(command: str) -> list[str]:
    return [max(each.opts, key=len) for each in group_of(command).params if isinstance(each, click.Option)]


def test_every_option_has_a_row():
    known = {f"{command} {option}" for command, rows in TABLE.items() for option in rows} | {*ELSEWHERE, *TRIVIAL}
    found = {
        f"{command} {option}"
        for command in commands()
        if not command.startswith(STORED)
        for option in options_of(command)
    }
    assert found - known == set(), "a new option needs a row that shows what it does"
    assert {each for each in known - found if not each.endswith("--help")} == set(), "these are no options"


# ------------------------------------------------------------------ what a command line does


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    item = description("")["paths"]["/pets/{id}"]
    folder = tmp_path_factory.mktemp("everything")
    with place(folder) as found, serving(lambda request: json_reply(item)) as paths:
        files(found, paths.url)
        yield found


@pytest.fixture(scope="module")
def usual() -> dict[Any, Any]:
    """What the usual command lines do, each of which is run twice only once."""
    return {}


@pytest.fixture
def made(everything: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(everything.folder)
    return everything


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


def alike(text: str, home: Path, made: Place) -> str:
    """Return a text without what differs each time: times, folders, ports of mocks."""
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


_REFUSED = re.compile(r"exclude each other|-\w+ needs -")

CASES = [(command, option) for command, rows in TABLE.items() for option in rows]


@pytest.mark.parametrize(("command", "option"), CASES, ids=lambda each: each)
def test_every_option_changes_something(made, usual, command, option, monkeypatch, capsys):
    known = TABLE[command][option]
    base = list(known.base) if known.base is not None else BASES[command](known.document)
    line = [*base, *known.beside]
    key = (tuple(line), known.wants_color)
    if key not in usual:
        usual[key] = done(made, line, monkeypatch, capsys, color=known.wants_color)
        assert done(made, line, monkeypatch, capsys, color=known.wants_color) == usual[key], (
            "the comparison shows nothing"
        )
    without = usual[key]
    changed = done(made, [*line, *known.given], monkeypatch, capsys, color=known.wants_color)
    assert changed != without, changed
    assert not _REFUSED.search(changed[1][1]), changed[1][1]


def test_standard_input_has_a_name(made, monkeypatch, capsys):
    for name in ("stdin.yml", "named.yml"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"arazzo: 1.0.1\n")))
        run(["validate", "-", "--stdin-filename", name])
        assert name in capsys.readouterr().out


# ------------------------------------------------------------------ what is refused


VALUES = {
    "--switch": ["s"], "--scenario": ["scenario.yml"], "--max-redirects": ["3"], "--outputs-from": ["outputs.json"],
    "--run-id": ["r"], "--store": ["x.db"], "--server": ["pets=http://x.test"], "--server-var": ["region=us"],
    "--allow-host": ["x.test"], "--cert": ["c.pem"], "--cacert": ["c.pem"], "--insecure-host": ["x.test"],
    "--proxy": ["http://x.test"], "--record": ["r.yml"], "--report": ["junit=r.xml"], "--output": ["o.json"],
    "--rate": ["3"], "--step": ["find"], "--from": ["find"], "--until": ["find"], "--data": ["rows.csv"],
    "--repeat": ["2"], "--criterion-timeout": ["3"], "--format": ["json"], "--config": ["settings.toml"],
    "--write-baseline": ["b.json"], "--baseline": ["b.json"], "--max-warnings": ["3"], "--url-map": ["map.json"],
    "--source": ["pets=x.json"], "--root": ["inside"], "--max-document-size": ["10"], "--max-document-depth": ["10"],
    "--max-document-nodes": ["10"],
}  # fmt: skip
"""Values of options that take one."""
PAIRS = [(command, each) for command, found in COMBINATIONS.items() for each in found]


def spelt(command: str, option: str) -> list[str]:
    """Return an option with a value, where it takes one."""
    value = ["cassette.yml"] if (command, option) == ("mock", "--from") else VALUES.get(option, [])
    return [option, *value]


def test_the_combinations_name_options_that_there_are():
    for command, each in PAIRS:
        known = {spelling for option in group_of(command).params for spelling in option.opts}
        assert {each.option, *each.others} <= known, command


@pytest.mark.parametrize(("command", "combination"), PAIRS, ids=str)
def test_what_means_nothing_is_refused_before_anything_is_read(made, command, combination, capsys):
    cases = (
        [[combination.option]]
        if isinstance(combination, Needs)
        else [[combination.option, each] for each in combination.others]
    )
    for options in cases:
        line = [word for option in options for word in spelt(command, option)]
        document = [] if (command, line[0]) == ("mock", "--from") else ["nothing.yml"]
        more = ["s", *document, "--cron", "* * * * *"] if command == "schedule add" else document
        made.requests()
        before = sorted(made.folder.rglob("*"))
        assert run([*command.split(), *more, *line]) == 2
        err = "".join(capsys.readouterr())
        assert "exclude each other" in err or " needs -" in err
        assert (made.requests(), sorted(made.folder.rglob("*"))) == ([], before)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(["validate", "nothing.yml", "--stdin-filename", "x.yml"], "--stdin-filename needs -", id="a name of no standard input"),
        pytest.param(["validate", "-", "--fix", "--format", "json"], "excludes --format and --output", id="a fixed document and a report"),
        pytest.param(["validate", "flow.yml", "--ignore", "yaml-syntax"], "keeps its level", id="a level that stays"),
        pytest.param(["validate", "flow.yml", "--source", "pet=x.json"], '--source: there is no source "pet"', id="validate: an unknown source"),
        pytest.param(["validate", "flow.yml", "--fix", "--source", "pet=x.json"], '--source: there is no source "pet"', id="fix: an unknown source"),
        pytest.param(["show", "flow.yml", "--source", "pet=x.json"], '--source: there is no source "pet"', id="show: an unknown source"),
        pytest.param(["auth", "flow.yml", "--source", "pet=x.json"], '--source: there is no source "pet"', id="auth: an unknown source"),
        pytest.param(["mock", "flow.yml", "--source", "pet=x.json"], '--source: there is no source "pet"', id="mock: an unknown source"),
        pytest.param(["replay", "cassette.yml", "--server", "pet=http://x.test"], '--server: there is no source "pet"', id="replay: an unknown source"),
        pytest.param(["debug", "flow.yml", "-w", "look", "-i", "id=7", "--server", "pet=http://x.test"], '--server: there is no source "pet"', id="debug: an unknown source"),
        pytest.param(["submit", "flow.yml", "-w", "look", "-i", "id=7", "--server", "pet=http://x.test"], '--server: there is no source "pet"', id="submit: an unknown source"),
        pytest.param(["run", "flow.yml", "-w", "look", "-i", "id=7", "--server-var", "regoin=us"], 'did you mean "region"?', id="an unknown variable"),
        pytest.param(["run", "flow.yml", "-w", "look", "-w", "poll", "-i", "id=7", "--server-var", "regoin=us"], 'did you mean "region"?', id="an unknown variable of several runs"),
        pytest.param(["submit", "flow.yml", "-w", "look", "-i", "id=7", "--server-var", "regoin=us"], 'did you mean "region"?', id="submit: an unknown variable"),
        pytest.param(["graph", "flow.yml", "-w", "poll", "--run", "report.json"], 'not of "poll"', id="the report of another workflow"),
        pytest.param(["eval", "$inputs.a", "--version", "xpath-10"], "--version needs --as", id="a version of no query"),
        pytest.param(["queue", "configure", "q", "--concurrency", "2", "--worker-concurrency", "3"], "more than --concurrency", id="more for each than for all"),
        pytest.param(["runs", "list", "--state", "sucseeded"], 'did you mean "succeeded"?', id="an unknown state"),
        pytest.param(["worker", "--name", "w", "adopt", "x"], "--name is no option of arazzo worker adopt", id="an option of the group"),
        pytest.param(["run", "flow.yml", "-w", "look", "-i", "id=7", "--env", "othr"], 'did you mean "other"?', id="an unknown environment"),
        pytest.param(["debug", "flow.yml", "-w", "look", "-i", "id=7", "--env", "othr"], 'did you mean "other"?', id="debug: an unknown environment"),
    ],
)  # fmt: skip
def test_what_a_value_makes_meaningless_is_refused(made, line, message, capsys, monkeypatch):
    monkeypatch.setenv("ARAZZO_STORE", "nothing://here")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    made.requests()
    assert run(line) == 2
    assert message in "".join(capsys.readouterr())
    assert made.requests() == []


def test_a_limit_that_is_met_anyway_is_no_contradiction():
    assert problem_of("run", ["--jobs", "--fail-fast", "--timeout"]) is None
