"""Command lines with absurd numbers, texts, streams, variables and limits: one diagnostic, the documented exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.hostile import absurd
from tests.hostile.battery import CASES
from tests.hostile.forks import ROOT, Forks
from tests.hostile.test_absurd_files import allowed, complaint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and rlimits are POSIX")
NUMBERS = ("nan", "inf", "-inf", "1e999", "-1", "", "9" * 5000, "1e308", "1,5", "0x10", "1e18", str(2**31), str(2**63), "1e-320",
           "\udcff", "1/0", "1/nan", "1/1e-320", "1e308/s", "9" * 400 + "/9", "x" * 100_000, "-0.0")  # fmt: skip
TEXTS = ("", "\udcff", "a\nb", "\x1b[31mx\x07", "x" * 100_000, "=", "a=", "=b", "a=\udcff", "pets=", "pets=http://[", "pets=http://h:99999999",
         "pets=http://\udcff/", "pets=javascript:x", "[", "{", "$", "'", "~", "--x", "../..", "%00", "\\", "9" * 5000, "99 99 99 99 99",
         "* * * * *", "../../etc/passwd", "http://u:p@h:x", "socks5://h:1")  # fmt: skip
READY = [each for each in absurd.options() if each.name != "--store"]  # tests of the store try that
CHEAP = (
    "run",
    "validate",
    "list",
    "show",
    "auth",
    "graph",
    "trace",
    "debug",
    "mock",
    "replay",
    "eval",
    "cache",
    "explain",
)


@pytest.fixture(scope="module")
def forks():
    with Forks() as found:
        yield found


def firsts(metavars):
    """Return the options of these forms, each by the first command that has it."""
    found = {}
    for each in READY:
        if each.metavar in metavars and each.form is None and (each.name != "--port" or each.command != "mock"):
            found.setdefault(each.name if not each.is_argument else str(each), each)
    return list(found.values())


def tried(forks, lines, tmp_path, **surroundings):
    """Carry out command lines, each in a folder of its own."""
    orders = []
    for number, line in enumerate(lines):
        folder = tmp_path / f"work-{number}"
        absurd.prepare(folder)
        order = {"arguments": line, "folder": str(folder), "state": str(tmp_path / f"state-{number}")}
        orders.append({"seconds": 40, **order, **surroundings})
    return forks.ended(orders)


@pytest.mark.parametrize("option", firsts(absurd.NUMBERS), ids=str)
def test_absurd_numbers(option, tmp_path, forks):
    ends = tried(forks, [option.line(text) for text in NUMBERS], tmp_path)
    found = {text[:40]: complaint(end, allowed=allowed(option)) for text, end in zip(NUMBERS, ends, strict=True)}
    assert {text: each for text, each in found.items() if each is not None} == {}
    codes = dict(zip(NUMBERS, (end["code"] for end in ends), strict=True))
    refused = ("nan", "inf", "-inf", "1e999", "-1", "9" * 5000, "1e308")
    assert [text[:40] for text in refused if codes[text] != 2] == []


@pytest.mark.parametrize("option", firsts(absurd.TEXTS), ids=str)
def test_absurd_texts(option, tmp_path, forks):
    ends = tried(forks, [option.line(text) for text in TEXTS], tmp_path)
    codes = (*allowed(option), 3)
    found = {text[:40]: complaint(end, allowed=codes) for text, end in zip(TEXTS, ends, strict=True)}
    assert {text: each for text, each in found.items() if each is not None} == {}


@pytest.mark.parametrize("field", ["payload", "x-deep", "default", "schema"])
def test_documents_as_deep_as_they_may_be(field, tmp_path, forks):
    depth = 180
    document = yaml.safe_load((CASES / "base.yml").read_text())
    workflow = document["workflows"][0]
    if field == "payload":
        workflow["steps"][0] |= {"operationId": "changePet", "requestBody": {"payload": nested(depth, "a")}}
    elif field == "x-deep":
        document["x-deep"] = nested(depth, "a")
    else:
        workflow["inputs"]["properties"]["z"] = (
            {"default": nested(depth, "a")} if field == "default" else nested(depth, "properties")
        )
    folder = tmp_path / "work"
    absurd.prepare(folder)
    (folder / "workflow.yml").write_text(json.dumps(document))
    lines = [
        [*each, "workflow.yml", "--max-document-depth", "200"]
        for each in (["validate"], ["validate", "--fix"], ["show"], ["graph"], ["trace"], ["run", "--dry-run"])
    ]
    orders = [{"arguments": each, "folder": str(folder), "state": str(tmp_path / each[0])} for each in lines]
    ends = forks.ended(orders)
    assert [complaint(end) for end in ends] == [None] * len(ends)


def nested(levels, name):
    found = {}
    for _ in range(levels):
        found = {name: found}
    return found


# ------------------------------------------------------------------ streams

USUAL = {"run": 1, "mock": 2, "debug": 130, "replay": 1, "auth": 1}
STREAMS = {
    "standard input is closed": {"stdin": "closed"},
    "standard input is a folder": {"stdin": "/"},
    "standard input has no end": {"stdin": "/dev/zero"},
    "standard error is closed": {"stderr": "closed"},
    "standard error is full": {"stderr": "full"},
}


def line_of(command):
    found = absurd.BASES[command]
    return ["mock", "nothing.yml"] if command == "mock" else found


@pytest.mark.parametrize("streams", STREAMS)
def test_streams_without_a_result_do_not_change_the_exit_code(streams, tmp_path, forks):
    ends = tried(forks, [line_of(each) for each in CHEAP], tmp_path, **STREAMS[streams])
    assert {command: end["code"] for command, end in zip(CHEAP, ends, strict=True)} == {
        command: USUAL.get(command, 0) for command in CHEAP
    }
    assert "Traceback" not in "".join(end["err"] for end in ends)


@pytest.mark.parametrize("how", ["closed", "full"])
def test_a_result_that_cannot_be_printed_is_reported(how, tmp_path, forks):
    lines = [line_of(each) for each in CHEAP if each not in ("run", "mock", "debug", "replay")]
    lines += [["validate", "workflow.yml", "--format", "json"], ["--help"], ["--version"], ["run", "--help"]]
    ends = tried(forks, lines, tmp_path, stdout=how)
    found = [f"{line}: {end}" for line, end in zip(lines, ends, strict=True) if end["code"] not in (1, 2)]
    assert found == []
    assert [
        end["err"] for end in ends if "cannot be written" not in end["err"] and "the system refuses" not in end["err"]
    ] == []


@pytest.mark.parametrize("arguments", [["validate", "-"], ["run", "workflow.yml", "--input-file", "-"], ["eval", "$inputs.a", "--context", "-"],
                                       ["run", "workflow.yml", "-i", "token=@-"], ["run", "workflow.yml", "--data", "-"]])  # fmt: skip
@pytest.mark.parametrize("stdin", ["closed", "/", "/dev/zero"])
def test_unreadable_standard_input_is_reported(arguments, stdin, tmp_path, forks):
    (end,) = tried(forks, [arguments], tmp_path, stdin=stdin)
    assert complaint(end) is None
    assert end["code"] == 2
    assert "standard input" in end["err"]


def test_a_process_without_any_streams_writes_into_no_document(tmp_path):
    absurd.prepare(tmp_path / "work")
    before = {path.name: path.read_bytes() for path in (tmp_path / "work").glob("*.yml")}
    command = f'exec "{sys.executable}" -m arazzo_runner validate workflow.yml <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(["sh", "-c", command], cwd=tmp_path / "work", env=environment, check=False)
    assert ended.returncode == 2  # its report could not be written
    assert {path.name: path.read_bytes() for path in (tmp_path / "work").glob("*.yml")} == before


def test_a_clean_document_with_a_closed_standard_error_is_clean(tmp_path):
    absurd.prepare(tmp_path / "work")
    command = f'exec "{sys.executable}" -m arazzo_runner validate workflow.yml 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(["sh", "-c", command], cwd=tmp_path / "work", env=environment, check=False)
    assert ended.returncode == 0


def test_a_reader_that_stops_early_is_not_an_error(tmp_path):
    absurd.prepare(tmp_path / "work")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f'"{sys.executable}" -m arazzo_runner explain | head -1 >/dev/null; "{sys.executable}" -m arazzo_runner --help | true'
    ended = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path / "work", env=environment, check=False, capture_output=True
    )
    assert ended.stderr == b""


def test_json_is_json_in_any_encoding(tmp_path):
    absurd.prepare(tmp_path / "work")
    (tmp_path / "work" / "context.json").write_text('{"inputs": {"a": "é \\u4e2d \\ud83d\\ude00"}}', encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "arazzo_runner", *absurd.BASES["eval"], "--format", "json"]
    ended = subprocess.run(command, cwd=tmp_path / "work", env=environment, check=False, capture_output=True)
    assert json.loads(ended.stdout)["value"] == "é 中 😀"


# ------------------------------------------------------------------ variables and limits

VARIABLES = {
    "COLUMNS": ("0", "-1", "9" * 400, "x"), "LINES": ("0", "x"), "TERM": ("dumb", "", "\udcff", "a" * 5000), "NO_COLOR": ("", "\udcff"),
    "HOME": (None, "", "relative", "/dev/null", "\udcff"), "TMPDIR": ("", "/dev/null"), "TZ": ("\udcff", "x" * 5000),
    "XDG_STATE_HOME": ("/dev/null", "relative", "/proc/nowhere", ""), "XDG_CONFIG_HOME": ("/dev/null", "relative", "\udcff"),
    "XDG_CACHE_HOME": ("/dev/null", "relative", "/proc/nowhere", "\udcff"), "ARAZZO_CACHE_DIR": ("/dev/null", "/proc/nowhere", "x\ny"),
    "SOURCE_DATE_EPOCH": ("-1", "9" * 400, "x", "253402300800"), "LANG": ("C", "\udcff"), "LC_ALL": ("xx",), "ARAZZO_DEBUG": ("\udcff",),
    "ARAZZO_AUTH_PETS_KEY": ("\udcff", "a\nb", "\x1b[31m", "x" * 100_000, ""), "ARAZZO_INPUT_ID": ("\udcff", "\x1b", " "),
    "ARAZZO_SERVER_VAR_X": ("\udcff",), "ARAZZO_KEY_PASSWORD": ("\udcff",), "ARAZZO_NO_CACHE": ("\udcff",), "ARAZZO_HTTP": ("\udcff", "os"),
    "HTTP_PROXY": ("\udcff", "x", "http://", "http://[", "http://h:99999999"), "NO_PROXY": ("\udcff", "[", "x" * 100_000),
    "SSL_CERT_FILE": ("\udcff", "/dev/null"), "GITHUB_STEP_SUMMARY": ("/dev/null/x", "\udcff", "/dev/full"), "CI": ("\udcff",),
    "_ARAZZO_COMPLETE": ("bash_complete",), "GITHUB_ACTIONS": ("\udcff",),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIABLES)
def test_absurd_variables(name, tmp_path, forks):
    commands = ("run", "validate", "auth", "cache", "debug")
    lines = [[*line_of(each), *(("--report", "github") if each == "run" else ())] for each in commands]
    for number, value in enumerate(VARIABLES[name]):
        ends = tried(forks, lines, tmp_path / str(number), environment={name: value})
        found = {each: complaint(end, allowed=(0, 1, 2, 130)) for each, end in zip(commands, ends, strict=True)}
        assert {each: why for each, why in found.items() if why is not None} == {}, value


LIMITS = {
    "no file may be opened": {"most_files": 4},
    "few files may be opened": {"most_files": 9},
    "files may have ten bytes": {"most_bytes": 10},
    "nobody may read what is made": {"umask": 0o777},
    "the working folder is gone": {"gone": True},
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_of_the_system_are_no_bugs(limit, tmp_path, forks):
    for number, command in enumerate(CHEAP):
        folder = tmp_path / str(number)
        absurd.prepare(folder)
        if LIMITS[limit].get("gone"):
            shutil.rmtree(folder)
            folder.mkdir()
        order = {"arguments": line_of(command), "folder": str(folder), "state": str(tmp_path / f"s{number}")}
        (end,) = forks.ended([{**order, **LIMITS[limit]}])
        silent = limit == "files may have ten bytes"  # what is printed goes into a file, too
        assert complaint(end, allowed=(0, 1, 2, 130)) is None or (silent and end["code"] in (0, 1, 2, 130)), command
        if limit == "the working folder is gone" and command not in ("cache", "explain", "replay", "eval"):
            assert "error[system-error]" in end["err"], command
            assert "working directory" in end["err"], command


@pytest.mark.parametrize("most", [5, 9, 12, 16, 24])
def test_documents_are_checked_though_no_process_can_be_started(most, tmp_path, forks):
    folder = tmp_path / "work"
    absurd.prepare(folder)
    for number in range(3):
        (folder / f"w{number}.yml").write_bytes((folder / "workflow.yml").read_bytes())
    order = {"arguments": ["validate", ".", "--jobs", "4"], "folder": str(folder), "state": str(tmp_path / "state")}
    (end,) = forks.ended([{**order, "most_files": most}])
    assert (end["code"], end["out"].splitlines()[-1]) == (0, "4 warnings in 4 of 4 documents")
