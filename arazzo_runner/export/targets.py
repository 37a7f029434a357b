"""The targets of `export`, and the one function that writes a Plan for one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Diagnostic
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Plan

Files: TypeAlias = Mapping[str, str]
"""The texts to be written, by file name; the first is what is asked for, others belong beside it."""
Writer: TypeAlias = Callable[[Plan, Notes], Files]


class Target(Record, kw_only=True):
    """A target: the file name of an export is `prefix`, the workflowId, `suffix`; `module` has its `write`.

    `is_script`: the file is a program, which the user runs by its name.
    """

    name: str
    module: str
    summary: str
    suffix: str
    prefix: str = ""
    is_script: bool = False


_COLLECTION: Final = ".postman_collection.json"
TARGETS: Final[Mapping[str, Target]] = {
    each.name: each
    for each in (
        Target(
            name="curl", module="bash_script", summary="a bash script with curl and jq", suffix=".sh", is_script=True
        ),
        Target(
            name="python", module="python_script", summary="a Python script with httpx", suffix=".py", is_script=True
        ),
        Target(
            name="pytest", module="python_test", summary="a test for pytest, with httpx", suffix=".py", prefix="test_"
        ),
        Target(name="k6", module="k6", summary="a script for k6, whose checks are the criteria", suffix=".js"),
        Target(name="postman", module="postman", summary="a collection for Postman and newman", suffix=_COLLECTION),
        Target(name="http", module="http_file", summary="a .http file for JetBrains IDEs and httpyac", suffix=".http"),
    )
}
"""The targets by name; `module` is the module `arazzo_runner.export.MODULE`, which has `write(plan, notes)`."""

_NO_NAME: Final = pattern(r"[^A-Za-z0-9_.-]+")


class Exported(Record):
    """The files of an export, the first the main one, and what could not be exported."""

    files: Files
    warnings: tuple[Diagnostic, ...]


def export(plan: Plan, target: str) -> Exported:
    """Write a plan for a target."""
    module = import_module(f"arazzo_runner.export.{TARGETS[target].module}")  # lazily: one of them is used
    notes = Notes(target)
    files = module.write(plan, notes)
    return Exported(files, tuple(sorted(notes.warnings, key=lambda each: each.at.start[0] or 0)))


def file_name(plan: Plan, target: str) -> str:
    """Return the usual name of the file of an export.

    >>> TARGETS["pytest"].prefix, TARGETS["pytest"].suffix
    ('test_', '.py')
    """
    found = TARGETS[target]
    name = _NO_NAME.sub("_", plan.workflow.workflow_id)
    name = name.replace("-", "_").replace(".", "_") if found.suffix == ".py" else name
    return f"{found.prefix}{name}{found.suffix}"
