"""Requests as texts with `{{variables}}`, and the expressions whose values these variables get before each request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.export.js_request import (
    body_text,
    cookie_text,
    fixed_headers,
    header_text,
    is_optional,
    is_plain,
    payload_of,
    query_parts,
    segment,
)
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.plan import Body, FileValue, Parameter, Request
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import ArrayValue, ExpressionValue, Literal, ObjectValue, Value
from arazzo_runner.sources.http_media.styles import percent_encode

_SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")


class Piece(Record):
    """A variable of one request: its name and the expression of its text; `header`: left out where it is undefined."""

    name: str
    script: str
    header: str | None = None


class FormPart(Record, kw_only=True):
    """A part of a multipart body: its text, or the path of its file, with variables in it."""

    name: str
    text: str = ""
    path: str | None = None
    file_name: str = ""
    content_type: str | None = None


class Pieces(MutableRecord, kw_only=True):
    """The texts of one request, and its variables, each of which begins with `prefix`.

    `files`: the variables of inputs by name, for a target in which only these can be paths of files; None for one in
    which any variable can.
    """

    prefix: str
    writer: JsWriter
    taken: set[str] = field(default_factory=set)
    found: list[Piece] = field(default_factory=list)
    files: Mapping[str, str] | None = None

    def place(self, name: str, script: str, header: str | None = None) -> str:
        """Return the `{{variable}}` that has the value of an expression."""
        base = _NO_NAME.sub("_", f"{self.prefix}_{name}")
        base = base if base[0].isalpha() else f"v_{base}"
        variable = unused_name(base, self.taken, "_")
        self.taken.add(variable)
        self.found.append(Piece(variable, script, header))
        return f"{{{{{variable}}}}}"

    # ---- URL

    def path(self, request: Request) -> str:
        """Return the path."""
        return "".join(
            _without_braces(part) if isinstance(part, str) else self.place(part.name, segment(part, self.writer))
            for part in request.path
        )

    def query(self, request: Request) -> str:
        """Return the query, with its question mark, or "" for none."""
        if request.querystring is None and all(self._is_single(each) for each in request.query):
            pairs = [*map(_without_braces, request.fixed_query), *(self._pair(each) for each in request.query)]
            return "?" + "&".join(pairs) if pairs else ""
        parts = query_parts(request, self.writer)
        joined = f'[{", ".join(parts)}].filter((part) => part !== "").join("&").replace(/^(?=.)/, "?")'
        return self.place("query", joined)

    def _is_single(self, parameter: Parameter) -> bool:
        """Return whether a query parameter is surely one pair."""
        if is_optional(parameter, self.writer) or not is_plain(parameter):
            return False
        if isinstance(parameter.value, Literal):
            return not isinstance(parameter.value.value, (dict, list))
        schema = parameter.declared.schema if parameter.declared is not None else None
        return isinstance(schema, dict) and schema.get("type") in _SCALARS

    def _pair(self, parameter: Parameter) -> str:
        name = percent_encode(parameter.name)
        value = parameter.value
        if isinstance(value, Literal) and isinstance(value.value, (str, int, bool)):
            text = value.value if isinstance(value.value, str) else json.dumps(value.value)
            return f"{name}={percent_encode(text)}"
        script = f"{self.writer.use('encode')}({self.writer.needed(value)})"
        return f"{name}={self.place(parameter.name, script)}"

    # ---- headers

    def headers(self, request: Request, *, has_type: bool) -> Iterator[tuple[str, str]]:
        """Yield the headers."""
        for each in request.headers:
            yield each.name, self._header(each)
        for name, text in fixed_headers(request):
            if has_type or name != "Content-Type":
                yield name, text
        cookies = cookie_text(request, self.writer)
        if cookies is not None:
            yield "Cookie", self.place("Cookie", cookies, "Cookie")

    def _header(self, parameter: Parameter) -> str:
        value = parameter.value
        is_text = isinstance(value, Literal) and isinstance(value.value, str)
        if is_text and value.value.isprintable() and "{{" not in value.value:  # type: ignore[union-attr]
            return str(value.value).strip()  # type: ignore[union-attr]
        written = header_text(parameter, self.writer)
        if is_optional(parameter, self.writer):
            return self.place(parameter.name, written, parameter.name)
        return self.place(parameter.name, f"{self.writer.use('plain')}({written})")

    # ---- body

    def body(self, body: Body) -> str:
        """Return a body that is text."""
        if body.kind == "json":
            payload = payload_of(body)
            if payload is None:
                return ""
            written = self._json(payload, "body", "")
            return self._whole_json(payload) if written is None else written
        made = body_text(body, self.writer)
        if made is None:
            return ""
        script = made.text if made.text == "body" else f"((body) => {made.text})({made.value})"
        if made.text == "body":
            script = f"{self.writer.use('plain')}({made.value})"
        return self.place("body", script)

    def _whole_json(self, payload: Value) -> str:
        return self.place("body", f"{self.writer.use('json')}({self.writer.needed(payload)})")

    def _json(self, value: Value, name: str, indent: str) -> str | None:
        """Return JSON with a variable for each computed value; None where a member may be left out."""
        inner = indent + "  "
        match value:
            case Literal():
                return _constant(value.value, indent)
            case ObjectValue():
                members = []
                for key, item in value.members:
                    if not isinstance(key, str) or (self.writer.may_be_left_out(item) and key not in value.required):
                        return None
                    written = self._json(item, key, inner)
                    if written is None:
                        return None
                    members.append(f"{inner}{_constant(key, '')}: {written}")
                return "{\n" + ",\n".join(members) + f"\n{indent}}}" if members else "{}"
            case ArrayValue():
                items = [self._json(item, name, inner) for item in value.items]
                if any(item is None for item in items):
                    return None
                return "[\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}]" if items else "[]"
            case _:
                return self.place(name, f"{self.writer.use('json')}({self.writer.needed(value)})")

    def parts(self, body: Body) -> Iterator[FormPart]:
        """Yield the parts of a multipart body; raises Unsayable."""
        if not body.parts or body.replacements or "form-data" not in body.content_type:
            raise Unsayable(f"a body of {body.content_type} is not written")
        plain = self.writer.use("plain")
        for part in body.parts:
            if not isinstance(part.value, FileValue):
                is_object = isinstance(part.value, Literal) and isinstance(part.value.value, (dict, list))
                kind = part.content_type or ("application/json" if is_object else None)
                if kind == "application/json":
                    script = f"{self.writer.use('json')}({self.writer.needed(part.value)})"
                else:
                    script = f"{plain}({self.writer.text(part.value)})"
                yield FormPart(name=part.name, text=self.place(part.name, script), content_type=kind)
                continue
            if part.value.source != "path" or part.value.filename is not None:
                raise Unsayable("a file that is not given by its path alone is not sent")
            written = self.writer.text(part.value.value)
            path = self._path(part.name, part.value.value, f"{plain}({written})")
            name = self.place(f"{part.name}_name", f'{plain}({written}).split(/[\\\\/]/).pop().replace(/"/g, "%22")')
            yield FormPart(name=part.name, path=path, file_name=name, content_type=part.content_type)

    def _path(self, name: str, value: Value, script: str) -> str:
        if self.files is None:
            return self.place(name, script)
        if isinstance(value, Literal) and str(value.value).isprintable() and "{{" not in str(value.value):
            return str(value.value)
        expression = value.expression if isinstance(value, ExpressionValue) else None
        if isinstance(expression, InputReference) and not expression.pointer and not expression.path:
            variable = self.files.get(expression.name or "")
            if variable is not None:
                return f"{{{{{variable}}}}}"
        raise Unsayable("a file whose name is known only during the run is not sent")


def _without_braces(text: str) -> str:
    return text.replace("{", "%7B").replace("}", "%7D")


def _constant(value: JsonValue, indent: str) -> str:
    """Return JSON in which no two braces follow each other in a text."""
    text = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", f"\n{indent}")
    return re.sub(r"\{(?=\{)", "\\\\u007b", text)
