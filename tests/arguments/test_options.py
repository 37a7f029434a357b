"""Every field of the records of options: another value changes what happens, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

import arazzo_runner
from arazzo_runner import CheckOptions, HttpResponse, Limits, LoadOptions, Now, RunOptions, SendRequest, Sleep
from arazzo_runner.engine.effects import NoResponse, Race
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.fetch import DocumentSnapshot
from tests.arguments.place import Place, api, observed, place, program_of
from tests.loopback import Reply, json_reply, serving
from tests.runtime.tls_server import Authority, TlsServer


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("ARAZZO_NO_CACHE", raising=False)
    with place(tmp_path) as found:
        yield found


# ------------------------------------------------------------------ RunOptions


class Recorded:
    """A World whose clock ticks at every look; it records all effects, Races too."""

    races = True

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[str] = []
        self.now = 0.0

    async def perform(self, effect: Any, /) -> Any:
        """Answer an effect; the last answer of requests repeats."""
        if isinstance(effect, Race):
            self.seen.append(f"race of {len(effect.effects)}")
            return 0, await self.perform(effect.effects[0])
        if isinstance(effect, Now):
            self.now += 1
            return self.now
        if isinstance(effect, Sleep):
            self.seen.append(f"sleep {effect.seconds}")
            return None
        assert isinstance(effect, SendRequest)
        self.seen.append(
            f"{effect.key} {effect.request.method} {effect.timeout} {effect.cookies} {effect.request.headers}"
        )
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ok(body: str = '{"id": 1, "tag": "x"}', status: int = 200, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, (("content-type", "application/json"), *headers), body.encode())


THREE = ok('{"id": 3}')
RUN_OPTIONS: dict[str, tuple[Any, str, list[Any]]] = {
    "timeout": (5.0, "look", [ok()]),
    "run_timeout": (0.5, "look", [ok()]),
    "max_steps": (1, "look", [ok()]),
    "max_depth": (1, "deeper", [ok()]),
    "max_retry_wait": (1.0, "look", [ok(), ok("{}", 503, ("retry-after", "50")), ok()]),
    "poll_interval": (0.0, "poll", [ok(), THREE]),
    "criterion_timeout": (1e-9, "look", [ok('{"tag": ' + "[" * 50 + "]" * 50 + "}")]),
    "resend_unknown": (True, "look", [ok(), NoResponse("reset", "gone", True), ok()]),
    "cookies": ("off", "look", [ok('{"id": 1, "tag": "x"}', 200, ("set-cookie", "seen=1; Path=/"))]),
    "parallel": (2, "two", [ok()]),
    "step": ("find", "look", [ok()]),
    "from_step": ("keep", "look", [ok()]),
    "until": ("find", "look", [ok()]),
    "step_outputs": ({"find": {"tag": "given"}}, "look", [ok()]),
    "checks": (CheckOptions(schema="error"), "look", [ok('{"id": "text"}')]),
    "user_agent": ("another/1", "look", [ok()]),
}
"""Another value of each option that a World sees, the workflow it is shown with, and the answers of the World."""
SENT = {"max_response_size", "transport", "credentials_file", "require_credentials", "file_roots"}
"""The others, which are shown with a server."""
OF_MESSAGES = {"max_messages", "retained"}
"""Those that workflows with messages have: tests/runtime/test_message_runs.py shows them with a broker."""
TWO = """\
- workflowId: deeper
  steps:
  - {stepId: first, workflowId: nested, parameters: [{name: id, value: 9}]}
- workflowId: two
  steps:
  - {stepId: a, operationId: $sourceDescriptions.pets.getPet, parameters: [{name: id, in: path, value: 1}]}
  - {stepId: b, operationId: $sourceDescriptions.pets.getPet, parameters: [{name: id, in: path, value: 2}]}
"""


def test_every_option_of_a_run_has_a_row():
    assert {*RUN_OPTIONS, *SENT, *OF_MESSAGES} == set(RunOptions.__struct_fields__)


@pytest.mark.parametrize("name", RUN_OPTIONS)
def test_every_option_of_a_run_changes_something(made, name):
    value, workflow, answers = RUN_OPTIONS[name]
    made.write("flow.yml", made.document.read_text() + TWO)
    program = arazzo_runner.load(made.document, workflow)
    inputs = {"id": 7} if workflow == "look" else {}
    usual = {"from_step": "keep"} if name == "step_outputs" else {}

    def seen(**options: Any) -> Any:
        world = Recorded(*answers)
        run = observed(made, arazzo_runner.run, program, inputs=inputs, world=world, options=RunOptions(**options))
        return run, world.seen

    assert seen(**usual) != seen(**usual, **{name: value})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(RunOptions(max_response_size=3), id="max_response_size"),
        pytest.param(RunOptions(transport=TransportOptions(proxies={"127.0.0.1": "http://127.0.0.1:9"})), id="transport"),
        pytest.param(RunOptions(credentials_file="keys.yml"), id="credentials_file"),
        pytest.param(RunOptions(require_credentials=True), id="require_credentials"),
    ],
)  # fmt: skip
def test_options_of_sending_change_something(made, options, monkeypatch):
    made.write("api.json", (made.folder / "api.json").read_text().replace('{"key": []}, {}', '{"key": []}'))
    made.write("keys.yml", "pets: {key: key-from-the-file}\n")
    monkeypatch.chdir(made.folder)
    program = program_of(made)
    with_options = observed(made, arazzo_runner.run, program, inputs={"id": 7}, options=options)
    assert observed(made, arazzo_runner.run, program, inputs={"id": 7}) != with_options


@pytest.mark.parametrize("name", CheckOptions.__struct_fields__)
def test_every_check_changes_something(made, name):
    off = dict.fromkeys(CheckOptions.__struct_fields__, "off")
    off |= {"schema": "error"} if name == "formats" else {}
    shown = []
    for checks in (CheckOptions(**off), CheckOptions(**{**off, name: "error"})):
        # An id of 700, X-Rate a text, "born" no date, "more" undocumented; no tag.
        flow = made.document.read_text().replace("condition: $.tag", "condition: $.id")
        made.write("flow.yml", flow)
        body = '{"id": "seven", "born": "yesterday", "more": true}'
        answers = [
            HttpResponse(
                203 if name == "status" else 200,
                (("content-type", "text/json" if name == "content_type" else "application/json"), ("x-rate", "many")),
                body.encode(),
            )
        ]
        if name in ("formats", "undocumented"):
            answers = [
                HttpResponse(
                    200,
                    (("content-type", "application/json"), ("x-rate", "1")),
                    b'{"id": 1, "born": "yesterday", "more": 1}',
                )
            ]
        program = program_of(made)
        options = RunOptions(checks=checks, until="find")
        shown.append(
            observed(made, arazzo_runner.run, program, inputs={"id": 700}, world=Recorded(*answers), options=options)
        )
    assert shown[0] != shown[1]


# ------------------------------------------------------------------ TransportOptions


def test_every_option_of_the_transport_has_a_row():
    shown = {"certificates", "ca_files", "proxies", "max_redirects", "insecure_hosts"}
    elsewhere = {"http2"}  # tests/runtime/test_http2.py, with a server that speaks it
    elsewhere |= {"webhook_listen", "webhook_url"}  # tests/brokers, with a webhook
    assert shown | elsewhere == set(TransportOptions.__struct_fields__)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"certificates": {"*": ("nothing.pem", None)}}, id="certificates"),
        pytest.param({"ca_files": {"*": "nothing.pem"}}, id="ca_files"),
        pytest.param({"proxies": {"127.0.0.1": "http://127.0.0.1:9"}}, id="proxies"),
    ],
)
def test_every_option_of_the_transport_changes_something(made, options):
    given = RunOptions(transport=TransportOptions(**options))
    usual = observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7})
    assert observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7}, options=given) != usual


def test_redirects_are_followed_only_if_they_may_be(made):
    given = RunOptions(transport=TransportOptions(max_redirects=1))
    with serving(lambda request: Reply(307, b"", [("Location", made.usual.url + request.target)])) as moved:
        servers = {"pets": moved.url}
        usual = observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7}, servers=servers)
        assert (
            observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7}, servers=servers, options=given)
            != usual
        )


def test_certificates_are_checked_unless_their_host_is_insecure(made, tmp_path):
    given = RunOptions(transport=TransportOptions(insecure_hosts=frozenset({"127.0.0.1"})))
    authority = Authority(tmp_path)
    with closing(TlsServer(authority.context(asks_client=False))) as server:
        servers = {"pets": server.url}
        usual = observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7}, servers=servers)
        assert (
            observed(made, arazzo_runner.run, program_of(made), inputs={"id": 7}, servers=servers, options=given)
            != usual
        )


# ------------------------------------------------------------------ LoadOptions


def remote(made: Place) -> None:
    """Let the flow name a description on a server."""
    made.write("flow.yml", made.document.read_text().replace("url: api.json", "url: http://127.0.0.1:9/api.json"))


@pytest.fixture
def paths() -> Iterator[str]:
    """The URL of a server that has a path item, as descriptions may refer to it."""
    item = api("")["paths"]["/pets/{id}"]
    with serving(lambda request: json_reply(item)) as served:
        yield served.url


def described_at(made: Place, server: str) -> str:
    return made.write("copy.json", api(server))


LOAD: dict[str, Callable[[Place], Any]] = {
    "strict": lambda made: True,
    "root": lambda made: str(made.folder / "XDG"),
    "sources": lambda made: {"pets": described_at(made, made.other.url)},
    "url_map": lambda made: {"http://127.0.0.1:9/api.json": described_at(made, made.other.url)},
    "servers": lambda made: {"pets": made.other.url},
    "server_variables": lambda made: {"region": "us"},
    "channel_addresses": lambda made: {"orders": "eu/orders"},
    "limits": lambda made: Limits(max_bytes=10),
    "include": lambda made: (made.write("more.yml", "arazzo: [1"),),
    "offline": lambda made: True,
    "unchecked": lambda made: True,
    "allow_remote": lambda made: True,
    "allow_hosts": lambda made: ("127.0.0.1",),
    "any_server": lambda made: True,
    "cache": lambda made: False,
    "environment": lambda made: {"ARAZZO_SERVER_VAR_REGION": "of-the-environment"},
    "snapshot": lambda made: DocumentSnapshot(entry="", variables={"ARAZZO_SERVER_VAR_REGION": "stored"}),
}
BESIDE: dict[str, dict[str, Any]] = {"unchecked": {"offline": True}}
"""Options that another has a meaning with only."""


def test_every_option_of_loading_has_a_row():
    assert set(LOAD) == set(LoadOptions.__struct_fields__)
    assert Limits.__struct_fields__ == ("max_bytes", "max_depth", "max_nodes")


def loaded(made: Place, **options: Any) -> Any:
    def load() -> Any:
        program = arazzo_runner.load(made.document, load_options=LoadOptions(**options))
        servers = [call.server for _, _, call in program.operation_steps()]
        return servers, [str(each) for each in program.diagnostics], len(list(made.folder.glob("XDG_CACHE_HOME/**/*")))

    return observed(made, load)


@pytest.mark.parametrize("name", LOAD)
def test_every_option_of_loading_changes_something(made, name, paths):
    (made.folder / "XDG").mkdir()
    if name in ("url_map", "offline", "unchecked"):
        remote(made)
    if name in ("root", "allow_remote", "allow_hosts"):
        other = "path.json" if name == "root" else f"{paths}/path.json"
        described = api(made.usual.url)
        made.write("path.json", described["paths"]["/pets/{id}"])
        made.write("api.json", {**described, "paths": {**described["paths"], "/pets/{id}": {"$ref": other}}})
    if name == "any_server":
        made.write("api.json", api("/relative"))
    if name == "strict":
        made.write(
            "flow.yml",
            made.document.read_text().replace(
                "type: jsonpath}", "type: jsonpath}\n    - condition: '{$statusCode} == 200'"
            ),
        )
    if name == "cache":
        large = api(made.usual.url)
        large["info"]["description"] = "x" * 100_000
        made.write("api.yml", yaml.safe_dump(large))
        made.write("flow.yml", made.document.read_text().replace("url: api.json", "url: api.yml"))
    options = {name: LOAD[name](made)}
    beside = BESIDE.get(name, {})
    changed = loaded(made, **beside, **options)
    assert changed != loaded(made, **beside)


@pytest.mark.parametrize(("name", "value"), [("max_bytes", 10), ("max_depth", 2), ("max_nodes", 3)])
def test_every_limit_refuses(made, name, value):
    assert loaded(made, limits=Limits(**{name: value}))[0] == "refused"
    assert loaded(made)[0] == "done"


@pytest.mark.parametrize("name", ["allow_remote", "allow_hosts"])
def test_remote_documents_are_not_allowed_and_forbidden(made, name):
    options = LoadOptions(offline=True, **{name: LOAD[name](made)})
    assert observed(made, arazzo_runner.validate, made.document, load_options=options)[0] == "refused"
    kind, messages, _ = loaded(made, offline=True, **{name: LOAD[name](made)})
    assert (kind, messages[0]) == ("refused", f"load_options: offline and {name} exclude each other None")
