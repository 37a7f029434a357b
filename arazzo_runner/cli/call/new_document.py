"""The document that a call makes when its file does not exist, and what every saved step needs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

from arazzo_runner.base.records import Record
from arazzo_runner.cli.call.step import Call, Written, usual_step_id, written_step
from arazzo_runner.generate.draft import Draft, DraftSource, DraftWorkflow
from arazzo_runner.generate.generated import source_url
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.sources.uris import is_remote, uri_of_path


class Place(Record, kw_only=True):
    """Where a step is saved: the file, the workflow if one was named, the stepId if one was."""

    path: str
    api: str
    workflow_id: str | None = None
    step_id: str | None = None


class Saved(Record, kw_only=True):
    """The document with the step: its new text, what was in the file before (None: no file), and the step's place."""

    text: str
    before: bytes | None
    workflow_id: str
    step_id: str
    inputs: tuple[str, ...] = ()


def new_document(place: Place, call: Call, outputs: Mapping[str, str]) -> Saved:
    step_id = place.step_id or usual_step_id(call.operation)
    written = written_step(call, step_id, outputs=outputs)
    workflow_id = place.workflow_id or workflow_name(place.path)
    source = DraftSource(name=call.source, url=relative_url(place.api, place.path))
    draft = Draft(title=_title(place.path), sources=[source], arazzo="1.1.0" if call.is_newer else "1.0.1")
    draft.workflows.append(draft_workflow(workflow_id, written))
    if place.path.lower().endswith(".json"):
        text = json.dumps(draft.tree(), ensure_ascii=False, indent=2) + "\n"
    else:
        text = draft_text(draft)
    return Saved(text=text, before=None, workflow_id=workflow_id, step_id=step_id, inputs=tuple(written.inputs))


def draft_workflow(workflow_id: str, written: Written) -> DraftWorkflow:
    workflow = DraftWorkflow(workflow_id=workflow_id, steps=[written.step])
    for name, each in written.inputs.items():
        workflow.inputs[name] = each.schema
        if "default" not in each.schema:
            workflow.required.append(name)
    return workflow


def workflow_name(path: str) -> str:
    stem = os.path.basename(path).partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "workflow"


def _title(path: str) -> str:
    words = workflow_name(path).replace("-", " ").replace("_", " ").split()
    return " ".join(words).capitalize() or "Workflow"


def relative_url(api: str, path: str) -> str:
    """Return the URL of a description as a document at `path` names it."""
    location = api if is_remote(api) else uri_of_path(os.path.realpath(api))
    return source_url(location, os.path.dirname(os.path.realpath(path)))
