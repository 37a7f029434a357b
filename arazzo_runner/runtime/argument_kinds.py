"""The kinds of the arguments of the public functions: one of another kind is refused before anything is done."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any, Final

from arazzo_runner.base.kinds import (
    FLAG,
    OPTIONAL_PATH,
    OPTIONAL_TEXT,
    PATH,
    TEXT,
    Kind,
    faults,
    fields_of,
    instance_of,
    many_of,
    table_of,
    type_of,
)
from arazzo_runner.base.records import MutableRecord
from arazzo_runner.document.reading import Limits
from arazzo_runner.engine.effects import CredentialSource
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic, InvalidInputs, InvalidUsage, Location, Severity
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.model import Program

Found = tuple[str, str | None]
"""A message, and what to write instead."""

_NAMES: Final = table_of(Kind("", lambda value: True), "a mapping of names to values")
_CODES: Final = many_of(TEXT, "")
KINDS: Final[Mapping[str, Kind]] = {
    "workflow_id": OPTIONAL_TEXT,
    "servers": Kind("a mapping of source names to URLs", lambda value: value is None or _NAMES.fits(value)),
    "load_options": instance_of(LoadOptions, words="LoadOptions(…)", optional=True),
    "options": instance_of(RunOptions, words="RunOptions(…)", optional=True),
    "mock_lenient": FLAG,
    "sample_inputs": FLAG,
    "scenario": instance_of(str, PathLike, MutableRecord, words="a path", optional=True),  # or one that is read
    "switches": many_of(TEXT, "a list of names"),
    "credentials": instance_of(
        CredentialSource, Mapping, words="a mapping of sources to schemes, or Credentials(…)", optional=True
    ),
    "rules": Kind("a list of codes", lambda value: value is None or _CODES.fits(value)),
    "run_id": OPTIONAL_TEXT,
    "store": instance_of(str, PathLike, words="a path or a postgresql:// URL", optional=True),
    "idempotency_keys": FLAG,
}
_INPUTS: Final = {"inputs": Kind(_NAMES.words, lambda value: value is None or _NAMES.fits(value))}
LOAD_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("strict", "offline", "unchecked", "allow_remote", "any_server", "cache"), FLAG),
    "root": OPTIONAL_PATH,
    "sources": table_of(TEXT, "a mapping of names to paths or URLs, each a str"),
    "url_map": table_of(TEXT, "a mapping of URLs to paths, each a str"),
    "servers": _NAMES,
    "server_variables": table_of(TEXT, "a mapping of names to values, each a str"),
    "channel_addresses": table_of(TEXT, "a mapping of channels to addresses, each a str"),
    "limits": instance_of(Limits, words="Limits(…)"),
    "include": many_of(instance_of(str, PathLike, Mapping, words=""), "a list of documents"),
    "allow_hosts": many_of(TEXT, "a list of hosts"),
}
_FUNCTION: Final = "a function of two arguments, def on_event(event, secrets)"
_PERFORM: Final = "an object with the method async def perform(self, effect, /)"


def check_kinds(**given: object) -> None:
    """Raise InvalidUsage with every argument of a public function that is of another kind than its name asks for.

    InvalidInputs if the inputs alone are wrong.
    """
    found = [(message, _hint_of(message.partition(" ")[0], given)) for message in faults(given, KINDS)]
    for name, about in _OTHERS.items():
        found += about(given[name]) if name in given else ()
    options = given.get("load_options")
    if isinstance(options, LoadOptions):
        found += [(each, None) for each in faults(fields_of(options), LOAD_KINDS, "load_options: ")]
    if found:
        raise InvalidUsage(
            Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
            for message, hint in found
        )
    _check_inputs(given)


def _check_inputs(given: Mapping[str, object]) -> None:
    """Raise InvalidInputs for inputs that are no mapping: a service may get them from its clients."""
    for message in faults(given, _INPUTS):
        raise InvalidInputs(
            [Diagnostic(code="invalid-input", severity=Severity.ERROR, message=message, at=Location(""))]
        )


def _hint_of(name: str, given: Mapping[str, object]) -> str | None:
    if name == "workflow_id" and isinstance(given[name], Mapping):
        return "give the inputs by name: inputs={…}"
    if name in ("options", "load_options"):
        other = {"options": LoadOptions, "load_options": RunOptions}[name]
        if isinstance(given[name], other):
            return f"give it as {'load_options' if name == 'options' else 'options'}={other.__name__}(…)"
        kind = "RunOptions" if name == "options" else "LoadOptions"
        return f"write {name}=arazzo_runner.{kind}(name=value, …)"
    return None


def _about_document(document: Any) -> Iterator[Found]:
    """Yield what is wrong with a document; the text of one is taken for its path otherwise."""
    wanted = "a document is a path, a URL or a mapping"
    if isinstance(document, Program):
        yield f"{wanted}, not a Program, which is loaded already", "give the Program to run, arun or dry_run"
    elif isinstance(document, str) and "\n" in document:
        yield f"{wanted}, not its text", "read the text, yaml.safe_load(text) or json.loads(text), and give the mapping"
    elif not isinstance(document, Mapping) and not PATH.fits(document):
        is_list = isinstance(document, (list, tuple))
        yield f"{wanted}, not {type_of(document)}", "give one after the other: (*documents)" if is_list else None


def _about_runnable(document: Any) -> Iterator[Found]:
    return iter(()) if isinstance(document, Program) else _about_document(document)


def _about_documents(documents: Any) -> Iterator[Found]:
    for document in documents:
        yield from _about_document(document)


def _about_listener(listener: Any) -> Iterator[Found]:
    if listener is None:
        return
    if not callable(listener):
        yield f"on_event is {_FUNCTION}, not {type_of(listener)}", None
    elif is_asynchronous(listener):
        hint = "write def, and hand what takes time to a task or a queue: queue.put_nowait(event)"
        yield f"on_event is {_FUNCTION}, not async def: nobody would await it", hint
    elif not _takes_two(listener):
        yield f"on_event is {_FUNCTION}: this one cannot be called with two", None


def is_asynchronous(function: Any) -> bool:
    """Return whether a callable is an `async def`, or has one as its `__call__`."""
    call = getattr(type(function), "__call__", None)  # noqa: B004 - whether it is asynchronous, not whether it is there
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _takes_two(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature
        return True
    return True


def _about_world(world: Any) -> Iterator[Found]:
    if world is None:
        return
    if isinstance(world, type):
        yield f"world is {_PERFORM}, not {type_of(world)}", f"make one: {world.__name__}(…)"
    elif not callable(getattr(world, "perform", None)):
        yield f"world is {_PERFORM}, not {type_of(world)}", None
    elif getattr(world, "is_closed", False) is True:
        yield "the world is closed: its with block has ended", "run inside of the block, or make another World"


def _about_around(around: Any) -> Iterator[Found]:
    if around is not None and not callable(around):
        has_perform = hasattr(around, "perform")
        hint = "give a World itself as world=" if has_perform else None
        yield f"around is a function that takes a World and returns one, not {type_of(around)}", hint


_OTHERS: Final[Mapping[str, Callable[[Any], Iterator[Found]]]] = {
    "document": _about_document,
    "runnable": _about_runnable,
    "documents": _about_documents,
    "on_event": _about_listener,
    "world": _about_world,
    "around": _about_around,
}
