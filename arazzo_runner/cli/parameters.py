"""What options take: numbers that clocks, sockets and databases can take too, names that can be stored and shown."""

from __future__ import annotations

import math
from typing import Any, Final

import click

from arazzo_runner.engine.option_numbers import MOST_SECONDS

MOST_RUNS: Final = 1_000_000
_LONGEST_NAME: Final = 200


class Seconds(click.FloatRange):
    """A length of time; `min_open` refuses 0."""

    def __init__(self, least: float = 0, *, min_open: bool = False) -> None:
        super().__init__(min=least, max=MOST_SECONDS, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number; nan, which every comparison lets pass, is none."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail("nan is no number of seconds", param, ctx)
        return found


class Count(click.IntRange):
    """How many of something, at most what 32 bits hold: databases take no more."""

    def __init__(self, least: int = 1, most: int = 2**31 - 1) -> None:
        super().__init__(min=least, max=most)


class Name(click.types.StringParamType):
    """A name that is kept and shown: UTF-8, in one line, without control characters."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a text."""
        found = super().convert(value, param, ctx)
        if not found.isprintable() or not found.strip() or len(found) > _LONGEST_NAME:
            self.fail(f"a name is printable text, at most {_LONGEST_NAME} characters of it", param, ctx)
        return found


class Bytes(click.IntRange):
    """A size."""

    def __init__(self) -> None:
        super().__init__(min=1, max=2**53)
