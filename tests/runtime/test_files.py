"""Files that bodies send: regular ones below the working directory that are not hidden."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

import arazzo_runner
from arazzo_runner.engine.effects import NoFile, ReadFile
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime import files
from arazzo_runner.runtime.files import read_below, unusable_name
from arazzo_runner.runtime.given_files import with_files
from arazzo_runner.runtime.scripted import ScriptedWorld


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub" / "file.txt").write_bytes(b"content")
    (inside / ".env").write_text("TOKEN=1")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("x")
    (tmp_path / "outside.txt").write_text("x")
    (inside / "link").symlink_to(tmp_path / "outside.txt")
    (inside / "shown").symlink_to(inside / ".env")
    return inside


def test_a_file_below_the_folder_is_read(folder):
    assert read_below((str(folder),), "sub/file.txt") == b"content"
    assert read_below((str(folder),), str(folder / "sub" / ".." / "sub" / "file.txt")) == b"content"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("../outside.txt", "outside of", id="beside the folder"),
        pytest.param("/etc/passwd", "outside of", id="elsewhere"),
        pytest.param("link", "outside of", id="a link that leads out"),
        pytest.param("a\0b", "its name is not usable", id="a NUL"),
        pytest.param(".env", "is hidden", id="a hidden file"),
        pytest.param(".git/config", "is hidden", id="in a hidden folder"),
        pytest.param("shown", "is hidden", id="a link to a hidden file"),
        pytest.param("nothing.txt", "cannot be sent: it does not exist", id="one that is not there"),
        pytest.param("sub", "cannot be sent: it is a directory", id="a folder"),
        pytest.param("sub/../../outside.txt", "outside of", id="through a folder and out again"),
    ],
)
def test_other_files_are_refused_with_the_reason(folder, path, why):
    answer = read_below((str(folder),), path)
    assert isinstance(answer, NoFile)
    assert why in answer.message


def test_a_file_of_a_folder_that_is_allowed_is_read(folder, tmp_path):
    other = tmp_path / "other"
    (other / ".hidden").mkdir(parents=True)
    (other / "photo.png").write_bytes(b"photo")
    (other / ".hidden" / "photo.png").write_bytes(b"photo")
    (other / "link").symlink_to(tmp_path / "outside.txt")
    roots = (str(folder), str(other))
    assert read_below(roots, "../other/photo.png") == b"photo"
    assert read_below(roots, str(other / "photo.png")) == b"photo"
    assert read_below((str(folder), str(other / ".hidden")), "../other/.hidden/photo.png") == b"photo"
    for path, why in (
        ("../outside.txt", "outside of"),
        ("../other/link", "outside of"),
        ("../other/.hidden/photo.png", "is hidden"),
    ):
        answer = read_below(roots, path)
        assert isinstance(answer, NoFile)
        assert why in answer.message
        assert answer.is_outside is (why == "outside of")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("\\\\server\\share\\x", "on another computer", id="a share"),
        pytest.param("//server/share/x", "on another computer", id="a share with slashes"),
        pytest.param("\\\\.\\COM1", "on another computer, or a device", id="a device path"),
        pytest.param("\\\\?\\C:\\x", "on another computer", id="a path without limits"),
        pytest.param("NUL", "a device", id="a device"),
        pytest.param("pictures/nul.txt", "a device", id="a device with a suffix"),
        pytest.param("com1", "a device", id="a port"),
        pytest.param("CONIN$", "a device", id="the console"),
        pytest.param("AUX .txt", "a device", id="a device and a blank"),
        pytest.param("file.txt:secret", "a stream", id="a stream"),
        pytest.param("C:file.txt", "relative to a drive", id="a place on a drive"),
        pytest.param("x\0", "not usable", id="a NUL"),
        pytest.param("C:\\pictures\\cat.png", None, id="an absolute path is looked up"),
        pytest.param("pictures\\console.txt", None, id="a name that begins like a device"),
        pytest.param("..\\cat.png", None, id="above is looked up"),
    ],
)
def test_names_that_windows_reads_otherwise_are_not_looked_up(path, why):
    found = unusable_name(path, is_windows=True)
    assert found is None if why is None else why in (found or "")


def test_a_pipe_and_a_huge_file_are_refused(folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    assert isinstance(read_below((str(folder),), "pipe"), NoFile)
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 3)
    assert isinstance(read_below((str(folder),), "sub/file.txt"), NoFile)


def test_every_world_reads_the_file(folder, monkeypatch):
    monkeypatch.chdir(folder)
    read = ReadFile(key="up#1/file1", path="sub/file.txt")

    async def asynchronous():
        async with arazzo_runner.AsyncWorld() as world:
            return await world.perform(read)

    assert asyncio.run(asynchronous()) == b"content"
    with arazzo_runner.BlockingWorld() as blocking:
        for world in (blocking, ScriptedWorld([])):
            assert drive(world.perform(read)) == b"content"


@pytest.mark.parametrize("buffering", [0, -1], ids=["unbuffered", "buffered"])
def test_an_open_pipe_is_read_to_its_end(buffering):
    content = os.urandom(300_000)  # more than one read returns
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as pipe:
            pipe.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    with open(reading, "rb", buffering=buffering) as pipe:
        assert with_files({"photo": pipe}) == {"photo": content}
    thread.join()
