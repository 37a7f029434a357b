"""Queries with embedded expressions are tried with sample values: what fits no value is wrong as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Final

from arazzo_runner.base.records import replace
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Template, ToleratedSyntax
from arazzo_runner.expressions.queries.query import compile_query
from arazzo_runner.expressions.text_languages import query_language, writer_of
from arazzo_runner.expressions.text_writers import Unwritable

_SAMPLES: Final = ("a", "1")  # a name or text, and a number
_MOST_TRIED: Final = 64
_XPATH_SYNTAX: Final = "(XPST0003)"


def tolerated_in_samples(template: Template, kind: str, version: str | None) -> tuple[ToleratedSyntax, ...]:
    """Return what is tolerated in a query whatever is put into it; raises ExpressionSyntaxError if nothing fits.

    Places are those of the whole text, without a spelling: the query tried is not the one written.
    """
    if template.is_whole:
        return ()
    failed: ExpressionSyntaxError | None = None
    for text in _tries(template, kind, version):
        try:
            tolerated = compile_query(text, kind, version).tolerated
        except ExpressionSyntaxError as problem:
            if kind == "xpath" and version != "xpath-10" and not problem.message.endswith(_XPATH_SYNTAX):
                return ()  # wrong for this value: '1' is no date
            failed = failed or problem
            continue
        return tuple(replace(each, offset=0, length=0, canonical=None, span=None) for each in tolerated)
    if failed is not None:
        raise ExpressionSyntaxError(failed.message, 0, len(str(template)))
    return ()


def _tries(template: Template, kind: str, version: str | None) -> Iterator[str]:
    values = [part for part in template.parts if not isinstance(part, str)]
    for samples in islice(product(_SAMPLES, repeat=len(values)), _MOST_TRIED):
        try:
            yield _written(template, iter(samples), kind, version)
        except Unwritable:
            continue  # reported where the value is known


def _written(template: Template, samples: Iterable[str], kind: str, version: str | None) -> str:
    writer = writer_of(query_language(kind, version))
    given = iter(samples)
    if writer is None:
        return "".join(part if isinstance(part, str) else next(given) for part in template.parts)
    parts = [writer.text(part) if isinstance(part, str) else writer.value(next(given)) for part in template.parts]
    return "".join(parts) + writer.end()
