"""The journal key: from the environment, else the keyring, else a file beside the store, made when there is none."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping

from arazzo_runner.base.private_files import PrivateFile
from arazzo_runner.durable.refusal import refusal
from arazzo_runner.durable.store import Store

KEY_VARIABLE = "ARAZZO_JOURNAL_KEY"
_SERVICE, _ENTRY = "arazzo", "journal-key"
_HINT = f"set {KEY_VARIABLE} to 32 random bytes in base64 (openssl rand -base64 32)"


def journal_keys(store: Store, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the Fernet keys of a store, the one that encrypts first.

    ARAZZO_JOURNAL_KEY may hold several, separated by commas: the first is the new one. Raises
    InvalidUsage when a key is no key, or none is there and none can be made.
    """
    given = environment.get(KEY_VARIABLE) or _from_keyring()
    if given:
        return tuple(_checked(each.strip(), KEY_VARIABLE) for each in given.split(","))
    try:
        return (_checked(_from_file(store.key_file), store.key_file),)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        message = f"the journal cannot be encrypted: the key file {store.key_file} cannot be used: {reason}"
        raise refusal(message, code="journal-key", hint=_HINT) from None


def _checked(text: str, place: str) -> str:
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise refusal(f"{place} holds no journal key", code="journal-key", hint=_HINT)
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _from_keyring() -> str | None:
    try:
        import keyring  # an extra: who has it may keep the key there
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(_SERVICE, _ENTRY)
    except KeyringError:
        return None
    return found


def _from_file(path: str) -> str:
    """Return the key in a file; make both when it is not there. Raises OSError."""
    if not os.path.exists(path):
        file = PrivateFile.prepare(path + f".{os.getpid()}")
        file.write(base64.urlsafe_b64encode(os.urandom(32)).decode("ascii") + "\n")
        try:
            os.link(file.path, path)  # not replace: another process may have made one a moment ago
        except FileExistsError:
            pass
        except OSError:
            os.rename(file.path, path)
        file.discard()
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.read().strip()
