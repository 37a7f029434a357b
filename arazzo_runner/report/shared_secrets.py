"""The secrets of many runs together: what one run learned is masked in the records of all."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.records import replace
from arazzo_runner.report.runs import RunRecord
from arazzo_runner.secrets import MASK, MINIMUM_LENGTH, Secrets, forms_of


class SharedSecrets(Secrets):
    """A set of thousands of secrets: a text is looked through once, however many they are."""

    def __init__(self, texts: Iterable[str]) -> None:
        super().__init__(texts)
        self._by_head: dict[str, list[str]] = {}
        for form in sorted({form for text in self.texts() for form in forms_of(text)}, key=len, reverse=True):
            self._by_head.setdefault(form[:MINIMUM_LENGTH], []).append(form)

    def mask(self, text: str) -> str:
        """Return `text` with every secret in it shown as `***`, also one that a preview cut short with `…`."""
        parts = []
        start = place = 0
        last = len(text) - MINIMUM_LENGTH
        while place <= last:
            end = self._end(text, place)
            if end is None:
                place += 1
                continue
            parts += [text[start:place], MASK]
            start = place = end
        return "".join([*parts, text[start:]]) if parts else text

    def _end(self, text: str, place: int) -> int | None:
        """Return where a secret that begins at a place ends, None when none does."""
        forms = self._by_head.get(text[place : place + MINIMUM_LENGTH])
        if forms is None:
            return None
        for form in forms:
            if text.startswith(form, place):
                return place + len(form)
        # Cut short by a preview: the beginning of a secret, then an ellipsis.
        ellipsis = text.find("…", place + MINIMUM_LENGTH)
        cut = text[place:ellipsis] if ellipsis >= 0 else None
        return None if cut is None or not any(form.startswith(cut) for form in forms) else ellipsis + 1


def with_shared_secrets(records: tuple[RunRecord, ...]) -> tuple[RunRecord, ...]:
    """Return records of which each masks the secrets of all; a single one already does."""
    results = [record.result for record in records if record.result is not None]
    if len(results) < 2:
        return records
    shared = SharedSecrets(dict.fromkeys(text for result in results for text in result.secrets.texts()))
    return tuple(
        record if record.result is None else replace(record, result=replace(record.result, secrets=shared))
        for record in records
    )
