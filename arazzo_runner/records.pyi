"""For the type checker a record is a dataclass."""

from dataclasses import dataclass as record

__all__ = ["record"]
