"""Texts: those that look like expressions but are sent as they are; descriptions, summaries, fields worth having."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.model import Workflow
from arazzo_runner.errors import Location, Severity, did_you_mean, replacing
from arazzo_runner.expressions.names import longest_name_at
from arazzo_runner.expressions.parser import ROOTS, with_dollar
from arazzo_runner.expressions.template import misspelled_root
from arazzo_runner.lint.analysis.schemas import follow, property_of, types_of
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import declares
from arazzo_runner.program.schemas import input_names

_LONE: Final = pattern(r"\{\$inputs\.([\w.\-]+)\}")


@rule("braces-make-text", "language", trigger=Trigger(parts=("{$inputs.",)))
def braces_make_text(inspection: Inspection) -> Iterator[Finding]:
    """Report payload members such as `"{$inputs.count}"` that send a number or boolean as text."""
    lone = [text for text in inspection.texts.distinct if text.startswith("{$inputs.") and _LONE.fullmatch(text)]
    for text, pointer, _ in inspection.texts.placed(lone):
        if "/requestBody/" not in pointer or not is_value_place(pointer):
            continue
        found = _LONE.fullmatch(text)
        workflow = inspection.workflow_at(pointer)
        if found is None or workflow is None:
            continue
        schema = property_of(workflow.inputs, found.group(1), inspection.description.raw)
        followed = follow(schema, inspection.description.raw)
        types = types_of(followed) if isinstance(followed, dict) else ()
        if types and "string" not in types:
            message = f'{text} gives a text, but input "{found.group(1)}" is of type {" or ".join(types)}'
            at, hint = inspection.at(pointer), f"write $inputs.{found.group(1)} without braces"
            fix = replacing(at, text[1:-1], is_safe=False)
            yield Finding(message, at, hint, fix=fix)


_ROOT: Final = r"(?P<root>inputs|steps|workflows|outputs|response|request)\.(?P<rest>(?P<name>[\w\-]+)[\w.\-#/]*)"
_BRACES: Final = pattern(
    rf"(?:(?P<double>\{{\{{)|(?P<shell>\$\{{)|\{{)\s*(?P<dollar>\$)?{_ROOT}\s*(?(double)\}}\}}|\}})"
)


@rule("doubtful-braces", "language", trigger=Trigger(parts=("{",)))
def doubtful_braces(inspection: Inspection) -> Iterator[Finding]:
    """Report braces of other template languages around declared names, in texts that are values."""
    braced = [text for text in inspection.texts.distinct if "{" in text and _BRACES.search(text)]
    for text, at, _ in _values(inspection, braced):
        for found in _BRACES.finditer(text):
            expression = f"{{${found['root']}.{found['rest']}}}"
            is_expression = found["dollar"] or _names_a_value(inspection, at.pointer, found)
            is_price = found["shell"] and found["dollar"]  # `${$inputs.amount}`: a dollar sign and an expression
            if found.group() == expression or not is_expression or is_price:
                continue
            message = f"{found.group()} is not an embedded expression; it is sent with these braces"
            place = at.within(found.start(), len(found.group()))
            # Alone it needs no braces, which would make a text of it, and without quotes a mapping.
            meant = expression[1:-1] if found.group() == text.strip() else expression
            yield Finding(message, place, f"write {meant}", fix=replacing(place, meant, is_safe=False))


def _names_a_value(inspection: Inspection, pointer: str, found: re.Match[str]) -> bool:
    """Return whether an expression without its `$` names something declared, or a part of a message."""
    if found["root"] in ("response", "request"):
        return with_dollar(f"{found['root']}.{found['rest']}") is not None
    return inspection.is_declared(pointer, found["root"], found["name"])


_ROOTS: Final = ("inputs.", "steps.", "workflows.", "response.", "request.")
_LIKE_EXPRESSION: Final = pattern(_ROOT)


@rule("missing-dollar", "language", trigger=Trigger(parts=tuple(f"\n{root}" for root in _ROOTS)))
def missing_dollar(inspection: Inspection) -> Iterator[Finding]:
    """Report values that are an expression without its `$`: `inputs.pet` with a declared input."""
    bare = [text for text in inspection.texts.distinct if text.startswith(_ROOTS)]
    for text, at, _ in _values(inspection, bare):
        found = _LIKE_EXPRESSION.fullmatch(text)
        if found is None or not _names_a_value(inspection, at.pointer, found):
            continue
        message = f"{preview(text, 60)} is sent as literal text; an expression begins with $"
        meant = with_dollar(text) or f"${text}"
        yield Finding(message, at, f"write {meant}", fix=replacing(at, meant, is_safe=False))


_NAME: Final = r"[\w\-]+(?:\.[\w\-]+)*"
_UNBRACED: Final = pattern(
    rf"(?<![{{$\w])\$(?:inputs\.(?P<input>{_NAME})|steps\.(?P<step>[\w\-]+)\.outputs\.(?P<output>{_NAME}))"
)


@rule("undeclared-in-text", "references", severity=Severity.ERROR, trigger=Trigger(parts=("$inputs.", "$steps.")))
def undeclared_in_text(inspection: Inspection) -> Iterator[Finding]:
    """Report undeclared inputs and outputs in texts without braces: they are sent as text (semantics §3)."""
    named = {*inspection.texts.holding("$inputs."), *inspection.texts.holding("$steps.")}
    mixed = [text for text in named if not _UNBRACED.fullmatch(text)]  # whole expressions are checked by the loader
    for text, at, workflow in _values(inspection, mixed):
        for found in _UNBRACED.finditer(text):
            what = None if workflow is None else _unknown(inspection, workflow, found)
            if what is not None:
                kind, near = what
                message = f"{found.group()} refers to an undeclared {kind}; it is sent as literal text"
                hint = near or f"declare it, and write {{{found.group()}}}"
                severity = Severity.WARNING if near is None else None
                yield Finding(message, at.within(found.start(), len(found.group())), hint, severity)


def _values(inspection: Inspection, texts: Collection[str]) -> Iterator[tuple[str, Location, Workflow | None]]:
    """Yield where these texts are sent or evaluated, and nothing is reported yet, with the workflow there."""
    reported = {each.at.pointer for each in inspection.diagnostics} if texts else set()
    for text, pointer, is_key in inspection.texts.placed(texts):
        if not is_key and pointer not in reported and is_value_place(pointer):
            yield text, inspection.at(pointer), inspection.workflow_at(pointer)


def _unknown(inspection: Inspection, workflow: Workflow, found: re.Match[str]) -> tuple[str, str | None] | None:
    """Return what is not declared, and a near name that is; None if it is declared, or not known."""
    if found["input"] is not None:
        declared = input_names(workflow.inputs, inspection.description.raw)
        is_fine = declared is None or _declares_at(declared, found, "input")
        return None if is_fine else ("input", did_you_mean(found["input"], declared or ()))
    step = next((each for each in workflow.steps if each.step_id == found["step"]), None)
    if step is None:
        return "step", did_you_mean(found["step"], [each.step_id for each in workflow.steps])
    if step.workflow_id is not None or _declares_at(step.outputs, found, "output"):
        return None
    return f'output of step "{step.step_id}"', did_you_mean(found["output"], step.outputs)


def _declares_at(names: Iterable[str], found: re.Match[str], group: str) -> bool:
    """Return whether what was found begins one of the names, which may hold blanks."""
    known = frozenset(names)
    return declares(known, found[group]) or longest_name_at(found.string, found.start(group), known) is not None


_MENTION: Final = pattern(
    r"(?P<brace>\{)?(?<![\w$\\])\$(?P<root>[A-Za-z][\w-]*)"
    r"(?P<rest>(?:\.[A-Za-z_][\w-]*)+(?:#/[\w/~-]*)?|#/[\w/~-]+)(?P<close>\})?"
)
"""What is like an expression: `$word.name`, but not `$5.00`, `$filter`, `$.items` or `$id: ID!`."""
_BRACED: Final = pattern(r"\{\$(?P<root>[A-Za-z][\w-]*)(?P<rest>[ {][\w .#/-]+)?\}")
"""Braces as if around an expression: `{$some words}`, `{$word{words}}`, `{$StatusCode}`; but `{$name}` is PHP's."""
_KEYWORD: Final = pattern(r"\$(?P<root>[A-Za-z_]+)(?P<rest>)")
_MESSAGES: Final = ("response.body", "response.header", "request.body", "request.header", "message.payload")


@rule("unknown-expression", "language", severity=Severity.ERROR, trigger=Trigger(parts=("$",)))
def unknown_expression(inspection: Inspection) -> Iterator[Finding]:
    """Report texts that are like a runtime expression, but are none, and are sent as they are (semantics §3)."""
    like = [text for text in inspection.texts.holding("$") if any(_doubtful(text))]
    for text, at, workflow in _values(inspection, like):
        if at.pointer.endswith("/condition") or "/$" in at.pointer:
            continue  # a condition is parsed; below an operator such as $group, `$address.city` is MongoDB's
        for found in _doubtful(text):
            message, hint, severity = _doubt(found, workflow)
            if message:
                place = at.within(found.start("root") - 1, len(found["root"] + (found["rest"] or "")) + 1)
                yield Finding(message, place, hint, severity)


def _doubtful(text: str) -> Iterator[re.Match[str]]:
    """Yield what is like an expression in a text, and may be meant as one."""
    yield from filter(_is_doubtful, _MENTION.finditer(text))
    for found in _BRACED.finditer(text):
        if found["root"] not in ROOTS and (found["rest"] or _is_keyword_in_other_case(found["root"])):
            yield found
    whole = _KEYWORD.fullmatch(text)
    if whole and _is_keyword_in_other_case(whole["root"]):
        yield whole


def _is_keyword_in_other_case(word: str) -> bool:
    # `$URL` and `$METHOD` are names that other languages have too.
    return word != "statusCode" and word.casefold().replace("_", "") == "statuscode"


def _is_doubtful(found: re.Match[str]) -> bool:
    """Return whether what is like an expression may be meant as one, and is not read as one by the loader."""
    text, root, rest = found.string, found["root"], found["rest"]
    is_whole = found.span() == (0, len(text)) and not found["brace"]
    if root in ROOTS:
        if is_whole or found["brace"]:
            return False  # it is an expression, or an error
        if found.start() == 0 and (" " not in text or ".outputs" in text):
            return False  # a name may hold blanks and brackets
        return root == "steps" or (found.start() > 0 and f"{root}{rest}".startswith(_MESSAGES))
    if is_whole or (found["brace"] and found["close"]):
        return True
    # In a longer text: another language's `$item.name` is data.
    return "\n" not in text and not found["brace"] and (rest.count(".") > 1 or _near_root(root) is not None)


def _doubt(found: re.Match[str], workflow: Workflow | None) -> tuple[str, str | None, Severity | None]:
    """Return message, hint and severity of what is like an expression; no message where it is one."""
    root, written = found["root"], f"${found['root']}{found['rest'] or ''}"
    if root == "steps":
        name, _, rest = found["rest"][1:].partition(".")
        is_known = workflow is not None and any(each.step_id == name for each in workflow.steps)
        if rest.startswith("outputs"):
            return "", None, None
        message = f"{written} does not name an output; it is sent as literal text"
        return message, f"write {{$steps.{name}.outputs.<name>}}", None if is_known else Severity.WARNING
    if root in ROOTS:
        message = f"{written} is embedded in text without braces; it is sent as literal text"
        return message, f"write {{{written}}}", Severity.WARNING
    near = "statusCode" if _is_keyword_in_other_case(root) else _near_root(root)
    hint = f"did you mean ${near}?" if near else "expressions begin with $inputs, $steps, $response, $statusCode …"
    return f"{written} is not a runtime expression; it is sent as literal text", hint, Severity.WARNING


def _near_root(root: str) -> str | None:
    """Return the root that a word misspells: `inputs` of `input`, `response` of `respone`."""
    if root == "env":
        return None  # `$env.HOME` is another language's
    return misspelled_root(root)


@rule("info-description", "style", default=False)
def info_description(inspection: Inspection) -> Iterator[Finding]:
    """Report an info without description."""
    info = inspection.description.info
    if not (info.description or "").strip():
        message, hint = "info has no description", "add description: and say what the document is for"
        yield Finding(message, info.at, hint)


@rule("info-summary", "style", default=False)
def info_summary(inspection: Inspection) -> Iterator[Finding]:
    """Report an info without summary."""
    info = inspection.description.info
    if not (info.summary or "").strip():
        message, hint = "info has no summary", "add summary: with one short sentence"
        yield Finding(message, info.at, hint)


@rule("input-description", "style", default=False, trigger=Trigger(words=("properties",)))
def input_description(inspection: Inspection) -> Iterator[Finding]:
    """Report inputs without description, unless they refer to another schema."""
    for workflow in inspection.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if isinstance(schema, dict) and not schema.keys() & {"description", "title", "$ref"}:
                message, hint = f'input "{name}" has no description', "add description: and say what to give"
                at = workflow.at.child("inputs").child("properties").child(name).at_key()
                yield Finding(message, at, hint)


@rule("no-success-criteria", "style", default=False)
def no_success_criteria(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without success criteria, unless they call a workflow."""
    for _, step in inspection.steps:
        if step.workflow_id is None and not step.success_criteria:
            message = f'step "{step.step_id}" does not say when it succeeds'
            at, hint = step.at.child("stepId"), "add successCriteria: with condition: $statusCode == 200"
            yield Finding(message, at, hint)


@rule("source-without-type", "style", default=False)
def source_without_type(inspection: Inspection) -> Iterator[Finding]:
    """Report source descriptions without type."""
    for source in inspection.description.source_descriptions:
        if source.type is None:
            message, hint = f'source "{source.name}" has no type', "add type: openapi (or arazzo, asyncapi)"
            yield Finding(message, source.at, hint)


@rule("step-description", "style", default=False)
def step_description(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without description."""
    for _, step in inspection.steps:
        if not (step.description or "").strip():
            message = f'step "{step.step_id}" has no description'
            at, hint = step.at.child("stepId"), "add description: and say what the step is for"
            yield Finding(message, at, hint)


@rule("workflow-description", "style", default=False)
def workflow_description(inspection: Inspection) -> Iterator[Finding]:
    """Report workflows without description."""
    for workflow in inspection.description.workflows:
        if not (workflow.description or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no description'
            at, hint = workflow.at.child("workflowId"), "add description: and say what it is for"
            yield Finding(message, at, hint)


@rule("workflow-summary", "style", default=False)
def workflow_summary(inspection: Inspection) -> Iterator[Finding]:
    """Report workflows without summary."""
    for workflow in inspection.description.workflows:
        if not (workflow.summary or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no summary'
            at, hint = workflow.at.child("workflowId"), "add summary: and say what it is for"
            yield Finding(message, at, hint)
