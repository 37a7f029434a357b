"""The targets for the readers of files alone: YAML and JSON with their places, recorded runs."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from arazzo_runner.base.json_values import JsonValue, escaped, resolve_pointer
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli import main
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.runtime.cassette.api import CassetteApi
from arazzo_runner.runtime.cassette.file import cassette_text, read_cassette
from arazzo_runner.runtime.cassette.placeholders import Placeholders

LIMITS = Limits(max_nodes=20_000)
_FOLDER = Path(tempfile.mkdtemp(prefix="arazzo-fuzz-files-"))
_FIXED = Path(__file__).parents[2] / "fixtures" / "fuzz"


def yaml(data: bytes) -> None:
    """A YAML document: plain JSON data, every place of it in the text; else an error with a place."""
    document = _read(data, "a.yml")
    if document is not None and isinstance(document.value, (dict, list)):
        # What is written of it as JSON is read as the same value.
        again = _read(json.dumps(document.value).encode(), "a.json")
        assert again is not None
        assert again.value == document.value


def json_text(data: bytes) -> None:
    """A JSON document: what the standard library reads strictly is read as the same value, or refused with a place."""
    document = _read(data, "a.json")
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(data.decode(), parse_constant=_refuse)
        if document is not None and isinstance(value, (dict, list)):
            assert document.value == value


def cassette(data: bytes) -> None:
    """A recorded run: replayed as a command line, served as a mock, written again as it was read."""
    (_FOLDER / "pets.yml").write_bytes((_FIXED / "openapi" / "pets.yml").read_bytes())
    (_FOLDER / "pets.arazzo.yml").write_bytes((_FIXED / "document" / "pets.arazzo.yml").read_bytes())
    path = _FOLDER / f"{os.getpid()}.cassette.yml"
    path.write_bytes(data)
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        # The document is given: a cassette could name any file.
        code = main.run(["replay", str(path), str(_FOLDER / "pets.arazzo.yml"), "--root", str(_FOLDER), "--no-color"])
    assert code in (0, 1, 2), told.getvalue()
    recorded = None
    with contextlib.suppress(InvalidUsage):
        recorded = read_cassette(path)
    if recorded is None:
        assert code == 2, told.getvalue()
        return
    answering = CassetteApi(recorded)
    for each in [*(one.request for one in recorded.exchanges), HttpRequest("GET", "/pets/7", (), None)]:
        answer = answering.handle(each)
        assert not isinstance(answer, HttpResponse) or isinstance(answer.body, bytes)
    path.write_text(cassette_text(recorded, Placeholders(Secrets())), encoding="utf-8")
    assert [each.key for each in read_cassette(path).interactions] == [each.key for each in recorded.interactions]


def _read(data: bytes, name: str) -> Document | None:
    problems = Problems()
    document = read(data, name, problems, limits=LIMITS)
    assert document is not None or problems.diagnostics
    render_diagnostics(tuple(problems.diagnostics))
    if document is None:
        return None
    lines = document.positions.line_starts()
    for pointer, value in _places(document.value):
        assert resolve_pointer(document.value, pointer) is value or value != value
        at = document.at(pointer)
        assert at.line is None or 1 <= at.line <= len(lines), f"{pointer} is in line {at.line} of {len(lines)}"
        if isinstance(value, float):
            assert math.isfinite(value)
    return document


def _places(value: JsonValue, most: int = 200) -> list[tuple[str, JsonValue]]:
    """Return the first pointers of a value with the values they select."""
    found = [("", value)]
    for pointer, each in found:
        if len(found) > most:
            break
        items = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        found += [(f"{pointer}/{escaped(str(key))}", item) for key, item in items]
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


FILES: dict[str, Callable[[bytes], None]] = {"yaml": yaml, "json": json_text, "cassette": cassette}
