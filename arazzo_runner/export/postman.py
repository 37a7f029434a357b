"""Postman: a collection (format 2.1) whose scripts carry values from request to request and decide which follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, to_text
from arazzo_runner.export.flat import FlatStep, flattened, left_out
from arazzo_runner.export.flat_values import Variables
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.pieces import Pieces
from arazzo_runner.export.plan import Body, Credential, Plan
from arazzo_runner.export.postman_scripts import PostmanScripts
from arazzo_runner.export.targets import Files, file_name
from arazzo_runner.export.unsayable import Unsayable

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def write(plan: Plan, notes: Notes) -> Files:
    """Return the collection."""
    text = json.dumps(_Collection(plan, notes).whole(), ensure_ascii=False, indent=2)
    return {file_name(plan, "postman"): text + "\n"}


class _Collection:
    """Writes one collection."""

    def __init__(self, plan: Plan, notes: Notes) -> None:
        self.plan = plan
        self.notes = notes
        self.variables = Variables(plan)
        self.steps = flattened(plan, notes)
        self.taken = set(self.variables.names)
        self.comments: list[str] = []

    def whole(self) -> dict[str, Any]:
        items = [self._item(each) for each in self.steps]
        return {
            "info": {"name": self.plan.workflow.workflow_id, "description": self._description(), "schema": SCHEMA},
            "item": items,
            "variable": list(self._variables()),
        }

    def _description(self) -> str:
        workflow = self.plan.workflow
        lines = [f"{workflow.summary}\n"] if workflow.summary else []
        lines += [
            f"Workflow {workflow.workflow_id} of {self.plan.document}, written by arazzo export --to postman.",
            "Run the collection as a whole: scripts decide which request follows. Give values to the variables in an",
            "environment, secrets too; the outputs are in its variable outputs, as JSON, after the run.",
        ]
        lines += [f"Not exported: {reason}." for reason in left_out(self.plan)]
        return _harmless("\n".join(lines))

    def _variables(self) -> Iterator[dict[str, Any]]:
        for server in self.plan.servers:
            yield {"key": self.variables.of(server.variable), "value": server.url, "type": "string"}
        for each in self.plan.workflow.inputs:
            value = "" if each.default is MISSING else to_text(each.default)
            variable = {"key": self.variables.input(each.name), "value": value, "type": "string"}
            if each.is_secret:
                variable = {"key": self.variables.input(each.name), "type": "secret"}
            yield {**variable, **({"description": _harmless(each.description)} if each.description else {})}
        for credential in self.plan.credentials:
            for name in credential.variables.values():
                text = f"credential {credential.scheme} of {credential.source}"
                yield {"key": self.variables.of(name), "type": "secret", "description": _harmless(text)}

    # ---- one request

    def _item(self, flat: FlatStep) -> dict[str, Any]:
        scripts = PostmanScripts(self.plan, flat, self.steps, self.notes, self.variables)
        pieces = Pieces(prefix=flat.name, writer=scripts.values.writer, taken=self.taken)
        refusal = None
        self.comments = []
        try:
            request = self._request(flat, pieces)
        except Unsayable as problem:
            refusal = self.notes.cannot(flat.step.at, problem.sentence)
            request = {"method": flat.request.method, "url": self._server(flat)}
        if flat.step.timeout is not None:
            self._cannot(flat, "the timeout of a step is not set: Postman has one for all requests")
        about = flat.step.description or f"{flat.request.method} {flat.request.template}"
        description = "\n".join([about, *self.comments])
        return {
            "name": flat.name,
            "event": [
                _event("prerequest", scripts.before(pieces.found, refusal)),
                _event("test", scripts.after()),
            ],
            "protocolProfileBehavior": {"followRedirects": False, "disableBodyPruning": True},
            "request": {**request, "description": _harmless(description)},
            "response": [],
        }

    def _cannot(self, flat: FlatStep, sentence: str) -> None:
        self.comments.append(self.notes.cannot(flat.step.at, sentence))

    def _server(self, flat: FlatStep) -> str:
        return f"{{{{{self.variables.of(flat.request.server.variable)}}}}}"

    def _request(self, flat: FlatStep, pieces: Pieces) -> dict[str, Any]:
        request = flat.request
        url = f"{self._server(flat)}{pieces.path(request)}"
        made: dict[str, Any] = {"method": request.method, "url": url}
        is_multipart = request.body is not None and request.body.kind == "multipart"
        headers = [{"key": name, "value": text} for name, text in pieces.headers(request, has_type=not is_multipart)]
        auth, more, query = self._auth(flat)
        made["url"] += _joined(pieces.query(request), query)
        made["header"] = [*headers, *more]
        if auth is not None:
            made["auth"] = auth
        elif request.credentials == ():
            made["auth"] = {"type": "noauth"}
        if request.body is not None:
            made["body"] = self._body(request.body, pieces)
        return made

    def _body(self, body: Body, pieces: Pieces) -> dict[str, Any]:
        if body.kind != "multipart":
            language = {"json": "json", "xml": "xml"}.get(body.kind, "text")
            return {"mode": "raw", "raw": pieces.body(body), "options": {"raw": {"language": language}}}
        parts = []
        for part in pieces.parts(body):
            kind = {"contentType": part.content_type} if part.content_type else {}
            if part.path is None:
                parts.append({"key": part.name, "type": "text", "value": part.text, **kind})
            else:
                parts.append({"key": part.name, "type": "file", "src": part.path, **kind})
        return {"mode": "formdata", "formdata": parts}

    # ---- credentials

    def _auth(self, flat: FlatStep) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[str]]:
        """Return the auth object of a request, further headers, and further pairs of its query."""
        auth: dict[str, Any] | None = None
        headers: list[dict[str, Any]] = []
        query: list[str] = []
        for each in flat.request.credentials:
            made = self._auth_of(each)
            if made is None:
                self._cannot(flat, f"credential {each.scheme} of {each.source} ({each.kind}) is not added")
            elif auth is None:
                auth = made
            elif each.place == "query":
                query.append(f"{each.name}={self._secret(each)}")
            else:
                prefix = f"{each.prefix} " if each.prefix else ""
                headers.append({"key": each.name, "value": f"{prefix}{self._secret(each)}"})
            if each.kind == "token" and each.grant is not None:
                sentence = f"the token of {each.scheme} is not requested: give one in {self._secret(each).strip('{}')}"
                self._cannot(flat, sentence)
        return auth, headers, query

    def _secret(self, each: Credential, field: str = "value") -> str:
        return f"{{{{{self.variables.of(each.variables[field])}}}}}"

    def _auth_of(self, each: Credential) -> dict[str, Any] | None:
        if each.kind in ("basic", "digest"):
            fields = {"username": self._secret(each, "user"), "password": self._secret(each, "password")}
            return _auth_object(each.kind, fields)
        if each.kind in ("bearer", "token"):
            return _auth_object("bearer", {"token": self._secret(each)})
        if each.kind == "http":
            value = f"{each.prefix} {self._secret(each)}"
            return _auth_object("apikey", {"key": each.name, "value": value, "in": "header"})
        if each.kind == "apiKey" and each.place in ("header", "query"):
            return _auth_object("apikey", {"key": each.name, "value": self._secret(each), "in": each.place})
        return None


def _auth_object(kind: str, fields: dict[str, str]) -> dict[str, Any]:
    return {"type": kind, kind: [{"key": name, "value": value, "type": "string"} for name, value in fields.items()]}


def _event(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}


def _joined(query: str, more: list[str]) -> str:
    if not more:
        return query
    return f"{query}{'&' if query.startswith('?') else '?'}{'&'.join(more)}"


def _harmless(text: str) -> str:
    return text.replace("{{", "{ {").replace("}}", "} }").replace("</", "< /")
