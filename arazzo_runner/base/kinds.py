"""Kinds of values that callers of the package give: what fits, and in words what does not.

Type checkers see wrong types before; this is for the callers who have none. A message names the type of the
value that was given, never the value, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from os import PathLike
from typing import Any, Final

from arazzo_runner.base.records import Record


class Kind(Record):
    """A kind of value: `words` say what it is ("True or False"), `fits` whether a value is one."""

    words: str
    fits: Callable[[Any], bool]


def type_of(value: object) -> str:
    """Return the name of a value's type for a message.

    >>> type_of(None), type_of({}), type_of(dict), type_of(Kind("x", bool))
    ('None', 'dict', 'the class dict', 'arazzo_runner.Kind')
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__qualname__}"
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def faults(given: Mapping[str, object], kinds: Mapping[str, Kind], prefix: str = "") -> Iterator[str]:
    """Yield a sentence for each value that is not of its kind, by names; those without a kind are not looked at.

    >>> list(faults({"strict": "no"}, {"strict": FLAG}, "LoadOptions: "))
    ['LoadOptions: strict is True or False, not str']
    """
    for name, kind in kinds.items():
        if name in given and not kind.fits(given[name]):
            yield f"{prefix}{name} is {kind.words}, not {_shown(given[name])}"


def fields_of(record: Any) -> dict[str, object]:
    """Return the fields of a record by name."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


def instance_of(*classes: type[Any], words: str, optional: bool = False) -> Kind:
    """Return the kind of the instances of some classes, and of None if it is `optional`."""
    return Kind(words, lambda value: isinstance(value, classes) or (optional and value is None))


def one_of(*values: object) -> Kind:
    """Return the kind of some values, which are texts."""
    *others, last = (f'"{each}"' for each in values)
    return Kind(f"{', '.join(others)} or {last}", lambda value: isinstance(value, str) and value in values)


def table_of(kind: Kind, words: str) -> Kind:
    """Return the kind of mappings whose keys are texts and whose values are of a kind."""
    return Kind(words, lambda value: _is_table(value) and all(map(kind.fits, value.values())))


def many_of(kind: Kind, words: str) -> Kind:
    """Return the kind of collections of values of a kind; a single text is none."""
    return Kind(words, lambda value: _is_collection(value) and all(map(kind.fits, value)))


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for each in value)


def _is_collection(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (str, bytes, Mapping))


def _shown(value: object) -> str:
    """Return the type of a value, and, of a mapping or collection, those of what is in it."""
    if isinstance(value, Mapping):
        return f"{type_of(value)} of {_types(value.keys())} to {_types(value.values())}" if value else type_of(value)
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return f"{type_of(value)} of {_types(value)}"
    return type_of(value)


def _types(values: Collection[object]) -> str:
    return " and ".join(dict.fromkeys(map(type_of, values)))


FLAG: Final = instance_of(bool, words="True or False")
TEXT: Final = instance_of(str, words="a str")
OPTIONAL_TEXT: Final = instance_of(str, words="a str", optional=True)
ANYTHING: Final = Kind("anything", lambda value: True)
PATH: Final = instance_of(str, PathLike, words="a path")
OPTIONAL_PATH: Final = instance_of(str, PathLike, words="a path", optional=True)
