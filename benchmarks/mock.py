"""python -m benchmarks.mock CORPUS [--half tune|held-out] [--stateful] [--lenient] [--list]:
how far the mock carries workflows.

CORPUS is a folder of real Arazzo documents with an INDEX.json. Every workflow whose descriptions
are there is run as `arazzo run --mock --sample-inputs` runs it, and its outcome is counted by
reason. Documents are split in two halves by a hash of their path: one to look at while working on
the mock, one held out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import arazzo_runner
from arazzo_runner import LoadOptions, RunOptions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import Effect, Sleep
from arazzo_runner.runtime.mock.inputs import sample_inputs

HALVES = ("tune", "held-out")
MOST_STEPS = 200
MISTAKES = frozenset(
    ("call-input-mismatch", "content-type-not-offered", "impossible-comparison", "missing-body", "missing-parameter",
     "missing-payload-member", "no-response-body", "no-response-here", "parameter-mismatch", "payload-mismatch",
     "schema-type-mismatch", "status-not-documented", "undeclared-input", "unexpected-body", "unknown-payload-member",
     "unknown-response-member", "unknown-workflow-input", "unknown-output")
)  # fmt: skip
"""The rules whose findings are mistakes that a run against the description should show."""


class Hasty:
    """A World in which no wait takes time."""

    def __init__(self, world: Any) -> None:
        self._world = world

    async def perform(self, effect: Effect[Any], /) -> Any:
        """Perform an effect, unless it is a wait."""
        if isinstance(effect, Sleep):
            return None
        return await self._world.perform(effect)


def half_of(path: str) -> str:
    """Return the half of a document."""
    return HALVES[hashlib.sha256(path.encode()).digest()[0] % 2]


def outcomes(corpus: Path, entry: dict[str, Any], mock: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (workflow, outcome, detail) for each workflow of a document."""
    path = corpus / entry["path"]
    places = json.loads((corpus / "REMOTE_MAP.json").read_text())
    options = LoadOptions(
        root=str(corpus / entry["path"].split("/")[0]),
        any_server=True,
        offline=True,
        url_map={url: str(corpus / file) for url, file in places.items()},
    )
    try:
        names = [each.workflow_id for each in arazzo_runner.load(path, load_options=options).description.workflows]
    except arazzo_runner.ArazzoError as problem:
        names = _names(path)
        if not names:
            return [("", f"refused: {problem.diagnostics[0].code}", problem.diagnostics[0].message)]
    found = [(name, *_outcome(path, name, options, mock)) for name in names]
    if all(outcome == "succeeded" or outcome.startswith("refused") for _, outcome, _ in found):
        return found
    mistakes = _mistakes(path, options)
    return [
        (
            name,
            f"{outcome} [as validate says]" if outcome.startswith("failed") and name in mistakes else outcome,
            detail,
        )
        for name, outcome, detail in found
    ]


def _mistakes(path: Path, options: LoadOptions) -> set[str]:
    """Return the workflows in which `arazzo validate` finds what no mock should hide."""
    names = _names(path)
    found = set()
    for finding in arazzo_runner.validate(path, load_options=options):
        _, _, rest = finding.at.pointer.partition("/workflows/")
        index = rest.partition("/")[0]
        if finding.code in MISTAKES and index.isdigit() and int(index) < len(names):
            found.add(names[int(index)])
    return found


def _names(path: Path) -> list[str]:
    document = read(path.read_bytes(), str(path), Problems())
    workflows = document.value.get("workflows") if document is not None and isinstance(document.value, dict) else None
    found = (each.get("workflowId") for each in workflows if isinstance(each, dict)) if workflows else ()
    return [name for name in found if isinstance(name, str)]


def _outcome(path: Path, name: str, options: LoadOptions, mock: dict[str, Any]) -> tuple[str, str]:
    try:
        program = arazzo_runner.load(path, name, load_options=options)
    except arazzo_runner.ArazzoError as problem:
        errors = [each for each in problem.diagnostics if each.severity.name == "ERROR"]
        return f"refused: {errors[0].code}", errors[0].message
    try:
        result = arazzo_runner.run(
            program,
            inputs=sample_inputs(program, {}),
            around=Hasty,
            options=RunOptions(max_steps=MOST_STEPS, max_retry_wait=100_000),
            **mock,
        )
    except arazzo_runner.ArazzoError as problem:
        return f"refused: {problem.diagnostics[0].code}", problem.diagnostics[0].message
    except Exception as error:  # a bug: counted, and seen with --list
        return f"bug: {type(error).__name__}", str(error)
    return ("succeeded", "") if result.status == "succeeded" else _why(result)


def _why(result: Any) -> tuple[str, str]:
    reason = result.reason or ""
    if "steps" in reason and str(MOST_STEPS) in reason:
        return "endless", reason
    step = next((each for each in reversed(result.steps) if each.status == "failed"), None)
    attempt = step.attempts[-1] if step is not None and step.attempts else None
    if attempt is None:
        return "failed: other", reason
    if attempt.response is None:
        code = next((each.code for each in attempt.diagnostics), "?")
        return f"failed: not sent ({code})", reason
    status = getattr(attempt.response, "status", None)
    body = getattr(attempt.response, "body", b"")
    if status is not None and b'"title": "arazzo mock"' in body:
        return f"failed: mock says {status}", json.loads(body)["detail"]
    verdict = next((each for each in attempt.verdicts if not each.passed), None)
    if verdict is None:
        return "failed: other", reason
    kind = "criterion on status" if "$statusCode" in verdict.condition else f"criterion ({verdict.type})"
    return f"failed: {kind}", f"{verdict.condition} | {verdict.reason}"


def main() -> int:
    """Print a table of outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--without", action="append", default=[], help="leave out a folder; repeatable")
    parser.add_argument("--stateful", action="store_true")
    parser.add_argument("--lenient", action="store_true")
    parser.add_argument("--list", action="store_true", help="print every workflow that did not succeed")
    given = parser.parse_args()
    mock: dict[str, Any] = {"mock": "stateful" if given.stateful else True}
    if given.lenient:
        mock["mock_lenient"] = True
    counts: dict[str, Counter[str]] = {half: Counter() for half in HALVES}
    for entry, found in _all(given, mock):
        for name, outcome, detail in found:
            counts[half_of(entry["path"])][outcome] += 1
            if given.list and given.half and outcome != "succeeded":
                print(f"{outcome:40} {entry['path']} -w {name}: {re.sub(chr(10), ' ', detail)[:300]}")
    for half, counted in counts.items():
        total = sum(counted.values())
        if total:
            print(f"\n{half}: {counted['succeeded']} of {total} ({counted['succeeded'] / total:.0%})")
            for outcome, count in counted.most_common():
                print(f"  {count:5}  {outcome}")
    return 0


def _all(given: argparse.Namespace, mock: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    index = json.loads((given.corpus / "INDEX.json").read_text())["documents"]
    entries = [
        entry
        for entry in index
        if entry["all_sources_resolved"]
        and (given.half is None or half_of(entry["path"]) == given.half)
        and entry["path"].split("/")[0] not in given.without
    ]
    with ProcessPoolExecutor(2) as pool:
        size = len(entries)
        found = pool.map(outcomes, [given.corpus] * size, entries, [mock] * size, chunksize=4)
        yield from zip(entries, found, strict=True)


if __name__ == "__main__":
    sys.exit(main())
