"""Where each value of a request comes from: an earlier answer, an input of the workflow, or nowhere (a constant)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, resolve_pointer, to_text
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.generate.draft import Noted, Tree
from arazzo_runner.generate.inferred_schemas import inferred_from_texts
from arazzo_runner.generate.recording.exchange import FILE, Exchange
from arazzo_runner.generate.recording.names import camel, is_input, is_secret, looks_random, looks_secret, words_of
from arazzo_runner.generate.recording.values import Answers, Found, is_distinctive, nouns_of
from arazzo_runner.runtime.cassette.placeholders import PREFIX

MASKED: Final = "***"
Location: TypeAlias = Literal["path", "query", "header", "cookie", "body"]
_EXPRESSION: Final = re.compile(r"^\$[a-zA-Z]|\{\$")
_PLACEHOLDER: Final = re.compile(rf"{PREFIX}\d+")
_SHORTEST_SECRET: Final = 4
_LONG_SECRET: Final = 8


class Place(Record, kw_only=True):
    """Where a request has a value: the number of its call, the location, the name of the field and its pointer.

    `called` is a name that says more, such as `orderId` for `id` in the path of an order.
    """

    call: int
    location: Location
    name: str
    called: str = ""
    pointer: str = ""
    nouns: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The name that says most."""
        return self.called or self.name

    @property
    def key(self) -> tuple[str, str, str]:
        """What is equal for the same place in another recording."""
        return self.location, self.name, self.pointer


class Input(MutableRecord, kw_only=True):
    """An input of the workflow; `value` is the recorded one, which is the default unless it is secret."""

    name: str
    value: JsonValue
    schema: dict[str, Any]
    is_secret: bool
    description: str


class Other(MutableRecord):
    """The calls of a second recording that are the same as those of the first, by their numbers there."""

    exchanges: Mapping[int, Exchange]
    values: Mapping[int, Mapping[tuple[str, str, str], JsonValue]] = field(default_factory=dict)


class Flow(MutableRecord, kw_only=True):
    """Finds the source of each value; collects the outputs of steps and the inputs that this needs."""

    answers: Answers
    step_ids: Sequence[str]
    secrets: dict[str, str]
    """The secret values that requests sent, with the names of their fields."""
    other: Other | None = None
    outputs: list[dict[str, str]] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    threaded: int = 0

    def __post_init__(self) -> None:
        self.outputs = [{} for _ in self.step_ids]

    def tree(self, place: Place, value: JsonValue) -> Tree:
        """Return a JSON value in which what came from elsewhere is an expression."""
        if isinstance(value, dict):
            return {name: self.tree(_below(place, name, name), each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.tree(_below(place, str(index), place.name), each) for index, each in enumerate(value)]
        return self.scalar(place, value)

    def scalar(self, place: Place, value: JsonValue) -> Tree:
        """Return a scalar, or the expression for it."""
        if isinstance(value, bool) or value is None or value == "":
            return value
        if value == FILE:
            return f"$inputs.{self._file(place).name}"
        given = self.from_answers(place, value)
        return self._own(place, value, to_text(value)) if given is None else given

    # ------------------------------------------------------------------ from answers

    def from_answers(self, place: Place, value: JsonValue) -> str | None:
        """Return the expression for a scalar that earlier answers gave, or a part of it; None if none did."""
        text = to_text(value)
        if text == MASKED:
            return None
        found = self._source(place, text)
        if found is not None and _fits(place, value, found):
            return self._reference(found, is_text=isinstance(value, str) and place.location == "body")
        return self._joined(place, value) if isinstance(value, str) else None

    def _source(self, place: Place, text: str) -> Found | None:
        found = self.answers.source(text, place.call, place.label, place.nouns)
        return found if found is None or self._is_confirmed(place, found) else None

    def _is_confirmed(self, place: Place, found: Found) -> bool:
        """Return whether the second recording, if there is one, has the same flow."""
        if self.other is None:
            return True
        answered, sent = self.other.exchanges.get(found.call), self.other.values.get(place.call)
        if answered is None or sent is None or place.key not in sent:
            return True
        there = answered.answer_header(found.at.lower()) if found.where == "header" else MISSING
        if found.where == "body":
            there = resolve_pointer(answered.answer, found.at)
        return there is not MISSING and to_text(there) in to_text(sent[place.key])

    def _reference(self, found: Found, *, is_text: bool = False) -> str:
        self.threaded += 1
        outputs = self.outputs[found.call]
        name = next((each for each, expression in outputs.items() if expression == found.expression), None)
        if name is None:
            name = unused_name(camel(found.name, "body"), outputs)
            outputs[name] = found.expression
        reference = f"$steps.{self.step_ids[found.call]}.outputs.{name}"
        return f"{{{reference}}}" if is_text and not isinstance(found.value, str) else reference

    def _joined(self, place: Place, text: str) -> str | None:
        """Return a text with the parts that came from answers, or are secret inputs, as embedded expressions."""
        pieces, end, has_any = [], 0, False
        for start, stop, found in self.answers.parts(text, place.call):
            if self._is_confirmed(place, found):
                pieces += [text[end:start], f"{{{self._reference(found)}}}"]
                end, has_any = stop, True
        rest = "".join([*pieces, text[end:]])
        return rest if has_any and not _EXPRESSION.search(_literal(rest)) else None

    # ------------------------------------------------------------------ from nowhere

    def _own(self, place: Place, value: JsonValue, text: str) -> Tree:
        embedded = self._without_secrets(text) if isinstance(value, str) and " " in text else text
        if embedded != text and not is_secret(place.name):
            return embedded
        secret = self._is_secret(place, text)
        unreachable = self.answers.unreachable(text, place.call)
        if unreachable is not None:
            comment = f"in the answer of {self.step_ids[unreachable]}, in a text of which no expression takes a part"
            return Noted(f"$inputs.{self._input(place, value, secret).name}", comment)
        known = self._known_input(place, text)
        if known is not None:
            return f"$inputs.{known.name}"
        if secret or is_input(place.name) or self._differs(place, value) or _EXPRESSION.search(text):
            return f"$inputs.{self._input(place, value, secret).name}"
        return self._without_secrets(text) if isinstance(value, str) else value

    def _is_secret(self, place: Place, text: str) -> bool:
        is_named = is_secret(place.name) or place.location == "cookie"
        is_named = is_named or (place.location == "header" and "auth" in words_of(place.name))
        is_named = is_named or (place.location in ("path", "header", "query") and looks_random(text))
        is_known = text in self.secrets or any(len(each) >= _LONG_SECRET and each in text for each in self.secrets)
        return is_named or is_known or text == MASKED or looks_secret(text) or PREFIX in text

    def _differs(self, place: Place, value: JsonValue) -> bool:
        sent = None if self.other is None else self.other.values.get(place.call)
        return sent is not None and place.key in sent and sent[place.key] != value

    def _known_input(self, place: Place, text: str) -> Input | None:
        """Return the input that has the same value: one of this name, or one that is not so by chance."""
        if text == MASKED:
            return None
        for each in self.inputs.values():
            if to_text(each.value) == text and (is_distinctive(text) or camel(place.label) == each.name):
                return each
        return None

    def _input(self, place: Place, value: JsonValue, secret: bool) -> Input:
        name = unused_name(camel(place.label), self.inputs)
        schema = {"type": _type(value)} if place.location == "body" else inferred_from_texts([to_text(value)])
        step = self.step_ids[place.call]
        made = Input(
            name=name,
            value=value,
            schema={"type": "string", "format": "password"} if secret else schema,
            is_secret=secret,
            description=f"`{place.name}` of the request of {step}." if place.name else f"A value that {step} sends.",
        )
        if not secret and schema["type"] != "string" and isinstance(value, str):
            made.value = value == "true" if schema["type"] == "boolean" else int(value)
        self.inputs[name] = made
        return made

    def _file(self, place: Place) -> Input:
        name = unused_name(camel(place.name, "file"), self.inputs)
        description = f"The file that {self.step_ids[place.call]} sends."
        schema = {"type": "string", "format": "binary"}
        self.inputs[name] = Input(name=name, value=None, schema=schema, is_secret=True, description=description)
        return self.inputs[name]

    def file(self, place: Place) -> str:
        """Return the input for a body that is a file."""
        return f"$inputs.{self._file(place).name}"

    def _without_secrets(self, text: str) -> str:
        """Return a constant text in which secrets that requests sent, and placeholders, are embedded inputs."""
        for secret in sorted(self.secrets, key=lambda each: (-len(each), each)):
            if len(secret) >= _SHORTEST_SECRET and secret in text:
                text = text.replace(secret, f"{{$inputs.{self._secret_input(secret)}}}")
        return _PLACEHOLDER.sub(lambda found: f"{{$inputs.{self._secret_input(found.group())}}}", text)

    def _secret_input(self, secret: str) -> str:
        known = next((each for each in self.inputs.values() if each.value == secret), None)
        if known is None:
            place = Place(call=0, location="body", name=self.secrets.get(secret, "secret"))
            known = self._input(place, secret, True)
        return known.name


def _below(place: Place, token: str, name: str) -> Place:
    nouns = place.nouns | nouns_of("", name, place.name)
    return Place(
        call=place.call,
        location=place.location,
        name=name,
        pointer=f"{place.pointer}/{escaped(token)}",
        nouns=nouns,
    )


def _fits(place: Place, value: JsonValue, found: Found) -> bool:
    """Return whether an answer's value can be sent: a text where the body has a number is another value."""
    return place.location != "body" or isinstance(value, str) or not isinstance(found.value, str)


def _literal(text: str) -> str:
    """Return a text without the expressions that were embedded in it."""
    return re.sub(r"\{\$steps\.[^{}]*\}", "", text)


def _type(value: JsonValue) -> str:
    return "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"
