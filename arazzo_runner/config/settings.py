"""The settings of a configuration file; docs/configuration.md explains every field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field

LEVELS: Final = ("off", "info", "warning", "error")
PRESETS: Final = ("recommended", "strict", "minimal")


class RuleSetting(Record, kw_only=True):
    """The level of one code (None: that of the preset) and the options of its rule."""

    level: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)


class Override(Record, kw_only=True):
    """Rules for the documents that `paths` (globs relative to the folder of the file) match."""

    paths: tuple[str, ...]
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)


class ValidateSettings(Record, kw_only=True):
    """`[validate]`: file selection, levels of rules, suppressions."""

    preset: str = "recommended"
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    baseline: str | None = None
    max_warnings: int | None = None


class Environment(Record, kw_only=True):
    """`[environments.NAME]`: servers, inputs and the names of credentials."""

    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    input_file: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    credentials_file: str | None = None


class Settings(Record, kw_only=True):
    """The settings of one configuration file, paths absolute; `path` and `folder` are None without a file.

    `sources` is like --source NAME=PATH, `url_map` like --url-map; `environment` names the default
    among `environments`.
    """

    path: str | None = None
    folder: str | None = None
    environment: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    validate: ValidateSettings = field(default_factory=ValidateSettings)
    environments: Mapping[str, Environment] = field(default_factory=dict)
