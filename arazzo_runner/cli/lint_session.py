"""`arazzo validate`: find the documents, lint them, apply fixes and the baseline, report, return the exit code."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.user_files import UnusableFile, is_same_file, make_folders, read_standard_input, write_text
from arazzo_runner.cli.errors import EXIT_USAGE, usage_error
from arazzo_runner.cli.lint_arguments import LintArguments, contradiction, lint_arguments
from arazzo_runner.cli.option_table import ReadingArguments, WrongValue, reading_arguments
from arazzo_runner.config.settings import Settings, find_configuration
from arazzo_runner.errors import InvalidUsage, Severity
from arazzo_runner.lint.baseline import (
    Looked,
    Scope,
    apply_baseline,
    baseline_text,
    entries_of,
    read_baseline,
    updated,
)
from arazzo_runner.lint.documents import STDIN, select_documents, selects
from arazzo_runner.lint.levels import hides_others
from arazzo_runner.lint.pages import titles
from arazzo_runner.lint.pipeline import Linted, Linter, LintOptions, without_repeats
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.formats import render, render_findings, summary_line
from arazzo_runner.report.findings.model import Findings
from arazzo_runner.report.terminal.console import Console, count

if TYPE_CHECKING:
    from arazzo_runner.cli.lint_fixer import Fixer


def lint(values: Mapping[str, Any]) -> int:
    """Run `arazzo validate` with `specs` and the values of VALIDATE_OPTIONS; return the exit code."""
    problem = contradiction(values)
    if problem is not None:
        raise InvalidUsage([usage_error(problem, hint="see arazzo validate --help")])
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
        contents = {given.stdin_filename: standard_input()} if STDIN in self._names else {}
        self._names = tuple(given.stdin_filename if name == STDIN else name for name in self._names)
        self._options = LintOptions(
            reading=validation_options(reading),
            choices=choices,
            settings=self._settings if given.config or given.no_config else None,
            contents=contents,
        )

    def run(self) -> int:
        """Lint, report, and return the exit code."""
        self._check_output()
        fixer = self._fixer()
        linted = self._linted() if fixer is None else self._fixed(fixer)
        if self._given.write_baseline is not None:
            return self._write_baseline(linted, self._given.write_baseline)
        linted, not_found = self._without_baseline(linted)
        fixed = 0 if fixer is None else fixer.fixed
        findings = self._findings(linted, fixed)
        if fixer is not None and fixer.wrote_document:
            self._console.err(render_findings(findings, color=self._console.color, width=self._console.text_width))
        else:
            self._report(findings)
        self._report_not_found(not_found)
        code = self._exit_code(linted, findings)
        if self._given.format_ == "github" and not self._append_summary(findings):
            code = code or 1
        return 1 if code == 0 and self._given.diff and fixed else code

    def _check_output(self) -> None:
        """Raise InvalidUsage if --output would overwrite a file that is read."""
        given, output = self._given, self._given.output
        if output is None:
            return
        read = [*self._names, given.baseline or self._settings.validate.baseline, given.config, self._settings.path]
        if any(is_same_file(output, each) for each in read if each):
            raise InvalidUsage([usage_error(f"--output would overwrite {output}, which the command reads")])

    def _linted(self) -> list[Linted]:
        if self._options.reading.sources:
            return self._linted_with_known_sources()
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

    def _linted_with_known_sources(self) -> list[Linted]:
        """Lint every document; raises InvalidUsage for a --source that none has, unless one could not be read."""
        from arazzo_runner.program.servers import unknown_sources  # lazily: few command lines name sources

        linter = Linter(self._names, self._options)
        linted = [linter.lint(name) for name in self._names]
        unknown = tuple(unknown_sources(linter.sources, self._options.reading))
        if unknown and all(each.document is not None for each in linted):
            raise InvalidUsage(unknown)
        return linted

    def _fixed(self, fixer: Fixer) -> list[Linted]:
        """Fix every document, then lint them as they are now: a fix may also solve a finding of another document."""
        if self._options.reading.sources:
            self._linted_with_known_sources()
        linted = [fixer.fix(name) for name in self._names]
        if not fixer.changed:
            return linted
        linter = Linter(self._names, replace(self._options, contents={**self._options.contents, **fixer.changed}))
        return [linter.lint(name) for name in self._names]

    def _fixer(self) -> Fixer | None:
        given = self._given
        if not (given.fix or given.diff):
            return None
        from arazzo_runner.cli.lint_fixer import Fixer  # lazily: most checks change nothing

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
        names = self._searched = specs or included or (".",)
        exclude = (*self._settings.validate.exclude, *self._given.exclude)
        selection = select_documents(names, exclude, folder)
        if not selection.documents or (specs and selection.nothing):
            message = f"there is no Arazzo document in {', '.join(selection.nothing)}"
            hint = "an Arazzo document is YAML or JSON with the root field arazzo"
            raise InvalidUsage([usage_error(message, hint=hint)])
        return selection.documents

    # ------------------------------------------------------------------ the baseline

    def _without_baseline(self, linted: list[Linted]) -> tuple[list[Linted], Counter[Looked]]:
        """Return the findings that are not in the baseline, and how many of its entries were not found."""
        path = self._given.baseline or self._settings.validate.baseline
        if path is None:
            return linted, Counter()
        baseline = read_baseline(path)
        left = list(apply_baseline(linted, baseline))
        return left, baseline.not_found(self._scope(linted, baseline.folder))

    def _write_baseline(self, linted: list[Linted], path: str) -> int:
        """Write the findings, but for those that mean that a document was not read: these are reported."""
        folder = os.path.dirname(os.path.abspath(path))
        known = read_baseline(path).entries if os.path.isfile(path) else ()
        found = entries_of(linted, folder)
        entries, kept = updated(found, known, self._scope(linted, folder))
        _write(path, baseline_text(entries))
        written = f"{count(sum(each.count for each in found), 'finding')} written to {one_line(path)}"
        self._console.err(f"{written}{_kept(kept)}\n")
        unread = [replace(each, findings=tuple(filter(hides_others, each.findings))) for each in linted]
        if any(each.findings for each in unread):
            self._console.err(
                render_findings(self._findings(unread, 0), color=self._console.color, width=self._console.text_width)
            )
            return 1 if all(each.is_open for each in linted) else EXIT_USAGE
        return 0

    def _scope(self, linted: Iterable[Linted], folder: str) -> Scope:
        linter = Linter(self._names, self._options)
        return Scope(linted, folder, reports=linter.reports, selects=partial(selects, self._searched))

    def _report_not_found(self, amounts: Mapping[Looked, int]) -> None:
        stale = amounts.get("looked", 0)
        if stale:
            are = "is" if stale == 1 else "are"
            others = _others(amounts)
            message = f"{count(stale, 'baseline entry')} {are} stale; update the file with --write-baseline"
            self._console.err(f"{message}{f' ({others})' if others else ''}\n")

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

    def _append_summary(self, findings: Findings) -> bool:
        from arazzo_runner.report.findings.markdown import append_summary, render_summary  # lazily: for GitHub only

        line = "; ".join(filter(None, [summary_line(findings), self._too_many(findings)]))
        try:
            append_summary(render_summary(findings, line))
        except OSError as problem:
            self._console.err(f"the job summary could not be written: {one_line(problem.strerror or str(problem))}\n")
            return False
        return True

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
        too_many = self._too_many(findings)
        if too_many is None:
            return 0
        self._console.err(f"{too_many}\n")
        return 1

    def _too_many(self, findings: Findings) -> str | None:
        """Return a sentence about more warnings than --max-warnings allows, None if there are none."""
        most, warnings = self._given.max_warnings, findings.count(Severity.WARNING)
        if most is None:
            most = self._settings.validate.max_warnings
        return (
            None if most is None or warnings <= most else f"{count(warnings, 'warning')}, more than the {most} allowed"
        )


def _kept(amounts: Mapping[Looked, int]) -> str:
    """Return the end of a sentence about the entries of a baseline that are kept."""
    others = _others(amounts)
    return f"; kept: {others}" if others else ""


def _others(amounts: Mapping[Looked, int]) -> str:
    """Return how many entries of a baseline were not looked for, and why; "" for none."""
    elsewhere, unchecked = amounts.get("other file", 0), amounts.get("not checked", 0)
    parts = []
    if elsewhere:
        parts.append(f"{count(elsewhere, 'entry')} of other files")
    if unchecked:
        parts.append(f"{count(unchecked, 'entry')} of what was not checked in these files")
    return ", ".join(parts)


def standard_input() -> bytes:
    """Return the document on standard input; raises InvalidUsage if it cannot be read."""
    try:
        return read_standard_input()
    except UnusableFile as problem:
        message = f"standard input cannot be read: {problem}"
        raise InvalidUsage([usage_error(message, code="unreadable-file", hint="name a file")]) from None


def validation_options(reading: ReadingArguments) -> LoadOptions:
    """Return how documents are read that are not run: nothing remote unless it is asked for, without servers."""
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
        make_folders(os.path.dirname(os.path.abspath(path)))
        write_text(path, text)
    except OSError as problem:
        message = f"the report cannot be written to {path}: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="cannot-write-output", hint="name another file")]) from None
