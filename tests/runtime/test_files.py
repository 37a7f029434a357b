"""Files that bodies send: regular ones below the working directory that are not hidden."""

from __future__ import annotations

import asyncio
import os

import pytest

import arazzo_runner
from arazzo_runner.engine.effects import NoFile, ReadFile
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime import files
from arazzo_runner.runtime.files import read_below
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
    assert read_below(str(folder), "sub/file.txt") == b"content"
    assert read_below(str(folder), str(folder / "sub" / ".." / "sub" / "file.txt")) == b"content"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("../outside.txt", "outside of", id="beside the folder"),
        pytest.param("/etc/passwd", "outside of", id="elsewhere"),
        pytest.param("link", "outside of", id="a link that leads out"),
        pytest.param("a\0b", "outside of", id="a NUL"),
        pytest.param(".env", "is hidden", id="a hidden file"),
        pytest.param(".git/config", "is hidden", id="in a hidden folder"),
        pytest.param("shown", "is hidden", id="a link to a hidden file"),
        pytest.param("nothing.txt", "cannot be sent", id="one that is not there"),
        pytest.param("sub", "cannot be sent", id="a folder"),
    ],
)
def test_other_files_are_refused_with_the_reason(folder, path, why):
    answer = read_below(str(folder), path)
    assert isinstance(answer, NoFile)
    assert why in answer.message


def test_a_pipe_and_a_huge_file_are_refused(folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    assert isinstance(read_below(str(folder), "pipe"), NoFile)
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 3)
    assert isinstance(read_below(str(folder), "sub/file.txt"), NoFile)


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
