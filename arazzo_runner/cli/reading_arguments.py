"""What a command line says about the reading of documents, as one record; free of click."""

from __future__ import annotations

from typing import Any

from arazzo_runner.base.records import Record, field, field_names
from arazzo_runner.document.source_map import Limits


class ReadingArguments(Record, kw_only=True):
    """What the options of `reading_options` say, ready for the API; the defaults are what holds without them."""

    strict: bool = False
    root: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    url_map: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    offline: bool = False
    allow_remote: bool = False
    allow_hosts: tuple[str, ...] = ()
    cache: bool = True

    def as_keywords(self) -> dict[str, Any]:
        """Return them by name, to be passed on to the API."""
        return {name: getattr(self, name) for name in field_names(self)}
