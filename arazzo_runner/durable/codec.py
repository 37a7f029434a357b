"""How everything is stored: JSON, compressed when that helps, encrypted with Fernet; never pickle.

What was written with a key is read with that key only; decoding runs no code. Exceptions are
encoded too (as name and message): an engine that cannot store one would wait for ever.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_TAG = "\0"
_WORTH_COMPRESSING = 512


class StoredError(Exception):
    """An exception as it is read back: its class is a name only."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class WrongKey(Exception):
    """The text was not written with this key."""


class Codec:
    """Encodes values for the store; has the three methods of a DBOS serializer.

    `keys` are Fernet keys: the first encrypts, all decrypt, so that a key can be replaced.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def name(self) -> str:
        """Return the name of the format, which every record carries."""
        return "arazzo-fernet-1"

    def serialize(self, data: Any) -> str:
        """Return a value as encrypted text."""
        plain = json.dumps(_tagged(data), separators=(",", ":")).encode("ascii")
        packed = b"z" + zlib.compress(plain, 1) if len(plain) > _WORTH_COMPRESSING else b"j" + plain
        return self._fernet.encrypt(packed).decode("ascii")

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a text; raises WrongKey."""
        try:
            packed = self._fernet.decrypt(serialized_data.encode("ascii"))
        except (InvalidToken, UnicodeEncodeError):
            raise WrongKey("the journal was written with another key") from None
        plain = zlib.decompress(packed[1:]) if packed[:1] == b"z" else packed[1:]
        return _untagged(json.loads(plain))


def _tagged(value: Any) -> Any:
    """Return a value that JSON can hold; what JSON does not know becomes a mapping with one tagged key."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        return {_TAG + key if key.startswith(_TAG) else key: _tagged(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tagged(each) for each in value]
    if isinstance(value, datetime):
        return {_TAG + "time": value.isoformat()}
    if isinstance(value, StoredError):
        return {_TAG + "error": [value.name, value.message]}
    if isinstance(value, BaseException):
        return {_TAG + "error": [type(value).__name__, _message(value)]}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, given)] = value.items()
        if key == _TAG + "time":
            return datetime.fromisoformat(given)
        if key == _TAG + "error":
            return StoredError(*given)
    return {key[1:] if key.startswith(_TAG) else key: _untagged(each) for key, each in value.items()}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(no message)"
