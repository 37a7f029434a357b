"""For the type checker a record is a dataclass."""

from dataclasses import dataclass as record
from dataclasses import field as field
from dataclasses import replace as replace

__all__ = ["field", "field_names", "record", "replace"]

def field_names(value: object, /) -> list[str]: ...
