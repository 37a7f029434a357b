"""Steps as Python functions: the request, its criteria and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING, to_json, to_text
from arazzo_runner.base.records import MutableRecord
from arazzo_runner.export.plan import (
    Body,
    Call,
    Credential,
    FileValue,
    Parameter,
    Part,
    Plan,
    Request,
    Step,
    Unsupported,
    Workflow,
)
from arazzo_runner.export.python_layout import Code, Group, Names, call, comment, flat, lay, mapping, plain_text, quoted
from arazzo_runner.export.python_values import Around, Values, joined
from arazzo_runner.program.model import ArrayValue, Literal, ObjectValue, Value, WorkflowKey
from arazzo_runner.sources.http_media.styles import UnusableValue, header_value, path_segment, query_pairs

_PLAIN_STYLES: Final = (("form", True), ("form", False), ("spaceDelimited", False), ("pipeDelimited", False))


class Steps(MutableRecord):
    """Writes the functions of steps; `asserts`: criteria are assertions, as tests have them."""

    plan: Plan
    values: Values
    names: Names
    asserts: bool = False

    @property
    def used(self) -> set[str]:
        """The helpers and imports that are needed."""
        return self.values.used

    def name_of(self, workflow: Workflow, step: Step) -> str:
        """Return the name of a step's function."""
        return self.names.of((workflow.key, step.step_id), step.step_id)

    def workflow_name(self, key: WorkflowKey) -> str:
        """Return the name of a workflow's function."""
        return self.names.of(key, key.workflow_id)

    def variable_of(self, request: Request) -> str:
        """Return the name of the constant with the URL of a server."""
        variable = request.server.variable
        return self.names.of(variable, variable.removeprefix("ARAZZO_SERVER_") + "_URL").upper()

    def function(self, workflow: Workflow, step: Step) -> list[str]:
        """Return the function of a step."""
        lines = self._body(workflow, step)
        does = step.does
        summary = f"{does.method} {does.template}" if isinstance(does, Request) else step.step_id
        if isinstance(does, Call):
            summary = f"Run the workflow {does.workflow.workflow_id}"
        head = [f"def {self.name_of(workflow, step)}(client, inputs, steps):", *docstring(summary, 4)]
        notes, self.values.comments = self.values.comments, []
        said = [line for each in (step.description, *dict.fromkeys(notes)) if each for line in comment(each, 4)]
        return [*head, *said, *lines]

    def _body(self, workflow: Workflow, step: Step) -> list[str]:
        match step.does:
            case Request() as request:
                around = Around(workflow=workflow, request=request, response="response")
                lines = self._sending(step, request, around)
            case Call() as does:
                around = Around(workflow=workflow, outputs="outputs")
                lines = self._calling(does, around)
            case Unsupported(reason=reason):
                self.values.comments.append(self.values.notes.cannot(step.at, reason))
                self.used.add("StepFailed")
                failure = call("StepFailed", quoted(step.step_id), quoted("this step is not exported"))
                return lay(failure, 4, "raise ")
            case _:
                assert_never(step.does)
        lines += self._criteria(step, around)
        if step.outputs:
            members = ((quoted(name), self.values.of(value, around, lenient=True)) for name, value in step.outputs)
            lines += lay(self.values.present(members), 4, f"steps[{quoted(step.step_id)}] = ")
        else:
            lines.append(f"    steps[{quoted(step.step_id)}] = {{}}")
        return [*lines, "    return response"] if around.response else lines

    def _calling(self, does: Call, around: Around) -> list[str]:
        target = self.plan.find(does.workflow)
        given = call_inputs(self.values, target, does.inputs, around)
        return lay(call(self.workflow_name(does.workflow), "client", given), 4, "outputs = ")

    def _criteria(self, step: Step, around: Around) -> list[str]:
        written: list[tuple[str, Code]] = []
        for each in step.criteria:
            written.append((" ".join(each.text.split()), self.values.criterion(each, around)))
        if not step.criteria and isinstance(step.does, Request):
            code = "200 <= response.status_code < 300"
            if step.does.documents_304:
                code += " or response.status_code == 304"
            written.append(("$statusCode is 2xx", code))
        if not written:
            return []
        if self.asserts and around.response:
            self.used.add("came")
            return [line for text, code in written for line in _assertion(text, code)]
        self.used.add("check")
        criteria = mapping((quoted(text), code) for text, code in written)
        return lay(call("check", quoted(step.step_id), around.response or "None", criteria), 4)

    # -------------------------------------------------------------- the request

    def _sending(self, step: Step, request: Request, around: Around) -> list[str]:
        self.used.update({"send", "import httpx", "import os"})
        named: dict[str, Code] = {}
        before: list[str] = []
        params = self._params(request, around)
        if params is not None:
            named["params"] = params
        headers = dict(self._headers(request, around))
        if request.body is not None:
            named |= self._sent_body(request.body, headers, around)
        authentication = [each for each in request.credentials if each.kind in ("basic", "digest")]
        for each in request.credentials:
            before += self._credential_note(step, each)
        if authentication:
            named["auth"] = self._auth(authentication[0])
        optional = [f"**{flat(each)}" for each in self._optional(request, "header")]
        named["headers"] = Group(
            "{", (*mapping((quoted(name), code) for name, code in headers.items()).items, *optional), "}"
        )
        if step.timeout is not None:
            named["timeout"] = repr(step.timeout)
        arguments = ("client", quoted(step.step_id), quoted(request.method), self._url(request, around))
        return [*before, *lay(call("send", *arguments, **named), 4, "response = ")]

    def _url(self, request: Request, around: Around) -> Code:
        parts: list[Code] = [self.variable_of(request)]
        for part in request.path:
            if isinstance(part, str):
                parts.append(quoted(part))
            else:
                parts.append(self._segment(part, around))
        return joined(parts)

    def _segment(self, parameter: Parameter, around: Around) -> Code:
        if isinstance(parameter.value, Literal):
            try:
                return quoted(path_segment(parameter.name, parameter.value.value, parameter.declared))
            except UnusableValue:
                pass
        declared = parameter.declared
        if declared is not None and (declared.style != "simple" or declared.content or declared.expansion):
            self._cannot(parameter, f"the style of the path parameter {parameter.name}")
        self.used.add("segment")
        return call("segment", self.values.of(parameter.value, around))

    def _cannot(self, parameter: Parameter, what: str) -> None:
        self.values.comments.append(self.values.notes.cannot(parameter.at, f"{what}: its value is sent as plain text"))

    def _params(self, request: Request, around: Around) -> Code | None:
        """Return the argument `params`: a mapping where every name is once and every value simple, else a list."""
        if request.querystring is not None:
            self._cannot(request.querystring, "a whole query string")
        keys = [each for each in request.credentials if each.kind == "apiKey" and each.place == "query"]
        fixed = [pair.partition("=")[::2] for pair in request.fixed_query]
        secrets = [(quoted(each.name), self.credential(each)) for each in keys if not each.is_optional]
        optional = [f"**{flat(each)}" for each in self._optional(request, "query")]
        is_plain = all(self._is_plain(each, around) for each in request.query)
        if is_plain and not fixed and optional:
            known = mapping((quoted(each.name), self._simple(each, around)) for each in request.query)
            self.used.add("present")
            return call("present", Group("{", (*known.items, *mapping(secrets).items, *optional), "}"))
        if is_plain and not fixed:
            members = [(quoted(each.name), self._simple(each, around)) for each in request.query] + secrets
            if any(each.is_optional for each in request.query):
                return self.values.present(members)
            return mapping(iter(members)) if members else None
        items: list[Code] = [pair_of(name, quoted(value)) for name, value in fixed]
        for each in request.query:
            items += self._pairs(each, around)
        items += [Group("(", each, ")") for each in secrets]
        items += [f"*{flat(each)}.items()" for each in self._optional(request, "query")]
        return Group("[", tuple(items), "]")

    def _is_plain(self, parameter: Parameter, around: Around) -> bool:
        """Return whether a query parameter is sent as name=value."""
        declared = parameter.declared
        if declared is not None and declared.content is not None:
            return False
        schema = declared.schema if declared is not None else None
        described = schema.get("type") if isinstance(schema, dict) else None
        return self.values.is_simple(parameter.value, around) or described in ("string", "integer", "number", "boolean")

    def _simple(self, parameter: Parameter, around: Around) -> Code:
        return self.values.of(parameter.value, around, lenient=parameter.is_optional)

    def _pairs(self, parameter: Parameter, around: Around) -> Iterator[Code]:
        declared = parameter.declared
        if isinstance(parameter.value, Literal):
            from urllib.parse import unquote

            found = query_pairs(parameter.name, parameter.value.value, declared)
            yield from (pair_of(unquote(name), quoted(unquote(value))) for name, value in found)
            return
        if declared is not None and declared.content is not None:
            self._cannot(parameter, f"the media type of the query parameter {parameter.name}")
        self.used.add("pairs")
        style, explode = ("form", True) if declared is None else (declared.style, declared.explode)
        named: dict[str, Code] = {} if style == "form" else {"style": quoted(style)}
        if not explode:
            named["explode"] = "False"
        value = self.values.of(parameter.value, around, lenient=parameter.is_optional)
        yield f"*{flat(call('pairs', quoted(parameter.name), value, **named))}"

    def _headers(self, request: Request, around: Around) -> Iterator[tuple[str, Code]]:
        given = {each.name.lower() for each in request.headers}
        if "accept" not in given:
            yield "Accept", quoted(request.accept)
        for each in request.headers:
            yield each.name, self._header(each, around)
        cookies = list(self._cookies(request, around))
        if cookies:
            yield "Cookie", joined(cookies)
        for credential in request.credentials:
            if credential.is_optional and self._is_plain_credential(credential):
                continue
            if credential.place == "header" and credential.kind in _IN_HEADERS:
                value = self.credential(credential)
                prefix = [quoted(f"{credential.prefix} ")] if credential.prefix else []
                yield credential.name, joined([*prefix, value])

    def _header(self, parameter: Parameter, around: Around) -> Code:
        if isinstance(parameter.value, Literal):
            try:
                return quoted(header_value(parameter.name, parameter.value.value, parameter.declared))
            except UnusableValue:
                pass
        return self.values.as_text(parameter.value, around)

    def _cookies(self, request: Request, around: Around) -> Iterator[Code]:
        own: list[tuple[str, Code]] = []
        for each in request.cookies:
            self.used.add("from urllib.parse import quote")
            own.append((each.name, call("quote", self.values.as_text(each.value, around))))
        for index, (name, code) in enumerate(own):
            yield quoted(f"{'; ' if index else ''}{name}=")
            yield code

    # -------------------------------------------------------------- credentials

    def credential(self, credential: Credential) -> Code:
        """Return a credential, read from the environment when it is needed."""
        if credential.kind == "token" and credential.grant and credential.token_url:
            return f"{self.token_name(credential)}(client)"
        self.used.add("credential")
        return call("credential", quoted(next(iter(credential.variables.values()))))

    def token_name(self, credential: Credential) -> str:
        """Return the name of the function that gets a token."""
        return self.names.of(("token", credential.source, credential.scheme), f"{credential.source}_token")

    def _is_plain_credential(self, credential: Credential) -> bool:
        """Return whether it is the text of one variable."""
        return credential.kind in _IN_HEADERS and not (credential.grant and credential.token_url)

    def _optional(self, request: Request, place: str) -> Iterator[Code]:
        """Yield the credentials that are sent only where they are given, for a header or the query."""
        for each in request.credentials:
            if each.is_optional and each.place == place and self._is_plain_credential(each):
                self.used.add("optional")
                prefix = [quoted(f"{each.prefix} ")] if each.prefix else []
                yield call("optional", quoted(each.name), quoted(next(iter(each.variables.values()))), *prefix)

    def _cookie_credential(self, credential: Credential) -> list[str]:
        """Return what sets a cookie from the environment, unless a response has set it."""
        self.used.update({"import os"})
        name, variable = quoted(credential.name), quoted(next(iter(credential.variables.values())))
        return [
            f"    if {variable} in os.environ and {name} not in client.cookies:",
            f"        client.cookies.set({name}, os.environ[{variable}])",
        ]

    def _auth(self, credential: Credential) -> Code:
        self.used.add("credential")
        user, password = (call("credential", quoted(credential.variables[each])) for each in ("user", "password"))
        if credential.kind == "digest":
            return call("httpx.DigestAuth", user, password)
        return Group("(", (user, password), ")")

    def _credential_note(self, step: Step, credential: Credential) -> list[str]:
        if credential.kind in ("mutualTLS", "unknown"):
            sentence = f"the credential {credential.source}.{credential.scheme} ({credential.kind})"
            self.values.comments.append(self.values.notes.cannot(step.at, sentence))
        if credential.kind == "token" and not credential.grant:
            variable = credential.variables["value"]
            sentence = f"no token is requested for {credential.source}.{credential.scheme}: give one as {variable}"
            self.values.comments.append(self.values.notes.cannot(step.at, sentence))
        return self._cookie_credential(credential) if credential.place == "cookie" else []

    def token_function(self, credential: Credential) -> list[str]:
        """Return the function that requests a token, once."""
        self.used.update({"import functools", "import os", "credential"})
        variables = credential.variables
        form: list[tuple[str, Code]] = [('"grant_type"', quoted(credential.grant or ""))]
        named: dict[str, Code] = {}
        if credential.grant == "password":
            form += [(quoted(n), call("credential", quoted(variables[k]))) for n, k in _PASSWORD]
        else:
            pair = (call("credential", quoted(variables[each])) for each in ("clientId", "clientSecret"))
            named["auth"] = Group("(", tuple(pair), ")")
        if credential.scopes:
            form.append(('"scope"', quoted(" ".join(credential.scopes))))
        named = {"data": mapping(iter(form)), **named}
        return [
            "@functools.cache",
            f"def {self.token_name(credential)}(client):",
            *docstring(f"Return the access token for {credential.source}", 4),
            f"    given = os.environ.get({quoted(variables['value'])})",
            "    if given:",
            "        return given",
            *lay(
                call("os.environ.get", quoted(variables["tokenUrl"]), quoted(credential.token_url or "")), 4, "url = "
            ),
            *lay(call("client.post", "url", **named), 4, "response = "),
            "    response.raise_for_status()",
            '    return response.json()["access_token"]',
        ]

    # -------------------------------------------------------------- bodies

    def _sent_body(self, body: Body, headers: dict[str, Code], around: Around) -> dict[str, Code]:
        """Return the arguments with the body; its type goes into the headers where httpx would not say it."""
        if body.replacements:
            sentence = "replacements whose places only a run can find"
            self.values.comments.append(self.values.notes.cannot(body.at, sentence))
        if body.payload is None:
            return {}
        is_given = any(name.lower() == "content-type" for name in headers)
        if body.kind == "json":
            if body.content_type != "application/json" and not is_given:
                headers["Content-Type"] = quoted(body.content_type)
            return {"json": self.values.of(body.payload, around)}
        if body.kind == "form" and isinstance(body.payload, (ObjectValue, Literal)):
            return {"data": self._form(body, around)}
        if body.kind == "multipart" and body.parts:
            return {"files": Group("[", tuple(each for part in body.parts for each in self._part(part, around)), "]")}
        if not is_given:
            headers["Content-Type"] = quoted(body.content_type)
        if body.kind == "multipart" or (body.kind == "xml" and isinstance(body.payload, ObjectValue)):
            self.values.comments.append(self.values.notes.cannot(body.at, f"a body of {body.content_type}"))
        text = self.values.as_text(body.payload, around)
        return {"content": call(f"{flat(text)}.encode")}

    def _form(self, body: Body, around: Around) -> Code:
        payload = body.payload
        if isinstance(payload, Literal):
            fields = payload.value.items() if isinstance(payload.value, dict) else ()
            payload = ObjectValue(tuple((name, Literal(item)) for name, item in fields))
        assert isinstance(payload, ObjectValue)
        members: list[tuple[str | object, Value]] = []
        for name, value in payload.members:
            members.append((name, self._field(value)))
        return self.values.of(ObjectValue(tuple(members), payload.required), around)  # type: ignore[arg-type]

    def _field(self, value: Value) -> Value:
        """Return a field of a form: a mapping is sent as JSON."""
        if isinstance(value, Literal) and isinstance(value.value, dict):
            return Literal(to_json(value.value))
        return value

    def _part(self, part: Part, around: Around) -> Iterable[Code]:
        value = part.value
        if isinstance(value, FileValue):
            yield pair_of(part.name, self._file(value, around))
            return
        several = value.items if isinstance(value, ArrayValue) else None
        if isinstance(value, Literal) and isinstance(value.value, list):
            several = tuple(map(Literal, value.value))
        for each in [value] if several is None else several:
            content: list[Code] = ["None", self._part_text(each, around)]
            if part.content_type:
                content.append(quoted(part.content_type))
            yield pair_of(part.name, Group("(", tuple(content), ")"))

    def _part_text(self, value: Value, around: Around) -> Code:
        if isinstance(value, Literal):
            return quoted(to_text(value.value))
        return self.values.as_text(value, around)

    def _file(self, file: FileValue, around: Around) -> Code:
        content = self.values.as_text(file.value, around)
        name: Code = quoted("file") if file.filename is None else self.values.as_text(file.filename, around)
        if file.source == "path":
            self.used.add("from pathlib import Path")
            path = flat(call("Path", content))
            name = f"{path}.name" if file.filename is None else name
            data: Code = f"{path}.read_bytes()"
        elif file.source == "base64":
            self.used.add("import base64")
            data = call("base64.b64decode", content)
        else:
            data = call(f"{flat(content)}.encode")
        items = [name, data]
        if file.content_type is not None:
            items.append(self.values.as_text(file.content_type, around))
        return Group("(", tuple(items), ")")


_IN_HEADERS: Final = ("apiKey", "bearer", "http", "token")
_PASSWORD: Final = (("username", "user"), ("password", "password"))


def pair_of(name: str, code: Code) -> Code:
    """Return a tuple of a name and a value."""
    return Group("(", (quoted(name), code), ")")


def call_inputs(values: Values, target: Workflow, given: Iterable[tuple[str, Value]], around: Around) -> Code:
    """Return the inputs of a called workflow: those given, and the defaults of the others."""
    members: list[tuple[str, Value]] = list(given)
    names = {name for name, _ in members}
    defaults = ((each.name, Literal(each.default)) for each in target.inputs if each.default is not MISSING)
    members += [(name, value) for name, value in defaults if name not in names]
    return values.of(ObjectValue(tuple(members)), around)


def docstring(text: str, indent: int) -> list[str]:
    """Return a text as a docstring in one line."""
    return [f'{" " * indent}"""{plain_text(text) or "..."}"""']


def _assertion(text: str, code: Code) -> list[str]:
    return [*comment(text, 4), *lay(code, 4, "assert ", ", came(response)")]
