"""The cache of large documents: hit and miss, entries that are not trusted, the size limit."""

import json
import os
import stat

import pytest

from arazzo_runner.document.cache import MIN_BYTES, DiskCache, cache_folder, cached_reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Limits, read

LINES = "".join(f"  key{number}: [1, 2.5, yes, null, 'ü', 2024-01-01]\n" for number in range(1400))
LARGE = f"openapi: 3.1.0\nx:\n{LINES}".encode()
POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are POSIX's")


@pytest.fixture
def cache(tmp_path):
    return DiskCache(str(tmp_path / "cache"))


def read_with(cache, data=LARGE, **options):
    problems = Problems()
    return cache.read(data, "big.yml", problems, **options), [each.code for each in problems.diagnostics]


def test_the_second_reading_comes_from_the_cache_and_is_the_same(cache, monkeypatch):
    assert len(LARGE) > MIN_BYTES
    first, _ = read_with(cache)
    monkeypatch.setattr("arazzo_runner.document.cache.read", None)  # a second reading of the text would fail
    second, found = read_with(cache)
    assert (second.value, found) == (first.value, [])
    assert second.value == read(LARGE, "x", Problems()).value
    assert (second.at("/x/key7").line, second.at("/x/key7").column) == (first.at("/x/key7").line, 9)


@POSIX
def test_only_the_owner_may_read_it(cache):
    read_with(cache)
    (path,) = cache.entries().paths
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(cache.folder).st_mode) == 0o700


@pytest.mark.parametrize(
    ("data", "options"),
    [
        pytest.param(b"a: 1\n", {}, id="a small document"),
        pytest.param(json.dumps({"x": "y" * MIN_BYTES}).encode(), {}, id="JSON is as fast as the cache"),
        pytest.param(LARGE + b"openapi: 3.1.0\n", {}, id="a document with a Diagnostic, which must be told again"),
        pytest.param(LARGE, {"limits": Limits(max_nodes=10)}, id="a document above a limit"),
        pytest.param(LARGE, {"limits": Limits(max_bytes=MIN_BYTES + 1)}, id="a text above the limit of size"),
    ],
)
def test_documents_that_are_not_cached(cache, data, options):
    read_with(cache, data, **options)
    assert cache.entries().paths == ()


def test_content_and_limits_are_the_key(cache):
    read_with(cache)
    read_with(cache, LARGE + b"# changed\n")
    _, found = read_with(cache, limits=Limits(max_nodes=10))
    assert found == ["document-too-large"]
    assert len(cache.entries().paths) == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-10], id="cut short"),
        pytest.param(lambda text: text.replace(b"key7", b"key8", 1), id="a byte changed"),
        pytest.param(lambda text: b"", id="empty"),
        pytest.param(lambda text: b"\x80\x04K\x01.", id="of another format"),
    ],
)
def test_a_damaged_entry_is_ignored_with_a_note_and_replaced(cache, change):
    good, _ = read_with(cache)
    (path,) = cache.entries().paths
    with open(path, "rb") as stream:
        text = stream.read()
    with open(path, "wb") as stream:
        stream.write(change(text))
    again, found = read_with(cache)
    assert (again.value, found) == (good.value, ["cache-ignored"])
    assert read_with(cache)[1] == []


@POSIX
@pytest.mark.parametrize("place", ["folder", "entry"])
def test_files_that_others_may_write_are_ignored_with_a_note(cache, place):
    good, _ = read_with(cache)
    (path,) = cache.entries().paths
    os.chmod(cache.folder if place == "folder" else path, 0o777)
    with open(path, "wb") as stream:
        stream.write(b"poison")
    again, found = read_with(cache)
    assert (again.value, found) == (good.value, ["cache-ignored"])


@POSIX
def test_files_of_another_user_are_ignored_with_a_note(cache, monkeypatch):
    good, _ = read_with(cache)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    again, found = read_with(cache)
    assert (again.value, found) == (good.value, ["cache-ignored"])


@POSIX
def test_a_link_is_no_entry(cache, tmp_path):
    read_with(cache)
    (path,) = cache.entries().paths
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    assert read_with(cache)[1] == ["cache-ignored"]


def test_the_longest_unused_go_first(tmp_path):
    cache = DiskCache(str(tmp_path), max_bytes=200_000)
    documents = [LARGE + f"# {number}\n".encode() for number in range(6)]
    for number, data in enumerate(documents):
        read_with(cache, data)
        for path in cache.entries().paths[-1:]:
            os.utime(path, (number, number))
    found = cache.entries()
    assert 0 < found.size <= 200_000
    assert len(found.paths) < 6


def test_clear_removes_its_own_files_only(cache):
    read_with(cache)
    mine = os.path.join(cache.folder, "notes.json")
    with open(mine, "w", encoding="utf-8") as stream:
        stream.write("{}")
    assert len(cache.clear().paths) == 1
    assert os.listdir(cache.folder) == ["notes.json"]


def test_a_folder_that_cannot_be_written_is_no_cache(tmp_path):
    (tmp_path / "file").write_text("")
    document, found = read_with(DiskCache(str(tmp_path / "file" / "cache")))
    assert document is not None
    assert found in ([], ["cache-ignored"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has its own folder")
@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"ARAZZO_CACHE_DIR": "/c", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/arazzo"),
        ({"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/arazzo"),
        ({}, None),
    ],
)
def test_where_it_is(environment, folder):
    assert cache_folder(environment) == folder


def test_it_can_be_turned_off():
    environment = {"ARAZZO_CACHE_DIR": "/c"}
    assert cached_reader(environment, wanted=False) is read
    assert cached_reader({**environment, "ARAZZO_NO_CACHE": "1"}) is read
    assert cached_reader(environment) is not read
