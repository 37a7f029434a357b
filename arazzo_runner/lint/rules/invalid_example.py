"""An example that its own schema refuses."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schemas import own_errors
from arazzo_runner.lint.inspection import Inspection

CODE = "invalid-example"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`examples` is a list of values; OpenAPI's `example` is one."""
    for each in program.schemas:
        listed = each.schema.get("examples")
        values = [
            (f"examples/{index}", value) for index, value in enumerate(listed if isinstance(listed, list) else ())
        ]
        if "example" in each.schema:
            values.append(("example", each.schema["example"]))
        for place, value in values:
            at = program.at(f"{each.pointer}/{place}")
            for error in own_errors(value, each.schema, program.schema_context):
                message = f"the example does not fit its schema: {error}"
                hint = "correct the example or the schema"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
