"""One model of recorded traffic, whatever file it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from arazzo_runner.base.json_values import MISSING, JsonValue, is_deeper
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.engine.effects import Headers
from arazzo_runner.sources.http_media.media import BINARY, decode_body
from arazzo_runner.sources.http_media.media_types import essence, is_form, is_json
from arazzo_runner.sources.http_media.parts import Part, read_parts

BodyForm: TypeAlias = Literal["json", "form", "multipart", "text", "binary"]
DEEPEST: Final = 80
"""How many levels a value has that is looked into."""
FILE: Final = "(a file)"
"""The value of a part that is a file: its content is an input of the workflow."""


class Body(Record, kw_only=True):
    """A request body; `value` is a mapping for forms and multipart, `files` names the parts that are files."""

    form: BodyForm
    content_type: str
    value: JsonValue = None
    files: frozenset[str] = frozenset()


class Exchange(Record, kw_only=True):
    """A request and its answer; `name` is the step that sent it, `kind` the browser's type of resource, if known.

    `server` is the URL that the API is called at, where the recording says it, and `source` the API's name there.
    """

    method: str
    url: str
    headers: Headers = ()
    body: Body | None = None
    status: int
    answer_headers: Headers = ()
    answer: JsonValue = None
    has_answer: bool = False
    answer_type: str = ""
    started: float = 0.0
    elapsed_ms: float = 0.0
    kind: str = ""
    name: str = ""
    source: str = ""
    server: str = ""

    @property
    def origin(self) -> str:
        """The scheme, host and port that it was sent to, in lower case and without a user."""
        parts = urlsplit(self.url)
        return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}"

    @property
    def host(self) -> str:
        """The host that it was sent to."""
        return (urlsplit(self.url).hostname or "").lower()

    @property
    def path(self) -> str:
        """The path, as it was sent."""
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> list[tuple[str, str]]:
        """The fields of the query, decoded."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """Return the first header of the request with a name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def answer_header(self, name: str) -> str | None:
        """Return the first header of the answer with a name."""
        return next((value for key, value in self.answer_headers if key.lower() == name), None)

    @property
    def line(self) -> str:
        """The method and path, for people; secrets are in neither once the path is templated."""
        return f"{self.method} {unquote(self.path)}"

    @property
    def same(self) -> tuple[Any, ...]:
        """What is equal for requests that ask for the same."""
        return self.method, self.url, None if self.body is None else (self.body.content_type, repr(self.body.value))


class Recording(MutableRecord, kw_only=True):
    """The exchanges of a file in the order in which they were sent; `left_out` counts the others by reason."""

    name: str
    exchanges: list[Exchange] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    page_hosts: frozenset[str] = frozenset()
    """The hosts of the pages that were open in a browser."""

    def leave_out(self, reason: str, number: int = 1) -> None:
        """Count exchanges that are left out."""
        self.left_out[reason] = self.left_out.get(reason, 0) + number


def request_body(content: bytes, content_type: str | None) -> Body | None:
    """Return the body of a request from its bytes; None without one."""
    if not content:
        return None
    kind = essence(content_type)
    if kind.startswith("multipart/"):
        parts = read_parts(content, content_type)
        if parts:
            return multipart_body(parts, kind)
    value, note = decode_body(content, content_type)
    if value is MISSING:
        return None
    if note == BINARY or isinstance(value, bytes):
        return Body(form="binary", content_type=kind or "application/octet-stream")
    if is_form(content_type) and isinstance(value, (str, Mapping)):
        return Body(form="form", content_type=kind, value=form_value(value))
    if is_json(kind) and note is None and not is_deeper(value, DEEPEST):
        return Body(form="json", content_type=kind, value=_plain(value))
    text = value if isinstance(value, str) else content.decode("utf-8", "replace")
    return Body(form="text", content_type=(content_type or "text/plain").strip(), value=text)


def form_value(value: Any) -> JsonValue:
    """Return the fields of a form, those that occur more than once as lists."""
    if isinstance(value, Mapping):
        return _plain(value)
    return fields_of(parse_qsl(value, keep_blank_values=True))


def fields_of(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Return pairs as a mapping; the values of a name that occurs more than once are a list."""
    lists: dict[str, list[JsonValue]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


def multipart_body(parts: list[Part], kind: str) -> Body:
    """Return a multipart body from its parts."""
    files = frozenset(part.name for part in parts if part.filename is not None)
    pairs: list[tuple[str, Any]] = []
    for part in parts:
        if part.name in files:
            pairs.append((part.name, FILE))
            continue
        value, _ = decode_body(part.content, part.content_type or "text/plain")
        pairs.append((part.name, "" if value is MISSING or is_deeper(value, DEEPEST) else _plain(value)))
    return Body(form="multipart", content_type=kind, value=fields_of(pairs), files=files)


def answer_value(content: bytes, content_type: str | None) -> tuple[JsonValue, bool]:
    """Return the value of the body of an answer, and whether it has one that can be read."""
    value, note = decode_body(content, content_type)
    if value is MISSING or note == BINARY or isinstance(value, bytes) or is_deeper(value, DEEPEST):
        return None, False
    return _plain(value), True


def _plain(value: Any) -> JsonValue:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
