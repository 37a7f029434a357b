"""A .http file in the dialect of JetBrains' HTTP Client, which httpyac runs too: requests with scripts around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, to_text
from arazzo_runner.export.flat import FlatStep, flattened, left_out
from arazzo_runner.export.flat_values import Variables
from arazzo_runner.export.http_scripts import HttpScripts
from arazzo_runner.export.js_text import comment
from arazzo_runner.export.k6_bodies import BOUNDARY
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.pieces import FormPart, Pieces
from arazzo_runner.export.plan import Body, Credential, Plan
from arazzo_runner.export.targets import Files, file_name
from arazzo_runner.export.unsayable import Unsayable

_DIALECT: Final = """\
Dialect: the HTTP Client of JetBrains IDEs, with scripts before requests and response handlers; httpyac runs it too.
The REST Client of VS Code reads the requests, but runs no scripts, so that their variables have no values there.
"""


def write(plan: Plan, notes: Notes) -> Files:
    """Return the file."""
    return {file_name(plan, "http"): "\n".join(_HttpFile(plan, notes).lines()) + "\n"}


class _HttpFile:
    """Writes one file."""

    def __init__(self, plan: Plan, notes: Notes) -> None:
        self.plan = plan
        self.notes = notes
        self.variables = Variables(plan)
        self.steps = flattened(plan, notes)
        self.taken = set(self.variables.names)
        self.comments: list[str] = []

    def lines(self) -> Iterator[str]:
        workflow = self.plan.workflow
        summary = f": {workflow.summary}" if workflow.summary else ""
        yield from comment(f"Workflow {workflow.workflow_id} of {self.plan.document}{summary}", "#")
        yield from comment("Written by arazzo export --to http. Run its requests in their order, such as with", "#")
        yield from comment(f"  httpyac send {file_name(self.plan, 'http')} --all --env dev", "#")
        yield from comment(_DIALECT, "#")
        yield from self._environment()
        for step in self.steps:
            yield ""
            yield from self._step(step)

    def _environment(self) -> Iterator[str]:
        """Yield which variables are read, and from which files."""
        public: dict[str, str] = {self.variables.of(each.variable): each.url for each in self.plan.servers}
        private: dict[str, str] = {}
        for each in self.plan.workflow.inputs:
            value = "" if each.default is MISSING or each.is_secret else to_text(each.default)
            (private if each.is_secret else public)[self.variables.input(each.name)] = value
        for credential in self.plan.credentials:
            private |= dict.fromkeys((self.variables.of(each) for each in credential.variables.values()), "")
        yield "#"
        for name, values in (("http-client.env.json", public), ("http-client.private.env.json", private)):
            if values:
                secret = ", which is not for version control" if values is private else ""
                yield from comment(f"{name}{secret}:", "#")
                yield from comment("  " + json.dumps({"dev": values}, ensure_ascii=False), "#")
        for reason in left_out(self.plan):
            yield from comment(f"not exported: {reason}", "#")

    # ---- one request

    def _step(self, flat: FlatStep) -> Iterator[str]:
        scripts = HttpScripts(self.plan, flat, self.steps, self.notes, self.variables)
        own = flat.frame.workflow.inputs if flat.frame.parent is None else ()
        files = {each.name: self.variables.input(each.name) for each in own}
        pieces = Pieces(prefix=flat.name, writer=scripts.values.writer, taken=self.taken, files=files)
        refusal = None
        self.comments = []
        try:
            request = list(self._request(flat, pieces))
        except Unsayable as problem:
            refusal = self.notes.cannot(flat.step.at, problem.sentence)
            request = [f"{flat.request.method} {self._server(flat)}"]
        yield f"### {comment(flat.name, '')[0].strip()}"
        yield from comment(flat.step.description or f"{flat.request.method} {flat.request.template}", "#")
        for each in self.comments:
            yield from comment(each, "#")
        yield "# @no-redirect"
        if flat.step.timeout is not None:
            yield f"# @timeout {max(1, round(flat.step.timeout))}"
        yield from ("< {%", *scripts.before(pieces.found, refusal), "%}")
        yield from request
        yield ""
        yield from ("> {%", *scripts.after(), "%}")

    def _cannot(self, flat: FlatStep, sentence: str) -> None:
        self.comments.append(self.notes.cannot(flat.step.at, sentence))

    def _server(self, flat: FlatStep) -> str:
        return f"{{{{{self.variables.of(flat.request.server.variable)}}}}}"

    def _request(self, flat: FlatStep, pieces: Pieces) -> Iterator[str]:
        request = flat.request
        is_multipart = request.body is not None and request.body.kind == "multipart"
        path, query = pieces.path(request), pieces.query(request)
        headers = list(pieces.headers(request, has_type=not is_multipart))
        for piece in pieces.found:
            if piece.header is not None:
                self._cannot(flat, f'header "{piece.header}" is sent empty where it has no value')
        more, pairs = self._credentials(flat)
        for pair in pairs:
            query += f"{'&' if query.startswith('?') else '?'}{pair}"
        yield f"{request.method} {self._server(flat)}{path}{query}"
        for name, text in (*headers, *more):
            yield f"{name}: {text}"
        if is_multipart:
            yield f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
        if request.body is not None:
            yield ""
            yield from self._body(request.body, pieces)

    def _body(self, body: Body, pieces: Pieces) -> Iterator[str]:
        if body.kind != "multipart":
            yield from pieces.body(body).split("\n")
            return
        for part in pieces.parts(body):
            yield f"--{BOUNDARY}"
            yield from _part(part)
        yield f"--{BOUNDARY}--"

    # ---- credentials

    def _credentials(self, flat: FlatStep) -> tuple[list[tuple[str, str]], list[str]]:
        """Return the headers that credentials add, and pairs of the query."""
        headers: list[tuple[str, str]] = []
        query: list[str] = []
        for each in flat.request.credentials:
            if each.kind in ("basic", "digest"):
                text = f"{each.kind.title()} {self._secret(each, 'user')} {self._secret(each, 'password')}"
                headers.append(("Authorization", text))
            elif each.kind in ("bearer", "token", "http") or (each.kind == "apiKey" and each.place == "header"):
                prefix = f"{each.prefix} " if each.prefix else ""
                headers.append((each.name, f"{prefix}{self._secret(each)}"))
            elif each.kind == "apiKey" and each.place == "query":
                query.append(f"{each.name}={self._secret(each)}")
            else:
                self._cannot(flat, f"credential {each.scheme} of {each.source} ({each.kind}) is not added")
            if each.kind == "token" and each.grant is not None:
                sentence = f"the token of {each.scheme} is not requested: give one in {self._secret(each).strip('{}')}"
                self._cannot(flat, sentence)
        return headers, query

    def _secret(self, each: Credential, field: str = "value") -> str:
        return f"{{{{{self.variables.of(each.variables[field])}}}}}"


def _part(part: FormPart) -> Iterator[str]:
    name = part.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("{", "%7B")
    disposition = f'Content-Disposition: form-data; name="{name}"'
    yield disposition if part.path is None else f'{disposition}; filename="{part.file_name}"'
    if part.content_type:
        yield f"Content-Type: {part.content_type}"
    yield ""
    yield part.text if part.path is None else f"< {part.path}"
