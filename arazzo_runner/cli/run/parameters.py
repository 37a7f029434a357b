"""What options take: numbers that clocks, sockets and databases can take too, names that can be stored and shown."""

from __future__ import annotations

from typing import Any, Final

import click

from arazzo_runner.engine.options import MOST_SECONDS

MOST_RUNS: Final = 1_000_000
_LONGEST_NAME: Final = 200


class Seconds(click.FloatRange):
    """A length of time; `min_open` refuses 0."""

    def __init__(self, least: float = 0, *, min_open: bool = False) -> None:
        super().__init__(min=least, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number; nan, which every comparison lets pass, is none."""
        found = super().convert(value, param, ctx)
        if not found <= MOST_SECONDS:
            self.fail(f"{value} is no number of seconds up to {MOST_SECONDS:,.0f}", param, ctx)
        return found


class Count(click.IntRange):
    """How many of something, at most `most`: what 32 bits hold, for databases take no more."""

    def __init__(self, least: int = 1, most: int = 2**31 - 1) -> None:
        super().__init__(min=least)
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number."""
        found = super().convert(value, param, ctx)
        if found > self._most:
            self.fail(f"{value} is more than {self._most:,}", param, ctx)
        return found


class Bytes(Count):
    """A size."""

    def __init__(self) -> None:
        super().__init__(most=2**53)


class Name(click.types.StringParamType):
    """A name that is kept and shown: UTF-8, in one line, without control characters."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a text."""
        found = super().convert(value, param, ctx)
        if not found.isprintable() or not found.strip() or len(found) > _LONGEST_NAME:
            self.fail(f"a name is printable text, at most {_LONGEST_NAME} characters of it", param, ctx)
        return found
