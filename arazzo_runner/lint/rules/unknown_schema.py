"""A `$ref` of an inputs schema that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from arazzo_runner.base.json_values import MISSING, preview, resolve_pointer
from arazzo_runner.errors import Diagnostic, Severity, did_you_mean
from arazzo_runner.lint.inspection import Inspection

CODE = "unknown-schema"
SEVERITY = Severity.ERROR
GROUP = "references"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """References inside the document: a JSON Pointer, or an `$anchor`. Others are not followed here."""
    anchors = {each.schema.get("$anchor") for each in program.schemas}
    own_base = tuple(each.pointer for each in program.schemas if "$id" in each.schema)
    for each in program.schemas:
        reference = each.schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#") or reference == "#":
            continue
        is_pointer = reference.startswith("#/")
        target = resolve_pointer(program.description.raw, unquote(reference[1:])) if is_pointer else MISSING
        if target is MISSING and (is_pointer or reference[1:] not in anchors) and not _is_below(each.pointer, own_base):
            message = f"{preview(reference, 60)} leads nowhere in this document"
            near = did_you_mean(
                reference, (f"#/components/inputs/{name}" for name in program.description.components.inputs)
            )
            at = program.at(f"{each.pointer}/$ref")
            hint = near or "write #/components/inputs/<name>, and put the schema there"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _is_below(pointer: str, places: Iterable[str]) -> bool:
    """Tell whether a schema stands in one with an `$id`, which is where its references begin then."""
    return any(pointer == place or pointer.startswith(f"{place}/") for place in places)
