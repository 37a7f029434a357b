"""The base classes of all records, which are msgspec Structs: `Record` is frozen, `MutableRecord` is not.

Two records are equal if they have the same class and equal fields; two mutable ones, if they are the same object.
`field` gives a default that is made anew for each record, `replace` returns a copy with some fields changed, and
`field_names` the names of the fields. msgspec's encoders and decoders are not used.
"""

from typing import ClassVar, dataclass_transform

from msgspec import Struct, field
from msgspec.structs import replace

__all__ = ["MutableRecord", "PartlyComparedRecord", "Record", "field", "field_names", "replace"]


class _Shown:
    """Gives records a repr that leaves out some fields, because they are secret or long.

    A record that shows something else overrides `__rich_repr__`: rich prints that, and `repr` agrees with it.
    """

    __slots__ = ()
    __struct_fields__: ClassVar[tuple[str, ...]]
    _hidden_in_repr: ClassVar[tuple[str, ...]] = ()

    def __rich_repr__(self) -> list[tuple[str, object]]:
        shown = [name for name in self.__struct_fields__ if name not in self._hidden_in_repr]
        return [(name, getattr(self, name)) for name in shown]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__qualname__}({shown})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record(_Shown, Struct, frozen=True):
    """The base of records that never change."""


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class MutableRecord(_Shown, Struct, eq=False):
    """The base of records that change; each is equal to itself only."""


class PartlyComparedRecord(Record):
    """A record that is equal to another of its class whatever the fields `_ignored_in_eq` hold."""

    _ignored_in_eq: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartlyComparedRecord) or other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name not in self._ignored_in_eq)


def field_names(value: Struct | type[Struct], /) -> tuple[str, ...]:
    """Return the names of the fields of a record, or of a class of records."""
    return value.__struct_fields__
