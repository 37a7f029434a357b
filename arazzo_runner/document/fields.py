"""The fields of an object: each wrong type, missing or unknown field becomes a Diagnostic."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, TypeVar

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, type_name
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Fix, Location, did_you_mean, replacing

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
"""Every field name of the Specification; in the wrong object, such a name is an error."""

Item = TypeVar("Item")

SUGGESTIONS: Final = {
    "$ref": "write reference: $components.parameters.NAME (or successActions, failureActions); only schemas have $ref",
    "goto": "write type: goto, and stepId: or workflowId: for where to",
    "retry": "write type: retry, retryAfter: and retryLimit:",
    "end": "write type: end",
    "body": "write requestBody: with contentType: and payload:",
    "headers": "write each one under parameters:, with in: header",
    "query": "write each one under parameters:, with in: query",
    "if": "write criteria: with one condition: for each test",
    "when": "write criteria: with one condition: for each test",
    "assertions": "write successCriteria: with one condition: for each test",
    "<<": "YAML 1.2 has no merge keys; write the fields out",
    "extends": "Arazzo has no inheritance; write the fields out",
}
"""Fields of other formats, with what to write instead; ignoring them would change a document's meaning."""

_OF_MESSAGES: Final = {
    "message": SUGGESTIONS["body"],
    "channel": "write channelPath: '{$sourceDescriptions.NAME.url}#/channels/KEY', or the operationId of one on it",
    "topic": "the topic is in the AsyncAPI description; write operationId: or channelPath:",
    "queue": "the queue is in the AsyncAPI description; write operationId: or channelPath:",
}
"""The same of steps that send or receive messages."""

TOO_MUCH: Final = 1e15
"""The largest number accepted: the milliseconds of 30,000 years, and less than a float holds."""

_MOST_UNKNOWN: Final = 50  # bounds the name comparisons that a hostile mapping can cause

_UNQUOTED: Final[dict[type, str]] = {
    dict: "a text that begins with { needs quotes",
    list: "a text that begins with [ needs quotes",
}


def respelt(raw: Mapping[str, JsonValue], known: frozenset[str]) -> dict[str, str]:
    """Return the fields that are there in another case, number or with other word breaks, by their right names.

    >>> respelt({"stepID": 1, "operation_id": 2, "outputs": 3}, FIELDS["step"])
    {'stepId': 'stepID', 'operationId': 'operation_id'}
    """
    right = {_folded(name): name for name in known}
    found = {right[_folded(name)]: name for name in raw if name not in known and _folded(name) in right}
    return {name: written for name, written in found.items() if name not in raw}


def _folded(name: str) -> str:
    return name if name[:1] == "$" else name.casefold().replace("_", "").replace("-", "").removesuffix("s")


class Fields(MutableRecord):
    """The fields of one object; `kind` is its name in messages, `known` the fields it may have.

    `written` are the fields that are written in another case, by their right names, which `raw` has.
    """

    kind: str
    raw: Mapping[str, JsonValue]
    at: Location
    problems: Problems
    minor: int
    known: frozenset[str]
    written: Mapping[str, str] = field(default_factory=dict)

    # ------------------------------------------------------------------ single values

    def text(self, name: str, *, required: bool = False, empty: bool = False) -> str | None:
        """Return a text field, None when it is absent or not a text; `empty` allows an empty required one."""
        value = self.raw.get(name, MISSING)
        if isinstance(value, str):
            if required and not empty and not value.strip():
                wanted = "$components.<type>.<name>" if name == "reference" else f"a string for {name}"
                self.error("invalid-value", f"{self.kind}: {name} is empty", name, f"write {wanted}")
            return value
        if value is MISSING:
            if required:
                self._missing(name)
            return None
        is_scalar = value is not None and not isinstance(value, (dict, list))
        hint = f'put it in quotes: {name}: "{preview(value)}"' if is_scalar else _UNQUOTED.get(type(value))
        self.wrong_type(name, "a string", value, hint)
        return None

    def required_text(self, name: str) -> str:
        """Return a required text field; "", reported, when it is missing."""
        return self.text(name, required=True) or ""

    def choice(
        self, name: str, allowed: tuple[str, ...], *, required: bool = False, hint: str | None = None
    ) -> str | None:
        """Return a text field that must be one of a few words; `hint` says more than that they are allowed."""
        value = self.text(name, required=required)
        if value is None or value in allowed:
            return value
        words = " or ".join([", ".join(allowed[:-1]), *allowed[-1:]] if len(allowed) > 2 else allowed)
        hint = hint or did_you_mean(value, allowed) or f"write {words}"
        self.error("invalid-value", f"{self.kind}: {name} is {preview(value)}, expected {words}", name, hint)
        return None

    def number(self, name: str, *, integer: bool = False) -> int | float | None:
        """Return a non-negative number field."""
        value = self._take(name, False)
        if value is MISSING:
            return None
        whole = isinstance(value, float) and value.is_integer()
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or (integer and not isinstance(value, int) and not whole)
        ):
            self.wrong_type(name, "a whole number" if integer else "a number", value, _number_hint(name, value))
            return None
        if not 0 <= value < TOO_MUCH:  # which NaN is not either
            wrong = "not be negative" if value < 0 else f"be a number below {TOO_MUCH:,.0f}"
            message = f"{self.kind}: {name} is {preview(value)}, but must {wrong}"
            self.error("invalid-value", message, name, "write 0 or more" if value < 0 else None)
            return None
        return int(value) if integer else value

    def value(self, name: str, *, required: bool = False) -> JsonValue:
        """Return a field of any type, MISSING when it is absent."""
        return self._take(name, required)

    # ------------------------------------------------------------------ structures

    def mapping(self, name: str, *, required: bool = False) -> dict[str, JsonValue] | None:
        """Return a mapping field; None when it is absent or not a mapping."""
        value = self.raw.get(name, MISSING)
        if isinstance(value, dict):
            return value
        if value is MISSING:
            if required:
                self._missing(name)
            return None
        self.wrong_type(name, "a mapping", value)
        return None

    def items(
        self,
        name: str,
        build: Callable[[JsonValue, Location], Item | None],
        *,
        required: bool = False,
        empty: bool = True,
        useless: bool = False,
    ) -> tuple[Item, ...]:
        """Return the built items of a list field; `empty` allows an empty list, `useless` tolerates one."""
        value = self.raw.get(name, MISSING)
        if value is MISSING:
            if required:
                self._missing(name)
            return ()
        if isinstance(value, list) and value:
            at = self.at  # one text for all places: most objects of a document are items of a list
            above = f"{at.pointer}/{self.written.get(name, name)}/"
            built = [build(item, Location(at.uri, f"{above}{i}", at.positions)) for i, item in enumerate(value)]
            return tuple([item for item in built if item is not None])
        if not isinstance(value, list):
            hint = _list_hint(name, value) if isinstance(value, (dict, str)) else None
            self.wrong_type(name, "a list", value, hint)
            return ()
        message = f"{self.kind}: {name} needs at least one entry"
        if useless:
            self.problems.tolerate("empty-list", message, self.child(name), hint=f"add an entry, or remove {name}")
        elif not empty:
            self.error("empty-list", message, name, "add an entry")
        return ()

    def texts(self, name: str, *, useless: bool = False) -> tuple[str, ...]:
        """Return a list of texts; `useless` tolerates an empty one."""
        return self.items(name, self._text_item, useless=useless)

    def _text_item(self, item: JsonValue, at: Location) -> str | None:
        if isinstance(item, str):
            return item
        message = f"{self.kind}: an entry is {type_name(item)}, expected a string"
        self.problems.error("wrong-type", message, at, hint=_type_hint("a string", item))
        return None

    # ------------------------------------------------------------------ the rest

    def extensions(self) -> dict[str, JsonValue]:
        """Return the `x-` fields; report unknown ones (semantics §1)."""
        for right, name in self.written.items():
            hint, fix = f'did you mean "{right}"?', replacing(self.key(name), right, is_safe=False)
            message = f"{self.kind}: unknown field {preview(name)}"
            self.problems.error("unknown-field", message, self.key(name), hint=hint, fix=fix)
        if self.raw.keys() <= self.known:
            return {}
        found = {}
        unknown = 0
        for name, value in self.raw.items():
            if name.startswith("x-"):
                found[name] = value
            elif name not in self.known:
                unknown += 1
                if unknown <= _MOST_UNKNOWN or name in ALL_FIELDS or name in SUGGESTIONS:
                    self._unknown(name)
        return found

    def newer(self, *names: str) -> None:
        """Report fields of Arazzo 1.1 in a 1.0 document, where they work nevertheless."""
        if self.minor > 0:
            return
        for name in names:
            if name in self.raw:
                message = f"{self.kind}: {name} came with Arazzo 1.1; this document says 1.0"
                fix = newest(self.at)
                self.problems.tolerate("newer-field", message, self.key(name), hint="write arazzo: 1.1.0", fix=fix)

    def exclusive(self, names: tuple[str, ...]) -> list[str]:
        """Return which of several mutually exclusive fields are present; more than one is an error."""
        given = [name for name in names if name in self.raw]
        if len(given) > 1:
            message = f"{self.kind}: {' and '.join(given)} exclude each other"
            self.error("exclusive-fields", message, given[1], f"keep one of {', '.join(given)}")
        return given

    def error(self, code: str, message: str, name: str, hint: str | None = None) -> None:
        """Report an error at a field's value."""
        self.problems.error(code, message, self.child(name), hint=hint)

    def wrong_type(self, name: str, expected: str, value: JsonValue, hint: str | None = None) -> None:
        """Report a field whose value is of the wrong type."""
        found = (
            type_name(value)
            if value is None or isinstance(value, (dict, list))
            else f"{type_name(value)} {preview(value, 40)}"
        )
        hint = hint or _type_hint(expected, value)
        self.error("wrong-type", f"{self.kind}: {name} must be {expected}, found {found}", name, hint)

    def child(self, name: str) -> Location:
        """Return the location of a field's value."""
        return self.at.child(self.written.get(name, name))

    def key(self, name: str) -> Location:
        """Return the location of a field's key."""
        return self.child(name).at_key()

    def _take(self, name: str, required: bool) -> JsonValue:
        value = self.raw.get(name, MISSING)
        if value is MISSING and required:
            self._missing(name)
        return value

    def is_misspelt(self, name: str) -> bool:
        """Return whether an unknown field is reported with this name as the one that may be meant."""
        others = (key for key in self.raw if key not in self.known and not key.startswith("x-"))
        return any(f'"{name}"' in (did_you_mean(key, self.known) or "") for key in islice(others, _MOST_UNKNOWN))

    def _missing(self, name: str) -> None:
        if self.is_misspelt(name):
            return
        self.problems.error("missing-field", f"{self.kind}: {name} is missing", self.at, hint=f"add {name}")

    def _respelt(self, name: str, near: str | None) -> Fix | None:
        """Return the fix that renames a field to the only similar known one, unless that is present."""
        known = [each for each in self.known if near == f'did you mean "{each}"?' and each not in self.raw]
        return replacing(self.key(name), known[0], is_safe=False) if known else None

    def _suggestion(self, name: str) -> str | None:
        """Return what to write instead of a field of another format."""
        if self.kind == "request body" and name == "body":
            return "write payload:"
        if self.kind == "request body" and "payload" not in self.raw and name not in SUGGESTIONS:
            return "put it below payload:"
        return SUGGESTIONS.get(name) or (_OF_MESSAGES.get(name) if self.kind == "step" else None)

    def _unknown(self, name: str) -> None:
        near = did_you_mean(name, self.known)
        message = f"{self.kind}: unknown field {preview(name)}"
        suggestion = self._suggestion(name)
        if name in ALL_FIELDS or suggestion is not None or near is not None:
            hint = suggestion or near or f"{name} is a field of another object; move it there, or remove it"
            fix = None if suggestion is not None else self._respelt(name, near)
            self.problems.error("unknown-field", message, self.key(name), hint=hint, fix=fix)
        else:
            self.problems.tolerate(
                "unknown-field",
                message,
                self.key(name),
                hint=f"remove it, or make it an extension: x-{preview(name)[1:-1]}",
            )


def newest(at: Location) -> Fix:
    """Return the (unsafe) fix that sets the version of the document to Arazzo 1.1."""
    return replacing(Location(at.uri, "/arazzo", at.positions), "1.1.0", is_safe=False)


def _list_hint(name: str, value: JsonValue) -> str:
    """Return the hint for a list that is written as a text or a mapping."""
    if name in ("successCriteria", "criteria") and isinstance(value, str):
        return f"write it as an item of a list: - condition: {preview(value, 60)[1:-1]}"
    if name == "parameters" and isinstance(value, dict) and value and "name" not in value:
        first = preview(next(iter(value)), 40)[1:-1]
        return f"write each as an item of a list, with its name: - name: {first}"
    return "begin every item with a dash"


_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min)", re.IGNORECASE)
_IN_SECONDS: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0}


def _number_hint(name: str, value: JsonValue) -> str | None:
    """Return the hint for a number that is written in quotes, or with a unit of time; None for another mistake."""
    bare = value.strip() if isinstance(value, str) else ""
    if "$" in bare:
        return "write the number itself: an expression is not evaluated here"
    if bare.isascii() and bare.isdigit():
        return f"leave out the quotes: {name}: {bare}"
    timed = name in ("timeout", "retryAfter")
    amount = _AMOUNT.fullmatch(bare.upper().removeprefix("PT")) if timed else None
    if name == "timeout" and isinstance(value, float) and 0 < value < TOO_MUCH:
        return f"write whole milliseconds, such as timeout: {max(1, round(value * 1000))} for {value:g} s"
    if amount is None:
        return "write the milliseconds, such as timeout: 3000" if name == "timeout" and value is not None else None
    seconds = float(amount[1]) * _IN_SECONDS[amount[2].lower()]
    if name == "timeout":
        return f"write the milliseconds without a unit: timeout: {round(seconds * 1000)}"
    return f"write the seconds without a unit: {name}: {seconds:g}"


def _type_hint(expected: str, value: JsonValue) -> str:
    """Return a hint for a value of the wrong type."""
    if value is None:
        return "give it a value, or remove it"
    if expected == "a list":
        return "begin every item with a dash"
    if expected == "a mapping":
        return "write its fields below it, each as name: value"
    if expected == "a JSON Schema":
        return "write type: object, and the inputs under properties:"
    if expected == "a string":
        return "write it in quotes" if not isinstance(value, (dict, list)) else "write one text, in quotes"
    return "write a number without quotes, such as 3"
