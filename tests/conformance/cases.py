"""Reads the conformance cases: fixtures/cases/<group>/*.yaml, YAML 1.2, each file a list of cases."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read

FOLDER = Path(__file__).parents[2] / "fixtures" / "cases"
REQUIREMENTS = "requirements"


def read_list(path: Path) -> list[dict[str, Any]]:
    """Read one file of cases with the engine's own reader, which reads YAML 1.2."""
    problems = Problems()
    document = read(path.read_bytes(), path.name, problems)
    assert document is not None, problems.diagnostics
    assert isinstance(document.value, list)
    return document.value


@cache
def cases_of(group: str) -> tuple[dict[str, Any], ...]:
    """The cases of a folder, files in the order of their names."""
    return tuple(case for path in sorted((FOLDER / group).glob("*.yaml")) for case in read_list(path))


def groups() -> list[str]:
    """Every folder of cases."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != REQUIREMENTS)


def requirements(name: str) -> list[dict[str, Any]]:
    """The rows that cases pin: those of the Specification, or the decisions where it is silent."""
    return read_list(FOLDER / REQUIREMENTS / f"{name}.yaml")
