"""Bodies of a script for k6 that are more than text: multipart, and files, which k6 opens before the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.js_text import enclosed, literal
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.plan import Body, FileValue, Part, Plan
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import ExpressionValue, Literal, Value

BOUNDARY: Final = "arazzo-4f2a9c61"


class InitFiles:
    """The files that a script opens in its init context, by the expression of their path there."""

    def __init__(self, plan: Plan) -> None:
        self._inputs = {each.name: each for each in plan.workflow.inputs}
        self._names: dict[str, str] = {}

    def opened(self, path: Value) -> tuple[str, str]:
        """Return the variable that has the content of a file, and the expression of its path; raises Unsayable."""
        written = self._path(path)
        name = self._names.setdefault(written, f"FILE_{len(self._names) + 1}")
        return name, written

    def _path(self, path: Value) -> str:
        if isinstance(path, Literal):
            return literal(str(path.value))
        expression = path.expression if isinstance(path, ExpressionValue) else None
        if isinstance(expression, InputReference) and not expression.pointer and not expression.path:
            found = self._inputs.get(expression.name or "")
            if found is not None:
                default = None if found.default is MISSING else str(found.default)
                return (
                    f"__ENV.{found.variable}" if default is None else f"(__ENV.{found.variable} || {literal(default)})"
                )
        raise Unsayable("a file whose name is known only during the run is not sent: k6 opens files before it")

    def lines(self) -> Iterator[str]:
        """Yield the statements that open the files."""
        if self._names:
            yield "// k6 opens files before it runs; a relative path begins at the folder of this script."
        for path, name in self._names.items():
            yield f'const {name} = {path} ? open({path}, "b") : undefined;'


def multipart_lines(body: Body, writer: JsWriter, files: InitFiles) -> Iterator[str]:
    """Yield the statement that makes a multipart body; raises Unsayable."""
    if not body.parts or body.replacements:
        raise Unsayable(f"a body of {body.content_type} is not written")
    if body.content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise Unsayable(f"a body of {body.content_type} is not written")
    members = [_part(part, writer, files) for part in body.parts]
    written = enclosed("[", members, "]")
    yield from f"const body = {writer.use('multipart')}({literal(BOUNDARY)}, {written});".split("\n")


def _part(part: Part, writer: JsWriter, files: InitFiles) -> str:
    name = literal(part.name)
    if not isinstance(part.value, FileValue):
        is_object = isinstance(part.value, Literal) and isinstance(part.value.value, (dict, list))
        kind = part.content_type or ("application/json" if is_object else None)
        if kind is None:
            return f"[{name}, {writer.text(part.value)}]"
        needed = writer.needed(part.value)
        text = f"JSON.stringify({needed})" if kind == "application/json" else writer.text(part.value)
        return f"[{name}, {text}, undefined, {literal(kind)}]"
    file = part.value
    if file.source != "path":
        raise Unsayable("a file that is not given by its path is not sent")
    content, path = files.opened(file.value)
    file_name = f"{path}.split(/[\\\\/]/).pop()" if file.filename is None else writer.text(file.filename)
    kind_text = literal(part.content_type) if part.content_type else f"{writer.use('fileType')}({file_name})"
    if file.content_type is not None:
        kind_text = writer.text(file.content_type)
    return f"[{name}, {content}, {file_name}, {kind_text}]"
