"""The arguments of a call become the inputs of a run: those of the server's user are added, the others are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arazzo_runner.api import check_inputs, with_samples
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import Secrets, is_secret_name
from arazzo_runner.engine.inputs import described_input
from arazzo_runner.errors import ArazzoError, similar_or_all
from arazzo_runner.mcp.answers import Answer, in_words, refused
from arazzo_runner.mcp.input_schema import takes_other_names
from arazzo_runner.mcp.offers import Offer
from arazzo_runner.program.schemas import input_names, secret_values


def given_secrets(offer: Offer) -> Secrets:
    """Return the secrets among the inputs that the server's user gives."""
    workflow, found = offer.program.workflow, Secrets()
    for name, value in {**offer.values, **offer.texts}.items():
        if name in workflow.secret_inputs:
            found.declare(value)
    for value in secret_values({**offer.values, **offer.texts}, workflow.inputs, workflow.document.raw):
        found.declare(value)
    return found


def inputs_of(offer: Offer, arguments: Mapping[str, Any]) -> dict[str, JsonValue] | Answer:
    """Return the inputs of a run, checked and complete, or the answer that says why there is none."""
    problem = next(filter(None, (_problem(offer, name, value) for name, value in arguments.items())), None)
    if problem is not None:
        return refused("refused", offer.workflow_id, problem, "Call the tool again without it.")
    texts = {name: text for name, text in offer.texts.items() if name not in arguments}
    values: dict[str, JsonValue] = {**offer.values, **arguments}
    if offer.sample_inputs:
        made = with_samples(offer.program, {**values, **texts})
        values = {name: value for name, value in made.items() if name not in texts}
    try:
        inputs, _ = check_inputs(offer.program, values, texts, formats=offer.options.checks.formats)
    except ArazzoError as found:
        secrets = given_secrets(offer)
        reasons = [secrets.mask(_reason(offer, in_words(each))) for each in found.diagnostics]
        return refused("refused", offer.workflow_id, "; ".join(reasons), _to_do(offer, values, texts))
    return inputs


def missing_secrets(offer: Offer) -> list[str]:
    """Return the secret inputs that a run needs and that nobody gives."""
    schema = offer.program.workflow.inputs
    required = schema.get("required") if isinstance(schema, dict) else None
    names = [name for name in (required if isinstance(required, list) else ()) if isinstance(name, str)]
    given = {*offer.values, *offer.texts}
    return [] if offer.sample_inputs else [name for name in names if name in offer.hidden and name not in given]


def _problem(offer: Offer, name: str, value: JsonValue) -> str | None:
    """Return why an argument may not be given, None when it may; its value is never quoted."""
    workflow = offer.program.workflow
    if name in offer.hidden:
        return f'"{name}" is not an argument of this tool: its value is kept on the server'
    names = input_names(workflow.inputs, workflow.document.raw)
    if names is not None and name not in names:
        if is_secret_name(name):
            return f'"{name}" is not an argument of this tool, which takes no secrets'
        if not takes_other_names(workflow):
            hint = similar_or_all(name, sorted(names - offer.hidden))
            return f'"{name}" is not an argument of this tool{f"; {hint}" if hint else ""}'
    if _names_a_file(value) and not offer.options.file_roots and described_input(offer.program, name).asks_for_file:
        return f'"{name}" names a file, and this server sends no files of its machine: give the content as a text'
    return None


def _names_a_file(value: JsonValue) -> bool:
    return isinstance(value, dict) and "path" in value


def _reason(offer: Offer, message: str) -> str:
    names = [name for name in offer.hidden if f'"{name}"' in message]
    return f"{message} (its value is kept on the server, and none is set there)" if names else message


def _to_do(offer: Offer, values: Mapping[str, JsonValue], texts: Mapping[str, str]) -> str:
    lacking = [name for name in missing_secrets(offer) if name not in values and name not in texts]
    if lacking:
        return f"Ask the person who runs this server to set {', '.join(lacking)}; do not ask for the value itself."
    return "Nothing was sent. Call the tool again with arguments that fit its inputSchema."
