"""The files that `arazzo run` writes, which must not be those that it reads."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.user_files import is_same_file
from arazzo_runner.cli.run.options import RunArguments, is_glob
from arazzo_runner.errors import ArazzoError


def overwritten(given: RunArguments) -> Iterator[str]:
    """Yield messages about files that would be written over what is read, or what another option writes.

    Two exceptions are meant so: outputs may replace the inputs that they continue, and the report of a second attempt
    that of the first.
    """
    reports = [text.partition("=")[2] or text for text in given.reports if text != "github"]
    documents_read = [*_documents(given), *given.include]
    continued = {"--output": (given.input_file, given.part.outputs_from), "--report": given.many.rerun}
    for option, path in _named(given, reports):
        read = [*documents_read, *(each for each in given.files if each not in continued.get(option, ()))]
        if any(is_same_file(path, each) for each in read):
            yield f"{option} would overwrite {path}, which the command reads"
    yield from _shared(given, reports)


def _named(given: RunArguments, reports: list[str]) -> Iterator[tuple[str, str]]:
    yield from ((option, path) for option, path in (("--output", given.output), ("--record", given.record)) if path)
    yield from (("--report", path) for path in reports)


def _shared(given: RunArguments, reports: list[str]) -> Iterator[str]:
    """Yield messages about options that name the same file; two reports are compared where they are prepared."""
    if given.output and given.record and is_same_file(given.output, given.record):
        yield "--output and --record name the same file"
    for option, path in _named(given, []):
        if any(is_same_file(path, each) for each in reports):
            yield f"{option} and --report name the same file"


def _documents(given: RunArguments) -> list[str]:
    if not any(map(is_glob, given.specs)):
        return list(given.specs)
    from arazzo_runner.cli.run.plan import documents  # lazily: a single run needs none of it

    try:
        return documents(given.specs)
    except ArazzoError:  # reported when the documents are read
        return []
