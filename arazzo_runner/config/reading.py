"""Read the Settings of a TOML file, one function per table; all mistakes are reported together."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, preview
from arazzo_runner.base.server_urls import corrected_server
from arazzo_runner.base.user_files import UnusableFile, read_text
from arazzo_runner.config.settings import (
    LEVELS,
    PRESETS,
    SHARED_FILE,
    Environment,
    MessageSettings,
    Override,
    RuleSetting,
    Settings,
    ValidateSettings,
    find_configuration,
)
from arazzo_runner.config.tables import MAX_REPORTED, Table, TomlPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean

_MAX_BYTES: Final = 1_000_000
_MAX_LEVELS: Final = 100
_LONG_KEY: Final = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){{{_MAX_LEVELS}}}""")
_TOO_LONG: Final = "an integer must fit into 64 bits"

Codes: TypeAlias = Mapping[str, Collection[str]]
"""Diagnostic codes with the names of the options of each."""


def load_settings(start: str = ".", *, path: str | None = None, codes: Codes | None = None) -> Settings:
    """Return the settings for a file or folder, or those of the configuration file at `path`.

    With `codes`, other names of rules and options are errors. Raises InvalidUsage with all errors of the file.
    """
    found = path or find_configuration(start)
    if found is None:
        return Settings()
    problems = Problems()
    settings = read_settings(_text(found), found, problems, codes=codes)
    if problems.has_errors:
        raise InvalidUsage(sorted(problems.diagnostics, key=lambda each: (each.at.line or 0, each.at.column or 0)))
    return settings


def read_settings(text: str, path: str, problems: Problems, *, codes: Codes | None = None) -> Settings:
    """Return the settings in the text of a configuration file; errors are added to `problems`."""
    positions = TomlPositions(text, _short(path))
    try:
        raw: Any = _parsed(text)
    except (ValueError, RecursionError) as problem:
        _not_toml(problem, positions, problems)
        return Settings()
    _check_values(raw, positions, problems)
    if problems.has_errors:
        return Settings()
    at: tuple[str | int, ...] = ()
    if os.path.basename(path) == SHARED_FILE:
        at = ("tool", "arazzo")
        raw = raw.get("tool", {}).get("arazzo", {}) if isinstance(raw.get("tool"), dict) else {}
    root = Table(raw if isinstance(raw, dict) else {}, at, positions, problems)
    return _settings(root, os.path.abspath(path), codes)


def _text(path: str) -> str:
    try:
        return read_text(path, _MAX_BYTES)
    except UnusableFile as problem:
        message = f"the configuration {_short(path)} cannot be read: {problem}"
        at = Location(_short(path))
        error = Diagnostic(code="unreadable-file", severity=Severity.ERROR, message=message, at=at)
        raise InvalidUsage([error]) from None


def _short(path: str) -> str:
    """Return a path for messages: relative to the working directory when it is below."""
    relative = os.path.relpath(path) if os.path.splitdrive(os.path.abspath(path))[0] == "" else path
    return path if relative.startswith("..") else relative


def _parsed(text: str) -> dict[str, JsonValue]:
    import tomllib  # most projects have no configuration

    if _LONG_KEY.search(text):  # tomllib needs cubic time: 28 s for 30,000 parts
        raise ValueError(f"a key has more than {_MAX_LEVELS} parts")
    return tomllib.loads(text)


def _not_toml(problem: ValueError | RecursionError, positions: TomlPositions, problems: Problems) -> None:
    message = "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)
    if message.startswith("Exceeds the limit"):  # CPython's limit of the digits of an integer
        message = _TOO_LONG
    found = re.search(r"\s*\(at line (\d+), column (\d+)\)", message)
    at = positions.at(()) if found is None else positions.location(int(found[1]), int(found[2]))
    what = re.sub(r"\s*\(at .*\)$", "", message)
    problems.error("configuration-syntax", f"this is not valid TOML: {what[:1].lower()}{what[1:]}", at)


def _check_values(raw: JsonValue, positions: TomlPositions, problems: Problems) -> None:
    """Report values that JSON, or TOML itself, does not allow: nan, integers of more than 64 bits, too many levels."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), raw)]
    while waiting:
        path, value = waiting.pop()
        message = _problem_of(value, len(path))
        if message is not None:
            problems.error("configuration-syntax", message, positions.at(path))
        elif isinstance(value, dict):
            waiting += [((*path, name), item) for name, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


def _problem_of(value: Any, depth: int) -> str | None:
    if depth > _MAX_LEVELS:
        return f"this is nested more than {_MAX_LEVELS} levels deep"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:  # TOML §Integer
        return _TOO_LONG
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} cannot be represented in a document or a request"
    return None


# ------------------------------------------------------------------ tables


def _settings(table: Table, path: str, codes: Codes | None) -> Settings:
    folder = os.path.dirname(path)
    environments = table.table("environments").tables_by_name(lambda each: _environment(each, folder))
    environment = table.text("environment")
    if environment is not None and environment not in environments:
        hint = did_you_mean(environment, environments) or f"write [environments.{environment}]"
        table.invalid("environment", f'there is no environment "{environment}"', hint)
    found = Settings(
        path=path,
        folder=folder,
        environment=environment,
        sources={name: _absolute(value, folder) for name, value in table.text_map("sources").items()},
        url_map={url: _absolute(value, folder) for url, value in table.text_map("url-map").items()},
        file_roots=tuple(_absolute(each, folder) for each in table.texts("file-roots")),
        validate=_validate(table.table("validate"), folder, codes),
        environments=environments,
    )
    table.report_unused()
    return found


def _validate(table: Table, folder: str, codes: Codes | None) -> ValidateSettings:
    baseline = table.text("baseline")
    found = ValidateSettings(
        preset=table.choice("preset", PRESETS) or "recommended",
        rules=_rules(table.table("rules"), codes),
        overrides=table.tables("overrides", lambda each: _override(each, codes)),
        include=table.texts("include"),
        exclude=table.texts("exclude"),
        baseline=None if baseline is None else _absolute(baseline, folder),
        max_warnings=table.number("max-warnings"),
    )
    table.report_unused()
    return found


def _override(table: Table, codes: Codes | None) -> Override:
    found = Override(paths=table.texts("paths"), rules=_rules(table.table("rules"), codes))
    if "paths" not in table.raw:
        table.invalid("paths", "an override needs paths", 'write paths = ["…"]')
    table.report_unused()
    return found


def _rules(table: Table, codes: Codes | None) -> dict[str, RuleSetting]:
    found = {code: _rule(table, code, None if codes is None else codes.get(code)) for code in table.raw}
    unknown = (code for code in table.raw if codes is not None and code not in codes)
    for code in islice(unknown, MAX_REPORTED):
        hint = did_you_mean(code, codes or ()) or "arazzo explain lists all codes"
        what = f'there is no rule "{code}"'
        table.problems.error("unknown-setting", what, table.positions.at((*table.path, code)), hint=hint)
    return found


def _rule(table: Table, code: str, known: Collection[str] | None) -> RuleSetting:
    """Read `code = "warning"` or `code = { level = "warning", … }`; `known` are the names of its options."""
    if not isinstance(table.raw[code], dict):
        return RuleSetting(level=table.choice(code, LEVELS))
    own = table.table(code)
    level = own.choice("level", LEVELS)
    options = {name: value for name, value in table.value_map(code).items() if name != "level"}
    for name in options if known is not None else ():
        if name not in (known or ()):
            hint = did_you_mean(name, ("level", *(known or ()))) or f"arazzo explain {code} lists its options"
            what = f'the rule {code} has no option "{name}"'
            table.problems.error("unknown-setting", what, table.positions.at((*table.path, code, name)), hint=hint)
        elif not isinstance(options[name], int) or isinstance(options[name], bool):
            own.wrong_type(name, "a whole number", options[name], f"write {name} = 2")
    return RuleSetting(level=level, options=options)


def _environment(table: Table, folder: str) -> Environment:
    input_file, credentials_file = table.text("input-file"), table.text("credentials-file")
    found = Environment(
        servers=_servers(table),
        server_variables=table.text_map("server-variables"),
        channel_addresses=table.text_map("channel-addresses"),
        inputs=table.value_map("inputs"),
        input_file=None if input_file is None else _absolute(input_file, folder),
        credentials=table.text_map("credentials"),
        credentials_file=None if credentials_file is None else _absolute(credentials_file, folder),
        messages=_messages(table.table("messages")),
    )
    table.report_unused()
    return found


def _messages(table: Table) -> MessageSettings:
    """Read `messages`: how an environment receives them."""
    most = table.number("max-messages")
    if most == 0:
        table.invalid("max-messages", "max-messages is 0, expected 1 or more")
    found = MessageSettings(
        retained=table.flag("retained"),
        max_messages=most,
        webhook_listen=table.text("webhook-listen"),
        webhook_url=table.text("webhook-url"),
    )
    table.report_unused()
    return found


def _servers(table: Table) -> dict[str, str]:
    """Read `servers`: their URLs by the names of sources."""
    found = table.text_map("servers")
    for name, url in found.items():
        correct = corrected_server(url)
        if correct is not None:
            shown = preview(url.rpartition("@")[2])
            message = f'the server of "{name}" must be an http(s) URL or that of a broker, found {shown}'
            table.table("servers").invalid(name, message, f'write {name} = "{correct}"')
    return found


def _absolute(text: str, folder: str) -> str:
    """Return a path of the configuration file as an absolute one; URLs are returned unchanged."""
    if re.match(r"[A-Za-z][\w+.-]+:", text):
        return text
    return os.path.normpath(os.path.join(folder, os.path.expanduser(text)))
