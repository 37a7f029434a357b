"""The smaller objects of the Specification: parameters, bodies, criteria, selectors, outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, to_json, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.document.fields import FIELDS, SUGGESTIONS, Fields, newest, respelt
from arazzo_runner.document.model import (
    Criterion,
    ExpressionType,
    Parameter,
    PayloadReplacement,
    RequestBody,
    ReusableObject,
    Selector,
)
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.uri_references import is_uri_reference, meant_reference
from arazzo_runner.errors import Change, Edit, Fix, Location, replacing

ID_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
NAME_CHARACTERS: Final = ID_CHARACTERS | {"."}
VERSIONS: Final = {
    "jsonpath": ("rfc9535", "draft-goessner-dispatch-jsonpath-00"),
    "xpath": ("xpath-31", "xpath-30", "xpath-20", "xpath-10"),
    "jsonpointer": ("rfc6901",),
    "simple": (),
    "regex": (),
}
CRITERION_TYPES: Final = ("simple", "regex", "jsonpath", "xpath")
SELECTOR_TYPES: Final = ("jsonpath", "xpath", "jsonpointer")
PLACES: Final = ("path", "query", "querystring", "header", "cookie", "channel")
NEWER_PLACES: Final = ("querystring", "channel")  # `channel` is in the JSON Schema of 1.1, not in its text


class Parts(Record):
    """Builds the objects of one document; `minor` is its feature set."""

    problems: Problems
    minor: int

    def parameters(self, fields: Fields) -> tuple[Parameter | ReusableObject, ...]:
        parameters: tuple[Parameter | ReusableObject, ...] = fields.items("parameters", self.parameter)
        if len(parameters) > 1:
            own = [each for each in parameters if isinstance(each, Parameter) and each.name]
            self.check_unique("duplicate-parameter", "parameter", [(_place_of(each), each.at) for each in own])
            self._check_headers(own)
        return parameters

    def _check_headers(self, parameters: Iterable[Parameter]) -> None:
        """Warn of duplicates, of which the last is sent; header names ignore case (RFC 9110 §5.1)."""
        seen: dict[str, Parameter] = {}
        for each in parameters:
            if each.in_ != "header":
                continue
            first = seen.setdefault(each.name.lower(), each)
            if first.name != each.name:
                message = f'the headers "{first.name}" and "{each.name}" are one header; the last one counts'
                self.problems.warn(
                    "duplicate-parameter", message, each.at, hint="remove one of them", related=(first.at,)
                )

    def parameter(self, raw: JsonValue, at: Location) -> Parameter | ReusableObject | None:
        """Arazzo §Parameter Object, or a Reusable Object."""
        if isinstance(raw, dict) and "reference" in raw:
            return self.reusable(raw, at)
        fields = self.fields_of("parameter", raw, at)
        if fields is None:
            return None
        if fields.raw.get("in") == "body":
            fields.error(
                "invalid-value", 'parameter: in is "body"', "in", "write requestBody: with contentType: and payload:"
            )
        hint = (
            "the key of a Kafka message is x-kafka-key: of the requestBody" if fields.raw.get("in") == "key" else None
        )
        place = fields.choice("in", PLACES, hint=hint) if fields.raw.get("in") != "body" else None
        if place in NEWER_PLACES and self.minor == 0:
            message = f"in: {place} came with Arazzo 1.1; this document says 1.0"
            self.problems.tolerate("newer-field", message, at.child("in"), hint="write arazzo: 1.1.0")
        return Parameter(
            name=fields.required_text("name"),
            in_=place,
            value=_or_null(fields.value("value", required=True)),
            extensions=fields.extensions(),
            at=at,
            is_misplaced=place is None and "in" in fields.raw,
        )

    def reusable(self, raw: Mapping[str, JsonValue], at: Location, kind: str = "parameter") -> ReusableObject:
        """Arazzo §Reusable Object; further fields are ignored as the text says."""
        fields = self.start(kind, raw, at)
        return ReusableObject(reference=fields.required_text("reference"), value=fields.value("value"), at=fields.at)

    def request_body(self, raw: Mapping[str, JsonValue], at: Location) -> RequestBody:
        """Arazzo §Request Body Object."""
        fields = self.start("request body", raw, at)
        return RequestBody(
            content_type=fields.text("contentType"),
            payload=fields.value("payload"),
            replacements=fields.items("replacements", self._replacement),
            extensions=fields.extensions(),
            at=at,
        )

    def _replacement(self, raw: JsonValue, at: Location) -> PayloadReplacement | None:
        """Arazzo §Payload Replacement Object."""
        fields = self.fields_of("payload replacement", raw, at)
        if fields is None:
            return None
        fields.newer("targetSelectorType")
        return PayloadReplacement(
            target=fields.text("target", required=True, empty=True) or "",  # JSON Pointer "": all of it
            target_selector_type=self.expression_type(fields, "targetSelectorType", SELECTOR_TYPES),
            value=_or_null(fields.value("value", required=True)),
            extensions=fields.extensions(),
            at=at,
        )

    def criterion(self, raw: JsonValue, at: Location) -> Criterion | None:
        """Arazzo §Criterion Object."""
        fields = self.fields_of("criterion", raw, at)
        if fields is None:
            return None
        kind = self._criterion_type(fields)
        context = fields.text("context")
        if kind is not None and kind.type != "simple" and "context" not in fields.raw:
            hint = "add context: $response.body"
            self.problems.error("missing-field", f"criterion: type {kind.type} needs a context", at, hint=hint)
        condition = self._condition(fields)
        if kind is None and "type" in fields.raw:
            fields.extensions()
            return None  # already reported; its condition read as another type would only add errors
        return Criterion(
            context=context,
            condition=condition,
            type=kind,
            extensions=fields.extensions(),
            at=at,
        )

    def _condition(self, fields: Fields) -> str:
        value = fields.value("condition", required=True)
        if isinstance(value, str):
            if not value.strip():
                fields.error("invalid-value", "criterion: condition is empty", "condition", _condition_hint(value))
            return value or "false"
        if value is not MISSING and isinstance(value, (bool, int, float)) and "context" in fields.raw:
            return preview(value)  # `context` compared with a constant: a tolerated form (semantics §4)
        if value is not MISSING:
            fields.wrong_type("condition", "a string", value, _condition_hint(value))
        return "false"

    def _criterion_type(self, fields: Fields) -> ExpressionType | None:
        """Return the type; a `version` beside it, as the 1.0 JSON Schema allows, is used with a warning."""
        kind = self.expression_type(fields, "type", CRITERION_TYPES)
        if kind is None or kind.version is not None or "version" not in fields.raw or not VERSIONS[kind.type]:
            return kind
        fields.known |= {"version"}
        version = fields.choice("version", VERSIONS[kind.type])
        message = "criterion: version belongs in an expression type object"
        hint = f"write type: {{type: {kind.type}, version: {version or VERSIONS[kind.type][0]}}}"
        fix = None
        if version is not None:
            nested = Edit(fields.child("type"), to_json({"type": kind.type, "version": version}), Change.NEST)
            fix = Fix((nested, Edit(fields.child("version"), change=Change.REMOVE)))
        self.problems.warn("unknown-field", message, fields.key("version"), hint=hint, fix=fix)
        return ExpressionType(type=kind.type, version=version, at=kind.at)

    def expression_type(self, fields: Fields, name: str, allowed: tuple[str, ...]) -> ExpressionType | None:
        """Read a short name or an Expression Type Object."""
        if not isinstance(fields.raw.get(name), dict):
            kind = fields.choice(name, allowed)
            return None if kind is None else ExpressionType(type=kind, at=fields.child(name))
        at = fields.child(name)
        inner = self.start("expression type", fields.raw[name], at)
        kind = inner.choice("type", allowed, required=True)
        version = inner.text("version", required=kind in VERSIONS and bool(VERSIONS.get(kind or "")))
        inner.extensions()
        if kind is None:
            return None
        known = VERSIONS[kind]
        if version is not None and known and version not in known:
            message = f'version "{version}" of {kind} is not known'
            inner.error("invalid-value", message, "version", f"write {' or '.join(known)}")
            version = None
        return ExpressionType(type=kind, version=version, at=at)

    def outputs(self, fields: Fields) -> dict[str, str | Selector]:
        raw = fields.mapping("outputs")
        if not raw:
            return {}
        found: dict[str, str | Selector] = {}
        for name, value in raw.items():
            self.check_name("output", name, fields.at, "outputs")
            if isinstance(value, str):
                found[name] = value
                continue
            selector = self._selector(value, fields.child("outputs").child(name))
            if selector is not None:
                found[name] = selector
        return found

    def _selector(self, raw: JsonValue, at: Location) -> Selector | None:
        """Arazzo 1.1 §Selector Object."""
        if not isinstance(raw, dict):
            message = f"an output must be an expression, found {type_name(raw)}"
            hint = _output_hint(raw)
            self.problems.error("wrong-type", message, at, hint=hint)
            return None
        fields = self.start("selector", raw, at)
        if self.minor == 0:
            message = "selector objects came with Arazzo 1.1; this document says 1.0"
            self.problems.tolerate("newer-field", message, at, hint="write arazzo: 1.1.0", fix=newest(at))
        context, selector = fields.required_text("context"), fields.text("selector", required=True, empty=True) or ""
        kind = self.expression_type(fields, "type", SELECTOR_TYPES)
        if kind is None and "type" not in raw:
            self.problems.error("missing-field", "selector: type is missing", at, hint="add type: jsonpath")
        fields.extensions()
        if kind is None or not context or "selector" not in raw:
            return None
        return Selector(context=context, selector=selector, type=kind, at=at)

    def fields_of(self, kind: str, raw: JsonValue, at: Location) -> Fields | None:
        """Return the fields of an object; None, reported, when it is not an object or is a `$ref`."""
        if not isinstance(raw, dict):
            hint = "remove the entry, or fill it in" if raw is None else _mapping_hint(kind, raw)
            self.problems.error("wrong-type", f"a {kind} is a mapping, found {type_name(raw)}", at, hint=hint)
            return None
        if "$ref" in raw and "reference" not in raw:
            message = f"{kind}: Arazzo has no $ref here"
            self.problems.error("unknown-field", message, at.child("$ref").at_key(), hint=SUGGESTIONS["$ref"])
            return None
        return self.start(kind, raw, at)

    def start(self, kind: str, raw: Mapping[str, JsonValue], at: Location) -> Fields:
        known = FIELDS[kind]
        if raw.keys() <= known:  # nearly always
            return Fields(kind, raw, at, self.problems, self.minor, known)
        written = respelt(raw, known)
        names = {name: right for right, name in written.items()}
        read = {names.get(name, name): value for name, value in raw.items()}
        return Fields(kind, read, at, self.problems, self.minor, known, written)

    def check_unique(self, code: str, kind: str, names: Iterable[tuple[str, Location]], field: str = "") -> None:
        """Report duplicate names, at `field` of the objects whose locations are given."""
        seen: dict[str, Location] = {}
        for name, at in names:
            if name in seen:
                message = f"{kind} {preview(name)} is defined twice"
                places = [each.child(field) if field else each for each in (at, seen[name])]
                self.problems.error(code, message, places[0], hint="give each its own name", related=(places[1],))
            elif name:
                seen[name] = at

    def check_id(self, kind: str, name: str, at: Location, field: str) -> None:
        """Warn of an id that does not match [A-Za-z0-9_\\-]+ (a SHOULD)."""
        if name and not ID_CHARACTERS.issuperset(name):
            message = f"{kind} {preview(name)} has characters other than letters, digits, - and _"
            self.problems.warn("unusual-id", message, at.child(field), hint=_spelt(name, ID_CHARACTERS, "-"))

    def check_source_name(self, name: str, at: Location) -> None:
        """Report a source name that does not match [A-Za-z0-9_\\-]+: a SHOULD, but the JSON Schema demands it."""
        if name and not ID_CHARACTERS.issuperset(name):
            message = f"source name {preview(name)} has characters other than letters, digits, - and _"
            hint = _spelt(name, ID_CHARACTERS, "-")
            self.problems.tolerate("unusual-name", message, at.child("name"), hint=hint)

    def check_uri(self, kind: str, text: str, at: Location, field: str) -> None:
        """Report a url that is not a URI-reference (RFC 3986 §4.1), which is tolerated."""
        if is_uri_reference(text):
            return
        message, at, meant = f"{kind} {preview(text)} is not a URI reference", at.child(field), meant_reference(text)
        hint = "write a URL, or a path relative to this document" if meant is None else f"write {meant[:200]}"
        fix = None if meant is None else replacing(at, meant)
        self.problems.tolerate("uri-form", message, at, hint=hint, fix=fix)

    def check_name(self, kind: str, name: str, at: Location, field: str) -> None:
        """Report a key that does not match ^[a-zA-Z0-9\\.\\-_]+$: a MUST, but such keys are common (semantics §3)."""
        if not (name and NAME_CHARACTERS.issuperset(name)):
            at = at.child(field).child(name).at_key()
            message = f'{kind} name {preview(name)} has characters other than letters, digits, ".", "-" and "_"'
            self.problems.tolerate("unusual-name", message, at, hint=_spelt(name, NAME_CHARACTERS, "_"))


def _place_of(parameter: Parameter) -> str:
    return f"{parameter.name} ({parameter.in_})" if parameter.in_ else parameter.name


def _condition_hint(value: JsonValue) -> str | None:
    if isinstance(value, dict):
        return 'a condition that begins with { needs quotes: "{$…} == 1"'
    if isinstance(value, bool) or value is None:
        return "leave the criterion out if it always holds, or write what to test: $statusCode == 200"
    if isinstance(value, int) and 100 <= value <= 599:
        return f"write condition: $statusCode == {value}"
    return "write what to test, as in $statusCode == 200"


def _output_hint(value: JsonValue) -> str:
    if isinstance(value, dict):
        return "put an expression in braces in quotes"
    if value is None:
        return "write an expression such as $response.body#/id, or remove the output"
    return "write an expression such as $response.body#/id"


def _spelt(name: str, allowed: frozenset[str], instead: str) -> str:
    """Return a hint with the name, its characters that are not allowed replaced."""
    spelt = "".join(each if each in allowed else " " for each in name[:80]).split()
    return f"write {instead.join(spelt)}" if spelt else "write a name of letters and digits"


def _or_null(value: JsonValue) -> JsonValue:
    return None if value is MISSING else value


def _mapping_hint(kind: str, raw: JsonValue) -> str:
    """Return the hint for an object that is written as something else."""
    if kind == "criterion" and isinstance(raw, str) and raw.strip():
        return f"write condition: {preview(raw, 60)[1:-1]}"
    return "write its fields, each as name: value"
