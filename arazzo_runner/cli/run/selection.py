"""Which of the planned runs are performed: workflows by their tags, those that did not succeed before, a shard."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import UnusableFile, json_of, read_file, read_standard_input, text_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.options import Shard
from arazzo_runner.document.model import Workflow
from arazzo_runner.errors import Diagnostic, InvalidUsage, Severity, did_you_mean
from arazzo_runner.program.model import Program
from arazzo_runner.report.findings.model import relative
from arazzo_runner.report.runs.records import STATUSES
from arazzo_runner.report.terminal.console import count
from arazzo_runner.sources.uris import is_remote

TAGS: Final = "x-tags"
_MOST_BYTES: Final = 500_000_000  # a report holds every request and response


class Selection(Record):
    """The indexes of the runs that are performed, in order; `doubtful` are the names of those left out in doubt."""

    indexes: tuple[int, ...]
    note: str
    doubtful: tuple[str, ...] = ()


# ------------------------------------------------------------------ tags


def tagged(programs: Sequence[Program], tags: Sequence[str]) -> list[int]:
    """Return the indexes of the workflows that have one of the tags; without tags, of all.

    Raises InvalidUsage for tags that no workflow of the documents has, and for none that is chosen.
    """
    if not tags:
        return list(range(len(programs)))
    known: dict[str, None] = {}
    for program in programs:
        for workflow in program.description.workflows:
            known.update(dict.fromkeys(_tags_of(workflow)))
    unknown = [_unknown_tag(tag, known) for tag in dict.fromkeys(tags) if tag not in known]
    if unknown:
        raise InvalidUsage(unknown)
    found = [index for index, program in enumerate(programs) if not set(tags).isdisjoint(_tags_of(_workflow(program)))]
    if not found:
        raise InvalidUsage([usage_error(f"no workflow that -w names has the tag {' or '.join(tags)}")])
    return found


def _workflow(program: Program) -> Workflow:
    wanted = program.workflow.workflow_id
    return next(each for each in program.description.workflows if each.workflow_id == wanted)


def _tags_of(workflow: Workflow) -> list[str]:
    """Return the tags of a workflow; raises InvalidUsage if they are no list of texts."""
    value = workflow.extensions.get(TAGS, [])
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [str(each) for each in value]
    message, at = f"{TAGS} must be a list of strings", workflow.at.child(TAGS)
    error = Diagnostic(
        code="wrong-type", severity=Severity.ERROR, message=message, at=at, hint=f"write {TAGS}: [smoke, slow]"
    )
    raise InvalidUsage([error])


def _unknown_tag(tag: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    available = f"available: {', '.join(names)}" if names else f"give a workflow a list of tags: {TAGS}: [{tag}]"
    hint = did_you_mean(tag, names) or available
    return usage_error(f'no workflow has the tag "{tag}"', hint=hint)


# ------------------------------------------------------------------ a shard


def sharded(runs: Sequence[tuple[int, str]], shard: Shard) -> Selection:
    """Return a shard of runs, given as index and name.

    Runs are dealt out in the order of their names: so the parts do not depend on the order of files on a command
    line, are disjoint, together everything, and differ by one run at most.
    """
    ordered = sorted(runs, key=lambda run: (run[1], run[0]))
    own = sorted(index for index, _ in ordered[shard.index - 1 :: shard.total])
    return Selection(tuple(own), f"shard {shard.index}/{shard.total}: {len(own)} of {count(len(runs), 'run')}")


# ------------------------------------------------------------------ what did not succeed


Key = tuple[str, str]
"""The document of a run (a file as an absolute path), and its name without it."""


class Outcomes(Record):
    """The status of each run in JSON reports; after a refused attempt, runs that no report has were not run either."""

    statuses: Mapping[Key, str]
    was_refused: bool = False


def read_outcomes(paths: Iterable[str]) -> Outcomes | None:
    """Return how the runs in JSON reports ended, a later report before an earlier; None for no report.

    Raises InvalidUsage for a file that is not a report.
    """
    reports = [_runs_of(path) for path in paths]
    if not reports:
        return None
    done = [runs for runs in reports if not _is_refusal(runs)]
    found = {_key(run["document"], run["name"]): str(run["status"]) for runs in done for run in runs}
    return Outcomes(found, was_refused=len(done) < len(reports))


def to_be_repeated(runs: Sequence[Key], outcomes: Outcomes, own: Collection[int], *, resend_unknown: bool) -> Selection:
    """Return those of a machine's `own` runs that did not succeed; raises InvalidUsage for one that is not planned.

    `runs` are the document and name of all. A run in doubt may have been acted on: it is repeated only where a
    request may be sent again.
    """
    keys = [_key(document, name) for document, name in runs]
    statuses = dict(outcomes.statuses)
    wanted = {key for key, status in statuses.items() if status != "succeeded"}
    for document, name in sorted(wanted.difference(keys)):
        raise _not_planned(document, name, keys)
    if outcomes.was_refused:
        wanted |= {key for key in keys if key not in statuses}
    mine = {keys[index] for index in own}
    doubtful = {key for key in wanted if statuses.get(key) == "in_doubt" and not resend_unknown}
    indexes = tuple(index for index in sorted(own) if keys[index] in wanted - doubtful)
    others = len(wanted - mine)
    elsewhere = f", {others} more in other parts" if others else ""
    note = f"{count(len(indexes), 'run')} of {len(statuses.keys() | wanted)} to be repeated{elsewhere}"
    return Selection(indexes, note, tuple(sorted(name for _, name in doubtful & mine)))


def _key(document: str, name: str) -> Key:
    own = name.removeprefix(f"{document} ")
    return (document if is_remote(document) else os.path.abspath(document)), own


def _is_refusal(runs: Sequence[Any]) -> bool:
    """Return whether a report is that of a command which was refused: nothing was run."""
    return len(runs) == 1 and runs[0]["status"] == "error" and not runs[0].get("steps")


def _runs_of(path: str) -> list[Any]:
    what = "standard input" if path == "-" else path
    try:
        data = read_standard_input(_MOST_BYTES) if path == "-" else read_file(path, _MOST_BYTES)
        value = json_of(text_of(data))
    except UnusableFile as problem:
        raise _unusable(what, str(problem)) from None
    runs = value.get("runs") if isinstance(value, dict) else None
    if not isinstance(runs, list) or not all(map(_is_run, runs)):
        raise _unusable(what, "it is not a JSON report of runs")
    return runs


def _is_run(run: JsonValue) -> bool:
    if not isinstance(run, dict):
        return False
    return isinstance(run.get("document"), str) and isinstance(run.get("name"), str) and run.get("status") in STATUSES


def _unusable(what: str, reason: str) -> InvalidUsage:
    hint = "a report is written by --report json=FILE"
    return InvalidUsage([usage_error(f"--rerun-failed {what}: {reason}", hint=hint)])


def _not_planned(document: str, name: str, planned: Sequence[Key]) -> InvalidUsage:
    shown = relative(document, os.getcwd())
    message = f'--rerun-failed: "{name}" of {shown} did not succeed, and is none of these runs'
    others = [each for of, each in planned if of == document]
    hint = did_you_mean(name, others) or "name the same documents, workflows and rows as before"
    return InvalidUsage([usage_error(message, hint=hint)])
