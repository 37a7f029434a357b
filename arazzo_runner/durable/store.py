"""Where durable runs are stored (a SQLite file, or PostgreSQL), and the key that encrypts them.

Standard library only, because every `arazzo run` looks for unfinished runs.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

from arazzo_runner.base.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import STORE
from arazzo_runner.durable.errors import refusal

STORE_VARIABLE = "ARAZZO_STORE"
KEY_VARIABLE = "ARAZZO_JOURNAL_KEY"
_SECONDS_TO_CONNECT = 10
_KEYRING_SERVICE, _KEYRING_USER = "arazzo", "journal-key"
_KEY_HINT = f"set {KEY_VARIABLE} to 32 random bytes in base64 (openssl rand -base64 32)"


class Store(Record):
    """The location of a store: `path` is that of a SQLite file, None for PostgreSQL."""

    url: str
    path: str | None

    @property
    def locks(self) -> str:
        """The folder of lock files: one per unfinished run, locked while a process carries it out."""
        if self.path is not None:
            return f"{self.path}.runs"
        return os.path.join(state_folder(), f"store-{sha256(self.url.encode()).hexdigest()[:16]}.runs")

    @property
    def key_file(self) -> str:
        """The file of the journal key, used if neither the environment nor the keyring has one."""
        return f"{os.path.splitext(self.locks)[0]}.key"

    @property
    def shown(self) -> str:
        """The name of the store for messages, without a password."""
        if self.path is not None:
            return self.path
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def connection(self) -> str:
        """The URL to connect to, with a connection timeout for PostgreSQL."""
        if self.path is not None or "connect_timeout" in self.url:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}connect_timeout={_SECONDS_TO_CONNECT}"

    def prepare(self) -> None:
        """Create the folders, readable by their owner only; raises OSError."""
        if self.path is not None:
            make_private_folder(os.path.dirname(self.path))
        make_private_folder(self.locks)


def store_of(given: str | None, environment: Mapping[str, str]) -> Store:
    """Return the store of this name, else by ARAZZO_STORE, else the user's own; raises InvalidUsage."""
    named = given or environment.get(STORE_VARIABLE)
    if not named:
        return _in_file(os.path.join(state_folder(), "journal.db"))
    scheme, separator, rest = named.partition(":")
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return Store(_postgresql_url(rest), None)
    if scheme == "sqlite" and rest.startswith("///"):
        return _in_file(rest[3:])
    if separator and rest.startswith("//"):
        message = f'"{scheme}" is not a kind of store'
        raise refusal(message, code="invalid-store", hint="write a path, sqlite:///PATH or postgresql://…")
    return _in_file(named)


def _in_file(path: str) -> Store:
    """Return the store in a SQLite file; raises InvalidUsage if SQLite cannot open a file of that name."""
    path = os.path.abspath(path)
    if "\0" in path or not _is_unicode(path):
        what = "contains a NUL" if "\0" in path else "is not UTF-8"
        hint = f"name another place with {STORE} or ARAZZO_STORE"
        raise refusal(f"the path of the store, {path!r}, {what}", code="invalid-store", hint=hint)
    return Store("sqlite:///" + path.replace(os.sep, "/"), path)


def _is_unicode(text: str) -> bool:
    """Return whether a text came from valid UTF-8 (PEP 383: surrogates stand for other bytes)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _postgresql_url(rest: str) -> str:
    """Return the URL of a PostgreSQL; raises InvalidUsage if it does not name a database (RFC 3986, libpq's 34.1.1)."""
    url = f"postgresql:{rest}"
    try:
        parts = urlsplit(url)
        complete = parts.path.strip("/") != "" and parts.port != 0 and "\0" not in url and _is_unicode(url)
    except ValueError:
        complete = False
    if not complete:
        hint = "write postgresql://USER@HOST:PORT/DATABASE"
        raise refusal("the store's URL does not name a PostgreSQL database", code="invalid-store", hint=hint)
    return url


# ------------------------------------------------------------------ the journal key


def journal_keys(store: Store, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the Fernet keys of a store, the one that encrypts first.

    They come from ARAZZO_JOURNAL_KEY (several are separated by commas, the new one first), else from the
    keyring, else from a file beside the store, which is created if missing. Raises InvalidUsage if a key
    is malformed, or the file cannot be used.
    """
    given = environment.get(KEY_VARIABLE) or _from_keyring()
    if given:
        return tuple(_checked(each.strip(), KEY_VARIABLE) for each in given.split(","))
    try:
        return (_checked(_from_file(store.key_file), store.key_file),)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        message = f"the journal cannot be encrypted: the key file {store.key_file} cannot be used: {reason}"
        raise refusal(message, code="journal-key", hint=_KEY_HINT) from None


def _checked(text: str, place: str) -> str:
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise refusal(f"{place} does not hold a journal key", code="journal-key", hint=_KEY_HINT)
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _from_keyring() -> str | None:
    try:
        import keyring  # an optional extra
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(_KEYRING_SERVICE, _KEYRING_USER)
    except KeyringError:
        return None
    return found


def _from_file(path: str) -> str:
    """Return the key in a file, which is created with a new key if missing; raises OSError."""
    if not os.path.exists(path):
        file = PrivateFile.prepare(path + f".{os.getpid()}")
        file.write(base64.urlsafe_b64encode(os.urandom(32)).decode("ascii") + "\n")
        try:
            os.link(file.path, path)  # does not replace a key that another process has just created
        except FileExistsError:
            pass
        except OSError:
            os.rename(file.path, path)
        file.discard()
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.read().strip()
