"""`arazzo validate --fix` and `--diff`: apply fixes until none are left, then write or show the document."""

from __future__ import annotations

import os
from typing import Final

from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.lint.pipeline import Linted, Linter
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console, paint
from arazzo_runner.sources.uris import is_remote

_MAX_ROUNDS: Final = 20  # fixing one mistake of a text may uncover another
_BOM: Final = b"\xef\xbb\xbf"


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
