"""`arazzo cache` and --no-cache: as a person uses them."""

import os
import subprocess
import sys

import pytest

from tests.document.test_disk_cache import LARGE

DOCUMENT = """\
arazzo: 1.0.1
info: {title: t, version: 1.0.0}
sourceDescriptions: [{name: api, url: ./big.yml, type: openapi}]
workflows: [{workflowId: w, steps: [{stepId: s, operationId: ping}]}]
"""
API = LARGE.decode().replace(
    "x:\n", "info: {title: t, version: '1'}\npaths: {/ping: {get: {operationId: ping}}}\nx-x:\n"
)


@pytest.fixture
def arazzo(tmp_path):
    (tmp_path / "w.yml").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "big.yml").write_text(API, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "ARAZZO_NO_CACHE"}
    environment["ARAZZO_CACHE_DIR"] = str(tmp_path / "cache")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "arazzo_runner", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.replace(str(tmp_path), "DIR"), done.stderr

    return run


def test_the_cache_is_filled_shown_and_cleared(arazzo, tmp_path):
    assert arazzo("validate", "w.yml", "--no-cache")[0] == 0
    assert arazzo("cache")[1] == "DIR/cache\n0 files, 0.0 MB, at most 200.0 MB\n".replace("/", os.sep)
    assert arazzo("validate", "w.yml")[0] == 0
    assert arazzo("cache", "show")[1].endswith("\n2 files, 0.1 MB, at most 200.0 MB\n")
    _, description = sorted((tmp_path / "cache").iterdir(), key=lambda path: path.stat().st_size)
    description.write_bytes(b"poison")
    code, _, errors = arazzo("run", "w.yml", "--dry-run", "--server", "api=http://api.test")
    assert code == 0
    assert "info[cache-ignored]: a cached document is not used: it is damaged" in errors
    assert arazzo("cache", "clear")[1].startswith("removed 2 files, 0.1 MB from DIR")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("format_", ["text", "json", "sarif"])
def test_cached_findings_are_reported_word_for_word_even_if_the_entry_is_damaged(arazzo, tmp_path, format_):
    (tmp_path / "w.yml").write_text(DOCUMENT.replace("operationId: ping", "operationId: pong"), encoding="utf-8")
    command = ("validate", "w.yml", "--format", format_)
    first = arazzo(*command)
    assert first[0] == 1
    assert arazzo(*command) == first
    results, _ = sorted((tmp_path / "cache").iterdir(), key=lambda path: path.stat().st_size)
    results.write_bytes(b"poison")
    assert arazzo(*command) == first
    assert arazzo(*command, "--no-cache") == first


def test_an_unknown_action_is_refused(arazzo):
    code, _, errors = arazzo("cache", "clean")
    assert code == 2
    assert "clean" in errors
