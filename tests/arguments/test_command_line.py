"""Every option of every command: it changes what is printed, sent, written or asked for, or it is refused."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import pytest

from arazzo_runner.cli.combinations import COMBINATIONS, Needs, problem_of
from arazzo_runner.cli.main import run
from tests.arguments.command_lines import done
from tests.hostile.absurd import commands, group_of


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
    "call": lambda document: ["call", "api.json", "getPet", "-p", "id=7"],
    "validate": lambda document: ["validate", document],
    "upgrade": lambda document: ["upgrade", document, "--diff"],
    "list": lambda document: ["list", document],
    "show": lambda document: ["show", document],
    "auth": lambda document: ["auth", document],
    "graph": lambda document: ["graph", document],
    "export": lambda document: ["export", document, "-w", "look", "--to", "python"],
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
    "--max-messages": row("--max-messages", "5"),
    "--retained": row("--retained"),
    "--criterion-timeout": row("--criterion-timeout", "5"),
    "--cookies": row("--cookies", "off"),
    "--parallel": row("--parallel=2"),
    "--resend-unknown": row("--resend-unknown"),
    "--file-root": row("--file-root", "inside"),
}
TRANSPORT = {
    "--cert": row("--cert", "nothing.pem"),
    "--cacert": row("--cacert", "nothing.pem"),
    "--insecure-host": row("--insecure-host", "x.test"),
    "--proxy": row("--proxy", "http://127.0.0.1:9"),
    "--follow-redirects": row("--follow-redirects"),
    "--max-redirects": row("--max-redirects", "3", beside=["--follow-redirects"]),
    "--webhook-listen": row("--webhook-listen", "127.0.0.1:0"),
    "--webhook-url": row("--webhook-url", "https://tunnel.test"),
    "--http2": row("--no-http2"),
}
SENDING = {
    "--workflow": row("-w", "nested"),
    "--input": row("-i", "id=8"),
    "--input-file": row("--input-file", "inputs.yml", base=["submit", "flow.yml", "-w", "look", "--run-id", "r"]),
    "--server": row("--server", "pets={other}"),
    "--server-var": row("--server-var", "region=us"),
    "--channel-address": row("--channel-address", "orders=eu/orders", base=["run", "messages.yml"]),
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
_POST = ["call", "api.json", "keepPet", "-d", "id=1"]
_SAVE = ["--save", "saved.yml"]
_GENERATE = ["generate", "api.json"]
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
        "--allow-unknown-columns": row("--allow-unknown-columns", beside=["--data", "columns.csv"]),
        "--tag": row("--tag", "smoke", document="tagged.yml"),
        "--shard": row("--shard", "1/2", beside=["--repeat", "2"]),
        "--rerun-failed": row("--rerun-failed", "report.json"),
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
    "call": {
        **{name: READING[name] for name in ("--max-document-size", "--max-document-depth")},
        **{name: LIMITS[name] for name in ("--timeout", "--max-response-size", "--file-root")},
        **{name: each for name, each in TRANSPORT.items() if not name.startswith("--webhook")},
        **MOCKED,
        "--mock-lenient": row("--mock-lenient", beside=["--mock", "--expect", "418"]),
        "--no-color": COLOR,
        "--offline": row("--offline", base=["call", "http://127.0.0.1:9/api.json"]),
        "--param": row("-p", "id=8", base=["call", "api.json", "getPet"]),
        "--body": row("-d", "id=1", base=["call", "api.json", "keepPet"]),
        "--content-type": row("--content-type", "text/css", base=_POST),
        "--expect": row("--expect", "201"),
        "--include": row("-i"),
        "--output": row("-o", "out.json"),
        "--force": row("--force", beside=["-o", "report.json"]),
        "--save": row(*_SAVE),
        "--workflow": row("-w", "another", beside=_SAVE),
        "--step-id": row("--step-id", "another", beside=_SAVE),
        "--capture": row("--capture", "x=$response.body#/tag", beside=_SAVE),
        "--server": row("--server", "{other}"),
        "--server-var": row("--server-var", "region=us"),
        "--env": row("--env", "other"),
        "--dry-run": row("--dry-run"),
        "--verbose": row("-v"),
        "--quiet": row("-q"),
        "--format": row("--format", "json"),
        "--report": row("--report", "junit=report.xml"),
        "--record": row("--record", "recorded.yml"),
        "--checks": row("--checks", "error"),
        "--check-requests": row("--check-requests", "error", base=["call", "api.json", "getPet", "-p", "id=700"]),
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
        "--deep": row("--deep", document="broken.yml"),
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
    "generate": {
        "--operation": row("--operation", "keepPet", base=_GENERATE),
        "--output": row("-o", "new.yml", base=_GENERATE),
        "--force": row("--force", beside=["-o", "report.json"], base=_GENERATE),
        "--max-document-size": row("--max-document-size", "10", base=_GENERATE),
        "--max-document-depth": row("--max-document-depth", "1", base=_GENERATE),
    },
    "upgrade": {
        **{name: each for name, each in READING.items() if name not in ("--offline", "--strict")},
        "--diff": row("--diff", base=["upgrade", "flow.yml", "--check"]),
        "--exclude": row("--exclude", "more.yml", base=["upgrade", "flow.yml", "more*.yml", "--check"]),
    },
    "list": {"--format": row("--format", "json"), "--no-color": COLOR},
    "show": {**READING, "--workflow": row("-w", "look"), "--env": row("--env", "other", beside=["--format", "json"]), "--format": row("--format", "json")},
    "auth": {
        **READING,
        "--workflow": row("-w", "poll"),
        "--credentials": row("--credentials", "keys.yml"),
        "--env": row("--env", "other"),
        "--env-file": row("--env-file", "keys.env"),
        "--format": row("--format", "json"),
    },
    "graph": {
        **READING,
        "--workflow": row("-w", "look"),
        "--format": row("--format", "dot"),
        "--run": row("--run", "report.json"),
    },
    "export": {
        **READING,
        "--to": row("--to", "curl"),
        "--workflow": row("-w", "poll"),
        "--output": row("-o", "out.py"),
        "--force": row("--force", beside=["-o", "report.json"]),
        "--server": row("--server", "pets={other}"),
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
        "--env-file": row("--env-file", "variables.env", base=["debug", "flow.yml", "-w", "look"]),
        "--break": row("--break", "keep"),
        "--file-root": row("--file-root", "inside"),
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
        "--file-root": row("--file-root", "inside"),
        "--verbose": row("-v"),
        "--quiet": row("-q"),
        "--format": row("--format", "json"),
    },
    "submit": {
        **SUBMITTED,
        "--count": row("--count", "2"),
        "--allow-unknown-columns": row("--allow-unknown-columns", beside=["--input-file", "columns.csv"], base=["submit", "flow.yml", "-w", "look", "--run-id", "r"]),
        "--run-id": row("--run-id", "another"),
        "--priority": row("--priority", "3"),
    },
    "schedule add": {
        **SUBMITTED,
        "--input-file": row("--input-file", "inputs.yml", base=["schedule", "add", "s", "flow.yml", "-w", "look", "--cron", "0 3 * * *"]),
        "--allow-unknown-columns": row("--allow-unknown-columns", beside=["--input-file", "columns.csv"], base=["schedule", "add", "s", "flow.yml", "-w", "look", "--cron", "0 3 * * *"]),
        "--cron": row("--cron", "0 4 * * *"),
        "--timezone": row("--timezone", "Europe/Berlin"),
    },
    "eval": {
        "--as": row("--as", "condition"),
        "--context": row("--context", "context.json", base=["eval", "$inputs.a"]),
        "--version": row("--version", "nothing-1", base=["eval", "$.a", "--as", "jsonpath"]),
        "--parse-only": row("--parse-only"),
        "--run": row("--run", "nothing", base=["eval", "$inputs.a", "--context", "report.json"]),
        "--step": row("--step", "nothing", base=["eval", "$inputs.a", "--context", "report.json"]),
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
    "call --show-secrets": "tests/cli/test_call.py",
    "call --env-file": "tests/cli/test_files_read_once.py",
    "call --url-map": "tests/cli/test_files_read_once.py",
    "run --rate": "tests/e2e/test_environments.py",
    "run --watch": "tests/e2e/test_environments.py",
    "run --durable": _DURABLE,
    "run --run-id": _DURABLE,
    "run --idempotency-keys": "tests/durable/test_commands.py",
    "run --store": _DURABLE,
    "generate --openapi": "tests/cli/test_generate_recorded.py",
    "generate --only": "tests/cli/test_generate_recorded.py",
    "generate --compare": "tests/cli/test_generate_recorded.py",
    "generate --environment": "tests/cli/test_files_read_once.py",
    "generate --crud": "tests/generate/test_from_openapi.py",
    "generate --tag": "tests/generate/test_from_openapi.py",
    "init --ci": "tests/cli/test_init.py",
    "init --operation": "tests/cli/test_init.py",
    "init --output": "tests/cli/test_init.py",
    "init --yes": "tests/cli/test_init.py",
    "upgrade --check": "tests/cli/test_upgrade.py",
}
"""Options that need time, a signal or a store, or a document that is written; and the tests that show them."""
TRIVIAL = {
    "call --root": "see run",
    "call --max-document-nodes": "JSON has no aliases; see run",
    "call --no-cache": "see run",
    "call --allow-remote": "see run",
    "call --allow-host": "see run",
    "validate --offline": "is the usual, said explicitly",
    "validate --jobs": "changes how long it takes",
    "validate --stdin-filename": "see test_standard_input_has_a_name",
    "generate --strict": "see validate",
    "generate --max-document-nodes": "JSON has no aliases; see run",
    "generate --url-map": "see run",
    "generate --root": "see run",
    "generate --offline": "see run",
    "generate --no-cache": "see run",
    "generate --allow-remote": "see run",
    "generate --allow-host": "see run",
    "generate --no-color": "colours of errors",
    "init --no-color": "colours of errors",
    "upgrade --offline": "is the usual, said explicitly",
    "upgrade --stdin-filename": "see tests/cli/test_upgrade.py",
    "upgrade --to": "there is one version to upgrade to",
    "eval --criterion-timeout": "bounds the work, see tests/cli/test_eval.py",
    "eval --no-color": "colours of errors",
    "state list --no-color": "there are no colours",
    "state remove --no-color": "there are no colours",
    "replay --no-cache": "see the other commands",
}
"""Options that cannot change what is printed here, and why."""
STORED = ("resume", "runs", "worker", "queue", "schedule list", "schedule remove", "mcp")
"""Commands about a store, whose options tests/durable shows, and a server, which tests/mcp asks."""


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
def usual() -> dict[Any, Any]:
    """What the usual command lines do, each of which is run twice only once."""
    return {}


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
    "--repeat": ["2"], "--criterion-timeout": ["3"], "--run": ["a"], "--format": ["json"], "--config": ["settings.toml"],
    "--write-baseline": ["b.json"], "--baseline": ["b.json"], "--max-warnings": ["3"], "--url-map": ["map.json"],
    "--source": ["pets=x.json"], "--root": ["inside"], "--max-document-size": ["10"], "--max-document-depth": ["10"],
    "--max-document-nodes": ["10"], "--workflow": ["w"], "--step-id": ["s"], "--capture": ["a=$response.body"],
    "--operation": ["find"], "--tag": ["t"],
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
        pytest.param(["validate", "flow.yml", "--write-baseline", "b.json", "--max-warnings", "0"], "exclude each other", id="a limit of 0 is a limit"),
        pytest.param(["validate", "flow.yml", "--ignore", "yaml-syntax"], "keeps its level", id="a level that stays"),
        pytest.param(["validate", "flow.yml", "--source", "pet=x.json"], 'there is no source "pet"', id="validate: an unknown source"),
        pytest.param(["validate", "flow.yml", "--fix", "--source", "pet=x.json"], 'there is no source "pet"', id="fix: an unknown source"),
        pytest.param(["show", "flow.yml", "--source", "pet=x.json"], 'there is no source "pet"', id="show: an unknown source"),
        pytest.param(["auth", "flow.yml", "--source", "pet=x.json"], 'there is no source "pet"', id="auth: an unknown source"),
        pytest.param(["mock", "flow.yml", "--source", "pet=x.json"], 'there is no source "pet"', id="mock: an unknown source"),
        pytest.param(["replay", "cassette.yml", "--server", "pet=http://x.test"], 'there is no source "pet"', id="replay: an unknown source"),
        pytest.param(["debug", "flow.yml", "-w", "look", "-i", "id=7", "--server", "pet=http://x.test"], 'there is no source "pet"', id="debug: an unknown source"),
        pytest.param(["submit", "flow.yml", "-w", "look", "-i", "id=7", "--server", "pet=http://x.test"], 'there is no source "pet"', id="submit: an unknown source"),
        pytest.param(["run", "flow.yml", "-w", "look", "-i", "id=7", "--server-var", "regoin=us"], 'did you mean "region"?', id="an unknown variable"),
        pytest.param(["run", "messages.yml", "--channel-address", "odrers=x", "--channel-address", "orders=y"], 'did you mean "orders"?', id="an unknown channel"),
        pytest.param(["run", "flow.yml", "-w", "look", "-i", "id=7", "--server", "pets=mqtt://x.test"], "must be an http(s) URL", id="a broker for an API"),
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
