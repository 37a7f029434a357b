"""The storage format: JSON, compressed if large, encrypted with Fernet; never pickle.

Decoding runs no code. Exceptions are encoded too (as name and message), because DBOS would wait for
ever for one that it cannot store.

Fernet has no associated data, so the encrypted text includes where it belongs: a Sealed value names
its place in the store, and `opened` refuses it everywhere else.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from arazzo_runner.base.files import TAG as FILE, as_json, from_json
from arazzo_runner.base.records import Record

LABEL: Final = "arazzo-fernet-2"
"""The name of the format. Version 1 did not bind values to their places."""
_EARLIER: Final = ("arazzo-fernet-1",)
_TAG = "\0"
_WORTH_COMPRESSING = 512
_MOST_BYTES = 1 << 30
_PLAIN, _PACKED = b"J", b"Z"


class StoredError(Exception):
    """An exception read from the store: its class is only a name."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class ForeignRecord(Exception):
    """A record that does not belong where it was found: written by somebody else, moved, or damaged.

    `code` is the Diagnostic's: records of an earlier version are not an attack.
    """

    def __init__(self, reason: str, code: str = "foreign-record") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Seal(Record):
    """Where a value belongs: its `kind`, its `owner` (a run or record), and the place within that."""

    kind: str
    owner: str
    place: str = ""

    def __str__(self) -> str:
        name = self.owner.partition("/")[0]
        if self.kind == "step":
            return f'step "{self.place.partition(" ")[2]}" of "{name}"'
        return f'the {self.kind} of "{name}"'


class Sealed(Record):
    """A value and where it belongs."""

    seal: Seal
    value: Any


class SealedError(StoredError):
    """An exception and where it belongs."""

    def __init__(self, seal: Seal, name: str, message: str) -> None:
        super().__init__(name, message)
        self.seal = seal


def opened(found: Any, seal: Seal) -> Any:
    """Return the value of what was read at the place `seal`; raises ForeignRecord if it belongs elsewhere."""
    if isinstance(found, ForeignRecord):
        raise found
    if not isinstance(found, (Sealed, SealedError)):
        raise ForeignRecord("it was not written there by arazzo")
    if found.seal != seal:
        raise ForeignRecord(f"it was written as {found.seal}")
    return found.value if isinstance(found, Sealed) else found


# ------------------------------------------------------------------ where values belong


def input_seal(name: str, kind: str) -> Seal:
    """Return the seal of the input of a run or of another DBOS workflow."""
    return Seal("input", name, kind)


def schedule_seal(name: str) -> Seal:
    """Return the seal of the context of a schedule."""
    return Seal("schedule", name)


def opened_schedule(row: Any) -> Any:
    """Return what a schedule submits; raises ForeignRecord if its times were changed."""
    found = opened(row["context"], schedule_seal(row["schedule_name"]))
    if (row["schedule"], row["cron_timezone"]) != (found["cron"], found["timezone"]):
        raise ForeignRecord("its times are not those that it was added with")
    return found


def output_seal(identity: str) -> Seal:
    """Return the seal of the output of a run."""
    return Seal("output", identity)


def error_seal(run_id: str) -> Seal:
    """Return the seal of the exception of a run that could not be carried out."""
    return Seal("error", run_id)


def step_seal(identity: str, position: int, name: str) -> Seal:
    """Return the seal of a journal entry; positions count from 1."""
    return Seal("step", identity, f"{position} {name}")


# ------------------------------------------------------------------ encoding


class Codec:
    """Encodes and decodes values of the store; implements DBOS's serializer protocol.

    `keys` are Fernet keys: the first encrypts, all decrypt, so that keys can be rotated.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.fingerprints = tuple(sha256(f"arazzo {key}".encode()).hexdigest()[:16] for key in keys)

    def name(self) -> str:
        """Return the name of the format, stored with every record."""
        return LABEL

    def serialize(self, data: Any) -> str:
        """Return a value as encrypted text."""
        plain = json.dumps(_tagged(data), separators=(",", ":")).encode("ascii")
        packed = _PACKED + zlib.compress(plain, 1) if len(plain) > _WORTH_COMPRESSING else _PLAIN + plain
        return self._fernet.encrypt(packed).decode("ascii")

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of an encrypted text, or a ForeignRecord (which opens nowhere) if it is not ours.

        Does not raise, because DBOS calls it where an exception would end a run permanently (the input
        of a run that a worker takes) or stop a thread (the scheduler's).
        """
        try:
            return _untagged(json.loads(self._decrypted(serialized_data)))
        except ForeignRecord as problem:
            return problem
        except (ValueError, TypeError, LookupError, RecursionError):
            return ForeignRecord("it is damaged")

    def read(self, text: Any, label: Any) -> Any:
        """Return the value of a text with the store's `label`, or a ForeignRecord without decoding another label."""
        if label == LABEL:
            return self.deserialize(text)
        if label in _EARLIER:
            return ForeignRecord("an earlier version of arazzo wrote it", "journal-mismatch")
        if isinstance(label, str) and label.startswith("arazzo-"):
            return ForeignRecord("a later version of arazzo wrote it", "journal-mismatch")
        shown = "no label" if label is None else f'the label "{label}"'
        return ForeignRecord(f'it has {shown} instead of "{LABEL}"')

    def _decrypted(self, text: Any) -> bytes:
        try:
            packed = self._fernet.decrypt(text.encode("ascii"))
        except (InvalidToken, UnicodeEncodeError, AttributeError):
            raise ForeignRecord("it is damaged, or was written with another key") from None
        if packed[:1] == _PLAIN:
            return packed[1:]
        if packed[:1] == _PACKED:
            return _inflated(packed[1:])
        raise ForeignRecord("an earlier version of arazzo wrote it", "journal-mismatch")


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error:
        raise ForeignRecord("it is damaged") from None
    if not unpacker.eof:
        raise ForeignRecord("it is damaged")
    return plain


def _tagged(value: Any) -> Any:
    """Return a value for JSON, in which other types become an object with one tagged key."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        return {_TAG + key if key.startswith(_TAG) else key: _tagged(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tagged(each) for each in value]
    if isinstance(value, Sealed):
        return {_TAG + "sealed": [*_seal_to_json(value.seal), _tagged(value.value)]}
    if isinstance(value, bytes):
        return {_TAG + "file": as_json(value)[FILE]}
    if isinstance(value, datetime):
        return {_TAG + "time": value.isoformat()}
    if isinstance(value, SealedError):
        return {_TAG + "failed": [*_seal_to_json(value.seal), value.name, value.message]}
    if isinstance(value, StoredError):
        return {_TAG + "error": [value.name, value.message]}
    if isinstance(value, BaseException):
        return {_TAG + "error": [type(value).__name__, _message(value)]}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def _seal_to_json(seal: Seal) -> list[str]:
    return [seal.kind, seal.owner, seal.place]


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, given)] = value.items()
        if key == _TAG + "sealed":
            return Sealed(Seal(*given[:3]), _untagged(given[3]))
        if key == _TAG + "file":
            return from_json({FILE: given})
        if key == _TAG + "time":
            return datetime.fromisoformat(given)
        if key == _TAG + "failed":
            return SealedError(Seal(*given[:3]), *given[3:])
        if key == _TAG + "error":
            return StoredError(*given)
    return {key[1:] if key.startswith(_TAG) else key: _untagged(each) for key, each in value.items()}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(no message)"
