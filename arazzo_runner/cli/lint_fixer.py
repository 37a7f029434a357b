"""`arazzo validate --fix` and `--diff`: apply fixes until none are left, then write or show the document."""

from __future__ import annotations

from typing import Final

from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.cli.rewriting import diff_text, replace_document
from arazzo_runner.document.source_map import Document
from arazzo_runner.lint.pipeline import Linted, Linter
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.sources.uris import is_remote

_MAX_ROUNDS: Final = 20  # fixing one mistake of a text may uncover another


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
            self._console.out(diff_text(name, before, after, color=self._console.color_out))
            self.wrote_document = True
        elif name == self._given.stdin_filename and self._is_stdin:
            self._console.document(after)
            self.wrote_document = True
        elif after != before:
            replace_document(name, after)
