"""What a Postman collection has: folders, requests, scripts and saved answers."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record


class Variable(Record):
    """A variable with its value, None for one that has none or is secret."""

    _hidden_in_repr = ("value", "hidden")

    name: str
    value: JsonValue
    is_secret: bool
    hidden: str = ""
    """The value of a secret one, which is masked wherever it is repeated."""


class Field(Record):
    """A header, a query parameter, a field of a form; `is_file` where the value is a path of a file."""

    _hidden_in_repr = ("value",)

    name: str
    value: str
    is_file: bool = False
    content_type: str | None = None


class Auth(Record):
    """Credentials; "noauth" says that none are sent."""

    _hidden_in_repr = ("fields",)

    kind: str
    fields: dict[str, str]
    pointer: str


class ScriptText(Record):
    """The lines of a script; `pointer` is that of its first line or, `is_list` false, of all of them."""

    lines: list[str]
    pointer: str
    is_list: bool


class Scripts(Record):
    """The scripts that run before the request and after the response."""

    before: tuple[ScriptText, ...] = ()
    after: tuple[ScriptText, ...] = ()


class Body(Record):
    """A body; `mode` is raw, urlencoded, formdata, graphql or file."""

    _hidden_in_repr = ("text", "variables")

    mode: str
    text: str = ""
    language: str = ""
    fields: tuple[Field, ...] = ()
    variables: str = ""
    operation: str = ""


class Url(Record):
    """A URL: `base` is all before the path."""

    base: str
    segments: tuple[str, ...]
    query: tuple[Field, ...]
    values: dict[str, str]
    """The values of path variables by name."""


class Request(Record):
    """A request."""

    method: str
    url: Url
    headers: tuple[Field, ...]
    body: Body | None
    auth: Auth | None


class Answer(Record):
    """An answer that was saved with a request as an example."""

    status: int
    headers: tuple[Field, ...]
    body: str


class Item(Record):
    """A folder, or a request with its saved answers."""

    name: str
    description: str
    pointer: str
    request: Request | None
    answers: tuple[Answer, ...]
    items: tuple[Item, ...]
    auth: Auth | None
    scripts: Scripts
    variables: tuple[Variable, ...]
