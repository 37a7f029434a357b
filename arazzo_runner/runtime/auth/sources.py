"""The sources of credentials, in order: given by the caller, environment, credentials file, keyring.

Each field is looked for in all of them, so a client's id may be in a file and its secret in the keyring.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from importlib.util import find_spec
from os import PathLike
from typing import Any

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import MASK
from arazzo_runner.base.user_files import UnusableFile, read_file as read_named_file
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import CredentialSource
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean, similar_or_all
from arazzo_runner.runtime.auth.digest import Challenges
from arazzo_runner.runtime.auth.schemes import FIELDS, SERVICE, SETTINGS, file_entry, keyring_name, variable_names
from arazzo_runner.runtime.auth.store import TokenStore
from arazzo_runner.runtime.auth.tokens import TokenCache

Table = Mapping[tuple[str, str], Mapping[str, str]]


class Found(Record):
    """A field of a credential; `origin` is given, environment, file or keyring, `name` what it is called there."""

    _hidden_in_repr = ("text",)

    text: str
    origin: str
    name: str


class Credentials(CredentialSource):
    """The credentials of runs and the tokens fetched with them; share one object among many runs.

    `values` are given at once, as `{source: {scheme: text}}` or `{source: {scheme: {field: text}}}`;
    what they lack is looked for in `environment` (default: the process's), in `file` (default:
    credentials.yml in the user's configuration directory, when there is one) and, unless
    `keyring` is False and when the package is installed, in the keyring. `names` says which is
    used for which, `{"petstore.oauth": "staging.oauth"}`; a name without a dot is that of a source.

    >>> Credentials({"petstore": {"api_key": "k-12345678", "login": {"user": "me", "password": "pw"}}})
    Credentials(petstore.api_key, petstore.login)
    """

    def __init__(
        self,
        values: Mapping[str, Mapping[str, str | Mapping[str, str]]] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        file: str | PathLike[str] | None = None,
        keyring: bool = True,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._names = names or {}
        self._values = values or {}
        self._given = _table(self._values, "the credentials")
        self._environment = os.environ if environment is None else environment
        self._file = _File(None if file is None else os.fspath(file))
        self._keyring = keyring and find_spec("keyring") is not None
        self._known: dict[tuple[str, str, str], Found | None] = {}
        self.tokens = TokenCache()
        self.challenges = Challenges()
        self.store = TokenStore()

    def __reduce__(self) -> Any:
        """Refuse to be pickled or copied: secrets stay in this process, and a copy would not share its tokens."""
        raise TypeError("Credentials cannot be pickled or copied: share them, or make them anew where they are needed")

    def __repr__(self) -> str:
        return f"Credentials({', '.join(f'{source}.{scheme}' for source, scheme in self._given)})"

    @property
    def file(self) -> str:
        """The path of the credentials file, which need not exist unless it was named."""
        return self._file.path

    @property
    def has_keyring(self) -> bool:
        """Whether the keyring is read."""
        return self._keyring

    def find(self, source: str, scheme: str, field: str) -> Found | None:
        """Return a field of a scheme's credential; raises InvalidUsage for a file that cannot be used."""
        key = (source, scheme, field)
        if key not in self._known:
            self._known[key] = self._look(*self.called(source, scheme), field)
        return self._known[key]

    def variables(self, source: str, scheme: str) -> list[str]:
        """Return the variables of the environment that are read for a scheme."""
        names = (name for field in FIELDS for name in variable_names(*self.called(source, scheme), field))
        return [name for name in names if name in self._environment]

    def similar(self, source: str, scheme: str, schemes: Collection[str]) -> str | None:
        """Return what is configured, and where, under a name like a scheme's that none of the `schemes` has."""
        source, scheme = self.called(source, scheme)
        kept = [name for known, name in self._file.table() if known == source]
        near = _nearest(scheme, set(kept).difference(schemes))
        if near is not None:
            return f"{source}.{near} in {shown_path(self.file)}"
        start = variable_names(source, "", "value")[0]
        read = {name for each in schemes for field in FIELDS for name in variable_names(source, each, field)}
        unread = [name.removeprefix(start) for name in self._environment if name.startswith(start) and name not in read]
        wanted = (variable_names(source, scheme, field)[0].removeprefix(start) for field in FIELDS)
        near = next(filter(None, (_nearest(each, unread) for each in wanted)), None) if unread else None
        return None if near is None else f"{start}{near} in the environment"

    def called(self, source: str, scheme: str) -> tuple[str, str]:
        """Return the source and scheme under which a credential is configured."""
        name = self._names.get(f"{source}.{scheme}")
        if name is None:
            return source, scheme
        other, dot, rest = name.partition(".")
        return other, rest if dot else scheme

    def renamed(self, names: Mapping[str, str]) -> Credentials:
        """Return the same credentials with other `names`; they share the content of the file, which is read once."""
        other = Credentials(self._values, environment=self._environment, keyring=self._keyring, names=names)
        other._file = self._file
        return other

    def _look(self, source: str, scheme: str, field: str) -> Found | None:
        given = self._given.get((source, scheme), {}).get(field)
        if given is not None:
            return Found(given, "given", file_entry(source, scheme, field))
        for name in variable_names(source, scheme, field):
            text = self._environment.get(name)
            if text or (text is not None and field == "password"):
                return Found(text.removesuffix("\n").removesuffix("\r"), "environment", name)
        kept = self._file.table().get((source, scheme), {}).get(field)
        if kept is not None:
            return Found(kept, "file", file_entry(source, scheme, field))
        return self._from_keyring(keyring_name(source, scheme, field))

    def _from_keyring(self, name: str) -> Found | None:
        if not self._keyring:
            return None
        import keyring  # lazily: 140 ms, and few have it

        try:
            text = keyring.get_password(SERVICE, name)
        except keyring.errors.KeyringError:  # none on this machine, or it is locked
            self._keyring = False
            return None
        return None if text is None else Found(text, "keyring", f"{SERVICE} {name}")


def _nearest(name: str, known: Iterable[str]) -> str | None:
    found = did_you_mean(name, known)
    return None if found is None else found.split('"')[1]


def default_file() -> str:
    """Return credentials.yml in the user's configuration directory: XDG_CONFIG_HOME, else ~/.config; APPDATA."""
    if os.name == "nt" and os.environ.get("APPDATA"):
        return os.path.join(os.environ["APPDATA"], "arazzo", "credentials.yml")
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # XDG Base Directory Specification: relative paths are to be ignored
        base = os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "arazzo", "credentials.yml")


def shown_path(path: str) -> str:
    """Return a path as messages show it: `~` for the home directory."""
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if path.startswith(home.rstrip(os.sep) + os.sep) else path


# ------------------------------------------------------------------ the file


class _File:
    """A credentials file, read when it is needed; without a name it is the user's own, which may be absent."""

    def __init__(self, named: str | None) -> None:
        self._named = named
        self._table: Table | None = None

    @property
    def path(self) -> str:
        return default_file() if self._named is None else self._named

    def table(self) -> Table:
        if self._table is None:
            self._table = {}
            if self._named is not None or os.path.exists(self.path):
                self._table = read_file(self.path)
        return self._table


def read_file(path: str) -> Table:
    """Return the content of a credentials file; raises InvalidUsage, without quoting it."""
    data = _bytes_of(path)
    if not data.strip():
        return {}
    problems = Problems()
    document = read(data, path, problems)
    if document is None or problems.has_errors:
        raise InvalidUsage([_without_text(each, path) for each in problems.diagnostics])
    return _table(document.value, "the credentials file", path)


def _bytes_of(path: str) -> bytes:
    def check(status: os.stat_result) -> None:
        fault = _exposure(status)
        if fault is not None:
            raise _refusal(f"{path} {fault}", path, f"chmod 600 {path}", code="exposed-credentials")

    try:
        return read_named_file(path, check=check)
    except UnusableFile as problem:
        raise _refusal(f"the credentials file {path} cannot be read: {problem}", path, None) from None


def _exposure(status: os.stat_result) -> str | None:
    """Return how other users could have read or changed a file, None when they could not."""
    if os.name == "nt" or not stat.S_ISREG(status.st_mode):
        return None
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    mode = stat.S_IMODE(status.st_mode)
    return f"can be read or written by others (mode {mode:04o})" if mode & 0o077 else None


def _without_text(found: Diagnostic, path: str) -> Diagnostic:
    line = "" if found.at.line is None else f" in line {found.at.line}"
    message = f"the credentials file {path} is not a YAML mapping ({found.code}{line})"
    return _diagnostic(message, path, "write `source: {scheme: text}`", code="invalid-credentials")


def _table(raw: JsonValue, what: str, path: str = "") -> dict[tuple[str, str], dict[str, str]]:
    """Check the shape of credentials and return them by source and scheme; raises InvalidUsage with all mistakes."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    faults: list[Diagnostic] = []
    for source, schemes in _mapping(raw, what, path, faults).items():
        for scheme, value in _mapping(schemes, source, path, faults).items():
            name = f"{source}.{scheme}"
            fields = value if isinstance(value, Mapping) else {"value": value}
            table[source, scheme] = {
                field: text for field, text in fields.items() if _is_field(name, field, text, path, faults)
            }
    if faults:
        raise InvalidUsage(faults)
    return table


def _mapping(raw: JsonValue, what: str, path: str, faults: list[Diagnostic]) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    message = f"{what} must be a mapping of names, found {type_name(raw)}"
    faults.append(_diagnostic(message, path, "write `source: {scheme: text}`", code="invalid-credentials"))
    return {}


def _is_field(name: str, field: str, text: JsonValue, path: str, faults: list[Diagnostic]) -> bool:
    if field not in FIELDS:
        hint = similar_or_all(field, FIELDS)
        faults.append(_diagnostic(f'{name} has no field "{field}"', path, hint, code="invalid-credentials"))
        return False
    if isinstance(text, str):
        return True
    message = f"{name}: {field} must be a string, found {type_name(text)}"
    faults.append(_diagnostic(message, path, "put quotes around it", code="invalid-credentials"))
    return False


def _refusal(message: str, path: str, hint: str | None, *, code: str = "unreadable-file") -> InvalidUsage:
    return InvalidUsage([_diagnostic(message, path, hint, code=code)])


def _diagnostic(message: str, path: str, hint: str | None, *, code: str) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(path), hint=hint)


class Placeholders(Credentials):
    """Has `***` for every field: the credentials for a mock."""

    def __init__(self) -> None:
        super().__init__(environment={}, file=os.devnull, keyring=False)

    def find(self, source: str, scheme: str, field: str) -> Found | None:
        """Return a placeholder."""
        return None if field in SETTINGS else Found(MASK, "given", field)
