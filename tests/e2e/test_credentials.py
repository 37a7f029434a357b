"""Credentials as a person uses them: environment, file and Python; missing ones, masking, `arazzo auth`; a killed refresh."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("authlib")

import arazzo_runner
from arazzo_runner import Credentials, RunOptions
from tests.e2e.conftest import Arazzo
from tests.runtime.auth_server import CLIENT, PASSWORD, SECRET, USER, AuthApi, auth_api, basic

DESCRIPTION = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
servers: [{url: 'http://127.0.0.1:9'}]
security: [{oauth: [read]}]
paths:
  /things:
    get:
      operationId: things
      responses: {'200': {description: ok}, '401': {description: no}}
    post:
      operationId: addThing
      responses: {'200': {description: ok}, '401': {description: no}}
  /echo:
    get:
      operationId: echo
      security: [{key: []}, {login: [], second: []}]
      responses: {'200': {description: ok}}
    post:
      operationId: optional
      security: [{}, {key: []}]
      responses: {'200': {description: ok}}
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows:
        clientCredentials: {tokenUrl: /token, scopes: {read: Read.}}
        authorizationCode: {authorizationUrl: /a, tokenUrl: /token, scopes: {read: Read.}}
    key: {type: apiKey, in: query, name: api_key}
    second: {type: apiKey, in: header, name: X-Second}
    login: {type: http, scheme: basic}
"""
WORKFLOW = """\
arazzo: 1.0.1
info: {title: Things, version: 1.0.0}
sourceDescriptions: [{name: myThings, url: ./things.openapi.yml, type: openapi}]
workflows:
- workflowId: look
  steps:
  - stepId: first
    operationId: things
    successCriteria: [{condition: $statusCode == 200}]
    outputs: {seen: $response.body#/with}
  - stepId: second
    operationId: addThing
    successCriteria: [{condition: $statusCode == 200}]
  outputs: {seen: $steps.first.outputs.seen}
- workflowId: echoed
  steps:
  - stepId: only
    operationId: echo
    outputs: {seen: $response.body#/seen}
  outputs: {seen: $steps.only.outputs.seen}
- workflowId: own
  inputs: {type: object, properties: {token: {type: string}}}
  parameters: [{name: Authorization, in: header, value: 'Bearer {$inputs.token}'}]
  steps:
  - stepId: first
    operationId: things
"""
KEY, SECOND = "key-12345678", "second-12345"
FILE = f"""\
myThings:
  key: {KEY}
  second: {SECOND}
  login: {{user: {USER}, password: {PASSWORD}}}
  oauth: {{clientId: {CLIENT}, clientSecret: {SECRET}}}
"""


@pytest.fixture
def spec(folder: Path) -> str:
    (folder / "things.openapi.yml").write_text(DESCRIPTION)
    (folder / "look.arazzo.yml").write_text(WORKFLOW)
    return "look.arazzo.yml"


@pytest.fixture
def api() -> Iterator[AuthApi]:
    with auth_api() as server:
        yield server


@pytest.fixture
def file(folder: Path) -> str:
    path = folder / "credentials.yml"
    path.write_text(FILE)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ARAZZO_AUTH_MYTHINGS_OAUTH_CLIENT_SECRET", SECRET)


def run(arazzo: Arazzo, spec: str, api: AuthApi, *arguments: str, workflow: str = "look"):
    return arazzo("run", spec, "-w", workflow, "--server", f"myThings={api.url}", *arguments)


# ------------------------------------------------------------------ where they come from


def test_a_token_is_fetched_once_for_a_run_and_masked_everywhere(
    spec: str, api: AuthApi, arazzo: Arazzo, configured: None
) -> None:
    ran = run(arazzo, spec, api, "-vv")
    assert ran.code == 0, ran.err
    assert [each.path for each in api.seen] == ["/token", "/things", "/things"]
    token = next(iter(api.access))
    assert json.loads(ran.out) == {"seen": "***"}
    for text in (token, SECRET, basic(CLIENT, SECRET)[6:]):
        assert text not in ran.out + ran.err
    assert "> Authorization: Bearer ***" in ran.err
    assert "warning" not in ran.err


@pytest.mark.parametrize("arguments", [["--format", "json"], ["--record", "run.cassette.yml"], ["--parallel"]])
def test_no_output_has_a_credential(
    spec: str, api: AuthApi, arazzo: Arazzo, configured: None, folder: Path, arguments: list[str]
) -> None:
    ran = run(arazzo, spec, api, *arguments)
    assert ran.code == 0, ran.err
    written = "".join(path.read_text() for path in folder.parent.rglob("*") if path.is_file())
    for text in (*api.access, SECRET, basic(CLIENT, SECRET)[6:]):
        assert text not in ran.out + ran.err + written


def test_credentials_of_a_file(spec: str, api: AuthApi, arazzo: Arazzo, file: str) -> None:
    ran = run(arazzo, spec, api, "--credentials", file, workflow="echoed")
    assert ran.code == 0, ran.err
    assert api.seen[0].query == {"api_key": KEY}


def test_the_users_own_file_is_found(spec: str, api: AuthApi, arazzo: Arazzo, folder: Path) -> None:
    own = folder.parent / "config" / "arazzo" / "credentials.yml"
    own.parent.mkdir(parents=True)
    own.write_text(FILE.replace(f"  key: {KEY}\n", ""))
    own.chmod(0o600)
    ran = run(arazzo, spec, api, workflow="echoed")
    assert ran.code == 0, ran.err
    sent = api.seen[0].headers
    assert (sent["authorization"], sent["x-second"]) == (basic(USER, PASSWORD), SECOND)
    assert json.loads(ran.out) == {"seen": "Basic ***"}


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_file_that_others_can_read_is_refused(spec: str, api: AuthApi, arazzo: Arazzo, file: str) -> None:
    Path(file).chmod(0o644)
    ran = run(arazzo, spec, api, "--credentials", file)
    assert (ran.code, ran.out, api.seen) == (2, "", [])
    assert "error[exposed-credentials]" in ran.err
    assert f"chmod 600 {file}" in ran.err


def test_a_file_that_is_not_there_is_refused(spec: str, api: AuthApi, arazzo: Arazzo) -> None:
    ran = run(arazzo, spec, api, "--credentials", "gone.yml", workflow="own")
    assert (ran.code, api.seen) == (2, [])
    assert "gone.yml" in ran.err


# ------------------------------------------------------------------ what is missing


def test_a_missing_credential_is_reported_before_the_first_request(spec: str, api: AuthApi, arazzo: Arazzo) -> None:
    ran = run(arazzo, spec, api)
    assert ran.code == 1
    warning, _, rest = ran.err.partition("look (2 steps)")
    assert 'warning[missing-credential]: step "first" (and 1 more): no credential of source "myThings"' in warning
    assert "ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_ID and ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_SECRET" in warning
    assert "myThings.oauth.clientId" in warning
    assert "look.arazzo.yml:7:" in warning
    assert "missing-credential" not in rest
    assert [each.path for each in api.seen] == ["/things"]


def test_nothing_is_sent_when_credentials_are_required(spec: str, api: AuthApi, arazzo: Arazzo) -> None:
    ran = run(arazzo, spec, api, "--require-credentials")
    assert (ran.code, api.seen) == (2, [])
    assert "error[missing-credential]" in ran.err
    everything = arazzo("run", spec, "-w", "*", "--server", f"myThings={api.url}", "--require-credentials")
    assert (everything.code, api.seen) == (2, [])


@pytest.mark.parametrize(
    ("workflow", "sent"),
    [
        pytest.param("own", "Bearer own-token-1", id="a parameter sets the header"),
        pytest.param("free", None, id="an empty alternative makes it optional"),
    ],
)
def test_documents_without_credentials(
    spec: str, api: AuthApi, arazzo: Arazzo, folder: Path, workflow: str, sent: str | None
) -> None:
    free = "- workflowId: free\n  steps: [{stepId: a, operationId: optional}]\n"
    (folder / spec).write_text(WORKFLOW + free)
    api.access["own-token-1"] = 1e12
    inputs = ["-i", "token=own-token-1"] if workflow == "own" else []
    ran = run(arazzo, spec, api, "--require-credentials", *inputs, workflow=workflow)
    assert ran.code == 0, ran.err
    assert "missing-credential" not in ran.err
    assert [each.headers.get("authorization") for each in api.seen] == [sent]


def test_a_refused_token_request_is_reported_with_its_step(
    spec: str, api: AuthApi, arazzo: Arazzo, configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_SECRET", "wrong-secret-1")
    ran = run(arazzo, spec, api)
    assert ran.code == 1
    assert 'error[token-request-failed]: step "first": no token: http://127.0.0.1' in ran.err
    assert "401, invalid_client" in ran.err
    assert "clientAuth: post" in ran.err
    assert "no-response" not in ran.err
    assert "curl" not in ran.err
    assert [each.path for each in api.seen] == ["/token"]
    assert "wrong-secret-1" not in ran.err


def test_a_credential_that_cannot_be_sent_is_reported_before_any_request(
    spec: str, api: AuthApi, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAZZO_AUTH_MY_THINGS_KEY", "with\nbreak-12345")
    ran = run(arazzo, spec, api, workflow="echoed")
    assert (ran.code, api.seen) == (2, [])
    assert "error[unusable-credential]" in ran.err
    assert "break-12345" not in ran.err


def test_a_variable_that_two_schemes_would_read_is_refused(
    api: AuthApi, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = (
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nservers: [{url: 'http://127.0.0.1:9'}]\n"
        "paths: {/echo: {get: {operationId: NAME, security: [{SCHEME: []}], responses: {'200': {description: ok}}}}}\n"
        "components: {securitySchemes: {SCHEME: {type: apiKey, in: header, name: X-Key}}}\n"
    )
    for file, scheme in (("a", "store_key"), ("b", "key")):
        text = description.replace("NAME", file).replace("SCHEME", scheme)
        (folder / f"{file}.yml").write_text(text)
    (folder / "two.arazzo.yml").write_text(
        "arazzo: 1.0.1\ninfo: {title: T, version: '1'}\n"
        "sourceDescriptions: [{name: pets, url: a.yml, type: openapi}, {name: pets_store, url: b.yml, type: openapi}]\n"
        "workflows:\n- workflowId: w\n  steps:\n"
        "  - {stepId: one, operationId: $sourceDescriptions.pets.a}\n"
        "  - {stepId: two, operationId: $sourceDescriptions.pets_store.b}\n"
    )
    servers = ("--server", f"pets={api.url}", "--server", f"pets_store={api.url}")
    assert arazzo("run", "two.arazzo.yml", *servers).code == 0
    monkeypatch.setenv("ARAZZO_AUTH_PETS_STORE_KEY", KEY)
    ran = arazzo("run", "two.arazzo.yml", *servers)
    assert (ran.code, len(api.seen)) == (2, 2)
    assert "ARAZZO_AUTH_PETS_STORE_KEY may be pets.store_key too" in ran.err


@pytest.mark.parametrize(
    ("scheme", "variables", "sent"),
    [
        ("{type: basic}", {"_USER": USER, "_PASSWORD": PASSWORD}, basic(USER, PASSWORD)),
        ("{type: apiKey, in: header, name: Authorization}", {"": KEY}, KEY),
        ("{type: oauth2, flow: accessCode, authorizationUrl: /a, tokenUrl: /token}", {"": "brought-12345"}, "Bearer brought-12345"),
    ],
    ids=["basic", "apiKey", "oauth2"],
)  # fmt: skip
def test_schemes_of_swagger_2(
    spec: str, api: AuthApi, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, variables: dict[str, str], sent: str
) -> None:  # fmt: skip
    (folder / "things.openapi.yml").write_text(
        "swagger: '2.0'\ninfo: {title: T, version: '1'}\nhost: api.test\nschemes: [http]\nsecurity: [{own: []}]\n"
        "paths: {/echo: {get: {operationId: echo, responses: {'200': {description: ok}}}}}\n"
        f"securityDefinitions: {{own: {scheme}}}\n"
    )
    (folder / spec).write_text(WORKFLOW.partition("- workflowId: look")[0] + "- workflowId: echoed\n  steps: [{stepId: only, operationId: echo}]\n")  # fmt: skip
    for ending, value in variables.items():
        monkeypatch.setenv(f"ARAZZO_AUTH_MY_THINGS_OWN{ending}", value)
    ran = run(arazzo, spec, api, "--require-credentials", workflow="echoed")
    assert ran.code == 0, ran.err
    assert [each.headers["authorization"] for each in api.seen] == [sent]


# ------------------------------------------------------------------ dry runs and mocks


def test_a_dry_run_shows_placeholders_and_sends_nothing(
    spec: str, api: AuthApi, arazzo: Arazzo, file: str, configured: None
) -> None:
    ran = run(arazzo, spec, api, "--dry-run", "--credentials", file)
    assert ran.code == 0, ran.err
    assert ran.out.count("Authorization: Bearer ***") == 2
    echoed = run(arazzo, spec, api, "--dry-run", "--credentials", file, workflow="echoed")
    assert "/echo?api_key=***" in echoed.out
    assert api.seen == []
    assert SECRET not in ran.out + echoed.out


def test_a_mock_gets_placeholders_only(spec: str, arazzo: Arazzo, file: str) -> None:
    ran = arazzo("run", spec, "-w", "echoed", "--mock", "--credentials", file, "-vv", "--checks", "off")
    assert ran.code == 0, ran.err
    assert "api_key=***" in ran.err
    assert "missing-credential" not in ran.err
    assert arazzo("run", spec, "-w", "look", "--mock", "-q", "--checks", "off").code in (0, 1)


# ------------------------------------------------------------------ the list


def test_the_list_names_what_is_missing_and_never_a_value(
    spec: str, arazzo: Arazzo, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = arazzo("auth", spec, "-w", "look")
    assert nothing.code == 1
    assert "missing   clientSecret: environment ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_SECRET" in nothing.out
    assert "look.first" in nothing.out
    assert "oauth: MISSING oauth" in nothing.out
    monkeypatch.setenv("ARAZZO_AUTH_MY_THINGS_KEY", KEY)
    found = arazzo("auth", spec, "--credentials", file)
    assert found.code == 0
    assert "found     value: environment ARAZZO_AUTH_MY_THINGS_KEY" in found.out
    assert "clientSecret: file" in found.out
    assert "given by the step" in found.out
    for text in (KEY, SECRET, PASSWORD, SECOND):
        assert text not in found.out + found.err


def test_the_list_as_json(spec: str, arazzo: Arazzo, file: str) -> None:
    ran = arazzo("auth", spec, "-w", "echoed", "--credentials", file, "--format", "json")
    report = json.loads(ran.out)
    assert (ran.code, report["complete"], report["credentialsFile"]) == (0, True, file)
    assert {each["scheme"]: each["usable"] for each in report["schemes"]} == {
        "key": True, "login": True, "second": True,
    }  # fmt: skip
    assert report["schemes"][0]["fields"] == [
        {
            "name": "value", "environment": "ARAZZO_AUTH_MY_THINGS_KEY", "file": "myThings.key",
            "keyring": "arazzo myThings/key", "found": "file",
        }
    ]  # fmt: skip
    assert report["steps"][0] == {
        "workflowId": "echoed", "stepId": "only", "source": "myThings", "operation": "GET /echo",
        "alternatives": [["key"], ["login", "second"]], "met": "configured", "by": ["key"],
    }  # fmt: skip


# ------------------------------------------------------------------ from Python


VALUES: dict[str, dict[str, str | Mapping[str, str]]] = {
    "myThings": {"oauth": {"clientId": CLIENT, "clientSecret": SECRET}, "key": KEY}
}


def test_credentials_from_python(spec: str, api: AuthApi) -> None:
    program = arazzo_runner.load(spec, "look", servers={"myThings": api.url})
    result = arazzo_runner.run(program, credentials=VALUES)
    assert result.status == "succeeded"
    assert result.outputs["seen"] in api.access
    request = result.steps[0].attempts[0].request
    assert request is not None
    assert request.header("authorization") == "Bearer ***"
    assert result.outputs["seen"] not in repr(result)
    missing = arazzo_runner.run(program)
    assert [each.code for each in missing.diagnostics] == ["missing-credential"]
    with pytest.raises(arazzo_runner.InvalidUsage):
        arazzo_runner.run(program, options=RunOptions(require_credentials=True))
    with pytest.raises(arazzo_runner.InvalidUsage, match="a mapping of sources to schemes, or Credentials"):
        arazzo_runner.run(program, credentials="token")  # type: ignore[arg-type]


def test_many_runs_share_one_token(spec: str, api: AuthApi) -> None:
    program = arazzo_runner.load(spec, "look", servers={"myThings": api.url})
    credentials = Credentials(VALUES)

    async def many() -> list[arazzo_runner.RunResult]:
        async with arazzo_runner.AsyncWorld() as world:
            runs = (arazzo_runner.arun(program, world=world, credentials=credentials) for _ in range(20))
            return await asyncio.gather(*runs)

    results = [*asyncio.run(many()), arazzo_runner.run(program, credentials=credentials)]
    assert {result.status for result in results} == {"succeeded"}
    assert len(api.requests("/token")) == 1
    assert {result.secrets.mask(next(iter(api.access))) for result in results} == {"***"}


def test_a_world_of_many_runs_finds_the_environment(spec: str, api: AuthApi, configured: None, folder: Path) -> None:
    program = arazzo_runner.load(spec, "look", servers={"myThings": api.url})
    with arazzo_runner.BlockingWorld() as world:
        assert arazzo_runner.run(program, world=world).status == "succeeded"


def test_a_run_whose_steps_give_their_own_imports_nothing(spec: str, api: AuthApi) -> None:
    code = (
        "import sys, arazzo_runner\n"
        f"p = arazzo_runner.load({spec!r}, 'own', servers={{'myThings': {api.url!r}}})\n"
        "arazzo_runner.run(p, inputs={'token': 'x'})\n"
        "print([m for m in sys.modules if '.auth' in m and m.startswith('arazzo_runner') or m == 'keyring'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


# ------------------------------------------------------------------ killed while it refreshes

KILLER = """
import os, signal, sys
point, number = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
calls = 0

def deadly(name):
    real = getattr(os, name)
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == number and point == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*arguments, **options)
        if calls == number and point == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(os, name, call)

deadly("replace")
from arazzo_runner.cli.main import main
main()
"""


def rotating(spec: str, api: AuthApi, token: str, before: list[str]) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "ARAZZO_AUTH_MY_THINGS_OAUTH_REFRESH_TOKEN": token,
        "ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_ID": CLIENT,
        "ARAZZO_AUTH_MY_THINGS_OAUTH_CLIENT_SECRET": SECRET,
    }
    arguments = ["run", spec, "-w", "look", "--server", f"myThings={api.url}", "--show-secrets"]
    return subprocess.Popen(
        [sys.executable, *before, *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


PLAIN = ["-m", "arazzo_runner"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("point", "number", "sent", "goes_on"),
    [
        pytest.param("before", 1, 0, True, id="before the intent is on disk"),
        pytest.param("after", 1, 0, False, id="after the intent, before the token is sent"),
        pytest.param("before", 2, 1, False, id="after the answer, before it is on disk"),
        pytest.param("after", 2, 1, True, id="after the new token is on disk, before it is used"),
    ],
)
def test_a_run_killed_at_its_store(spec: str, api: AuthApi, point: str, number: int, sent: int, goes_on: bool) -> None:
    token = api.first_refresh_token()
    process = rotating(spec, api, token, ["-c", KILLER, point, str(number)])
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert len(api.refreshes()) == sent
    assert api.requests("/things") == []
    again = rotating(spec, api, token, PLAIN)
    _, err = again.communicate(timeout=30)
    if goes_on:
        assert again.returncode == 0, err
    else:
        assert again.returncode == 1
        assert "error[refresh-in-doubt]" in err
    judged(api)
    assert "Traceback" not in err
    assert token not in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("moment", ["token", "api"])
def test_a_run_killed_while_a_request_is_in_flight(spec: str, api: AuthApi, moment: str) -> None:
    token = api.first_refresh_token()
    hold = threading.Event()
    if moment == "token":
        api.hold_token = hold
    else:
        api.hold_api = hold
    process = rotating(spec, api, token, PLAIN)
    arrived = api.token_arrived if moment == "token" else api.api_arrived
    assert arrived.wait(20)
    process.kill()
    process.communicate(timeout=30)
    hold.set()
    api.hold_token = api.hold_api = None
    again = rotating(spec, api, token, PLAIN)
    _, err = again.communicate(timeout=30)
    assert again.returncode == (1 if moment == "token" else 0), err
    assert ("refresh-in-doubt" in err) == (moment == "token")
    judged(api)


def test_a_doubt_ends_with_a_new_token_or_with_permission(spec: str, api: AuthApi) -> None:
    token = api.first_refresh_token()
    api.token_answers.append((502, {}, b""))
    assert _code(rotating(spec, api, token, PLAIN)) == 1
    assert _code(rotating(spec, api, token, PLAIN)) == 1
    assert api.refreshes() == [token]
    assert _code(rotating(spec, api, api.first_refresh_token(), PLAIN)) == 0
    allowed = rotating(spec, api, token, ["-c", "import sys; sys.argv.append('--resend-unknown'); from arazzo_runner.cli.main import main; main()"])  # fmt: skip
    assert _code(allowed) == 0


def _code(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=30)
    return process.returncode


def test_processes_with_the_same_token_take_turns(spec: str, api: AuthApi) -> None:
    token = api.first_refresh_token()
    api.token_delay = 0.1
    processes = [rotating(spec, api, token, PLAIN) for _ in range(3)]
    assert [_code(process) for process in processes] == [0] * 3
    judged(api)
    assert len(api.refreshes()) == 3


def judged(api: AuthApi) -> None:
    """The server's log: no refresh token was sent twice, and no family was revoked."""
    sent = api.refreshes()
    assert len(sent) == len(set(sent))
    assert not api.revoked_families
