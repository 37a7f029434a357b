"""The pytest plugin: Arazzo documents are tests; each is validated, and with --arazzo-run its workflows are run.

It is found by its entry point. What it needs of this project is imported when the first document
is collected, so that other test suites pay for one `endswith` a file.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_SUFFIXES = (".arazzo.yaml", ".arazzo.yml", ".arazzo.json")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini value."""
    group = parser.getgroup("arazzo", "Arazzo documents")
    group.addoption("--arazzo-run", action="store_true", help="run the workflows of collected documents")
    group.addoption("--arazzo-mock", action="store_true", help="run them, answered from their descriptions")
    group.addoption("--arazzo-strict", action="store_true", help="deviations from the Specification fail")
    group.addoption("--no-arazzo", action="store_true", help="collect no Arazzo documents")
    parser.addini("arazzo_files", "globs of Arazzo documents besides *.arazzo.yaml, .yml, .json", type="args")


@pytest.fixture
def arazzo_inputs() -> dict[str, Any]:
    """The inputs of a workflow that is run; override it in conftest.py (`request.node.workflow_id` says which)."""
    return {}


@pytest.fixture
def arazzo_servers() -> dict[str, str]:
    """Where the APIs are called, by source name; override it in conftest.py, for instance with a test server."""
    return {}


@pytest.fixture
def arazzo_options() -> dict[str, Any]:
    """Further arguments of `arazzo_runner.run`; override it in conftest.py."""
    return {}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a file for an Arazzo document by its name."""
    if not _is_wanted(file_path, parent.config):
        return None
    return ArazzoFile.from_parent(parent, path=file_path)


def _is_wanted(path: Path, config: pytest.Config) -> bool:
    globs = config.getini("arazzo_files")
    if not (path.name.endswith(_SUFFIXES) or globs) or config.getoption("--no-arazzo"):
        return False
    if path.name.endswith(_SUFFIXES):
        return True
    try:
        relative = path.relative_to(config.rootpath).as_posix()
    except ValueError:
        return False
    return any(fnmatch.fnmatchcase(relative, glob) for glob in globs)


class ArazzoFile(pytest.File):
    """One document: a test that it is valid, and one for each workflow that is to be run."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tests of this document."""
        yield ValidItem.from_parent(self, name="valid")
        config = self.config
        if config.getoption("--arazzo-run") or config.getoption("--arazzo-mock"):
            for workflow_id, line in _workflows(self.path):
                yield WorkflowItem.of(self, workflow_id, line)


class NotValid(Exception):
    """Findings of level error, as text."""


class WorkflowFailed(Exception):
    """How a workflow failed, as text."""


class ValidItem(pytest.Item):
    """The document has no errors; its warnings are in the report of the test."""

    def runtest(self) -> None:
        """Lint the document by the configuration that holds for it."""
        from arazzo_runner.errors import Severity
        from arazzo_runner.report.findings.text import render_diagnostics

        findings = _lint(str(self.path), strict=bool(self.config.getoption("--arazzo-strict")))
        text = render_diagnostics(findings)
        if any(found.severity is Severity.ERROR for found in findings):
            raise NotValid(text)
        if text:
            self.add_report_section("call", "arazzo", text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show findings as `arazzo validate` does, anything else as pytest does."""
        if isinstance(excinfo.value, NotValid):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where and what this test is."""
        return self.path, 0, "valid"


class WorkflowItem(pytest.Function):
    """One workflow of a document, run with what the fixtures give."""

    workflow_id: str
    line: int

    @classmethod
    def of(cls, parent: ArazzoFile, workflow_id: str, line: int) -> WorkflowItem:
        """Make the test of a workflow."""

        def run(arazzo_inputs: Any, arazzo_servers: Any, arazzo_options: Any) -> None:
            _run(made, arazzo_inputs, arazzo_servers, arazzo_options)

        made: WorkflowItem = cls.from_parent(parent, name=workflow_id, callobj=run)
        made.workflow_id, made.line = workflow_id, line
        return made

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show a failed run as `arazzo run` does, anything else as pytest does."""
        from arazzo_runner.errors import ArazzoError
        from arazzo_runner.report.findings.text import render_diagnostics

        if isinstance(excinfo.value, WorkflowFailed):
            return str(excinfo.value)
        if isinstance(excinfo.value, ArazzoError):
            return render_diagnostics(excinfo.value.diagnostics)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where and what this test is."""
        return self.path, self.line - 1, self.workflow_id


def _lint(path: str, *, strict: bool) -> tuple[Any, ...]:
    """Return the findings of `arazzo validate` in a document, with its configuration; nothing remote is read."""
    from arazzo_runner.lint.baseline import apply_baseline, read_baseline
    from arazzo_runner.lint.levels import Choices
    from arazzo_runner.lint.pipeline import Linter, LintOptions
    from arazzo_runner.program.library import LoadOptions

    reading = LoadOptions(offline=True, unchecked=True, any_server=True, environment=os.environ)
    linter = Linter([path], LintOptions(reading=reading, choices=Choices(strict=strict)))
    linted = linter.lint(path)
    baseline = linter.settings_for(path).validate.baseline
    if baseline is not None:
        [linted] = apply_baseline([linted], read_baseline(baseline))
    return linted.findings


def _workflows(path: Path) -> list[tuple[str, int]]:
    """Return id and line of every workflow of a document; of one that cannot be read, none."""
    from arazzo_runner.base.user_files import UnusableFile, read_file
    from arazzo_runner.document.build import build
    from arazzo_runner.document.problems import Problems
    from arazzo_runner.document.source_map import read

    problems = Problems()
    try:
        document = read(read_file(str(path), regular=True), str(path), problems)
    except UnusableFile:
        return []  # reported by the test that it is valid
    if document is None:
        return []
    workflows = build(document, problems).workflows
    return [(each.workflow_id, each.at.line or 1) for each in workflows if each.workflow_id]


def _run(item: WorkflowItem, inputs: Any, servers: Any, options: Any) -> None:
    """Run the workflow; one whose required inputs are not given is skipped, with the reason."""
    from arazzo_runner import api
    from arazzo_runner.config.reading import load_settings
    from arazzo_runner.errors import InvalidInputs
    from arazzo_runner.program.library import LoadOptions
    from arazzo_runner.report.failure import render_failure

    _check_fixtures(servers, options)
    options = {"mock": bool(item.config.getoption("--arazzo-mock")), **(options or {})}
    settings = load_settings(str(item.path))
    reading = LoadOptions(
        sources=settings.sources, url_map=settings.url_map, servers=servers or {}, any_server=bool(options["mock"])
    )
    # The fixtures and the settings are for many documents, which need not have every source.
    program = api.load_named(item.path, item.workflow_id, load_options=reading, named=LoadOptions())
    try:
        result = api.run(program, inputs=inputs, **options)
    except InvalidInputs as problem:
        if not inputs and all(each.code == "missing-input" for each in problem.diagnostics):
            needed = "; ".join(each.message for each in problem.diagnostics)
            pytest.skip(f"{needed} (the fixture arazzo_inputs gives inputs)")
        raise
    if result.status != "succeeded":
        raise WorkflowFailed(render_failure(result))


def _check_fixtures(servers: Any, options: Any) -> None:
    """Raise InvalidUsage for what the fixtures give and no run could obey; None gives nothing."""
    import inspect

    from arazzo_runner import api
    from arazzo_runner.base.kinds import ANYTHING, faults, table_of
    from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean

    kinds = {
        "arazzo_servers": table_of(ANYTHING, "a dict of source names to URLs"),
        "arazzo_options": table_of(ANYTHING, "a dict of arguments of arazzo_runner.run"),
    }
    given = {name: value for name, value in (("arazzo_servers", servers), ("arazzo_options", options)) if value}
    found: list[tuple[str, str | None]] = [(message, None) for message in faults(given, kinds)]
    if not found:
        here = {"inputs": "arazzo_inputs", "servers": "arazzo_servers"}
        known = [*inspect.signature(api.run).parameters]
        arguments = [name for name in known if name not in ("document", "workflow_id", *here)]
        for name in (options or {}).keys() - set(arguments):
            hint = f"override the fixture {here[name]}" if name in here else did_you_mean(name, arguments)
            found.append((f'arazzo_options: "{name}" is no argument that can be given here', hint))
    if found:
        raise InvalidUsage(
            Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
            for message, hint in found
        )
