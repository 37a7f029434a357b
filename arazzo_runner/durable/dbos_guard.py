"""Prevent DBOS from decoding what arazzo has not written. The only module that patches DBOS.

DBOS chooses the decoder of a row by the row's own label: `py_pickle` leads to `pickle.loads`, which
executes code from the row, and `portable_json` to an unsigned run. A custom serializer does not change
that, and DBOS has no option for it. So, while a Runtime is open:

- both decoders of DBOS raise, whoever calls them;
- the two functions that decode whole rows use `Codec.read`, which checks the label first. They return
  a ForeignRecord instead of raising: otherwise DBOS would show the raw text (`safe_deserialize`), or
  permanently end a run that a worker has taken but cannot read (`deserialize_args`);
- DBOS's scheduler takes an unknown time zone for UTC, because the exception would end its only thread.
  Nothing is submitted by such a schedule: it is refused as changed (Rows.scheduled).

tests/durable/test_poisoned_rows.py fails if DBOS decodes anywhere else, or has a new column.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dbos._core
import dbos._scheduler
import dbos._serialization
import dbos._sys_db

from arazzo_runner.durable.codec import LABEL, Codec, ForeignRecord, Sealed

_DECODERS: Final = (dbos._serialization.DefaultSerializer, dbos._serialization.DBOSPortableJSONSerializer)


def _refuse(self: Any, text: Any) -> Any:
    raise ForeignRecord(f'it has the label "{self.name()}" instead of "{LABEL}"')


def _args_of(value: Any, label: Any, serializer: Any) -> Any:
    """Return the arguments of a run that a worker has taken; a single ForeignRecord if they are not ours."""
    found = _read_args(serializer, value, label)
    return {"args": (found,), "kwargs": {}} if isinstance(found, ForeignRecord) else found


def _row_of(
    serializer: Any,
    label: Any,
    workflow_id: str,
    *,
    serialized_input: Any,
    serialized_output: Any,
    serialized_exception: Any,
) -> tuple[Any, Any, Any]:
    """Return input, output and error of a row, with a ForeignRecord for each that is not ours."""
    return (
        None if serialized_input is None else _read_args(serializer, serialized_input, label),
        None if serialized_output is None else serializer.read(serialized_output, label),
        None if serialized_exception is None else serializer.read(serialized_exception, label),
    )


def _read_args(codec: Codec, text: Any, label: Any) -> Any:
    found = codec.read(text, label)
    if label is None and text is not None:
        # DBOS's scheduler sets no label: recognise what it submits by its shape.
        unlabelled = codec.deserialize(text)
        found = unlabelled if _is_scheduled(unlabelled) else found
    if isinstance(found, ForeignRecord):
        return found
    if not isinstance(found, dict) or not isinstance(found.get("args"), list) or found.get("kwargs") != {}:
        return ForeignRecord("it was not written there by arazzo")
    return found


def _is_scheduled(found: Any) -> bool:
    args = found.get("args") if isinstance(found, dict) else None
    return isinstance(args, list) and len(args) == 2 and isinstance(args[0], datetime) and isinstance(args[1], Sealed)


def _zone(name: Any) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return UTC


class _Guard:
    """Patches DBOS while somebody holds it; counts the holders."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._replaced: list[tuple[Any, str, Any]] = []

    def acquire(self) -> None:
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                for decoder in _DECODERS:
                    self._replace(decoder, "deserialize", _refuse)
                self._replace(dbos._core, "deserialize_args", _for_ours(dbos._core.deserialize_args, _args_of, 2))
                real = dbos._sys_db.safe_deserialize
                self._replace(dbos._sys_db, "safe_deserialize", _for_ours(real, _row_of, 0))
                self._replace(dbos._scheduler, "ZoneInfo", _zone)

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                for place, name, real in reversed(self._replaced):
                    setattr(place, name, real)
                self._replaced.clear()

    def _replace(self, place: Any, name: str, made: Any) -> None:
        self._replaced.append((place, name, getattr(place, name)))
        setattr(place, name, made)


def _for_ours(real: Callable[..., Any], ours: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Return a function that calls `ours` if its serializer, the argument at `position`, is a Codec, else `real`."""

    def chosen(*args: Any, **kwargs: Any) -> Any:
        return (ours if isinstance(args[position], Codec) else real)(*args, **kwargs)

    return chosen


_GUARD: Final = _Guard()


class ForeignRowsRefused:
    """Keeps the patches in place from its creation until `close`; every Runtime has one."""

    def __init__(self) -> None:
        self._held = True
        _GUARD.acquire()

    def close(self) -> None:
        """Restore DBOS, unless another Runtime is open."""
        if self._held:
            self._held = False
            _GUARD.release()
