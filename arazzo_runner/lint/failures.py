"""What `validate` finds about the steps that failed in a run: looked for once one has failed, in loaded documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import SHOWS_A_SECRET
from arazzo_runner.document.positions import TextPositions
from arazzo_runner.document.source_map import Document
from arazzo_runner.engine.results import RunResult, StepResult, WorkflowResult
from arazzo_runner.errors import Diagnostic, Judge, Location, Severity
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.model import CompiledStep, Program

_GROUPS: Final = frozenset({"references", "language", "flow", "openapi", "asyncapi"})
"""The groups of rules about what a step does; the others are about names, style and safety."""


def with_findings(program: Program, result: RunResult) -> RunResult:
    """Return the result of a run, its failed steps with what `validate` finds about them."""
    if result.status in ("succeeded", "interrupted") or program.origin is None:
        return result
    try:
        return _explained(program, result)
    except (Exception, KeyboardInterrupt):  # whatever happens now must not cost the outputs of the run
        return result


def _explained(program: Program, result: RunResult) -> RunResult:
    compiled = {(step.at.uri, step.at.pointer): step for each in program.workflows.values() for step in each.steps}

    def of(steps: tuple[StepResult, ...]) -> tuple[StepResult, ...]:
        return tuple(map(explained, steps))

    def explained(step: StepResult) -> StepResult:
        if step.workflow is not None:
            step = replace(step, workflow=replace(step.workflow, steps=of(step.workflow.steps)))
        known = compiled.get((step.at.uri, step.at.pointer)) if step.status == "failed" else None
        return step if known is None else replace(step, findings=_about(known, program, step))

    def of_workflow(workflow: WorkflowResult) -> WorkflowResult:
        return replace(workflow, steps=of(workflow.steps))

    return replace(result, steps=of(result.steps), dependencies=tuple(map(of_workflow, result.dependencies)))


def _about(step: CompiledStep, program: Program, result: StepResult) -> tuple[Diagnostic, ...]:
    """Return the findings in what belongs to a step, except those that the run itself has reported."""
    places = {(at.uri, at.pointer) for at in _places(step)}
    reported = {each for attempt in result.attempts for each in attempt.diagnostics}
    found = (each for each in _findings(program, step.at.uri) if _is_within(each.at, places))
    return tuple(each for each in found if not any(_says(other, each) for other in reported))


def _says(reported: Diagnostic, found: Diagnostic) -> bool:
    """Return whether what a run has reported says the same as a finding, about the same place or one around it."""
    if not _is_within(found.at, [(reported.at.uri, reported.at.pointer)]):
        return False
    return reported.code == found.code or found.message.rpartition(": ")[2] in reported.message


def _places(step: CompiledStep) -> Iterator[Location]:
    """Yield where a step is written, and what it uses of its workflow and the components."""
    yield step.at
    yield from (each.at for each in step.parameters)
    yield from (each.at for each in (*step.on_success, *step.on_failure))


def _is_within(at: Location, places: Iterable[tuple[str, str]]) -> bool:
    return any(at.uri == uri and f"{at.pointer}/".startswith(f"{pointer}/") for uri, pointer in places)


def _findings(program: Program, uri: str) -> tuple[Diagnostic, ...]:
    """Return the warnings and errors about the steps of a document, which are looked for once."""
    assert program.origin is not None
    known = program.origin.findings
    if uri not in known:
        documents = documents_of(program.origin.document)
        known[uri] = next((_of_document(program, each) for each in documents if each.at.uri == uri), ())
    return known[uri]


def documents_of(entry: LoadedDocument) -> list[LoadedDocument]:
    """Return a document and the Arazzo documents that it led to."""
    found = [entry]
    for document in found:  # grows while it is walked
        opened = (each for each in document.opened.values() if isinstance(each, LoadedDocument))
        found += [each for each in opened if all(each is not known for known in found)]
    return found


def _of_document(program: Program, document: LoadedDocument) -> tuple[Diagnostic, ...]:
    # Lazily: a run that succeeds needs no rules.
    from arazzo_runner.lint.inspection import Inspection
    from arazzo_runner.lint.redaction import without_credentials
    from arazzo_runner.lint.rules.catalogue import select_rules
    from arazzo_runner.lint.rules.rule import run_rules

    own = replace(program, base=document.base, description=document.description)
    rules = [each for each in select_rules() if each.group in _GROUPS or each.code in SHOWS_A_SECRET]
    reported = (each for each in program.diagnostics if each.at.uri == document.at.uri)
    # What a run reported first: a finding of a rule that it tolerates is among it, as a warning.
    found = {(each.code, each.at): each for each in reported}
    for each in run_rules(Inspection(own, document.opened), rules, judge=Judge.RUN):
        found.setdefault((each.code, each.at), each)
    shown: Iterable[Diagnostic] = unsuppressed_in(document, found.values())
    text = _text_of(document)
    shown = shown if text is None else without_credentials(shown, text)
    return tuple(each for each in shown if each.severity is not Severity.INFO and each.code not in SHOWS_A_SECRET)


def unsuppressed_in(document: LoadedDocument, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings that no comment of a document suppresses."""
    found, text = list(found), _text_of(document)
    if not found or text is None:
        return found
    from arazzo_runner.lint.suppressions import unsuppressed  # lazily: few runs are refused

    return unsuppressed(found, text)


def _text_of(document: LoadedDocument) -> Document | None:
    """Return a document with its text, None for one that was given as a mapping."""
    positions = document.at.positions
    if not isinstance(positions, TextPositions):
        return None
    return Document(document.at.uri, document.description.raw, positions)
