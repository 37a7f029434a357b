"""A Postman collection, read: folders, requests, variables, credentials and scripts, as records.

Format 2.1; what 2.0 writes otherwise (texts instead of objects, credentials as a mapping) is read too.
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from arazzo_runner.base.json_values import escaped, to_text, type_name
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, InvalidDescription, Severity
from arazzo_runner.generate.postman.items import (
    Answer,
    Auth,
    Body,
    Field,
    Item,
    Request,
    Scripts,
    ScriptText,
    Url,
    Variable,
)

_URL: Final = re.compile(r"(?P<base>(?:[A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_MOST_REQUESTS: Final = 10_000
_AGAIN: Final = "export it again, as a collection of format 2.1"


def read_collection(document: Document) -> Item:
    """Return a collection as its outermost folder; raises InvalidDescription for what is none."""
    return _Reading(document).collection()


def read_environment(document: Document) -> tuple[Variable, ...]:
    """Return the variables of an environment; raises InvalidDescription for what is none."""
    reading = _Reading(document)
    value = document.value
    if not isinstance(value, dict) or "values" not in value:
        hint = "name the file that Postman exports from its environments"
        reading.refuse("this is not a Postman environment: it has no list `values`", "", hint)
    return reading.variables(value, "", "values")


class _Reading:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._requests = 0

    def refuse(self, message: str, pointer: str, hint: str = _AGAIN) -> NoReturn:
        """Raise InvalidDescription at a JSON Pointer."""
        at = self._document.at(pointer)
        found = Diagnostic(code="invalid-collection", severity=Severity.ERROR, message=message, at=at, hint=hint)
        raise InvalidDescription([found])

    def collection(self) -> Item:
        """Read the outermost folder."""
        value = self._document.value
        if not isinstance(value, dict) or not isinstance(value.get("info"), dict) or "item" not in value:
            self.refuse("this is not a Postman collection: it needs `info` and a list `item`", "")
        info: Any = value["info"]
        found = self._item({**value, "name": info.get("name"), "description": info.get("description")}, "")
        if not self._requests:
            self.refuse("the collection has no request", "/item", "export a collection that has requests")
        return found

    def _item(self, raw: dict[str, Any], at: str) -> Item:
        has_items = raw.get("item") is not None
        request = None if has_items else self._request(raw.get("request"), f"{at}/request", at)
        before, after = self._scripts(raw, at)
        return Item(
            name=_line(raw.get("name")) or "unnamed",
            description=_text_of_description(raw.get("description")),
            pointer=at,
            request=request,
            answers=() if has_items else tuple(self._answers(raw, at)),
            items=tuple(self._item(each, pointer) for each, pointer in self._objects(raw, at, "item")),
            auth=self._auth(raw, at),
            scripts=Scripts(before, after),
            variables=self.variables(raw, at, "variable"),
        )

    def _request(self, raw: Any, at: str, item: str) -> Request:
        self._requests += 1
        if self._requests > _MOST_REQUESTS:
            self.refuse(f"the collection has more than {_MOST_REQUESTS:,} requests", item)
        if raw is None:
            self.refuse("an item has neither `item` nor `request`", item)
        if isinstance(raw, str):
            raw = {"url": raw}
        request = self._object(raw, at)
        return Request(
            method=(_line(request.get("method")) or "GET").upper(),
            url=self._url(request.get("url"), f"{at}/url"),
            headers=self._headers(request, at),
            body=self._body(request, at),
            auth=self._auth(request, at),
        )

    # ------------------------------------------------------------------ URLs, headers, bodies

    def _url(self, raw: Any, at: str) -> Url:
        if raw is None or isinstance(raw, str):
            return _url_of(raw or "", None, {})
        url = self._object(raw, at)
        query = None
        if isinstance(url.get("query"), list):
            query = self._fields(url, at, "query")
        values = {each.name: each.value for each in self._fields(url, at, "variable")}
        text = _line(url.get("raw")) or _put_together(url)
        return _url_of(text, query, values)

    def _headers(self, request: dict[str, Any], at: str) -> tuple[Field, ...]:
        raw = request.get("header")
        if not isinstance(raw, str):
            return self._fields(request, at, "header")
        pairs = [line.partition(":") for line in raw.splitlines() if ":" in line]
        return tuple(Field(name.strip(), value.strip()) for name, _, value in pairs if not name.startswith("//"))

    def _body(self, request: dict[str, Any], at: str) -> Body | None:
        raw = request.get("body")
        if raw is None:
            return None
        body = self._object(raw, f"{at}/body")
        mode = _line(body.get("mode"))
        if body.get("disabled") is True or not mode:
            return None
        if mode == "graphql":
            graphql = self._object(body.get("graphql") or {}, f"{at}/body/graphql")
            return Body(
                mode,
                to_text(graphql.get("query") or ""),
                variables=to_text(graphql.get("variables") or ""),
                operation=_line(graphql.get("operationName")),
            )
        if mode in ("urlencoded", "formdata"):
            return Body(mode, fields=self._fields(body, f"{at}/body", mode))
        options = body.get("options")
        raw_options = options.get("raw") if isinstance(options, dict) else None
        language = _line(raw_options.get("language")) if isinstance(raw_options, dict) else ""
        return Body(mode, to_text(body.get("raw") or "") if mode == "raw" else "", language)

    def _answers(self, raw: dict[str, Any], at: str) -> list[Answer]:
        found = []
        for answer, pointer in self._objects(raw, at, "response"):
            status = answer.get("code")
            if isinstance(status, int) and 100 <= status <= 599:
                body = answer.get("body")
                headers = () if isinstance(answer.get("header"), str) else self._fields(answer, pointer, "header")
                found.append(Answer(status, headers, body if isinstance(body, str) else ""))
        return found

    # ------------------------------------------------------------------ lists

    def variables(self, raw: dict[str, Any], at: str, name: str) -> tuple[Variable, ...]:
        """Return the variables of a list that are enabled."""
        found = []
        for each, _ in self._objects(raw, at, name):
            key = _line(each.get("key") or each.get("id"))
            if not key or each.get("disabled") is True or each.get("enabled") is False:
                continue
            value = each.get("value")
            is_secret = each.get("type") == "secret" or is_secret_name(key)
            text = "" if value is None else to_text(value)
            if is_secret or text == "" or isinstance(value, (dict, list)):
                found.append(Variable(key, None, is_secret, text if is_secret else ""))
            else:
                found.append(Variable(key, value, is_secret=False))
        return tuple(found)

    def _fields(self, raw: dict[str, Any], at: str, name: str) -> tuple[Field, ...]:
        found = []
        for each, _ in self._objects(raw, at, name):
            key = _line(each.get("key") or each.get("id"))
            if not key or each.get("disabled") is True:
                continue
            is_file = each.get("type") == "file"
            value = each.get("src") if is_file else each.get("value")
            value = value[0] if isinstance(value, list) and value else value
            text = "" if value is None or isinstance(value, (dict, list)) else to_text(value)
            found.append(Field(key, text, is_file, _line(each.get("contentType")) or None))
        return tuple(found)

    def _auth(self, raw: dict[str, Any], at: str) -> Auth | None:
        auth = raw.get("auth")
        if auth is None:
            return None
        kind = _line(self._object(auth, f"{at}/auth").get("type"))
        given = auth.get(kind)
        if isinstance(given, list):
            pairs = [(_line(each.get("key")), each.get("value")) for each in given if isinstance(each, dict)]
        else:
            pairs = list(given.items()) if isinstance(given, dict) else []
        fields = {name: to_text(value) for name, value in pairs if name and not isinstance(value, (dict, list))}
        return Auth(kind or "noauth", fields, f"{at}/auth")

    def _scripts(self, raw: dict[str, Any], at: str) -> tuple[tuple[ScriptText, ...], tuple[ScriptText, ...]]:
        found: dict[str, list[ScriptText]] = {"prerequest": [], "test": []}
        for event, pointer in self._objects(raw, at, "event"):
            script = event.get("script")
            lines = script.get("exec") if isinstance(script, dict) else script
            kind = event.get("listen")
            if kind not in found or event.get("disabled") is True or not isinstance(lines, (str, list)):
                continue
            place = f"{pointer}/script/exec" if isinstance(script, dict) else f"{pointer}/script"
            if isinstance(lines, list):
                texts = [_single_line(each) for each in lines]
                found[kind].append(ScriptText(texts, place, is_list=True))
            else:
                found[kind].append(ScriptText(lines.splitlines(), place, is_list=False))
        return tuple(found["prerequest"]), tuple(found["test"])

    def _objects(self, raw: dict[str, Any], at: str, name: str) -> list[tuple[dict[str, Any], str]]:
        """Return the objects of a list with their JSON Pointers; null is an empty list."""
        found = raw.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            self.refuse(f"`{name}` is {type_name(found)} where a list is expected", f"{at}/{escaped(name)}")
        pointers = [f"{at}/{escaped(name)}/{number}" for number in range(len(found))]
        return [(self._object(each, at), at) for each, at in zip(found, pointers, strict=True) if each is not None]

    def _object(self, raw: Any, at: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            self.refuse(f"this is {type_name(raw)} where an object is expected", at)
        return raw


def _url_of(text: str, query: tuple[Field, ...] | None, values: dict[str, str]) -> Url:
    match = _URL.match(_guarded(text.strip()))
    assert match is not None  # every part of the pattern may be empty
    if query is None:
        pairs = [each.partition("=") for each in (match["query"] or "").split("&") if each]
        query = tuple(Field(_open(name), _open(value)) for name, _, value in pairs)
    segments = match["path"].split("/")[1:] if match["path"] else []
    return Url(_open(match["base"]), tuple(map(_open, segments)), query, values)


_IN_BRACES: Final = re.compile(r"\{\{[^{}]*\}\}")
_GUARDS: Final = {"/": "\ue000", "?": "\ue001", "#": "\ue002", "&": "\ue003", "=": "\ue004"}


def _guarded(text: str) -> str:
    """Return a URL in which the names of variables have no character that divides a URL."""
    table = str.maketrans(_GUARDS)
    return _IN_BRACES.sub(lambda match: match.group().translate(table), text)


def _open(text: str) -> str:
    return text.translate({ord(guard): char for char, guard in _GUARDS.items()})


def _put_together(url: dict[str, Any]) -> str:
    """Return the text of a URL from its parts."""
    host, path = url.get("host"), url.get("path")
    name = ".".join(map(str, host)) if isinstance(host, list) else _line(host)
    port = f":{_line(url.get('port'))}" if url.get("port") else ""
    protocol = f"{_line(url.get('protocol'))}://" if url.get("protocol") else ""
    if not isinstance(path, list):
        path = [_line(path).removeprefix("/")] if path else []
    segments = [to_text(each.get("value") if isinstance(each, dict) else each) for each in path]
    return f"{protocol}{name}{port}" + "".join(f"/{segment}" for segment in segments)


def _text_of_description(raw: Any) -> str:
    if isinstance(raw, dict):
        raw = raw.get("content")
    return raw if isinstance(raw, str) else ""


def _line(raw: Any) -> str:
    """Return a value as a text of one line, "" for null and structures."""
    if raw is None or isinstance(raw, (dict, list, bool)):
        return ""
    return " ".join(to_text(raw).split())


def _single_line(raw: Any) -> str:
    return raw.replace("\n", " ") if isinstance(raw, str) else ""
