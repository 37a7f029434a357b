"""Where a run finds what its command line leaves open: an environment of arazzo.toml, a file of variables."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence

from arazzo_runner.base.user_files import UnusableFile, text_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import read_bytes, read_mapping
from arazzo_runner.cli.run.options import Defaults
from arazzo_runner.config.reading import load_settings
from arazzo_runner.config.settings import Environment, Settings
from arazzo_runner.errors import InvalidUsage, similar_or_all

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?P<value>.*?)\s*$", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}


# ------------------------------------------------------------------ arazzo.toml


def defaults_of(path: str | None, env: str | None, *, read_inputs: bool) -> Defaults:
    """Return what a configuration file says, in one of its environments; raises InvalidUsage."""
    if path is None:
        message = f'--env: there is no environment "{env}", because there is no arazzo.toml'
        raise InvalidUsage([usage_error(message, hint=f"write [environments.{env}] into one beside the document")])
    settings = load_settings(path=path)
    found = _environment(settings, env or settings.environment)
    file = found.input_file if read_inputs else None
    inputs = {} if file is None else read_mapping(file, "the input file", hint="name: value")
    return Defaults(
        sources=settings.sources,
        url_map=settings.url_map,
        servers=found.servers,
        server_variables=found.server_variables,
        channel_addresses=found.channel_addresses,
        inputs={**inputs, **found.inputs},
        credentials=found.credentials,
        credentials_file=found.credentials_file,
        file_roots=settings.file_roots,
        messages=found.messages,
    )


def _environment(settings: Settings, name: str | None) -> Environment:
    if name is None:
        return Environment()
    found = settings.environments.get(name)
    if found is None:
        known = list(settings.environments)
        hint = similar_or_all(name, known) or "it defines none"
        message = f'--env: {settings.path} has no environment "{name}"'
        raise InvalidUsage([usage_error(message, hint=hint)])
    return found


# ------------------------------------------------------------------ --env-file


@contextlib.contextmanager
def environment_files(paths: Sequence[str]) -> Iterator[None]:
    """Add the variables of files to the environment of this process while the block runs; existing ones win.

    Raises InvalidUsage for a file that cannot be read.
    """
    before = dict(os.environ)
    found: dict[str, str] = {}
    for path in paths:
        found.update(read_environment(path))
    os.environ.update({name: value for name, value in found.items() if name not in before})
    try:
        yield
    finally:
        for name in found:
            if name not in before:
                os.environ.pop(name, None)


def read_environment(path: str) -> dict[str, str]:
    r"""Read a file of `NAME=value` lines; raises InvalidUsage.

    `export` before a name, empty lines and lines that begin with `#` are allowed. A value in
    single quotes is taken as it is, one in double quotes may have `\n` and several lines; an
    unquoted one ends at ` #`. Nothing is expanded.
    """
    try:
        text = text_of(read_bytes(path))
    except UnusableFile as problem:
        raise _wrong(path, str(problem)) from None
    found: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.match(line)
        if parts is None:
            raise _wrong(path, f"line {number} is not NAME=value")
        value = parts["value"]
        if value[:1] in ("'", '"') and _end_of_quoted(value, value[0], 1) is None:
            rest = _rest_of_quoted(lines, value[0])
            if rest is None:
                raise _wrong(path, f"the quote that begins in line {number} is not closed")
            value = "\n".join([value, *rest])
        if "\0" in value:
            raise _wrong(path, f"the value in line {number} contains NUL, which a variable cannot")
        found[parts["name"]] = _value(value)
    return found


def _rest_of_quoted(lines: Iterator[tuple[int, str]], quote: str) -> list[str] | None:
    """Return the lines up to the one that closes a quote, None when none does."""
    found = []
    for _, line in lines:
        found.append(line)
        if _end_of_quoted(line, quote, 0) is not None:
            return found
    return None


def _end_of_quoted(value: str, quote: str, place: int) -> int | None:
    """Return the index of the closing quote of a value, searched from `place`; None when there is none."""
    while place < len(value):
        if value[place] == "\\" and quote == '"':
            place += 1
        elif value[place] == quote:
            return place
        place += 1
    return None


def _value(value: str) -> str:
    if value[:1] not in ("'", '"'):
        return re.sub(r"(^|\s+)#.*$", "", value)
    inside = value[1 : _end_of_quoted(value, value[0], 1)]
    if value[0] == "'":
        return inside
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), inside, flags=re.DOTALL)


def _wrong(path: str, what: str) -> InvalidUsage:
    return InvalidUsage([usage_error(f"--env-file {path}: {what}", code="unreadable-file", file=path)])
