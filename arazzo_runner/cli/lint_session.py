"""`arazzo validate`: find the documents, lint them, apply fixes and the baseline, report, return the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.user_files import UnusableFile, read_standard_input, write_text
from arazzo_runner.cli.errors import EXIT_USAGE, usage_error
from arazzo_runner.cli.lint_arguments import LintArguments, lint_arguments
from arazzo_runner.cli.option_table import ReadingArguments, WrongValue, reading_arguments
from arazzo_runner.config.settings import Settings, find_configuration
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import InvalidUsage, Severity
from arazzo_runner.lint.baseline import apply_baseline, baseline_text, read_baseline
from arazzo_runner.lint.documents import STDIN, select_documents
from arazzo_runner.lint.pages import titles
from arazzo_runner.lint.pipeline import Linted, Linter, LintOptions, without_repeats
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.formats import render, render_findings
from arazzo_runner.report.findings.model import Findings
from arazzo_runner.report.terminal.console import Console, count, paint
from arazzo_runner.sources.uris import is_remote


def lint(values: Mapping[str, Any]) -> int:
    """Run `arazzo validate` with `specs` and the values of VALIDATE_OPTIONS; return the exit code."""
    try:
        reading = reading_arguments(values)
    except WrongValue as problem:
        raise InvalidUsage([usage_error(str(problem), hint="see arazzo validate --help")]) from None
    console = Console(sys.stdout, sys.stderr, color=False if values["no_color"] else None)
    return LintSession(values["specs"], lint_arguments(values), reading, console).run()


class LintSession:
    """The documents and options of one command line."""

    def __init__(
        self, specs: tuple[str, ...], given: LintArguments, reading: ReadingArguments, console: Console
    ) -> None:
        self._given = given
        self._console = console
        choices = given.choices(strict=reading.strict)
        self._settings = self._project_settings()
        self._names = self._documents(specs)
        contents = {given.stdin_filename: _standard_input()} if STDIN in self._names else {}
        self._names = tuple(given.stdin_filename if name == STDIN else name for name in self._names)
        self._options = LintOptions(
            reading=_load_options(reading),
            choices=choices,
            settings=self._settings if given.config or given.no_config else None,
            contents=contents,
        )

    def run(self) -> int:
        """Lint, report, and return the exit code."""
        fixer = self._fixer()
        linted = self._linted() if fixer is None else self._fixed(fixer)
        if self._given.write_baseline is not None:
            return self._write_baseline(linted, self._given.write_baseline)
        linted, stale = self._without_baseline(linted)
        fixed = 0 if fixer is None else fixer.fixed
        findings = self._findings(linted, fixed)
        if fixer is not None and fixer.wrote_document:
            self._console.err(render_findings(findings, color=self._console.color, width=self._console.text_width))
        else:
            self._report(findings)
        if stale:
            self._report_stale(stale)
        code = self._exit_code(linted, findings)
        return 1 if code == 0 and self._given.diff and fixed else code

    def _linted(self) -> list[Linted]:
        options = replace(self._options, use_cache=True)
        linter = Linter(self._names, options)
        found: dict[str, Linted] = {}
        new_results: dict[str, JsonValue] = {}
        if len(self._names) > 1 and self._given.jobs != 1:
            from arazzo_runner.lint.parallel import lint_in_parallel, processes  # for several documents only

            fresh = [name for name in self._names if not linter.is_cached(name)]
            number = processes(fresh, self._given.jobs)
            if number > 1:
                found, new_results = lint_in_parallel(fresh, self._names, options, number)
        linted = [found[name] if name in found else linter.lint(name) for name in self._names]
        linter.finish(new_results)
        return without_repeats(linted) if found else linted

    def _fixed(self, fixer: Fixer) -> list[Linted]:
        """Fix every document, then lint them as they are now: a fix may also solve a finding of another document."""
        linted = [fixer.fix(name) for name in self._names]
        if not fixer.changed:
            return linted
        linter = Linter(self._names, replace(self._options, contents={**self._options.contents, **fixer.changed}))
        return [linter.lint(name) for name in self._names]

    def _fixer(self) -> Fixer | None:
        given = self._given
        if not (given.fix or given.diff):
            return None
        linter = Linter(self._names, self._options)
        return Fixer(linter, given, self._console, is_stdin=bool(self._options.contents))

    # ------------------------------------------------------------------ documents and settings

    def _project_settings(self) -> Settings:
        if self._given.no_config:
            return Settings()
        path = self._given.config or find_configuration(os.getcwd())
        if path is None:
            return Settings()
        from arazzo_runner.config.reading import load_settings  # many projects have no configuration
        from arazzo_runner.lint.rules.catalogue import codes_with_options

        return load_settings(path=path, codes=codes_with_options())

    def _documents(self, specs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the documents to lint; raises InvalidUsage when there are none, or none in a SPEC."""
        folder = self._settings.folder or os.getcwd()
        included = tuple(_below(folder, pattern) for pattern in self._settings.validate.include)
        names = specs or included or (".",)
        exclude = (*self._settings.validate.exclude, *self._given.exclude)
        selection = select_documents(names, exclude, folder)
        if not selection.documents or (specs and selection.nothing):
            message = f"there is no Arazzo document in {', '.join(selection.nothing)}"
            hint = "an Arazzo document is YAML or JSON with the root field arazzo"
            raise InvalidUsage([usage_error(message, hint=hint)])
        return selection.documents

    # ------------------------------------------------------------------ the baseline

    def _without_baseline(self, linted: list[Linted]) -> tuple[list[Linted], int]:
        """Return the findings that are not in the baseline, and the number of its stale entries."""
        path = self._given.baseline or self._settings.validate.baseline
        if path is None:
            return linted, 0
        baseline = read_baseline(path)
        return list(apply_baseline(linted, baseline)), baseline.stale

    def _write_baseline(self, linted: Iterable[Linted], path: str) -> int:
        findings = [found for each in linted for found in each.findings]
        _write(path, baseline_text(findings, os.path.dirname(os.path.abspath(path))))
        self._console.err(f"{count(len(findings), 'finding')} written to {one_line(path)}\n")
        return 0 if all(each.is_open for each in linted) else EXIT_USAGE

    def _report_stale(self, stale: int) -> None:
        are = "is" if stale == 1 else "are"
        self._console.err(f"{count(stale, 'baseline entry')} {are} stale; update the file with --write-baseline\n")

    # ------------------------------------------------------------------ the report

    def _findings(self, linted: Iterable[Linted], fixed: int) -> Findings:
        documents = list(linted)
        notes = {
            "fixed": fixed,
            "fixable with --fix": _fixable(documents) if self._given.format_ in ("text", "json") else 0,
            "ignored": sum(each.ignored for each in documents),
            "in the baseline": sum(each.baselined for each in documents),
        }
        return Findings(documents={each.name: each.findings for each in documents}, notes=notes)

    def _report(self, findings: Findings) -> None:
        given = self._given
        text = given.format_ == "text"
        report = "" if text else self._rendered(findings)
        if given.output is not None:
            _write(given.output, render_findings(findings) if text else report)
        if text or given.output is not None:
            width = self._console.text_width_out
            self._console.out(render_findings(findings, color=self._console.color_out, width=width))
        else:
            self._console.out(report)

    def _rendered(self, findings: Findings) -> str:
        if self._given.format_ == "json":
            return render("json", findings)
        codes = {each.code for each in findings.all}
        return render(self._given.format_, replace(findings, titles=titles(codes)))

    def _exit_code(self, linted: Iterable[Linted], findings: Findings) -> int:
        if not all(each.is_open for each in linted):
            return EXIT_USAGE
        if findings.count(Severity.ERROR):
            return 1
        most, warnings = self._given.max_warnings, findings.count(Severity.WARNING)
        if most is None:
            most = self._settings.validate.max_warnings
        if most is None or warnings <= most:
            return 0
        self._console.err(f"{count(warnings, 'warning')}, more than the {most} allowed\n")
        return 1


def _standard_input() -> bytes:
    try:
        return read_standard_input()
    except UnusableFile as problem:
        message = f"standard input cannot be read: {problem}"
        raise InvalidUsage([usage_error(message, code="unreadable-file", hint="name a file")]) from None


def _load_options(reading: ReadingArguments) -> LoadOptions:
    return LoadOptions(
        root=reading.root,
        sources=reading.sources,
        url_map=reading.url_map,
        limits=reading.limits,
        offline=reading.offline or not (reading.allow_remote or reading.allow_hosts),
        unchecked=True,
        allow_remote=reading.allow_remote,
        allow_hosts=tuple(reading.allow_hosts),
        any_server=True,
        cache=reading.cache,
        environment=dict(os.environ),
    )


def _below(folder: str, pattern: str) -> str:
    """Return a pattern of the configuration relative to the working directory, when it is below."""
    path = os.path.join(folder, pattern)
    return path if os.path.relpath(folder) == ".." or os.path.relpath(path).startswith("..") else os.path.relpath(path)


def _fixable(linted: Iterable[Linted]) -> int:
    """Return the number of findings that --fix would fix."""
    return sum(found.fix is not None and found.fix.is_safe for each in linted for found in each.findings)


def _write(path: str, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as problem:
        message = f"the report cannot be written to {path}: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="cannot-write-output", hint="name another file")]) from None


_MAX_ROUNDS = 20  # fixing one mistake of a text may uncover another
_BOM = b"\xef\xbb\xbf"


class Fixer:
    """Fixes documents: `fixed` counts findings, `changed` holds new texts; `wrote_document`: stdout has one."""

    def __init__(self, linter: Linter, given: LintArguments, console: Console, *, is_stdin: bool) -> None:
        self._linter = linter
        self._given = given
        self._console = console
        self._is_stdin = is_stdin
        self.fixed = 0
        self.changed: dict[str, bytes] = {}
        self.wrote_document = False

    def fix(self, name: str) -> Linted:
        """Apply the fixes of one document, and return its findings that are left."""
        from arazzo_runner.lint.fixes import fix_document

        linted = self._linter.lint(name)
        if linted.document is None or is_remote(name):
            return linted
        before = text = linted.document.text
        document: Document | None = linted.document
        for _ in range(_MAX_ROUNDS):
            result = None if document is None else fix_document(document, linted.findings, unsafe=self._given.unsafe)
            if result is None or result.text == text:
                break
            text = result.text
            self.fixed += len(result.fixed)
            self.changed[name] = text.encode("utf-8", "surrogatepass")
            self._linter.change(name, self.changed[name])
            linted = self._linter.lint(name)
            document = linted.document
        self._deliver(name, before, text)
        return linted

    def _deliver(self, name: str, before: str, after: str) -> None:
        if self._given.diff:
            self._console.out(_diff(name, before, after, color=self._console.color_out))
            self.wrote_document = True
        elif name == self._given.stdin_filename and self._is_stdin:
            self._console.document(after)
            self.wrote_document = True
        elif after != before:
            _replace(name, after)


def _diff(name: str, before: str, after: str, *, color: bool) -> str:
    """Return a unified diff of two texts that `patch` can apply."""
    import difflib

    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, name)
    styles = {"+": "green", "-": "red", "@": "blue"}
    shown = []
    for line in lines:
        ended = line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
        body = ended if not color else paint(one_line(ended.rstrip("\n")), styles.get(line[0], ""), color=True) + "\n"
        shown.append(body)
    return "".join(shown)


def _replace(path: str, text: str) -> None:
    """Replace a file atomically: after a full disk too it holds either the old text or the new one."""
    target = os.path.realpath(path)
    data = text.encode("utf-8", "surrogatepass")
    try:
        with open(target, "rb") as old:
            data = (_BOM if old.read(3) == _BOM else b"") + data
        import shutil
        import tempfile

        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".arazzo-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            shutil.copymode(target, temporary)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as problem:
        message = f"{path} cannot be written: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="cannot-write-output", hint="look at it with --diff")]) from None
