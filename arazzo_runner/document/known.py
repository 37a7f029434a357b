"""The fields of every object of the Specification, by its name there (Arazzo 1.1 §Schema)."""

from __future__ import annotations

from typing import Final

# fmt: off
FIELDS: Final = {
    "Arazzo document": frozenset((
        "$schema", "arazzo", "$self", "info", "sourceDescriptions", "workflows", "components",
    )),
    "info": frozenset(("title", "summary", "description", "version")),
    "source description": frozenset(("name", "url", "type")),
    "workflow": frozenset((
        "workflowId", "summary", "description", "inputs", "dependsOn", "steps", "successActions", "failureActions",
        "outputs", "parameters",
    )),
    "step": frozenset((
        "description", "stepId", "operationId", "operationPath", "channelPath", "workflowId", "parameters",
        "requestBody", "successCriteria", "onSuccess", "onFailure", "outputs", "timeout", "correlationId", "action",
        "dependsOn",
    )),
    "parameter": frozenset(("name", "in", "value")),
    "reference": frozenset(("reference", "value")),
    "request body": frozenset(("contentType", "payload", "replacements")),
    "payload replacement": frozenset(("target", "targetSelectorType", "value")),
    "success action": frozenset(("name", "type", "workflowId", "stepId", "parameters", "criteria")),
    "failure action": frozenset((
        "name", "type", "workflowId", "stepId", "parameters", "retryAfter", "retryLimit", "criteria",
    )),
    "components": frozenset(("inputs", "parameters", "successActions", "failureActions")),
    "criterion": frozenset(("context", "condition", "type")),
    "expression type": frozenset(("type", "version")),
    "selector": frozenset(("context", "selector", "type")),
}
# fmt: on

ALL_FIELDS: Final = frozenset[str]().union(*FIELDS.values()) - {"$schema"}
"""Every field name of the Specification: one of them in the wrong object changes what a document means."""
