"""A component that nothing refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "unused-component"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True

_MENTION: Final = pattern(r"[$#]/?components[./](\w+)[./]([^/#\s\"'{}]+)")
_ANCHOR: Final = frozenset({"$anchor"})


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A component is used by a Reusable Object, an expression or a `$ref` anywhere in the document."""
    components = program.description.components
    used = set(_MENTION.findall("\n".join([text for text in program.texts.distinct if "components" in text])))
    texts = program.texts.distinct if program.texts.words_among(_ANCHOR) else ()
    anchors = {text[1:] for text in texts if text.startswith("#") and text[1:2] != "/"}
    by_kind: dict[str, Mapping[str, object]] = {
        "inputs": components.inputs,
        "parameters": components.parameters,
        "successActions": components.success_actions,
        "failureActions": components.failure_actions,
    }
    for kind, named in by_kind.items():
        for name, component in named.items():
            anchor = component.get("$anchor") if isinstance(component, dict) else None
            if (kind, name) in used or (kind, escaped(name)) in used or anchor in anchors:
                continue
            at = components.at.child(kind).child(name).at_key()
            hint = f"remove it, or refer to it with {_reference(kind, name)}"
            yield Diagnostic(
                code=CODE, severity=SEVERITY, message=f'component "{name}" is used nowhere', at=at, hint=hint
            )


def _reference(kind: str, name: str) -> str:
    return f"$ref: '#/components/inputs/{name}'" if kind == "inputs" else f"reference: $components.{kind}.{name}"
