"""`arazzo validate --fix` and `--diff`: documents mended until nothing is left to mend, then written or shown."""

from __future__ import annotations

import os

from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.lint.pipeline import Linted, Linter
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.style import paint
from arazzo_runner.sources.uris import is_remote

_MOST_ROUNDS = 20  # each round mends what the one before uncovered: a text with several mistakes, one after the other
_BOM = b"\xef\xbb\xbf"


class Mender:
    """Lints documents and mends them; `mended` counts findings, `wrote_document` says that stdout holds a document."""

    def __init__(self, linter: Linter, given: LintArguments, console: Console, *, is_stdin: bool) -> None:
        self._linter = linter
        self._given = given
        self._console = console
        self._is_stdin = is_stdin
        self.mended = 0
        self.wrote_document = False

    def lint(self, name: str) -> Linted:
        """Mend one document as far as can be, and return what is left to be said about it."""
        from arazzo_runner.lint.fixes import fix_document  # lazily: most runs mend nothing

        linted = self._linter.lint(name)
        if linted.document is None or is_remote(name):
            return linted
        before = text = linted.document.text
        document: Document | None = linted.document
        for _ in range(_MOST_ROUNDS):
            fixed = None if document is None else fix_document(document, linted.findings, unsafe=self._given.unsafe)
            if fixed is None or fixed.text == text:
                break
            text = fixed.text
            self.mended += len(fixed.fixed)
            self._linter.change(name, text.encode("utf-8", "surrogatepass"))
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
    """Return a unified diff of the two texts, which `patch` takes."""
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
    """Write a file in one piece: whoever reads it meanwhile, or a full disk, finds the old text or the new one."""
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
