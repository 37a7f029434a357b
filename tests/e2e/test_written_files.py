"""Every file that arazzo writes is listed in docs/security.md, with its mode and the secrets in it."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.loopback import Reply, Request, serving
from tests.secrets.escapes import ESCAPES, ways_out

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "arazzo_runner"
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## Files that are written")[2]
ROWS = {
    cells[0]: cells
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| file")
    for cells in [[cell.strip() for cell in line.strip("|").split(" | ")]]
}
CANARY = 'xK9#m&2$vL<nQ8!z/ü+%"\\'
LITERAL = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"  # a credential that a document holds

# ------------------------------------------------------------------ the modules that write

# A call of one of these makes or changes a file; `open` does with a mode other than "r".
MAKERS = {"os.replace", "os.rename", "os.link", "os.symlink", "tempfile.mkstemp", "PrivateFile", "PrivateFile.prepare",
          "shutil.copy", "shutil.copyfile", "shutil.move", "sqlite.connect", "sqlalchemy.create_engine"}  # fmt: skip
METHODS = {"write_text", "write_bytes", "touch", "NamedTemporaryFile", "TemporaryFile", "FileHandler", "mkstemp"}
# These are how the others write, or write to no file.
COMMON = {"base/private_files.py", "base/user_files.py", "report/terminal/console.py", "cli/main.py"}


def writes(call: ast.Call) -> bool:
    """Return whether a call makes or changes a file."""
    name = ast.unparse(call.func)
    if name == "os.open":
        return any(flag in ast.unparse(call) for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    if name in ("open", "io.open", "codecs.open") or name.endswith(").open"):
        modes = [
            *call.args[0 if name.endswith(").open") else 1 :][:1],
            *(each.value for each in call.keywords if each.arg == "mode"),
        ]
        return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)
    return name in MAKERS or name.rpartition(".")[2] in METHODS


def writing_modules() -> set[str]:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        if any(map(writes, calls)):
            found.add(path.relative_to(PACKAGE).as_posix())
    return found - COMMON


def test_the_page_lists_every_module_that_writes_files():
    listed = {module for cells in ROWS.values() for module in re.findall(r"`([\w/]+\.py)`", cells[2])}
    assert writing_modules() == listed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('open(path, "w")', True),
        ("open(path, mode=mode)", True),
        ("pathlib.Path(path).open('ab')", True),
        ("Path(name).write_text(text)", True),
        ("os.open(path, os.O_RDWR)", True),
        ("tempfile.NamedTemporaryFile()", True),
        ("PrivateFile.prepare(path)", True),
        ('open(path, "rb")', False),
        ("open(path)", False),
        ("os.open(path, os.O_RDONLY)", False),
    ],
)
def test_a_call_that_writes_is_seen(source, expected):
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert writes(call) is expected


# ------------------------------------------------------------------ a server that echoes


def forms() -> dict[str, str]:
    """Return the canary escaped by each kind of escape, and by some pairs."""
    random = Random(14)
    found = {"plain": CANARY}
    for number, outer in enumerate(ESCAPES):
        found[outer.name] = outer.write(CANARY, random)
        for inner in ESCAPES[number % 3 :: 3]:  # tests/secrets tries all pairs
            found[f"{outer.name} of {inner.name}"] = outer.write(inner.write(CANARY, random), random)
    return found


FORMS = forms()
TEXT = "\n".join(f"<p>{form}</p>" for form in FORMS.values())
ANSWERS = [
    ("application/json", json.dumps({"forms": FORMS, "name": "Rex", CANARY: 1}).encode()),
    ("text/html; charset=utf-8", TEXT.encode()),
    ("application/octet-stream", b"\xff\xfe\x00" + TEXT.encode()),
    ("text/plain; charset=utf-16", TEXT.encode("utf-16")),
    ("application/x-www-form-urlencoded", f"a={FORMS['form']}&b={FORMS['percent']}".encode()),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    def answer(request: Request) -> Reply:
        kind, body = ANSWERS[int(request.target.rpartition("/")[2].partition("?")[0])]
        headers = [("Content-Type", kind), ("X-Echo", FORMS["percent"]), ("Location", f"/x?next={FORMS['form']}")]
        return Reply(500 if "fail" in request.target else 200, body, headers)

    with serving(answer) as running:
        yield running.url


# ------------------------------------------------------------------ the files


def document(server: str, query: str) -> dict[str, Any]:
    parameters = [
        {"name": "q", "in": "query", "value": query},
        {"name": "token", "in": "query", "value": "$inputs.token"},
        {"name": "X-Note", "in": "header", "value": "a {$inputs.token} b"},
    ]
    steps = [
        {"stepId": f"s{n}", "operationId": "look", "parameters": [{"name": "n", "in": "path", "value": n}, *parameters],
         "outputs": {"body": "$response.body", "echo": "$response.header.X-Echo"}}
        for n in range(len(ANSWERS))
    ]  # fmt: skip
    inputs = {"type": "object", "properties": {"token": {"type": "string", "format": "password"}}}
    outputs = {"seen": "$steps.s1.outputs.body", "token": "$inputs.token"}
    workflow = {"workflowId": "echo", "inputs": inputs, "steps": steps, "outputs": outputs}
    sources = [{"name": "api", "url": "api.yml", "type": "openapi"}]
    return {
        "arazzo": "1.0.1",
        "info": {"title": "Echo", "version": "1"},
        "sourceDescriptions": sources,
        "workflows": [workflow],
    }


API = {
    "openapi": "3.1.0",
    "info": {"title": "Echo", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:9"}],
    "paths": {
        "/{n}": {
            "get": {
                "operationId": "look",
                "parameters": [
                    {"name": "n", "in": "path", "required": True, "schema": {"type": "integer"}},
                    *({"name": name, "in": "query", "schema": {"type": "string"}} for name in ("q", "token")),
                    {"name": "X-Note", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "ok"}, "500": {"description": "no"}},
            }
        }
    },
}


@dataclass
class Place:
    """A working directory with a state directory of its own."""

    folder: Path
    server: str

    @property
    def state(self) -> Path:
        return self.folder / "state" / "arazzo"

    def arazzo(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run a command line; return what it prints."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARAZZO", "GITHUB", "XDG"))}
        own = {"XDG_STATE_HOME": str(self.folder / "state"), "XDG_CONFIG_HOME": str(self.folder / "config")}
        command = [sys.executable, "-m", "arazzo_runner", *arguments]
        ended = subprocess.run(
            command, cwd=self.folder, env={**kept, **own, **environment}, capture_output=True, timeout=60
        )
        printed = (ended.stdout + ended.stderr).decode("utf-8", "replace")
        assert ended.returncode == code, printed
        return printed

    def run(self, *arguments: str, fail: bool = False, **environment: str) -> str:
        """Run the workflow; `fail` lets each answer have status 500."""
        spec = {"workflow.yml": document(self.server, "fail" if fail else "ok"), "api.yml": API}
        for name, content in spec.items():
            (self.folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        inputs = {"token": CANARY}
        (self.folder / "inputs.json").write_text(json.dumps(inputs), encoding="utf-8")
        given = ["run", "workflow.yml", "--input-file", "inputs.json", "--server", f"api={self.server}"]
        return self.arazzo(*given, *arguments, code=1 if fail else 0, **environment)


REPORTS = {"junit": "r.xml", "json": "r.json", "html": "r.html", "har": "r.har", "sarif": "r.sarif", "markdown": "r.md"}


def reports(place: Place) -> list[Path]:
    kinds = [part for kind, name in REPORTS.items() for part in ("--report", f"{kind}={name}")]
    found = []
    for fail in (True, False):
        shown(place.run(*kinds, *(["-vv"] if fail else []), fail=fail))
        for name in REPORTS.values():
            (place.folder / name).rename(place.folder / f"{fail}-{name}")
            found.append(place.folder / f"{fail}-{name}")
    return found


def summary(place: Place) -> list[Path]:
    shown(place.run("--report", "github", fail=True, GITHUB_STEP_SUMMARY=str(place.folder / "summary.md")))
    return [place.folder / "summary.md"]


def recording(place: Place) -> list[Path]:
    place.run("--record", "ok.yml")
    place.run("--record", "failed.yml", fail=True)
    place.run()
    assert "as recorded" in place.arazzo("replay", "ok.yml")
    return [place.folder / "ok.yml", place.folder / "failed.yml"]


def output(place: Place) -> list[Path]:
    place.run("--output", "out.json")
    return [place.folder / "out.json"]


def kept(place: Place) -> list[Path]:
    place.run()
    return [path for path in place.state.iterdir() if path.suffix == ".json"]


def tokens(place: Place) -> list[Path]:
    pytest.importorskip("authlib")
    from tests.e2e.test_credentials import DESCRIPTION, WORKFLOW
    from tests.runtime.auth_server import CLIENT, SECRET, auth_api

    (place.folder / "things.openapi.yml").write_text(DESCRIPTION)
    (place.folder / "look.arazzo.yml").write_text(WORKFLOW)
    with auth_api() as api:
        given = {"CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "REFRESH_TOKEN": api.first_refresh_token()}
        environment: dict[str, Any] = {f"ARAZZO_AUTH_MYTHINGS_OAUTH_{name}": value for name, value in given.items()}
        place.arazzo("run", "look.arazzo.yml", "-w", "look", "--server", f"myThings={api.url}", **environment)
        return [path for path in (place.state / "credentials").iterdir() if path.is_file()]


def durable(place: Place) -> list[Path]:
    if find_spec("dbos") is None or find_spec("cryptography") is None:
        pytest.skip("durable runs need the extra")
    place.run("--durable", "--run-id", "r1")
    shown(place.arazzo("runs", "show", "r1") + place.arazzo("runs", "list") + place.arazzo("runs", "export", "r1"))
    return [path for path in place.state.rglob("journal.db*") if path.is_file() and path.suffix != ".key"]


def key(place: Place) -> list[Path]:
    if find_spec("dbos") is None or find_spec("cryptography") is None:
        pytest.skip("durable runs need the extra")
    place.run("--durable")
    return list(place.state.glob("journal.db*key"))


def cache(place: Place) -> list[Path]:
    folder = place.folder / "cache"
    place.run(ARAZZO_CACHE_DIR=str(folder))
    place.arazzo("validate", "workflow.yml", ARAZZO_CACHE_DIR=str(folder))
    return [path for path in folder.rglob("*") if path.is_file()]


def with_credential(place: Place) -> None:
    content = document(place.server, "ok")
    content["workflows"][0]["steps"][0]["parameters"][1]["value"] = LITERAL
    content["workflows"][0]["steps"][0]["parameters"].append(
        {"name": "Authorization", "in": "header", "value": LITERAL}
    )
    content["workflows"][0]["steps"][0]["successCriteria"] = [{"condition": f"$response.body == '{LITERAL}"}]
    (place.folder / "workflow.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (place.folder / "api.yml").write_text(yaml.safe_dump(API), encoding="utf-8")


def linted(place: Place) -> list[Path]:
    with_credential(place)
    found = []
    for kind in ("json", "sarif"):
        place.arazzo("validate", "workflow.yml", "--format", kind, "--output", f"found.{kind}", code=1)
        found.append(place.folder / f"found.{kind}")
    return found


def baseline(place: Place) -> list[Path]:
    with_credential(place)
    place.arazzo("validate", "workflow.yml", "--write-baseline", "baseline.json")
    return [place.folder / "baseline.json"]


def fixed(place: Place) -> list[Path]:
    place.run()
    path = place.folder / "workflow.yml"
    before = path.read_text(encoding="utf-8").replace("$response.body", "$response.body.forms", 1)
    path.write_text(before, encoding="utf-8")
    path.chmod(0o640)
    place.arazzo("validate", "workflow.yml", "--fix", "--unsafe", code=0)
    assert path.read_text(encoding="utf-8") != before
    return [path]


def called(place: Place, number: int, *options: str) -> str:
    """Call an operation whose response echoes a secret that it is given."""
    (place.folder / "api.yml").write_text(yaml.safe_dump(API), encoding="utf-8")
    (place.folder / "token").write_text(CANARY, encoding="utf-8")
    given = ["-p", f"n={number}", "-p", "token=@token", "-p", "q=ok"]
    return place.arazzo("call", "api.yml", "look", *given, "--server", place.server, *options)


def response_body(place: Place) -> list[Path]:
    for number in range(len(ANSWERS)):
        shown(called(place, number, "-i", "-vv"))
        shown(called(place, number, "--format", "json"))
        called(place, number, "-o", f"body{number}")
    return [place.folder / f"body{number}" for number in range(2)]


def generated(place: Place) -> list[Path]:
    place.run("--record", "ok.yml", "--report", "har=seen.har")
    shown(place.arazzo("generate", "ok.yml", "-o", "of-cassette.yml"))
    shown(place.arazzo("generate", "seen.har", "-o", "of-har.yml"))
    return [path for path in place.folder.iterdir() if path.name.startswith("of-")]


def saved_step(place: Place) -> list[Path]:
    shown(called(place, 0, "--save", "flow.yml"))
    return [place.folder / "flow.yml"]


MADE: dict[str, Callable[[Place], list[Path]]] = {
    "report of runs": reports,
    "summary of a job": summary,
    "recording": recording,
    "outputs": output,
    "body of a response": response_body,
    "saved step": saved_step,
    "generated files": generated,
    "kept secret outputs": kept,
    "refresh tokens": tokens,
    "store of durable runs": durable,
    "key of a store": key,
    "cache": cache,
    "report of `validate`": linted,
    "baseline": baseline,
    "fixed document": fixed,
}
CLEAR = {"outputs", "body of a response", "kept secret outputs"}


def leaks(text: str) -> list[str]:
    """Return by which escapes a text lets a secret out."""
    return [*ways_out(text, CANARY), *(["as it is"] if LITERAL in text else [])]


def shown(printed: str) -> None:
    assert leaks(printed) == []


def test_the_server_echoes_every_form_that_is_searched():
    assert all(leaks(form) for form in FORMS.values())


def test_every_listed_file_is_made():
    assert set(MADE) == set(ROWS)


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row[0])
def test_a_file_has_the_documented_secrets_and_mode(row, tmp_path, server):
    name, secrets, mode = row[0], row[4], row[5]
    files = MADE[name](Place(tmp_path, server))
    assert files
    for path in files:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        if secrets == "encrypted":
            assert not any(form in text for form in FORMS.values()), path
        elif secrets != "clear":
            assert leaks(text) == [], path
        if secrets == "placeholders":
            assert "arazzo-secret-" in text
    if name in CLEAR:
        assert any(leaks(path.read_text(encoding="utf-8")) for path in files)
    if os.name == "posix":
        own = os.umask(0)
        os.umask(own)
        expected = {"0600": 0o600, "umask": 0o666 & ~own, "as before": 0o640}[mode]
        assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == dict.fromkeys(
            (path.name for path in files), oct(expected)
        )
