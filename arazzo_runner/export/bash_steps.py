"""Steps as bash functions: curl sends, jq reads and writes values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import assert_never
from urllib.parse import unquote

from arazzo_runner.base.json_values import MISSING, to_json
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.export.jq_values import Here, JqValues, quoted
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
from arazzo_runner.export.python_layout import Names, comment
from arazzo_runner.program.model import ArrayValue, Literal, ObjectValue, Value, WorkflowKey
from arazzo_runner.sources.http_media.styles import UnusableValue, path_segment, query_pairs

_TIMEOUT = 30
_PLAIN_NAME = re.compile(r"[\w.\[\]-]+", re.ASCII)


def program(text: str) -> str:
    """Return a jq program as an argument; it has no single quotes."""
    assert "'" not in text
    return f"'{text}'"


class BashSteps(MutableRecord):
    """Writes the functions of steps."""

    plan: Plan
    values: JqValues
    names: Names
    used: set[str] = field(default_factory=set)

    def name_of(self, workflow: Workflow, step: Step) -> str:
        """Return the name of a step's function."""
        return f"step_{self.names.of((workflow.key, step.step_id), step.step_id)}"

    def workflow_name(self, key: WorkflowKey) -> str:
        """Return the name of a workflow's function."""
        return f"workflow_{self.names.of(key, key.workflow_id)}"

    def server_variable(self, request: Request) -> str:
        """Return the variable with the URL of a server."""
        return request.server.variable.removeprefix("ARAZZO_SERVER_").lower() + "_url"

    def token_name(self, credential: Credential) -> str:
        """Return the name of the function that requests a token."""
        return f"token_{self.names.of(('token', credential.source, credential.scheme), credential.source)}"

    def function(self, workflow: Workflow, step: Step) -> list[str]:
        """Return the function of a step, with its comments."""
        lines = self._body(workflow, step)
        does = step.does
        summary = f"{does.method} {does.template}" if isinstance(does, Request) else f"The step {step.step_id}"
        notes, self.values.comments = self.values.comments, []
        said = [summary, step.description, *dict.fromkeys(notes)]
        head = [line for each in said if each for line in comment(each)]
        return [*head, f"{self.name_of(workflow, step)}() {{", *(f"  {line}" for line in lines), "}"]

    def _body(self, workflow: Workflow, step: Step) -> Iterator[str]:
        step_id = shlex.quote(step.step_id)
        match step.does:
            case Request() as request:
                here = Here(workflow=workflow, request=request)
                yield from self._sending(step, request, here)
            case Call() as does:
                here = Here(workflow=workflow, has_outputs=True)
                yield "local made"
                given = program(self.called(does.inputs, does.workflow, here))
                yield f"made=$({self.workflow_name(does.workflow)} {given}) || return"
                yield "state=$(jq -c --slurpfile made <(printf '%s' \"$made\") '.outputs = $made[0]' <<<\"$state\")"
            case Unsupported(reason=reason):
                self.values.comments.append(self.values.notes.cannot(step.at, reason))
                yield f"say {shlex.quote(f'step {step.step_id}: it is not exported')}"
                yield "return 1"
                return
            case _:
                assert_never(step.does)
        yield from self._criteria(step, here)
        self.used.add("outputs")
        yield f"outputs {step_id} {program(self.values.members(step.outputs, here))}"

    def called(self, given: Iterable[tuple[str, Value]], key: WorkflowKey, here: Here) -> str:
        """Return the inputs of a called workflow: those given, and the defaults of the others."""
        members = list(given)
        names = {name for name, _ in members}
        target = self.plan.find(key)
        defaults = ((each.name, Literal(each.default)) for each in target.inputs if each.default is not MISSING)
        return self.values.of(ObjectValue((*members, *(each for each in defaults if each[0] not in names))), here)

    def _criteria(self, step: Step, here: Here) -> Iterator[str]:
        step_id = shlex.quote(step.step_id)
        for each in step.criteria:
            self.used.add("expect")
            text = shlex.quote(" ".join(each.text.split()))
            yield f"expect {step_id} {text} {program(self.values.criterion(each, here))} || return"
        if not step.criteria and isinstance(step.does, Request):
            self.used.add("expect")
            also = " or status == 304" if step.does.documents_304 else ""
            yield f"expect {step_id} 'status 2xx' '(status >= 200 and status < 300){also}' || return"

    # -------------------------------------------------------------- the request

    def _sending(self, step: Step, request: Request, here: Here) -> Iterator[str]:
        self.used |= {"request", "fields"}
        options, before = ["--head"] if request.method == "HEAD" else ["--request", shlex.quote(request.method)], []
        content_type = None
        if request.body is not None:
            content_type, made, sent = self._sent_body(request.body, here)
            before += made
            options += sent
        for each in request.credentials:
            before += self._credential(step, each)
        for each in request.credentials:
            if each.kind == "token" and each.grant and each.token_url:
                yield f"{self.token_name(each)} || return"
        yield "local url"
        yield f"url=${self.server_variable(request)}$(value {program(self._target(request, here))}) || return"
        yield f"fields {program(self._headers(request, content_type, here))} || return"
        yield from before
        seconds = f"{_TIMEOUT if step.timeout is None else step.timeout:g}"
        yield f'request {shlex.quote(step.step_id)} {seconds} {" ".join(options)} "$url" || return'

    def _target(self, request: Request, here: Here) -> str:
        path = [quoted(each) if isinstance(each, str) else self._segment(each, here) for each in request.path]
        pairs = [quoted(each) for each in request.fixed_query]
        for each in request.query:
            pairs += self._pairs(each, here)
        if request.querystring is not None:
            self._cannot(request.querystring, "a whole query string")
            pairs.append(f"({self.values.as_text(request.querystring.value, here)})")
        for key in request.credentials:
            if key.place == "query" and key.kind == "apiKey":
                variable = next(iter(key.variables.values()))
                code = f"pair({quoted(key.name)}; credential({quoted(variable)}))"
                pairs.append(f"({code})?" if key.is_optional else code)
        whole = [*path, *([f"query({', '.join(pairs)})"] if pairs else [])]
        return " + ".join(whole) or '""'

    def _segment(self, parameter: Parameter, here: Here) -> str:
        declared = parameter.declared
        if isinstance(parameter.value, Literal):
            try:
                return quoted(path_segment(parameter.name, parameter.value.value, declared))
            except UnusableValue:
                pass
        if declared is not None and (declared.style != "simple" or declared.content or declared.expansion):
            self._cannot(parameter, f"the style of the path parameter {parameter.name}")
        return f"({self.values.of(parameter.value, here)} | segment)"

    def _pairs(self, parameter: Parameter, here: Here) -> Iterator[str]:
        declared = parameter.declared
        if isinstance(parameter.value, Literal):
            for name, value in query_pairs(parameter.name, parameter.value.value, declared):
                yield f"pair({quoted(unquote(name))}; {quoted(unquote(value))})"
            return
        if declared is not None and declared.content is not None:
            self._cannot(parameter, f"the media type of the query parameter {parameter.name}")
        style, explode = ("form", True) if declared is None else (declared.style, declared.explode)
        schema = declared.schema if declared is not None else None
        kind = schema.get("type") if isinstance(schema, dict) else None
        value = self.values.of(parameter.value, here)
        if kind in ("string", "integer", "number", "boolean"):
            code = f"pair({quoted(parameter.name)}; {value})"
        else:
            code = f"pairs({quoted(parameter.name)}; {quoted(style)}; {quoted(explode)}; {value})"
        yield f"({code})?" if parameter.is_optional else code

    def _cannot(self, parameter: Parameter, what: str) -> None:
        self.values.comments.append(self.values.notes.cannot(parameter.at, f"{what}: its value is sent as plain text"))

    def _headers(self, request: Request, content_type: str | None, here: Here) -> str:
        members: list[str] = []
        given = {each.name.lower() for each in request.headers}
        if "accept" not in given:
            members.append(f'"Accept": {quoted(request.accept)}')
        if content_type is not None and "content-type" not in given:
            members.append(f'"Content-Type": {quoted(content_type)}')
        optional: list[str] = []
        for each in request.headers:
            code = f"{{{quoted(each.name)}: {self.values.as_text(each.value, here)}}}"
            optional += [f"({code})?"] if each.is_optional else []
            members += [] if each.is_optional else [code[1:-1]]
        cookies = [
            f"({quoted(f'{each.name}=')} + ({self.values.as_text(each.value, here)} | @uri))"
            for each in request.cookies
        ]
        if cookies:
            members.append(f'"Cookie": ({(" + " + quoted("; ") + " + ").join(cookies)})')
        for key in request.credentials:
            found = self._credential_field(key)
            optional += [found] if found and key.is_optional else []
            members += [found] if found and not key.is_optional else []
        whole = f"{{{', '.join(members)}}}"
        return f"([{', '.join([whole, *optional])}] | add)" if optional else whole

    # -------------------------------------------------------------- credentials

    def _credential_field(self, credential: Credential) -> str | None:
        """Return the member of the headers that a credential is, or (optional) the whole object."""
        name, prefix = quoted(credential.name), quoted(f"{credential.prefix} " if credential.prefix else "")
        if credential.kind == "token" and credential.grant and credential.token_url:
            return f'{name}: ("Bearer " + .tokens[{quoted(credential.source)}])'
        variables = [quoted(each) for each in credential.variables.values()]
        if credential.kind == "basic":
            pair = f'(credential({variables[0]}) + ":" + credential({variables[1]}) | @base64)'
            return f'{name}: ("Basic " + {pair})'
        if credential.place == "cookie" and credential.kind == "apiKey":
            return f'optional("Cookie"; {variables[0]}; {quoted(f"{credential.name}=")})'
        if credential.place != "header" or credential.kind not in ("apiKey", "bearer", "http", "token"):
            return None
        if credential.is_optional:
            return f"optional({name}; {variables[0]}; {prefix})"
        return f"{name}: ({prefix} + credential({variables[0]}))"

    def _credential(self, step: Step, credential: Credential) -> list[str]:
        name = f"{credential.source}.{credential.scheme}"
        if credential.kind in ("mutualTLS", "unknown", "digest"):
            sentence = f"the credential {name} ({credential.kind})"
            self.values.comments.append(self.values.notes.cannot(step.at, sentence))
        if credential.kind == "token" and not (credential.grant and credential.token_url):
            sentence = f"no token is requested for {name}: give one as {credential.variables['value']}"
            self.values.comments.append(self.values.notes.cannot(step.at, sentence))
        return []

    def tokens_of(self, workflow: Workflow) -> list[Credential]:
        """Return the credentials of a workflow for which tokens are requested."""
        found = {
            (each.source, each.scheme): each
            for step in workflow.steps
            if isinstance(step.does, Request)
            for each in step.does.credentials
            if each.kind == "token" and each.grant and each.token_url
        }
        return list(found.values())

    def token_function(self, credential: Credential) -> list[str]:
        """Return the function that keeps a token in the state: the one given, else one that is requested."""
        variables = credential.variables
        form = {"grant_type": quoted(credential.grant)}
        headers = '"Accept": "application/json"'
        if credential.grant == "password":
            form |= {"username": f"credential({quoted(variables['user'])})"}
            form |= {"password": f"credential({quoted(variables['password'])})"}
        else:
            one, two = (f"credential({quoted(variables[each])})" for each in ("clientId", "clientSecret"))
            headers += f', "Authorization": ("Basic " + ({one} + ":" + {two} | @base64))'
        if credential.scopes:
            form["scope"] = quoted(" ".join(credential.scopes))
        self.used |= {"fields", "payload", "request"}
        written = ", ".join(f"{quoted(name)}: {code}" for name, code in form.items())
        url = f"${{{variables['tokenUrl']}:-{shlex.quote(credential.token_url or '')}}}"
        source = quoted(credential.source)
        given = f'($ENV[{quoted(variables["value"])}] | select(. != null and . != ""))'
        keep = f'.tokens[{source}] = ({given} // (body | at("access_token"))) | tojson'
        self.used.add("holds")
        return [
            f"# A token for {' '.join(credential.source.split())}.",
            f"{self.token_name(credential)}() {{",
            f"  if holds {program(f'.tokens[{source}] != null')}; then return; fi",
            f"  if [[ -z ${{{variables['value']}-}} ]]; then",
            f"    local url={url}",
            f"    fields {program('{' + headers + '}')} || return",
            f"    payload {program('{' + written + '} | form')} -j || return",
            f'    request token {_TIMEOUT} --data-binary "@$work/payload" "$url" || return',
            "  fi",
            f"  state=$(value {program(keep)})",
            "}",
        ]

    # -------------------------------------------------------------- bodies

    def _sent_body(self, body: Body, here: Here) -> tuple[str | None, list[str], list[str]]:
        """Return the Content-Type, the commands that prepare a body, and the options that send it."""
        if body.replacements:
            self.values.comments.append(
                self.values.notes.cannot(body.at, "replacements whose places only a run can find")
            )
        payload = body.payload
        if payload is None:
            return None, [], []
        if body.kind == "multipart" and body.parts:
            return self._multipart(body, here)
        self.used.add("payload")
        send = ["--data-binary", '"@$work/payload"']
        if body.kind == "json":
            return body.content_type, [f"payload {program(self.values.of(payload, here))} || return"], send
        if body.kind == "form" and isinstance(payload, (ObjectValue, Literal)):
            code = f"({self.values.of(_as_form(payload), here)} | form)"
        else:
            if body.kind == "multipart" or isinstance(payload, ObjectValue):
                self.values.comments.append(self.values.notes.cannot(body.at, f"a body of {body.content_type}"))
            code = self.values.as_text(payload, here)
        return body.content_type, [f"payload {program(code)} -j || return"], send

    def _multipart(self, body: Body, here: Here) -> tuple[None, list[str], list[str]]:
        before: list[str] = []
        options: list[str] = []
        for part in body.parts:
            if not _PLAIN_NAME.fullmatch(part.name):
                self.values.comments.append(self.values.notes.cannot(body.at, f"a part of the name {part.name}"))
                continue
            made, option = self._part(part, len(options), here, body)
            before += made
            options += option
        return None, before, options

    def _part(self, part: Part, number: int, here: Here, body: Body) -> tuple[list[str], list[str]]:
        self.used.add("payload")
        kind = f";type={part.content_type}" if part.content_type else ""
        value = part.value
        if isinstance(value, FileValue):
            return self._file(part.name, value, number, here, body)
        several: Iterable[Value] = value.items if isinstance(value, ArrayValue) else [value]
        if isinstance(value, Literal) and isinstance(value.value, list):
            several = map(Literal, value.value)
        before, options = [], []
        for index, each in enumerate(several):
            name = f"part{number + index}"
            before.append(f"payload {program(self.values.as_text(each, here))} -j {name} || return")
            options += ["--form", f'"{part.name}=<$work/{name}{_in_double(kind)}"']
        return before, options

    def _file(self, name: str, file: FileValue, number: int, here: Here, body: Body) -> tuple[list[str], list[str]]:
        if file.source == "base64":
            self.values.comments.append(self.values.notes.cannot(body.at, f"the file {name}, which is given as base64"))
            return [], []
        variable = f"file{number}"
        content = f"part{number}"
        extra: list[str] = []
        before = [f"local {variable}"]
        where = f"({self.values.as_text(file.value, here)} | tojson)"
        if file.source == "content":
            before.append(f"payload {program(self.values.as_text(file.value, here))} -j {content} || return")
            where = quoted("")
        if file.filename is not None or file.source == "content":
            filename = quoted("file") if file.filename is None else self.values.as_text(file.filename, here)
            extra.append(f'";filename=" + ({filename} | tojson)')
        if file.content_type is not None:
            extra.append(f'";type=" + {self.values.as_text(file.content_type, here)}')
        code = " + ".join([where, *extra])
        before.append(f"{variable}=$(value {program(code)}) || return")
        source = f"$work/{content}" if file.source == "content" else ""
        return before, ["--form", f'"{name}=@{source}${variable}"']


def _in_double(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", " ".join(text.split()))


def _as_form(payload: ObjectValue | Literal) -> Value:
    """Return the fields of a form: a mapping is sent as JSON."""
    if isinstance(payload, Literal):
        fields = payload.value.items() if isinstance(payload.value, dict) else ()
        return Literal({name: to_json(item) if isinstance(item, dict) else item for name, item in fields})
    return payload
