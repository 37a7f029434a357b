"""Options that mean nothing without another or beside it, by command; checked before anything is read.

What an option needs, or excludes, is written here once; only what depends on values is checked by the commands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from arazzo_runner.base.records import Record


class Needs(Record):
    """The option means nothing without one of the others."""

    option: str
    others: tuple[str, ...]

    def problems(self, given: Collection[str]) -> Iterator[str]:
        """Yield a message if the option is given alone."""
        if self.option in given and not any(each in given for each in self.others):
            yield f"{self.option} needs {' or '.join(self.others)}"


class Excludes(Record):
    """The option leaves nothing to do for each of the others, or contradicts it; `why` explains that."""

    option: str
    others: tuple[str, ...]
    why: str = ""

    def problems(self, given: Collection[str]) -> Iterator[str]:
        """Yield a message for each of the others that is given with the option."""
        why = f": {self.why}" if self.why else ""
        if self.option in given:
            yield from (f"{self.option} and {each} exclude each other{why}" for each in self.others if each in given)


def _needs(option: str, *others: str) -> Needs:
    return Needs(option, others)


def _excludes(option: str, *others: str, why: str = "") -> Excludes:
    return Excludes(option, others, why)


Combinations = tuple[Needs | Excludes, ...]

_READING: Final[Combinations] = (
    _excludes("--offline", "--allow-remote", "--allow-host", why="nothing remote is read"),
)
_SHOWN: Final[Combinations] = (_excludes("-v", "-q"),)
_TRANSPORT: Final[Combinations] = (_needs("--max-redirects", "--follow-redirects"),)
_IN_PLACE: Final = "the mock answers in the place of every server"
_NO_TLS: Final = "a mock is served here, without TLS"
_DRY: Final = "a dry run sends nothing, and prints its requests"
_MOCK: Final[Combinations] = (
    _needs("--mock-lenient", "--mock"),
    _needs("--scenario", "--mock"),
    _needs("--switch", "--mock"),
    _needs("--switch", "--scenario"),
    _excludes("--mock", "--server", why=_IN_PLACE),
)
_SUBMITTED: Final[Combinations] = (*_READING, *_TRANSPORT)

COMBINATIONS: Final[dict[str, Combinations]] = {
    "run": (
        _excludes("--durable", "--mock", why="arazzo mock serves it, --server names it"),
        _excludes("--durable", "--dry-run", "--record", "--step", "--from", "--until", "--watch", "--rate"),
        _excludes("--durable", "--data", "--repeat", why="arazzo submit is for several runs"),
        _excludes("--mock", "--dry-run"),
        *_MOCK,
        _excludes("--mock", "--server-var", why=_IN_PLACE),
        *_READING,
        *_SHOWN,
        *_TRANSPORT,
        _excludes("--mock", "--cert", "--cacert", "--insecure-host", "--proxy", why=_NO_TLS),
        _excludes("--dry-run", "--record", "--report", "--output", "--show-secrets", "--rate", why=_DRY),
        _excludes("--step", "--from", "--until"),
        _needs("--outputs-from", "--from", "--step"),
        _needs("--run-id", "--durable"),
        _needs("--store", "--durable"),
        _needs("--idempotency-keys", "--durable"),
    ),
    "mcp": (
        _excludes("--durable", "--mock", why="arazzo mock serves it, --server names it"),
        _excludes("--durable", "--confirm", why="nobody waits for the answer of a durable run"),
        _excludes("--confirm", "--deny-unsafe", why="nothing unsafe is sent"),
        *_MOCK,
        _excludes("--mock", "--server-var", why=_IN_PLACE),
        *_READING,
        *_TRANSPORT,
        _excludes(
            "--mock", "--cert", "--cacert", "--insecure-host", "--proxy",
            why="a mock is served here, without TLS",
        ),
        _needs("--store", "--durable"),
        _needs("--idempotency-keys", "--durable"),
    ),
    "call": (
        _excludes("--mock", "--dry-run"),
        *_MOCK,
        _excludes("--mock", "--server-var", why=_IN_PLACE),
        *_READING,
        *_SHOWN,
        *_TRANSPORT,
        _excludes("--mock", "--cert", "--cacert", "--insecure-host", "--proxy", why=_NO_TLS),
        _excludes("--dry-run", "--record", "--report", "--output", "--show-secrets", "--include", why=_DRY),
        _excludes("--format", "--output", "--include", why="the report has the response"),
        _needs("--force", "--output"),
        _needs("--workflow", "--save"),
        _needs("--step-id", "--save"),
        _needs("--capture", "--save"),
    ),
    "debug": (*_MOCK, *_READING),
    "generate": (
        *_READING,
        _needs("--overwrite", "-o"),
        _excludes("--operation", "--tag", "--crud", why="the operations are named"),
    ),
    "show": _READING,
    "auth": _READING,
    "graph": _READING,
    "trace": _READING,
    "mock": (
        _needs("--switch", "--scenario"),
        _excludes("--offline", "--allow-remote", why="nothing remote is read"),
        _excludes(
            "--from", "--scenario", "--switch", "--stateful", "--strict", "--max-document-size", "--max-document-depth",
            "--max-document-nodes", "--url-map", "--source", "--root", "--offline", "--no-cache", "--allow-remote",
            why="a cassette has all answers",
        ),
    ),
    "replay": (*_SHOWN, *_READING),
    "resume": _SHOWN,
    "submit": _SUBMITTED,
    "schedule add": _SUBMITTED,
    "eval": (
        _needs("--criterion-timeout", "--context"),
        _needs("--run", "--context"),
        _needs("--step", "--context"),
        _excludes("--parse-only", "--criterion-timeout", why="nothing is evaluated"),
    ),
    "upgrade": _READING,
    "validate": (
        *_READING,
        _needs("--unsafe", "--fix", "--diff"),
        _excludes("--fix", "--diff", why="--diff writes nothing"),
        _excludes("--diff", "--format", "--output", why="it prints the changes, and the findings as text"),
        _excludes("--config", "--no-config"),
        _excludes(
            "--write-baseline", "--baseline", "--diff", "--format", "--output", "--max-warnings",
            why="it writes the findings into its file, and reports none",
        ),
    ),
}  # fmt: skip
"""The combinations of each command, a subcommand after the name of its group."""


def problem_of(command: str, given: Collection[str]) -> str | None:
    """Return what is wrong with the options that are given to a command, None if nothing is.

    >>> problem_of("run", ["--scenario"])
    '--scenario needs --mock'
    """
    return next((message for each in COMBINATIONS.get(command, ()) for message in each.problems(given)), None)
