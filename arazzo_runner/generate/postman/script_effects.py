"""What a script does: the variables that it sets, and what it expects of a response."""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias

from arazzo_runner.base.records import MutableRecord, Record, field

Scalar: TypeAlias = str | int | float | bool | None


class FromBody(Record):
    """A member of the JSON body of the response."""

    path: tuple[str | int, ...] = ()


class FromText(Record):
    """The body of the response as text."""


class FromHeader(Record):
    """A header of the response."""

    name: str


class FromStatus(Record):
    """The status of the response."""


class FromVariable(Record):
    """A variable of the collection."""

    name: str


Source: TypeAlias = FromBody | FromText | FromHeader | FromStatus | FromVariable
Part: TypeAlias = str | Source


class Setting(Record):
    """A variable is set to the parts, joined."""

    name: str
    parts: tuple[Part, ...]
    line: int


class Expectation(Record):
    """Something of the response is compared with one of the values, in one of the signs of conditions."""

    of: FromBody | FromHeader | FromStatus
    sign: OneOf["==", "!=", "<", "<=", ">", ">="]
    values: tuple[Scalar | FromVariable, ...]
    line: int


class Script(MutableRecord):
    """What a script says; `untranslated` are numbers of lines, counted from 1."""

    settings: list[Setting] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    untranslated: list[int] = field(default_factory=list)
