"""Every setting of arazzo.toml with every command that it is for: it changes what happens; the command line wins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from arazzo_runner.base.records import field_names
from arazzo_runner.cli.main import run
from arazzo_runner.config.settings import Environment, Settings, ValidateSettings
from tests.arguments.command_lines import done
from tests.arguments.place import Place

READING = (
    "validate",
    "run",
    "dry-run",
    "debug",
    "show",
    "auth",
    "graph",
    "export",
    "trace",
    "mock",
    "replay",
    "submit",
    "schedule",
)
RUNNING = ("run", "dry-run", "debug", "submit", "schedule")
LINES = {
    "validate": ["validate", "{document}"],
    "run": ["run", "{document}", "-w", "look"],
    "dry-run": ["run", "{document}", "-w", "look", "--dry-run"],
    "debug": ["debug", "{document}", "-w", "look"],
    "show": ["show", "{document}", "--format", "json"],
    "auth": ["auth", "{document}", "--format", "json"],
    "graph": ["graph", "{document}"],
    "export": ["export", "{document}", "-w", "look", "--to", "python"],
    "trace": ["trace", "{document}", "-w", "look"],
    "mock": ["mock", "{document}", "--port", "{port}"],
    "replay": ["replay", "cassette.yml", "{document}"],
    "submit": ["submit", "{document}", "-w", "look", "--run-id", "r"],
    "schedule": ["schedule", "add", "s", "{document}", "-w", "look", "--cron", "0 3 * * *"],
}
ENV = 'environment = "e"\n[environments.e]\ninputs = {id = 7}\n'
SETTINGS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "environment": (RUNNING, '[environments.e]\ninputs = {id = 7}\n', ENV, "flow.yml"),
    "environments": (RUNNING, 'environment = "e"\n[environments.e]\n', ENV, "flow.yml"),
    "sources": (READING, ENV, 'SOURCES' + ENV, "flow.yml"),
    "url_map": (READING, ENV, 'URLS' + ENV, "remote.yml"),
    "file_roots": ((*RUNNING, "replay"), ENV, 'file-roots = ["inside"]\n' + ENV, "flow.yml"),
    "validate": (("validate",), "", '[validate]\npreset = "strict"\n', "flow.yml"),
}  # fmt: skip
"""For each setting the commands that obey it, a file without and with it, and the document that shows it."""
ENVIRONMENT: dict[str, tuple[tuple[str, ...], str]] = {
    "servers": ((*RUNNING, "show", "auth", "export"), 'servers = {pets = "{other}"}\n'),
    "server_variables": ((*RUNNING, "show", "auth", "export"), 'server-variables = {region = "us"}\n'),
    "channel_addresses": (("show",), 'channel-addresses = {orders = "eu/orders"}\n'),
    "inputs": (RUNNING, "inputs = {id = 8}\n"),
    "input_file": (RUNNING, 'input-file = "other-inputs.yml"\n'),
    "credentials": (
        ("run", "dry-run", "debug", "auth", "submit", "schedule"),
        'credentials = {"pets.key" = "spare.key"}\n',
    ),
    "messages": (RUNNING, "[environments.e.messages]\nmax-messages = 5\n"),
    "credentials_file": (("run", "dry-run", "debug", "auth"), 'credentials-file = "keys.yml"\n'),
}
"""For each setting of an environment the commands that obey it, and how it is written."""
OTHER_DOCUMENTS = {"channel_addresses": "messages.yml"}
"""The document that shows a setting, where it is not flow.yml."""
VALIDATE: dict[str, tuple[str, list[str]]] = {
    "preset": ('preset = "strict"\n', ["validate", "flow.yml"]),
    "rules": ('rules = {braced-expression = "off"}\n', ["validate", "flow.yml"]),
    "overrides": ('[[validate.overrides]]\npaths = ["flow.yml"]\nrules = {braced-expression = "off"}\n', ["validate", "flow.yml"]),
    "include": ('include = ["flow.yml"]\n', ["validate"]),
    "exclude": ('exclude = ["odd.yml"]\n', ["validate", "*.yml"]),
    "baseline": ('baseline = "baseline.json"\n', ["validate", "flow.yml"]),
    "max_warnings": ("max-warnings = 0\n", ["validate", "flow.yml", "--preset", "tolerant"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def prepared(made: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other files that settings name; the file of the other tests is put back."""
    before = (made.folder / "arazzo.toml").read_text()
    made.write("other-inputs.yml", "id: 9\n")
    made.write("baseline.json", '{"version": 1, "findings": []}')
    monkeypatch.setenv("ARAZZO_AUTH_SPARE_KEY", "key-with-a-spare-name")
    yield
    made.write("arazzo.toml", before)


def did(made: Place, toml: str, line: list[str], document: str, monkeypatch: Any, capsys: Any) -> Any:
    """Return what a command line does with a file of settings."""
    known = {
        "SOURCES": 'sources = {pets = "lacking.json"}\n',
        "URLS": 'url-map = {"http://127.0.0.1:9/api.json" = "copy.json"}\n',
    }
    for name, text in known.items():
        toml = toml.replace(name, text)
    made.write("arazzo.toml", toml.replace("{other}", made.other.url))
    words = [each.replace("{document}", document) for each in line]
    return done(made, words, monkeypatch, capsys, color=False)


def test_every_setting_has_a_row():
    assert set(SETTINGS) == set(field_names(Settings)) - {"path", "folder"}
    assert set(ENVIRONMENT) == set(field_names(Environment))
    assert set(VALIDATE) == set(field_names(ValidateSettings))


@pytest.mark.parametrize(
    ("name", "command"), [(name, each) for name, (known, *_) in SETTINGS.items() for each in known]
)
def test_every_setting_changes_something(made, name, command, monkeypatch, capsys):
    _, without, with_, document = SETTINGS[name]
    usual = did(made, without, LINES[command], document, monkeypatch, capsys)
    changed = did(made, with_, LINES[command], document, monkeypatch, capsys)
    assert usual != changed


@pytest.mark.parametrize(
    ("name", "command"), [(name, each) for name, (known, _) in ENVIRONMENT.items() for each in known]
)
def test_every_setting_of_an_environment_changes_something(made, name, command, monkeypatch, capsys):
    usual = 'environment = "e"\n[environments.e]\n' + (
        "" if name in ("inputs", "input_file") else "inputs = {id = 7}\n"
    )
    document = OTHER_DOCUMENTS.get(name, "flow.yml")
    without = did(made, usual, LINES[command], document, monkeypatch, capsys)
    changed = did(made, usual + ENVIRONMENT[name][1], LINES[command], document, monkeypatch, capsys)
    assert without != changed
    assert changed[0] in (0, 1), changed


@pytest.mark.parametrize("name", VALIDATE)
def test_every_setting_of_validate_changes_something(made, name, monkeypatch, capsys):
    text, line = VALIDATE[name]
    if name == "baseline":
        run(["validate", "flow.yml", "--write-baseline", "baseline.json"])
    usual = did(made, "", line, "flow.yml", monkeypatch, capsys)
    assert did(made, f"[validate]\n{text}", line, "flow.yml", monkeypatch, capsys) != usual


WINS = {
    "servers": ('servers = {pets = "http://127.0.0.1:9"}\n', ["--server", "pets={other}"], RUNNING),
    "inputs": ("inputs = {id = 99}\n", ["-i", "id=7"], RUNNING),
    "server-variables": ('server-variables = {region = "us"}\n', ["--server-var", "region=of-the-line"], ("run", "dry-run", "submit", "schedule")),
    "sources": ("", ["--source", "pets=api.json"], READING),
}  # fmt: skip


@pytest.mark.parametrize(("name", "command"), [(name, each) for name, (*_, known) in WINS.items() for each in known])
def test_the_command_line_wins(made, name, command, monkeypatch, capsys):
    text, option, _ = WINS[name]
    head = 'sources = {pets = "lacking.json"}\n' if name == "sources" else ""
    inputs = "" if name == "inputs" else "inputs = {id = 7}\n"
    line = [*LINES[command], *option]
    alone = did(made, f'environment = "e"\n[environments.e]\n{inputs}', line, "flow.yml", monkeypatch, capsys)
    both = did(
        made, f'{head}environment = "e"\n[environments.e]\n{inputs}{text}', line, "flow.yml", monkeypatch, capsys
    )
    assert both == alone
    assert both[0] in (0, 1), both


@pytest.mark.parametrize("command", RUNNING)
def test_settings_for_other_documents_are_no_error(made, command, monkeypatch, capsys):
    """A source that a document lacks: settings are for all documents of a project, options for these."""
    usual = 'environment = "e"\n[environments.e]\ninputs = {id = 7}\n'
    others = 'servers = {another = "http://x.test"}\nserver-variables = {zone = "z"}\n'
    without = did(made, usual, LINES[command], "flow.yml", monkeypatch, capsys)
    changed = did(
        made, 'sources = {another = "x.json"}\n' + usual + others, LINES[command], "flow.yml", monkeypatch, capsys
    )
    assert (without[0], without[1], without[3]) == (changed[0], changed[1], changed[3])


@pytest.mark.parametrize("command", ["run", "debug"])
def test_a_mock_needs_none_of_the_servers_and_credentials(made, command, monkeypatch, capsys):
    toml = 'environment = "e"\n[environments.e]\ninputs = {id = 7}\nservers = {pets = "http://x.test"}\ncredentials-file = "gone.yml"\n'
    code, texts, *_ = did(made, toml, [*LINES[command], "--mock"], "flow.yml", monkeypatch, capsys)
    assert "gone.yml" not in "".join(texts)
    assert code in (0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[validate.rules]\nlater-step = {odd = 1}', "has no option", id="an unknown option of a rule"),
        pytest.param('[validate.rules]\nretry-limits = {most-retries = "3"}', "most-retries must be a whole number", id="an option of the wrong type"),
        pytest.param('[validate.rules]\nunused-inptu = "off"', 'did you mean "unused-input"', id="an unknown rule"),
    ],
)  # fmt: skip
def test_rules_that_there_are_not_are_refused(made, text, message, monkeypatch, capsys):
    code, texts, *_ = did(made, text, ["validate", "flow.yml"], "flow.yml", monkeypatch, capsys)
    assert (code, message in texts[1]) == (2, True)
