"""For the type checker a record is a dataclass."""

from dataclasses import dataclass as record
from dataclasses import field as field
from dataclasses import replace as replace
from functools import cached_property as cached_property

__all__ = ["cached_property", "field", "field_names", "record", "replace"]

def field_names(value: object, /) -> list[str]: ...
