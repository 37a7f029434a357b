"""Rewrite documents in place: the diff of a change, and files that are replaced atomically."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from arazzo_runner.cli.errors import usage_error
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import paint

_BOM: Final = b"\xef\xbb\xbf"


def diff_text(name: str, before: str, after: str, *, color: bool) -> str:
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


def replace_document(path: str, text: str) -> None:
    """Replace a file atomically: after a full disk too it holds either the old text or the new one.

    A byte order mark stays. Raises InvalidUsage if the file cannot be written.
    """
    target = os.path.realpath(path)
    data = text.encode("utf-8", "surrogatepass")
    try:
        with open(target, "rb") as old:
            data = (_BOM if old.read(3) == _BOM else b"") + data
        replace_file(target, data)
    except OSError as problem:
        message = f"{path} cannot be written: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="cannot-write-output", hint="look at it with --diff")]) from None


def replace_file(target: str, data: bytes) -> None:
    """Replace a file atomically: after a full disk too it has either the old content or the new one."""
    import shutil
    import tempfile

    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".arazzo-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
