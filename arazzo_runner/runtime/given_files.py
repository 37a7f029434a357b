"""The files of a run before it begins: those that a Python caller gives are read, those named by path looked for."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final

from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import JsonValue, preview
from arazzo_runner.base.settings import INPUT_FILE
from arazzo_runner.base.user_files import UnusableFile, read_file
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
    """Return inputs with the content of their files; raises InvalidInputs for those that cannot be read.

    A file is a `pathlib.Path` or another os.PathLike, which may be anywhere since the caller names it; a file
    open in binary mode, which is read from where it stands; or bytes.
    """
    problems: list[Diagnostic] = []
    try:
        found = {name: _read(value, name, problems) for name, value in inputs.items()}
    except RecursionError:
        return dict(inputs)  # nested beyond Python's stack: the check of the inputs says so
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
    if isinstance(value, dict):
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
    return value


def _from_open(value: Any) -> File:
    content = value.read(MAX_UPLOAD_BYTES + 1)
    if len(content) > MAX_UPLOAD_BYTES:
        raise UnusableFile(f"it has more than {MAX_UPLOAD_BYTES:,} bytes")
    named = getattr(value, "name", None)
    return File(content, os.path.basename(named) if isinstance(named, str) else None)


def _shown(value: Any) -> str:
    return str(getattr(value, "name", None) or "(without a name)") if hasattr(value, "read") else os.fsdecode(value)


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
