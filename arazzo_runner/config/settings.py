"""The settings of a configuration file (docs/configuration.md explains every field), and the search for that file.

The nearest file above a document applies, within its repository.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.base.user_files import UnusableFile, read_file

LEVELS: Final = ("off", "info", "warning", "error")
PRESETS: Final = ("recommended", "tolerant", "strict", "minimal")


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


class MessageSettings(Record, kw_only=True):
    """What an environment says about messages; None leaves it to the command line."""

    retained: bool | None = None
    max_messages: int | None = None
    webhook_listen: str | None = None
    webhook_url: str | None = None


class Environment(Record, kw_only=True):
    """`[environments.NAME]`: servers, inputs, the names of credentials, and how messages are received."""

    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    channel_addresses: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    input_file: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    credentials_file: str | None = None
    messages: MessageSettings = field(default_factory=MessageSettings)


class Settings(Record, kw_only=True):
    """The settings of one configuration file, paths absolute; `path` and `folder` are None without a file.

    `sources` is like --source NAME=PATH, `url_map` like --url-map, `file_roots` like --file-root;
    `environment` names the default among `environments`.
    """

    path: str | None = None
    folder: str | None = None
    environment: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    file_roots: tuple[str, ...] = ()
    validate: ValidateSettings = field(default_factory=ValidateSettings)
    environments: Mapping[str, Environment] = field(default_factory=dict)


OWN_FILE: Final = "arazzo.toml"
SHARED_FILE: Final = "pyproject.toml"
_TABLE: Final = b"[tool.arazzo"


def find_configuration(start: str) -> str | None:
    """Return the path of the configuration file for a file or folder, None without one.

    Looks for `arazzo.toml`, then for a pyproject.toml with a table `tool.arazzo`, in each folder
    upwards as far as that of the repository (`.git`).
    """
    return Configurations().above(start)


class Configurations:
    """The configuration files of folders; each folder is searched once, however many documents it has."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def above(self, start: str) -> str | None:
        """Return the path that `find_configuration` returns."""
        folder = os.path.abspath(start)
        return self._of(folder if os.path.isdir(folder) else os.path.dirname(folder))

    def _of(self, folder: str) -> str | None:
        passed: list[str] = []
        while folder not in self._known:
            passed.append(folder)
            found, parent = _in_folder(folder), os.path.dirname(folder)
            if found is not None or parent == folder or os.path.exists(os.path.join(folder, ".git")):
                break
            folder = parent
        else:
            found = self._known[folder]
        self._known.update(dict.fromkeys(passed, found))
        return found


def _in_folder(folder: str) -> str | None:
    own = os.path.join(folder, OWN_FILE)
    if os.path.lexists(own):  # also a folder or a broken link: reading it reports the error
        return own
    shared = os.path.join(folder, SHARED_FILE)
    return shared if _has_table(shared) else None


def _has_table(path: str) -> bool:
    # Nearly every Python project has a pyproject.toml: parse it only if it contains the table.
    try:
        return _TABLE in read_file(path, regular=True).replace(b" ", b"")
    except UnusableFile:
        return False
