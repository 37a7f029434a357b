"""Options as plain data, and a reader that understands them as click does, without importing click.

`cli.options.add_options` gives the same table to click, so that each option is described once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from arazzo_runner.base.records import Record

MAX_COUNT: Final = 2**31 - 1
"""The largest number that most options take: 32 bits, for databases take no more."""


class WrongValue(ValueError):
    """An option's value cannot be used; the message names the option."""


class Option(Record):
    """One option: a flag unless it has `metavar` or `choices`.

    With `minimum` its value is a whole number; with `is_mapping` it is repeatable, its value a dict of `NAME=VALUE`.
    """

    name: str
    help: str
    metavar: str | None = None
    parameter: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int = MAX_COUNT
    repeatable: bool = False
    is_mapping: bool = False
    default: str | None = None

    @property
    def key(self) -> str:
        """The name under which a command gets the value."""
        return self.parameter or self.name.removeprefix("--").replace("-", "_")

    @property
    def is_flag(self) -> bool:
        """Whether the option takes no value."""
        return self.metavar is None and not self.choices

    def value(self, given: list[str]) -> Any:
        """Return what a command gets for all occurrences of the option; raises ValueError as click refuses."""
        if self.is_flag:
            return bool(given)
        if self.is_mapping:
            return dict(split_pair(text, self.name, self.metavar or "") for text in given)
        if self.repeatable:
            return tuple(map(self._converted, given))
        return self._converted(given[-1]) if given else self.default

    def _converted(self, text: str) -> str | int:
        if self.choices and text not in self.choices:
            raise ValueError(text)
        if self.minimum is None:
            return text
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(text)
        return number


def read_options(arguments: Iterable[str], options: Iterable[Option], operands: str) -> dict[str, Any] | None:
    """Return what click would pass to a command: the values of its options, and the other arguments as `operands`.

    Returns None where click would print help or an error.
    """
    known = {option.name: option for option in options}
    given: dict[str, list[str]] = {name: [] for name in known}
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others += rest
            break
        if argument == "-" or not argument.startswith("-"):
            others.append(argument)
            continue
        name, equals, text = argument.partition("=")
        option = known.get(name)
        value = "" if option is not None and option.is_flag else text if equals else next(rest, None)
        if option is None or value is None or (option.is_flag and equals):
            return None
        given[name].append(value)
    try:
        values = {option.key: option.value(given[name]) for name, option in known.items()}
    except ValueError:
        return None
    return {**values, operands: tuple(others)}


def split_pair(text: str, option: str, form: str) -> tuple[str, str]:
    """Split a text at its first `=`; raises WrongValue, which names the option and the form of its values.

    >>> split_pair("note=a=b", "-i", "NAME=VALUE")
    ('note', 'a=b')
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongValue(f'{option} expects {form}, found "{text}"')
    return name, value
