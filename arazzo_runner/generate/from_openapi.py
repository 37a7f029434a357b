"""An OpenAPI description → workflows of its operations."""

from __future__ import annotations

from arazzo_runner.base.records import Record
from arazzo_runner.generate.draft import Draft, DraftSource, DraftStep, DraftWorkflow
from arazzo_runner.generate.generated import Generated, identifier, source_url
from arazzo_runner.sources.openapi import OpenApiDescription


class Choice(Record, kw_only=True):
    """Which operations are called: all, those of `tags`, or `operations`; `crud` makes a workflow per resource."""

    operations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    crud: bool = False


def from_openapi(description: OpenApiDescription, location: str, folder: str, choice: Choice) -> Generated:
    """Return workflows of a description's operations; `folder` is that of the document to be written."""
    info = description.root.get("info")
    title = str(info.get("title", "API")) if isinstance(info, dict) else "API"
    draft = Draft(title=title, sources=[DraftSource(name=identifier(title), url=source_url(location, folder))])
    for operation_id in description.operation_ids:
        step = DraftStep(step_id=identifier(operation_id), operation_id=operation_id)
        draft.workflows.append(DraftWorkflow(workflow_id=step.step_id, steps=[step]))
    return Generated(draft=draft)
