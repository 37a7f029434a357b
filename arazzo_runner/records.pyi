"""For the type checker a record is a dataclass."""

from dataclasses import dataclass as record
from dataclasses import replace as replace

__all__ = ["record", "replace"]
