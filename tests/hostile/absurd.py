"""Absurd arguments for every option of the command line, as listed by click.

`options()` finds the options and arguments of every command; `FORMS` maps metavars to kinds of values, so
that a new option is included automatically, and only a new metavar must be added here.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.cli.group import group
from tests.hostile.battery import CASES

UNREACHABLE = "http://127.0.0.1:9"
_SEND = ["workflow.yml", "-i", "token=long-secret-text", "--server", f"pets={UNREACHABLE}"]
_STEP = ["--step", "get"]
BASES: dict[str, list[str]] = {
    "run": ["run", *_SEND],
    "call": ["call", "pets.yml", "getPet", "-p", "petId=7", "--server", UNREACHABLE],
    "validate": ["validate", "workflow.yml"],
    "generate": ["generate", "workflow.yml"],
    "init": ["init", "pets.yml"],
    "upgrade": ["upgrade", "workflow.yml"],
    "list": ["list", "workflow.yml"],
    "show": ["show", "workflow.yml"],
    "auth": ["auth", "workflow.yml"],
    "graph": ["graph", "workflow.yml"],
    "export": ["export", "workflow.yml", "--to", "python"],
    "trace": ["trace", "workflow.yml"],
    "debug": ["debug", *_SEND],
    "mock": ["mock", "workflow.yml"],
    "mcp": ["mcp", *_SEND],
    "replay": ["replay", "cassette.yml", "workflow.yml"],
    "resume": ["resume", "nothing"],
    "runs": ["runs"],
    "runs list": ["runs", "list"],
    "runs show": ["runs", "show", "nothing"],
    "runs cancel": ["runs", "cancel", "nothing"],
    "runs delete": ["runs", "delete", "nothing"],
    "runs export": ["runs", "export", "nothing"],
    "submit": ["submit", *_SEND],
    "worker": ["worker", "--name", "w", "--drain"],
    "worker adopt": ["worker", "adopt", "nobody"],
    "queue": ["queue"],
    "queue list": ["queue", "list"],
    "queue configure": ["queue", "configure", "q"],
    "queue remove": ["queue", "remove", "q"],
    "schedule": ["schedule"],
    "schedule list": ["schedule", "list"],
    "schedule add": ["schedule", "add", "nightly", *_SEND, "--cron", "0 3 * * *"],
    "schedule remove": ["schedule", "remove", "nightly"],
    "eval": ["eval", "$inputs.a", "--context", "context.json"],
    "cache": ["cache"],
    "state": ["state"],
    "state list": ["state", "list"],
    "state remove": ["state", "remove", "nothing"],
    "explain": ["explain", "unknown-step"],
}
"""A valid command line of each command; tried options are appended, tried arguments are replaced."""
BESIDE: dict[str, list[str]] = {
    "run --scenario": ["--mock"],
    "run --mock-lenient": ["--mock"],
    "run --switch": ["--mock", "--scenario", "scenario.yml"],
    "run --outputs-from": ["--from", "get"],
    "run --max-redirects": ["--follow-redirects"],
    "mcp --scenario": ["--mock"],
    "mcp --mock-lenient": ["--mock"],
    "mcp --switch": ["--mock", "--scenario", "scenario.yml"],
    "mcp --max-redirects": ["--follow-redirects"],
    "mcp --store": ["--durable"],
    "call --scenario": ["--mock"],
    "call --switch": ["--mock", "--scenario", "scenario.yml"],
    "call --max-redirects": ["--follow-redirects"],
    "call --workflow": ["--save", "new-flow.yml"],
    "call --step-id": ["--save", "new-flow.yml"],
    "call --capture": ["--save", "new-flow.yml"],
    "debug --scenario": ["--mock"],
    "debug --switch": ["--mock", "--scenario", "scenario.yml"],
    "mock --switch": ["--scenario", "scenario.yml"],
    "resume --as": ["--step", "get"],
    "resume --step": ["--as", "failed"],
}
"""What an option makes sense with only."""
_MOCKED = ["workflow.yml", "-i", "token=long-secret-text"]
_CALL_MOCKED = ["call", "pets.yml", "getPet", "-p", "petId=7"]
INSTEAD = {
    **{f"run {name}": ["run", *_MOCKED] for name in ("--scenario", "--switch", "--mock")},
    **{f"debug {name}": ["debug", *_MOCKED] for name in ("--scenario", "--switch", "--mock")},
    **{f"mcp {name}": ["mcp", *_MOCKED] for name in ("--scenario", "--switch", "--mock", "--mock-lenient")},
    "mcp --server-var": ["mcp", *_MOCKED],
    **{f"call {name}": _CALL_MOCKED for name in ("--scenario", "--switch", "--mock")},
    "call --body": ["call", "pets.yml", "changePet", "-p", "petId=7", "--server", UNREACHABLE],
    "run --server-var": ["run", *_MOCKED],
    "generate --environment": ["generate", "collection.json"],
    "eval --version": ["eval", "$.a", "--as", "jsonpath"],
    "validate --stdin-filename": ["validate", "-"],
    "generate --openapi": ["generate", "cassette.yml"],
    "generate --compare": ["generate", "cassette.yml"],
    "generate --only": ["generate", "cassette.yml", "-o", "new.yml"],
    "upgrade --stdin-filename": ["upgrade", "-"],
    "mock --from": ["mock"],
    "mock --port": ["mock", "workflow.yml"],
    "schedule add --cron": ["schedule", "add", "nightly", *_SEND],
}
"""The command lines of options that exclude a part of the usual one."""
FORMS: dict[str, str] = {
    "API": "{file}",
    "FILE": "{file}",
    "FILE|FOLDER": "{file}",
    "FLOW": "{file}",
    "DIR": "{file}",
    "SPEC": "{file}",
    "INPUT": "{file}",
    "SPEC...": "{file}",
    "[SPEC]...": "{file}",
    "[SPEC...]": "{file}",
    "[DESCRIPTION]": "{file}",
    "CASSETTE": "{file}",
    "NAME=PATH": "pets={file}",
    "KIND=FILE": "json={file}",
    "[HOST=]FILE": "{file}",
    "[HOST=]FILE[,KEY]": "{file}",
    "OUTCOME": "{file}",
}
"""The options that take files, by metavar, and how one is written."""
NAMED = {"--input": "token=@{file}", "--param": "X-Note=@{file}", "--body": "@{file}"}
"""The same, by name."""
TEXTS = frozenset(
    [
        "[CODE=]LEVEL",
        "[=stateful]",
        "[HOST=]URL",
        "[NAME]...",
        "CODE",
        "CODES",
        "DATA",
        "EXPRESSION",
        "GLOB",
        "HOST",
        "HOST:PORT",
        "I/N",
        "ID",
        "KEY=ADDRESS",
        "LEVELS",
        "NAME",
        "NAME=EXPRESSION",
        "NAME=URL",
        "NAME=VALUE",
        "OPERATION",
        "RUN",
        "RUN...",
        "STATE",
        "STEP",
        "TEXT",
        "TYPE",
        "URL",
        "V",
        "ZONE",
    ]
)
"""The metavars of options that take a text which is no file's name."""
NUMBERS = frozenset(["[N]", "BYTES", "DAYS", "N", "R", "RUNS/SECONDS", "S", "STATUS"])
"""The metavars of options that take a number."""
WRITTEN = frozenset({"--output", "--report", "--record", "--save", "--write-baseline"})
"""The options whose file is written, not read."""


@dataclass(frozen=True)
class Option:
    """An option or argument of a command."""

    command: str
    name: str
    metavar: str
    parameter: click.Parameter

    @property
    def form(self) -> str | None:
        """How a file is given to it, None when it takes none."""
        return NAMED.get(self.name, FORMS.get(self.metavar))

    @property
    def is_argument(self) -> bool:
        """Whether it has a place instead of a name."""
        return isinstance(self.parameter, click.Argument)

    def line(self, text: str) -> list[str]:
        """Return the command line with this text for the option."""
        base = INSTEAD.get(str(self), BASES[self.command])
        if not self.is_argument:
            return [*base, *BESIDE.get(str(self), ()), f"{self.name}={text}"]
        words = self.command.split()
        arguments = [each for each in group_of(self.command).params if isinstance(each, click.Argument)]
        place = len(words) + [each.name for each in arguments].index(self.parameter.name)
        before, after = base[len(words) : place], base[place + 1 :]
        rest = [text, *after[: len(arguments) - 1 - len(before)]]
        return [*words, *after[len(rest) - 1 :], "--", *before, *rest]

    def __str__(self) -> str:
        return f"{self.command} {self.name}"


def group_of(command: str) -> click.Command:
    """Return a command by its words."""
    found: click.Command = group
    for word in command.split():
        assert isinstance(found, click.Group)
        found = found.get_command(None, word)  # type: ignore[arg-type, assignment]
    return found


def commands() -> Iterator[str]:
    """Yield every command and subcommand."""
    for name in COMMANDS:
        yield name
        found = group_of(name)
        if isinstance(found, click.Group):
            yield from (f"{name} {below}" for below in found.list_commands(None))  # type: ignore[arg-type]


def options() -> list[Option]:
    """Return what every command takes, flags and choices aside."""
    found = []
    for command in commands():
        for parameter in group_of(command).params:
            if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
                continue
            if isinstance(parameter.type, click.Choice):
                continue
            name = max(parameter.opts, key=len)
            found.append(Option(command, name, parameter.metavar or name.upper(), parameter))
    return found


# ------------------------------------------------------------------ files


SECURITY = "components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}\nsecurity: [{key: []}]\n"


def prepare(folder: Path) -> None:
    """Write the sound files that the command lines name."""
    (folder / ".git").mkdir(parents=True)
    (folder / "workflow.yml").write_bytes((CASES / "base.yml").read_bytes())
    (folder / "pets.yml").write_text((CASES / "pets.yml").read_text() + SECURITY)
    (folder / "context.json").write_text('{"inputs": {"a": 1}}')
    (folder / "collection.json").write_text('{"info": {"name": "a"}, "item": [{"request": "https://api.test/{{a}}"}]}')
    (folder / "scenario.yml").write_text("rules: [{operation: getPet, switch: s}]\n")
    (folder / "cassette.yml").write_text(
        "arazzo-cassette: 1\ndocument: workflow.yml\nworkflowId: look\nstatus: succeeded\ninteractions: []\n"
    )


CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "one NUL": b"\0",
    "4 kB of NUL": b"\0" * 4096,
    "all bytes": bytes(range(256)) * 8,
    "Latin-1": "größe: é".encode("latin-1"),
    "a BOM alone": b"\xef\xbb\xbf",
    "two BOMs": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "surrogates in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "a surrogate as an escape": b'{"a\\ud800": "\\udfff"}',
    "3,000 brackets": b"[" * 3000,
    "100,000 brackets": b"[" * 100_000,
    "100,000 closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "3,000 braces": b'{"a":' * 3000,
    "3,000 brackets in TOML": b"a = " + b"[" * 3000,
    "a key of 3,000 parts": b"a." * 3000 + b"a = 1",
    "a table of 3,000 parts": b"[" + b"a." * 3000 + b"a]",
    "5,000 digits": b"9" * 5000,
    "5,000 digits in a list": b'[{"a": ' + b"9" * 5000 + b"}]",
    "5,000 digits in TOML": b"a = " + b"9" * 5000,
    "a great exponent": b'{"a": 1e999, "b": -1e999}',
    "NaN": b'{"a": NaN, "b": Infinity}',
    "a date there is not": b"a: 2001-99-99\nb: 9999-12-31T23:59:60+99:99",
    "a date there is not in TOML": b"a = 2001-99-99",
    "a time of TOML": b"a = 9999-12-31T23:59:59.999999999999-23:59\nb = 00:00:00",
    "null": b"null",
    "a list": b"[1, null, []]",
    "a list of lists": b"[[[]]]",
    "a text": b'"text"',
    "true": b"true",
    "an object of nulls": b'{"rules": null, "version": 1, "findings": null, "sets": null, "status": null}',
    "an object of wrong things": b'{"rules": [1], "version": 1, "findings": [1], "sets": 3, "status": "x", "paths": 7}',
    "numbers where texts belong": b'{"http://h/": 7, "a": [1], "arazzo": 7, "openapi": 3, "swagger": []}',
    "a line of 1 MB": b"a" * 1_000_000,
    "100,000 lines": b"a\n" * 100_000,
    "a quote": b'"',
    "an anchor": b"&a [*a, *a]",
    "ANSI": b"\x1b[31mred\x07\x9b\r\n::error::x\n",
    "PEM without an end": b"-----BEGIN CERTIFICATE-----\nAAAA\n",
}
"""Contents of files, by name."""


TABLES: dict[str, bytes] = {
    "columns.csv": ",".join(f"c{number}" for number in range(20_000)).encode(),
    "nul.csv": b"a,b\n\0,\0\n",
    "quote.tsv": b'a\tb\n"x\n' * 3,
    "wide.csv": b"a\n" + b"x" * 200_000,
    "deep.jsonl": b"[" * 3000,
    "digits.ndjson": b'{"a": ' + b"9" * 5000 + b"}\n",
}
"""Tables, which are known by their suffix."""


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(before)


KINDS: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe that nobody writes": _pipe,
    "a socket": _socket,
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: None,
}
"""What stands under a name instead of a file."""
DEVICES = {
    "an endless device": "/dev/zero",
    "a file that cannot be read": "/proc/self/mem",
    "a terminal there is not": "/dev/tty",
    "the empty device": "/dev/null",
    "a descriptor there is not": "/dev/fd/1234",
    "a full device": "/dev/full",
    "the root": "/",
    "below a file": "workflow.yml/x",
    "standard input": "-",
    "no name": "",
    "a blank": " ",
    "a name of 300": "n" * 300,
    "a path of 5,000": "n/" * 2500,
    "a home there is not": "~nobody-of-that-name/x",
    "a URL without a host": "http://",
    "a URL with a wrong port": "http://h:99999999/x",
    "a URL with brackets": "http://[::1/x",
    "a URL of a file": "file:///nothing%00",
    "an unknown scheme": "what-ever:x",
    "dots": "..",
    "a wildcard": "[a-",
    "@ and a name": "@nothing",
    "a name that is not UTF-8": "nothing-\udcff\udcfe",
    "a name with a line break": "no\nthing",
    "a name with ANSI": "\x1b[31mnothing\x07",
}
"""Names that stand for no file of the folder."""
ODD_NAMES = (
    "odd\nname",
    "odd\x1b[31mname",
    "odd-\udcff-name",
    "odd[a]*?name",
    "odd,name=x",
    "-odd",
    "odd#fragment",
    "odd%41name",
    " ",
)


def absurd_files(folder: Path) -> dict[str, str]:
    """Make the absurd files in a folder and return their names from there, by a word for each."""
    found = {}
    for number, (word, data) in enumerate(CONTENTS.items()):
        found[word] = f"content-{number}"
        (folder / found[word]).write_bytes(data)
        os.chmod(folder / found[word], stat.S_IRUSR | stat.S_IWUSR)
    for name, data in TABLES.items():
        (folder / name).write_bytes(data)
        found[name] = name
    for number, (word, make) in enumerate(KINDS.items()):
        found[word] = f"kind-{number}"
        make(folder / found[word])
    for name in ODD_NAMES:
        (folder / name).write_bytes(b"")
        found[f"an empty file called {name!r}"] = name
    return {**found, **DEVICES}
