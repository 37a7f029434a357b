"""Rows of --data: one mapping of inputs each, from CSV, JSON Lines, JSON or YAML, with the place of every value."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Final, NoReturn

from arazzo_runner.base.json_values import JsonValue, escaped, to_text, type_name
from arazzo_runner.base.records import Record, replace
from arazzo_runner.cli.run.inputs import GivenInputs, place_in, read_bytes
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.engine.inputs import undeclared_inputs
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean
from arazzo_runner.program.model import CompiledWorkflow, Program
from arazzo_runner.program.schemas import accepts_any_name, input_names

NAME_COLUMN: Final = "_name"
_TABLES: Final = {".csv": ",", ".tsv": "\t"}
_LINES: Final = (".jsonl", ".ndjson")
ROW_SUFFIXES: Final = (*_LINES, *_TABLES)
"""The suffixes of files that hold rows and nothing else."""


class Row(Record):
    """The name and the inputs of a run; cells of a table are texts, which the schema is still to coerce."""

    name: str
    inputs: GivenInputs


class _Read(Record):
    """A row before rows are numbered: its name, if it has one, its inputs."""

    name: str | None
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
        found = list(_json_lines(_text(path, data), path))
    else:
        found = list(_list(data, path))
    if not found:
        raise _wrong(path, "it has no rows")
    return [Row(each.name or str(number), each.inputs) for number, each in enumerate(found, start=1)]


def rows_for(programs: Sequence[Program], path: str, *, allow_unknown: bool) -> list[Row]:
    """Read the rows of some workflows; raises InvalidUsage for columns that are inputs of none.

    `allow_unknown` leaves these columns out.
    """
    rows, names = read_rows(path), [_names_of(each.workflow) for each in programs]
    if None in names:
        return rows
    known = frozenset[str]().union(*(each for each in names if each is not None))
    if allow_unknown:
        return [Row(each.name, _without(each.inputs, known)) for each in rows]
    unknown = list(_unknown_columns(path, rows, known))
    if unknown:
        raise InvalidUsage(unknown)
    return rows


def _names_of(workflow: CompiledWorkflow) -> frozenset[str] | None:
    """Return the inputs that a workflow declares or reads; None if it may have others."""
    schema, root = workflow.inputs, workflow.document.raw
    names = input_names(schema, root)
    if names is None or accepts_any_name(schema, root):
        return None
    return names | {reference.name for reference, _ in undeclared_inputs(workflow) if reference.name}


def _unknown_columns(path: str, rows: Sequence[Row], known: Collection[str]) -> Iterator[Diagnostic]:
    """Yield an error for each name of a file of rows that is no input, where it is first."""
    reported: set[str] = set()
    for row in rows:
        for name in (*row.inputs.values, *row.inputs.texts):
            if name not in known and name not in reported:
                reported.add(name)
                available = f"available: {', '.join(sorted(known))}" if known else "the workflow has no inputs"
                hint = f"{did_you_mean(name, known) or available} (--allow-unknown-columns ignores it)"
                if all(each in known or each == "_name" for each in name.split(";")):
                    hint = "separate the columns with commas, or with tabs in a file that ends in .tsv"
                yield Diagnostic(
                    code="unknown-column",
                    severity=Severity.ERROR,
                    message=f'the column "{name}" is no input',
                    at=row.inputs.column(name) or Location(path),
                    hint=hint,
                )


def _without(inputs: GivenInputs, known: Collection[str]) -> GivenInputs:
    """Return the inputs of a row that are known."""
    values = {name: value for name, value in inputs.values.items() if name in known}
    texts = {name: text for name, text in inputs.texts.items() if name in known}
    return replace(inputs, values=values, texts=texts)


# ------------------------------------------------------------------ tables


def _table(text: str, delimiter: str, path: str) -> Iterator[_Read]:
    """Yield the rows of a table; an empty cell is an input that is not given."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(names, path)
        place, before = partial(_cell, path, text, delimiter, names), reader.line_num
        for cells in reader:
            first, before = before + 1, reader.line_num
            if not any(cells):
                continue
            if len(cells) != len(names):
                message = f"line {first} has {len(cells)} cells, the first line {len(names)}"
                raise _wrong(path, message, place_in(path, first))
            texts = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            name = texts.pop(NAME_COLUMN, None)
            yield _Read(name, GivenInputs(texts=texts, place=partial(place, first), column=partial(place, 1)))
    except csv.Error as problem:
        raise _wrong(path, f"line {reader.line_num} is not CSV: {problem}", place_in(path, reader.line_num)) from None


def _check_names(names: list[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name:
            raise _wrong(path, "the first line, which names the inputs, has an empty cell", place_in(path, 1))
        if name in seen:
            raise _wrong(path, f'the first line names the input "{name}" twice', place_in(path, 1))
        seen.add(name)


def _cell(path: str, text: str, delimiter: str, names: list[str], line: int, name: str) -> Location:
    """Return where the cell of an input is in the row that begins in a line; the beginning of the row for none."""
    row = "".join(_lines(text)[line - 1 :])
    index = names.index(name) if name in names else 0
    start, is_quoted = 0, False
    for place, character in enumerate(row):
        if index == 0:
            break
        if character == '"':
            is_quoted = not is_quoted
        elif character == delimiter and not is_quoted:
            index, start = index - 1, place + 1
    before = row[:start]
    return place_in(path, line + before.count("\n"), start - before.rfind("\n"))


# ------------------------------------------------------------------ JSON Lines, JSON and YAML


def _json_lines(text: str, path: str) -> Iterator[_Read]:
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        at = partial(_in_line, path, line, number)
        try:
            value = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as problem:
            column = problem.colno if isinstance(problem, json.JSONDecodeError) else 1
            place = place_in(path, number, column)
            raise _wrong(path, f"line {number} is not JSON: {problem}", place) from None
        yield _from_mapping(value, path, at)


def _in_line(path: str, line: str, number: int, pointer: str, on_key: bool = False) -> Location:
    document = read(line.encode(), path, Problems())
    found = None if document is None else document.at(pointer)
    found = found.at_key() if found is not None and on_key else found
    return place_in(path, number, (None if found is None else found.column) or 1)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _list(data: bytes, path: str) -> Iterator[_Read]:
    problems = Problems()
    document = read(data, "<stdin>" if path == "-" else path, problems)
    if document is None or problems.has_errors:
        raise InvalidUsage(problems.diagnostics)
    if not isinstance(document.value, list):
        raise _wrong(path, f"rows are a list of mappings, found {type_name(document.value)}", _at(document, "", ""))
    for index, value in enumerate(document.value):
        yield _from_mapping(value, path, partial(_at, document, f"/{index}"))


def _at(document: Document, row: str, pointer: str, on_key: bool = False) -> Location:
    found = document.at(row + pointer)
    line, column = (found.at_key() if on_key else found).start
    return place_in(document.uri, line or 1, column or 1)


def _from_mapping(value: JsonValue, path: str, at: Callable[..., Location]) -> _Read:
    if not isinstance(value, dict):
        raise _wrong(path, f"a row is a mapping of input names to values, found {type_name(value)}", at(""))
    inputs = {name: item for name, item in value.items() if name != NAME_COLUMN}
    name = value.get(NAME_COLUMN)
    given = GivenInputs(
        inputs, place=partial(_member, at, inputs, on_key=False), column=partial(_member, at, inputs, on_key=True)
    )
    return _Read(None if name is None else to_text(name), given)


def _member(at: Callable[..., Location], inputs: Collection[str], name: str, *, on_key: bool) -> Location:
    """Return where a row has an input, the beginning of the row for one that it has not."""
    return at(f"/{escaped(name)}", on_key) if name in inputs else at("")


def _lines(text: str) -> list[str]:
    """Return the lines of a text; unlike str.splitlines only at line feeds and carriage returns."""
    return list(io.StringIO(text, newline=""))


def _looks_like_lines(data: bytes) -> bool:
    lines = data.strip().splitlines()
    return bool(lines) and all(line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines)


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "it is not UTF-8 text") from None


def _wrong(path: str, what: str, at: Location | None = None) -> InvalidUsage:
    hint = "CSV begins with a line of names, JSON Lines has one object a line, JSON and YAML hold a list of mappings"
    message, place = f"--data {path}: {what}", at or Location(path)
    return InvalidUsage(
        [Diagnostic(code="unusable-rows", severity=Severity.ERROR, message=message, at=place, hint=hint)]
    )
