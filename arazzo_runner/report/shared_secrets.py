"""The secrets of many runs together: what one run learned is masked in the records of all."""

from __future__ import annotations

from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.report.runs.records import RunRecord


def with_shared_secrets(records: tuple[RunRecord, ...]) -> tuple[RunRecord, ...]:
    """Return records of which each masks the secrets of all; a single one already does."""
    results = [record.result for record in records if record.result is not None]
    if len(results) < 2:
        return records
    shared = Secrets(dict.fromkeys(text for result in results for text in result.secrets.texts()))
    return tuple(
        record if record.result is None else replace(record, result=replace(record.result, secrets=shared))
        for record in records
    )
