"""The options of a run as JSON and back: a run that is resumed has the options it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.records import field_names
from arazzo_runner.engine.check_options import CheckOptions
from arazzo_runner.engine.options import RunOptions, TransportOptions

_KINDS: Final = (RunOptions, TransportOptions, CheckOptions)
_KIND_BY_NAME: Final = {kind.__name__: kind for kind in _KINDS}


def options_to_json(options: RunOptions) -> Any:
    """Return the options as a JSON value: their class by name, what JSON lacks by a tag."""
    return _encoded(options)


def options_from_json(value: Any) -> RunOptions:
    """Read what `options_to_json` gave; what a later version knows keeps its default."""
    found = _decoded(value)
    assert isinstance(found, RunOptions)
    return found


def _encoded(value: Any) -> Any:
    if isinstance(value, _KINDS):
        members = {name: _encoded(getattr(value, name)) for name in field_names(value)}
        return {"record": type(value).__name__, "fields": members}
    if isinstance(value, Mapping):
        return {"map": [[key, _encoded(each)] for key, each in value.items()]}
    if isinstance(value, (tuple, list, set, frozenset)):
        kind = "set" if isinstance(value, (set, frozenset)) else "list" if isinstance(value, list) else "tuple"
        return {kind: [_encoded(each) for each in (sorted(value) if kind == "set" else value)]}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"an option of type {type(value).__name__} cannot be stored")


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "record" in value:
        kind = _KIND_BY_NAME[value["record"]]
        known = set(field_names(kind))
        return kind(**{name: _decoded(each) for name, each in value["fields"].items() if name in known})
    if "map" in value:
        return {key: _decoded(each) for key, each in value["map"]}
    [(kind_name, items)] = value.items()
    made = {"list": list, "tuple": tuple, "set": frozenset}[kind_name]
    return made(_decoded(each) for each in items)
