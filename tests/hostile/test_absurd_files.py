"""Every command's every option that takes a file, with every absurd file: one diagnostic, no bug, no endless wait."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.hostile import absurd
from tests.hostile.battery import _STEERS
from tests.hostile.forks import Forks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and rlimits are POSIX")
PIPE = "a pipe that nobody writes"
NOTHING = "nothing"
FEW = (NOTHING, "one NUL", "3,000 brackets", "a folder", "below a file", "a name that is not UTF-8")
UNTRIED = {("validate specs", "the root"): "every folder of the machine would be searched"}
MOST_MEMORY = 300_000  # KB
OPTIONS = [each for each in absurd.options() if each.form is not None]
FIRSTS = {each.name: each for each in reversed(OPTIONS)}
"""For each name the first command that has it: it tries all files, the others some."""


@pytest.fixture(scope="module")
def forks():
    with Forks() as found:
        yield found


@pytest.fixture(scope="module")
def busy():
    """A port at which a mock cannot listen, so that one that finds nothing wrong ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def line(option, name, busy):
    assert option.form is not None
    found = option.line(option.form.replace("{file}", name))
    return [found[0], "--port", str(busy), *found[1:]] if found[0] == "mock" else found


def orders(option, names, folder, busy):
    return [
        {"arguments": line(option, name, busy), "folder": str(folder), "state": str(folder / f"state-{number}")}
        for number, name in enumerate(names)
    ]


def complaint(ended, *, allowed=(0, 1, 2)):
    printed = ended["out"] + ended["err"]
    if ended["code"] not in allowed:
        return f"ends with {ended['code']}: {ended['err'][-300:]}"
    if "Traceback" in printed or "Exception ignored" in printed:
        return f"a traceback: {ended['err'][-300:]}"
    if ended["code"] and not printed.strip():
        return "says nothing"
    steering = _STEERS.search(printed)
    if steering is not None:
        return f"{steering.group()!r} is printed"
    return f"takes {ended['memory']} KB" if ended["memory"] > MOST_MEMORY else None


def allowed(option):
    return (0, 1, 2, 130) if option.command == "debug" else (0, 1, 2)


def test_the_form_of_every_option_is_known():
    known = {*absurd.FORMS, *absurd.TEXTS, *absurd.NUMBERS}
    unknown = [f"{each}: {each.metavar}" for each in absurd.options() if each.metavar not in known]
    assert unknown == [], "say in tests/hostile/absurd.py what an option of this form takes"


def test_every_command_has_a_sound_command_line():
    assert set(absurd.commands()) == set(absurd.BASES)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_absurd_files(option, tmp_path, forks, busy):
    folder = tmp_path / "work"
    absurd.prepare(folder)
    files = absurd.absurd_files(folder)
    words = [each for each in (files if FIRSTS[option.name] is option else FEW) if each != PIPE]
    words = [each for each in words if (str(option), each) not in UNTRIED]
    ends = forks.ended(orders(option, [files[each] for each in words], folder, busy))
    found = {word: complaint(end, allowed=allowed(option)) for word, end in zip(words, ends, strict=True)}
    assert {word: each for word, each in found.items() if each is not None} == {}
    end = ends[words.index(NOTHING)]
    if option.name not in absurd.WRITTEN:
        assert end["code"] == (1 if option.name == "--source" and option.command == "validate" else 2)
        assert files[NOTHING] in end["out"] + end["err"], "the file that is not there is not named"


def test_pipes_without_a_writer_time_out(tmp_path, forks, busy):
    wanted = []
    for number, option in enumerate(OPTIONS):
        folder = tmp_path / str(number)
        absurd.prepare(folder)
        name = absurd.absurd_files(folder)[PIPE]
        wanted += [{**order, "seconds": 60} for order in orders(option, [name], folder, busy)]
    ends = forks.ended(wanted)
    found = {str(each): complaint(end, allowed=allowed(each)) for each, end in zip(OPTIONS, ends, strict=True)}
    assert {option: each for option, each in found.items() if each is not None} == {}


def test_a_pipe_that_is_written_late_is_read(tmp_path, forks):
    absurd.prepare(tmp_path / "work")
    arguments = ["run", "workflow.yml", "--dry-run", "--input-file", "/dev/stdin"]
    order = {"arguments": arguments, "folder": str(tmp_path / "work"), "state": str(tmp_path / "s")}
    order |= {"shell": "(sleep 0.3; echo 'id: from-a-pipe')"}
    (end,) = forks.ended([order])
    assert end["code"] == 0
    assert "/pets/from-a-pipe" in end["out"]


# ------------------------------------------------------------------ folders that are searched


def test_folders_with_absurd_names_and_entries_are_searched(tmp_path, forks):
    absurd.prepare(tmp_path / "work")
    for name in ("odd\x1b[31m\n.yml", "odd-\udcff.yml", "#.yml", "%41.yml", "-x.yml"):
        (tmp_path / "work" / name).write_bytes((tmp_path / "work" / "workflow.yml").read_bytes())
    for number, make in enumerate(absurd.KINDS.values()):
        make(tmp_path / "work" / f"kind-{number}.yml")
    (tmp_path / "work" / ".gitignore").mkdir()
    (tmp_path / "work" / "arazzo.toml.yml").symlink_to("/proc/self/mem")
    wanted = [
        {"arguments": arguments, "folder": str(tmp_path / "work"), "state": str(tmp_path / f"s{number}")}
        for number, arguments in enumerate((["validate"], ["validate", "."], ["validate", "*.yml"], ["validate", "**/*"],
                                            ["validate", "--diff"], ["run", "*.yml", "--dry-run"], ["validate", "--format", "sarif"]))
    ]  # fmt: skip
    ends = forks.ended(wanted)
    assert [complaint(end) for end in ends] == [None] * len(ends)
    assert "6 documents" in ends[0]["out"]


def test_folders_nested_more_deeply_than_calls(tmp_path, forks):
    absurd.prepare(tmp_path / "work")
    arguments = [["validate"], ["validate", "**/*.yml"], ["run", "**/*.yml", "--dry-run"], ["list", "workflow.yml"]]
    wanted = [
        {"arguments": each, "folder": str(tmp_path / "work"), "state": str(tmp_path / f"s{number}"), "nested": 1500}
        for number, each in enumerate(arguments)
    ]
    try:
        ends = forks.ended(wanted)
    finally:
        subprocess.run(
            ["rm", "-rf", str(tmp_path / "work")], check=True
        )  # Python's own removal calls itself too deeply
    assert [complaint(end) for end in ends] == [None] * len(ends)


@pytest.mark.parametrize("name", ["odd-\udcff", "odd\nname", "odd\x1b[31m", "#", "%41", "é", "n" * 250])
def test_a_working_folder_with_an_absurd_name(name, tmp_path, forks):
    folder = tmp_path / name
    absurd.prepare(folder)
    lines = [
        absurd.BASES[command] for command in ("validate", "list", "show", "graph", "trace", "run", "auth", "submit")
    ]
    lines += [
        ["run", "workflow.yml", "--dry-run", "--report", f"{kind}=r"] for kind in ("json", "html", "junit", "har")
    ]
    lines += [["validate", "--format", each] for each in ("sarif", "junit", "json", "gitlab", "github", "checkstyle")]
    wanted = [
        {"arguments": each, "folder": str(folder), "state": str(tmp_path / f"s{number}")}
        for number, each in enumerate(lines)
    ]
    found = dict(zip(map(" ".join, lines), map(complaint, forks.ended(wanted)), strict=True))
    assert {each: why for each, why in found.items() if why is not None} == {}
