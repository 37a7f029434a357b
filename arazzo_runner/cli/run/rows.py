"""The rows of --data: one mapping of inputs for each run, from CSV, JSON Lines, JSON or YAML."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Final, NoReturn

from arazzo_runner.base.json_values import JsonValue, to_text, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import GivenInputs, read_bytes
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import InvalidUsage

NAME_COLUMN: Final = "_name"
_TABLES: Final = {".csv": ",", ".tsv": "\t"}
_LINES: Final = (".jsonl", ".ndjson")
ROW_SUFFIXES: Final = (*_LINES, *_TABLES)
"""The suffixes of files that hold rows and nothing else."""


class Row(Record):
    """The name and the inputs of a run; cells of a table are texts, which the schema is still to coerce."""

    name: str
    inputs: GivenInputs


def read_rows(path: str) -> list[Row]:
    """Read a file of rows (`-` is standard input: JSON Lines, JSON or YAML); raises InvalidUsage.

    The suffix decides the format: `.csv` and `.tsv` have a first line of names, `.jsonl` and
    `.ndjson` one object a line, everything else is a JSON or YAML list of mappings. The member
    `_name` is the name of a run, not an input; runs without one are numbered.
    """
    data = read_bytes(path)
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix in _TABLES:
        found = list(_table(_text(path, data), _TABLES[suffix], path))
    elif suffix in _LINES or (path == "-" and _looks_like_lines(data)):
        found = [_from_mapping(value, path) for value in _json_lines(_text(path, data), path)]
    else:
        found = [_from_mapping(value, path) for value in _list(data, path)]
    if not found:
        raise _wrong(path, "it has no rows")
    return [Row(name or str(number), inputs) for number, (name, inputs) in enumerate(found, start=1)]


def _table(text: str, delimiter: str, path: str) -> Iterator[tuple[str | None, GivenInputs]]:
    """Yield the rows of a table; an empty cell is an input that is not given."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(names, path)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(names):
                message = f"line {reader.line_num} has {len(cells)} cells, the first line {len(names)}"
                raise _wrong(path, message)
            texts = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            name = texts.pop(NAME_COLUMN, None)
            yield name, GivenInputs(texts=texts)
    except csv.Error as problem:
        raise _wrong(path, f"line {reader.line_num} is not CSV: {problem}") from None


def _check_names(names: list[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name:
            raise _wrong(path, "the first line, which names the inputs, has an empty cell")
        if name in seen:
            raise _wrong(path, f'the first line names the input "{name}" twice')
        seen.add(name)


def _json_lines(text: str, path: str) -> Iterator[JsonValue]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as problem:
            raise _wrong(path, f"line {number} is not JSON: {problem}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _list(data: bytes, path: str) -> list[JsonValue]:
    problems = Problems()
    document = read(data, "<stdin>" if path == "-" else path, problems)
    if document is None or problems.has_errors:
        raise InvalidUsage(problems.diagnostics)
    if not isinstance(document.value, list):
        raise _wrong(path, f"rows are a list of mappings, found {type_name(document.value)}")
    return document.value


def _from_mapping(value: JsonValue, path: str) -> tuple[str | None, GivenInputs]:
    if not isinstance(value, dict):
        raise _wrong(path, f"a row is a mapping of input names to values, found {type_name(value)}")
    inputs = {name: item for name, item in value.items() if name != NAME_COLUMN}
    name = value.get(NAME_COLUMN)
    return None if name is None else to_text(name), GivenInputs(values=inputs)


def _looks_like_lines(data: bytes) -> bool:
    lines = data.strip().splitlines()
    return bool(lines) and all(line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines)


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "it is not UTF-8 text") from None


def _wrong(path: str, what: str) -> InvalidUsage:
    hint = "CSV begins with a line of names, JSON Lines has one object a line, JSON and YAML hold a list of mappings"
    return InvalidUsage([usage_error(f"--data {path}: {what}", code="unusable-rows", hint=hint, file=path)])
