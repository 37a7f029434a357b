"""Cassettes as files: YAML that a person can read and edit, without secrets (docs/cassettes.md)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any, Final, get_args, get_type_hints
from urllib.parse import urlsplit

import yaml

from arazzo_runner.base.files import as_json, from_json
from arazzo_runner.base.json_values import JsonValue, is_deeper
from arazzo_runner.base.user_files import UnusableFile, read_file
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse, NoResponse
from arazzo_runner.errors import InvalidUsage, Location
from arazzo_runner.runtime.cassette.message_file import action_of, message_fields, read_message
from arazzo_runner.runtime.cassette.messages import MessageInteraction
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from arazzo_runner.runtime.cassette.reading import Reading, cassette_problem
from arazzo_runner.runtime.cassette.world import Cassette, Interaction
from arazzo_runner.sources.http_media.media import body_codec, essence, is_form, is_json
from arazzo_runner.sources.http_media.media_types import text_codec

VERSION: Final = 1
WITH_MESSAGES: Final = 2
"""The version of a cassette that has messages; without any, other programs go on reading version 1."""
_MOST_PARALLEL: Final = 1000
_DEEPEST: Final = 80
"""How many levels a value of a cassette has, which as a whole has at most those of a document."""
_DEEP: Final = "x-json"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_NOT_IN_A_VALUE: Final = re.compile(r"[\r\n\0]")  # §5.5
_NOT_IN_A_URL: Final = re.compile(r"[\0-\x20\x7f]")
_REASONS: Final = frozenset(get_args(get_type_hints(NoResponse)["reason"]))
LIMITS = Limits(max_bytes=500_000_000, max_nodes=20_000_000)
_HEADER = """\
# A recorded run of an Arazzo workflow: `arazzo replay` plays it, `arazzo mock --from` serves it.
# Secrets are not in it: each is the placeholder arazzo-secret-N, wherever it was sent or came.
"""
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


# ------------------------------------------------------------------ writing


def cassette_text(cassette: Cassette, placeholders: Placeholders) -> str:
    """Return a cassette as YAML, every secret of it replaced."""
    # Outputs and inputs are made last: by then every secret of the conversation has its placeholder.
    interactions = [
        _interaction(each, placeholders) if isinstance(each, Interaction) else message_fields(each, placeholders, _body)
        for each in cassette.interactions
    ]
    value = {
        "arazzo-cassette": VERSION if len(cassette.exchanges) == len(interactions) else WITH_MESSAGES,
        "document": cassette.document,
        "workflowId": cassette.workflow_id,
        "status": cassette.status,
        "inputs": _values(cassette.inputs, placeholders),
        "outputs": _values(cassette.outputs, placeholders),
        "servers": {name: placeholders.url(url) for name, url in cassette.servers.items()},
        **({"parallel": cassette.parallel} if cassette.parallel > 1 else {}),
        "interactions": interactions,
    }
    return _HEADER + yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _values(values: Mapping[str, JsonValue], placeholders: Placeholders) -> dict[str, JsonValue]:
    """Return inputs or outputs; one that is nested too deeply for a document is the text of its JSON."""
    found: dict[str, JsonValue] = {}
    for name, value in values.items():
        if is_deeper(value, _DEEPEST):
            found[name] = {_DEEP: placeholders.text(json.dumps(value, default=repr))}
        else:
            found[name] = as_json(placeholders.value(value))
    return found


def _interaction(each: Interaction, placeholders: Placeholders) -> dict[str, JsonValue]:
    return {
        "key": each.key,
        "started": each.started,
        "source": each.source,
        "server": placeholders.url(each.server),
        "request": {
            "method": each.request.method,
            "url": placeholders.url(each.request.url),
            "headers": _header_lists(each.request.headers, placeholders),
            **_body(each.request.body, each.request.header("content-type"), placeholders),
        },
        **_answer(each.answer, placeholders),
    }


def _answer(answer: HttpResponse | NoResponse, placeholders: Placeholders) -> dict[str, JsonValue]:
    if isinstance(answer, NoResponse):
        message = placeholders.text(answer.message)
        return {
            "no-response": {
                "reason": answer.reason,
                "message": message,
                "sent": answer.sent,
                "elapsed_ms": answer.elapsed_ms,
            }
        }
    return {
        "response": {
            "status": answer.status,
            "elapsed_ms": round(answer.elapsed_ms, 3),
            "headers": _header_lists(answer.headers, placeholders),
            **_body(answer.body, answer.header("content-type"), placeholders),
        }
    }


def _header_lists(headers: Headers, placeholders: Placeholders) -> list[JsonValue]:
    return [f"{name}: {value}" for name, value in placeholders.headers(headers)]


def _body(body: bytes | None, content_type: str | None, placeholders: Placeholders) -> dict[str, JsonValue]:
    """Return the body under the name of its form: `json`, `text` or `base64`."""
    if not body:
        return {}
    body = _hidden_in_its_charset(body, content_type, placeholders)
    if is_json(essence(content_type)):
        try:
            value = json.loads(body)
            if not is_deeper(value, _DEEPEST):  # else the cassette could not be read
                return {"json": placeholders.value(value)}
        except (ValueError, RecursionError):
            pass  # invalid JSON is written as text
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(placeholders.data(body)).decode("ascii")}
    return {"text": placeholders.pairs(text) if is_form(content_type) else placeholders.text(text)}


def _hidden_in_its_charset(body: bytes, content_type: str | None, placeholders: Placeholders) -> bytes:
    """Return a body of another charset than UTF-8 with its secrets replaced in that charset, to be read again."""
    codec = text_codec(body_codec(body, content_type))
    if codec is None or codec == "utf-8":
        return body
    try:
        text = body.decode(codec)
        hidden = placeholders.text(text)
        return body if hidden == text else hidden.encode(codec)
    except UnicodeError:
        return body  # not of that charset: it is searched as bytes


class _Dumper(yaml.SafeDumper):
    """Writes YAML that YAML 1.2 reads back as the same value, long texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out, never as aliases."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML knows YAML 1.1: a text that only 1.2 would read as a number (0o7, 1e3) it would leave unquoted.
    style: str | None = '"'
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        style = None
    elif _is_block(text):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_block(text: str) -> bool:
    """Return whether a text of several lines can be a literal block."""
    lines = text.split("\n")
    return (
        len(lines) > 1 and not text[0].isspace() and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


_Dumper.add_representer(str, _represent_text)


# ------------------------------------------------------------------ reading


def read_cassette(path: str | PathLike[str]) -> Cassette:
    """Return a cassette; raises InvalidUsage with Diagnostics when it cannot be read or is malformed."""
    name = fspath(path)
    try:
        content = read_file(name, LIMITS.max_bytes)
    except UnusableFile as problem:
        raise InvalidUsage([cassette_problem(f"the cassette cannot be read: {problem}", Location(name))]) from None
    problems = Problems()
    document = read(content, name, problems, limits=LIMITS)
    if document is None:
        raise InvalidUsage(problems.diagnostics)
    return cassette_in(document)


def cassette_in(document: Document) -> Cassette:
    """Return the cassette that a document is; raises InvalidUsage with Diagnostics when it is malformed."""
    return _CassetteReading(document).cassette()


class _CassetteReading(Reading):
    """Reads one cassette."""

    def cassette(self) -> Cassette:
        raw = self.document.value
        if not isinstance(raw, dict) or "arazzo-cassette" not in raw:
            self.refuse("this is not a cassette: it has no arazzo-cassette", "", "a run that is recorded writes one")
        if raw["arazzo-cassette"] not in (VERSION, WITH_MESSAGES):
            self.refuse(f"this arazzo reads cassettes of version {VERSION} and {WITH_MESSAGES}", "/arazzo-cassette")
        interactions = self.of(raw, "", "interactions", list)
        return Cassette(
            document=self.of(raw, "", "document", str),
            workflow_id=self.of(raw, "", "workflowId", str),
            status=self.of(raw, "", "status", str),
            inputs=self._values(raw, "inputs"),
            outputs=self._values(raw, "outputs"),
            servers=self._servers(raw),
            parallel=self._parallel(raw),
            interactions=tuple(
                self._interaction(each, f"/interactions/{index}") for index, each in enumerate(interactions)
            ),
        )

    def _values(self, raw: dict[str, JsonValue], name: str) -> dict[str, JsonValue]:
        values = self.of(raw, "", name, dict, {})
        try:
            found: dict[str, JsonValue] = {
                key: json.loads(each[_DEEP]) if isinstance(each, dict) and [*each] == [_DEEP] else from_json(each)
                for key, each in values.items()
            }
        except (ValueError, TypeError):
            self.refuse("the base64 of a file is not valid", f"/{name}")
        return found

    def _parallel(self, raw: dict[str, JsonValue]) -> int:
        parallel: int = self.of(raw, "", "parallel", int, 1)
        if isinstance(parallel, bool) or not 1 <= parallel <= _MOST_PARALLEL:
            self.refuse(f"parallel is a number from 1 to {_MOST_PARALLEL}", "/parallel")
        return parallel

    def _servers(self, raw: dict[str, JsonValue]) -> dict[str, str]:
        servers = self.of(raw, "", "servers", dict, {})
        return {name: self.checked(servers, "/servers", name, str, wrong_url) for name in servers}

    def _interaction(self, raw: JsonValue, at: str) -> Interaction | MessageInteraction:
        if not isinstance(raw, dict):
            self.refuse("an interaction is a mapping with key, request and response", at)
        action = action_of(raw)
        if action is not None:
            return read_message(raw, action, at, self)
        request = self.of(raw, at, "request", dict)
        return Interaction(
            key=self.of(raw, at, "key", str),
            started=self.number(raw, at, "started"),
            source=self.of(raw, at, "source", str, ""),
            server=self.checked(raw, at, "server", str, wrong_url, ""),
            request=HttpRequest(
                self.checked(request, f"{at}/request", "method", str, wrong_method),
                self.checked(request, f"{at}/request", "url", str, wrong_url),
                self._headers(request, f"{at}/request"),
                self.body(request, f"{at}/request") or None,
            ),
            answer=self._answer(raw, at),
        )

    def _answer(self, raw: dict[str, JsonValue], at: str) -> HttpResponse | NoResponse:
        if "no-response" in raw:
            failed, place = self.of(raw, at, "no-response", dict), f"{at}/no-response"
            return NoResponse(
                self.checked(failed, place, "reason", str, wrong_reason),
                self.of(failed, place, "message", str, ""),
                self.of(failed, place, "sent", bool, True),
                self.number(failed, place, "elapsed_ms"),
            )
        response, place = self.of(raw, at, "response", dict), f"{at}/response"
        return HttpResponse(
            self._status(response, place),
            self._headers(response, place),
            self.body(response, place),
            self.number(response, place, "elapsed_ms"),
        )

    def _status(self, raw: dict[str, JsonValue], at: str) -> int:
        status: int = self.of(raw, at, "status", int)
        if not 100 <= status <= 999:  # RFC 9110 §15: three digits
            self.refuse("a status has three digits", f"{at}/status")
        return status

    def _headers(self, raw: dict[str, JsonValue], at: str) -> Headers:
        lines = self.of(raw, at, "headers", list, [])
        for index, line in enumerate(lines):
            wrong = wrong_header(line)
            if wrong is not None:
                self.refuse(wrong, f"{at}/headers/{index}")
        return tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))


# ------------------------------------------------------------------ parts of messages


def wrong_method(method: str) -> str | None:
    """Return what is wrong with the method of a request, None when nothing is."""
    return None if _TOKEN.fullmatch(method) else "this is not an HTTP method"


def wrong_url(url: str) -> str | None:
    """Return what is wrong with a URL, None when nothing is."""
    if _NOT_IN_A_URL.search(url):
        return "a URL has no blanks and no control characters"
    try:
        _ = urlsplit(url).port
    except ValueError as problem:
        return f"this is not a URL: {problem}"
    return None


def wrong_header(line: object) -> str | None:
    """Return what is wrong with a line of headers, None when nothing is."""
    if not isinstance(line, str) or ":" not in line:
        return 'a header is a text such as "Accept: text/plain"'
    name, _, value = line.partition(":")
    if not _TOKEN.fullmatch(name):
        return "this is not the name of a header"
    return "a header has no line breaks" if _NOT_IN_A_VALUE.search(value) else None


def wrong_reason(reason: str) -> str | None:
    """Return what is wrong with the reason for which no answer came, None when nothing is."""
    return None if reason in _REASONS else f"the reasons are {', '.join(sorted(_REASONS))}"
