"""The inputs and files of a run before it begins.

What a Python caller gives: files are read, what is not JSON is refused. Files that are named by path are looked for.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import JsonValue, preview
from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.settings import INPUT_FILE
from arazzo_runner.base.user_files import UnusableFile, read_file, read_open
from arazzo_runner.engine.inputs import InputProblem
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.static_files import unusable_files
from arazzo_runner.errors import Diagnostic, InvalidInputs, Location, Severity
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.files import MAX_UPLOAD_BYTES, find_upload, unusable_name
from arazzo_runner.sources.http_media.files import Described

_LONGEST_PATH: Final = 255
_OPEN = (io.RawIOBase, io.BufferedIOBase)


def with_files(inputs: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return inputs with the content of their files; raises InvalidInputs for what cannot be read or is not JSON.

    A file is a `pathlib.Path` or another os.PathLike, which may be anywhere since the caller names it; a file
    open in binary mode, which is read from its position on; or bytes.
    """
    problems: list[Diagnostic] = []
    try:
        found = {name: _read(value, name, problems) for name, value in inputs.items()}
    except RecursionError:
        raise InvalidInputs([_not_json("inputs are nested too deeply, or contain themselves", None)]) from None
    if problems:
        raise InvalidInputs(problems)
    return found


def check_files(program: Program, inputs: Mapping[str, JsonValue], options: RunOptions) -> None:
    """Raise InvalidInputs if the documents or the inputs of a run name files that it cannot send."""
    problems = unusable_files(program, inputs, options, partial(find_upload, tuple(options.file_roots)))
    found = tuple(dict.fromkeys(problems))
    if found:
        raise InvalidInputs(found)


def _read(value: Any, name: str, problems: list[Diagnostic]) -> JsonValue:
    if isinstance(value, (str, bytes)) or value is None:
        return value
    if isinstance(value, Mapping):
        problems.extend(
            _not_json(f'input "{name}": a name is {type_of(key)}, and must be a str', None)
            for key in value
            if not isinstance(key, str)
        )
        return {key: _read(item, name, problems) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_read(item, name, problems) for item in value]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    try:
        if isinstance(value, os.PathLike):
            path = os.fsdecode(os.fspath(value))
            return File(read_file(path, MAX_UPLOAD_BYTES), os.path.basename(path))
        if isinstance(value, _OPEN) or isinstance(getattr(value, "file", None), _OPEN):
            return _from_open(value)
    except (UnusableFile, OSError, ValueError) as problem:
        problems.append(_problem(f'input "{name}": the file {_shown(value)} cannot be read: {problem}'))
        return None
    if isinstance(value, io.TextIOBase):
        problems.append(_problem(f'input "{name}": the file {_shown(value)} is open as text', 'open it with mode "rb"'))
        return None
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(_not_json(f'input "{name}" has the number {value}, which JSON does not have', None))
    elif not isinstance(value, (int, float)):  # True and False are integers
        problems.append(
            _not_json(f'input "{name}" has a value of type {type_of(value)}, which is not JSON', _as_json(value))
        )
    return value


def _as_json(value: object) -> str:
    """Return how to write a value of a well-known type as JSON."""
    if hasattr(value, "isoformat"):
        return "give value.isoformat(), a str"
    if hasattr(value, "model_dump"):
        return 'give value.model_dump(mode="json"), a dict'
    if hasattr(value, "__dataclass_fields__"):
        return "give dataclasses.asdict(value), a dict"
    if isinstance(value, Iterable):
        return "give list(value)"
    return "give str(value), a number, True, False, None, a list or a dict"


def _from_open(value: Any) -> File:
    named = getattr(value, "name", None)
    return File(read_open(value, MAX_UPLOAD_BYTES), os.path.basename(named) if isinstance(named, str) else None)


def _shown(value: Any) -> str:
    return str(getattr(value, "name", None) or "(without a name)") if hasattr(value, "read") else os.fsdecode(value)


def _not_json(message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(code="invalid-input", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)


def _problem(message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code="unusable-file", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)


def texts_like_files(
    inputs: Mapping[str, JsonValue], described: Callable[[str], Described], secret: Collection[str]
) -> Iterator[InputProblem]:
    """Yield a warning per input that is described as a file and is a text, and there is a file of that name."""
    for name, value in inputs.items():
        texts = value if isinstance(value, list) else [value]
        named = [each for each in texts if isinstance(each, str) and _names_a_file(each)]
        if not named:
            continue
        about = described(name)
        items = about.items()
        if (items if isinstance(value, list) and items is not None else about).asks_for_file:
            shown = "a text" if name in secret else f"the text {preview(named[0], 60)}"
            message = f'input "{name}" is described as a file and is {shown}; there is a file of this name'
            yield InputProblem("text-for-file", message, f"give the file with {INPUT_FILE.of(name)}", name)


def _names_a_file(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_PATH and unusable_name(text) is None and os.path.isfile(text)
