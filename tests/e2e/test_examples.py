"""The example workflows of specs/: each runs against the mock as docs/examples.md shows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.runtime.mock.api import LogEntry, MockApi, MockServer
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.schema.check import schema_errors
from tests.e2e.conftest import Arazzo
from tests.e2e.test_message_examples import MESSAGES

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
SEED = "prismatic-rotate-refresh-token-workflow"
TOKEN = "-i refreshToken=demo-refresh-token-1 --scenario fixtures/scenarios/prismatic-tokens.yml"
APPOINTMENTS = [{"at": "09:30", "title": "Dentist"}, {"at": "14:00", "title": "Review"}]
ADDRESS = {"street": "Bahnhofstrasse 1", "postcode": "8001", "city": "Zürich"}
SIGN_IN = "-i email=ada@example.com --scenario specs/scenarios/sign-in-with-a-cookie.yml"
REPORT = "-i month=2026-10 --poll-interval 0.05 --scenario specs/scenarios/poll-until-done.yml"
RATE = "-i currency=CHF --scenario specs/scenarios/retry-with-back-off.yml"
CLAIM = "-i policy=P-100 -i what='a broken window' --scenario specs/scenarios/send-forms-and-files.yml"
TRIP = "-i traveller=Ada --scenario specs/scenarios/undo-when-it-fails.yml"
FIGURES = "-i day=2026-11-24 --scenario specs/scenarios/fan-out-and-join.yml"

# Document, arguments, exit code, outputs, requests (method, path and status in the mock's order; those in a set in any).
EXAMPLES = [
    pytest.param(
        SEED, TOKEN, 0, {"accessToken": "***", "revokedStatus": 200},
        ["POST /auth/refresh 200", "POST /api 200", "POST /auth/revoke 200"],
        id="a refresh token is rotated",
    ),
    pytest.param(
        "sign-in-with-a-cookie", f"{SIGN_IN} -i password=correct-horse", 0, {"name": "Ada Lovelace", "memberSince": 2019},
        ["POST /session 204", "GET /me 200", "DELETE /session 204", "GET /me 401"],
        id="the session cookie is sent back until it is over",
    ),
    pytest.param(
        "sign-in-with-a-cookie", f"{SIGN_IN} -i password=wrong-horse", 1, None, ["POST /session 401"],
        id="a wrong password ends it",
    ),
    pytest.param(
        "sign-in-with-a-cookie", f"{SIGN_IN} -i password=correct-horse --cookies off", 1, None,
        ["POST /session 204", "GET /me 401"],
        id="without cookies nobody is signed in",
    ),
    pytest.param(
        "follow-the-pages", "--scenario specs/scenarios/follow-the-pages.yml", 0, {"pages": 3},
        ["GET /orders?limit=2 200", "POST /archive 200", "GET /orders?cursor=after-2&limit=2 200", "POST /archive 200",
         "GET /orders?cursor=after-4&limit=2 200", "POST /archive 200"],
        id="every page is read and archived",
    ),
    pytest.param(
        "poll-until-done", REPORT, 0, {"link": "/files/r-1.csv"}, ["POST /reports 202", *["GET /reports/r-1 200"] * 4],
        id="it asks until the report is done",
    ),
    pytest.param(
        "poll-until-done", f"{REPORT} --switch report-fails", 1, {"link": None},
        ["POST /reports 202", *["GET /reports/r-1 200"] * 4],
        id="a report that failed is waited for no longer",
    ),
    pytest.param(
        "retry-with-back-off", RATE, 0, {"rate": 0.94},
        ["GET /rates/CHF 503", "GET /rates/CHF 429", "GET /rates/CHF 200"],
        id="a busy server is asked again",
    ),
    pytest.param(
        "retry-with-back-off", f"{RATE} --switch always-busy", 1, {"rate": None}, ["GET /rates/CHF 503"] * 4,
        id="three retries and no more",
    ),
    pytest.param(
        "renew-an-expired-token",
        "-i refreshToken=demo-refresh-token --scenario specs/scenarios/renew-an-expired-token.yml", 0,
        {"first": APPOINTMENTS, "second": APPOINTMENTS},
        ["POST /token 200", "GET /appointments?day=2026-11-24 200", "GET /appointments?day=2026-11-25 401",
         "POST /token 200", "GET /appointments?day=2026-11-25 200"],
        id="an expired token is renewed and the request sent again",
    ),
    pytest.param(
        "look-up-an-address", "-i 'text=bahnhofstr 1'", 0, {"address": ADDRESS},
        ["GET /search?text=bahnhofstr%201 200", "GET /addresses/a-17 200"],
        id="the workflow that others call, on its own",
    ),
    pytest.param(
        "call-another-document", "-i name=Ada -i 'typed=bahnhofstr 1'", 0, {"address": ADDRESS, "tracking": "CH-0001"},
        ["GET /addresses/search?text=bahnhofstr%201 200", "GET /addresses/addresses/a-17 200", "POST /parcels/labels 201"],
        id="a step is a workflow of another document",
    ),
    pytest.param(
        "two-apis", "-i sku=LAMP-1 -i apiKey=demo-key-1", 0, {"count": 3, "order": "/orders/o-9"},
        ["GET /stock/items/LAMP-1 200", "POST /purchasing/suppliers/s-4/orders 201"],
        id="one API feeds the other",
    ),
    pytest.param(
        "order-with-credentials", "-i sku=LAMP-1", 0, {"count": 3, "order": "o-9"},
        ["GET /stockroom/shelves/LAMP-1 200", "POST /wholesale/orders 201"],
        id="credentials that the document does not mention",
    ),
    pytest.param(
        "send-forms-and-files", f"{CLAIM} -i photo=specs/files/window.png", 0,
        {"claim": "c-7", "files": [{"name": "window.png", "size": 165}]},
        ["POST /claims 201", "POST /claims/c-7/files 200"],
        id="a form, then a picture",
    ),
    pytest.param(
        "send-forms-and-files", f"{CLAIM} -i photo=../elsewhere.png", 2, {}, [],
        id="a file outside of the working directory is not sent",
    ),
    pytest.param(
        "read-xml-with-xpath", "-i place=Zürich", 0, {"day": "2026-11-25", "high": 11, "skies": "rain, sun, fog"},
        ["POST /forecast 200"],
        id="XML is written and read",
    ),
    pytest.param(
        "select-and-replace", "-i 'name=Grace Hopper' --scenario specs/scenarios/select-and-replace.yml", 0,
        {"titles": ["Structure and Interpretation", "Refactoring"],
         "lines": [{"isbn": "9780262510875", "quantity": 2, "gift": False},
                   {"isbn": "9780201485677", "quantity": 1, "gift": True}]},
        ["GET /books 200", "POST /orders 201"],
        id="selected here, replaced there",
    ),
    pytest.param(
        "select-and-replace", "-i name=x -i most=10 --scenario specs/scenarios/select-and-replace.yml", 1, None,
        ["GET /books 200"],
        id="a query that finds nothing does not pass",
    ),
    pytest.param(
        "fan-out-and-join", f"{FIGURES} --parallel", 0, {"link": "/boards/7"},
        [{f"GET /{name}?day=2026-11-24 200" for name in ("sales", "visits", "returns")},
         "POST /boards?day=2026-11-24 201"],
        id="three at the same time, then one",
    ),
    pytest.param(
        "undo-when-it-fails", TRIP, 0, {"seat": "seat-1", "hotel": "park"},
        ["POST /seats 201", "POST /hotels/grand/rooms 409", "POST /hotels/park/rooms 201", "GET /trips/Ada 200"],
        id="another hotel when one is full",
    ),
    pytest.param(
        "undo-when-it-fails", f"{TRIP} --switch no-rooms", 1, {"seat": None, "hotel": None},
        ["POST /seats 201", "POST /hotels/grand/rooms 409", "POST /hotels/park/rooms 409", "DELETE /seats/seat-1 204",
         "GET /trips/Ada 404"],
        id="the seat is given back when there is no room",
    ),
    pytest.param(
        "undo-when-it-fails", f"{TRIP} --switch no-seat", 1, {"seat": None, "hotel": None}, ["POST /seats 409"],
        id="nothing is undone when nothing was taken",
    ),
]  # fmt: skip


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[LogEntry]:
    """The requests that the mock of the next run receives, in order."""
    entries: list[LogEntry] = []
    enter = MockServer.__enter__

    def watched(server: MockServer[MockApi]) -> MockServer[MockApi]:
        server.api.log = entries
        return enter(server)

    monkeypatch.setattr(MockServer, "__enter__", watched)
    return entries


@pytest.mark.parametrize(("name", "arguments", "code", "outputs", "requests"), EXAMPLES)
def test_an_example_shows_its_idea(
    name: str,
    arguments: str,
    code: int,
    outputs: dict[str, Any] | None,
    requests: list[str | set[str]],
    arazzo: Arazzo,
    log: list[LogEntry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    ran = arazzo("run", f"specs/arazzo/{name}.yml", "--mock", "--format", "json", *shlex.split(arguments))
    report = json.loads(ran.out)
    assert ran.code == code, ran.out + ran.err
    assert outputs is None or report["outputs"] == outputs
    assert in_groups([f"{entry.method} {entry.path} {entry.status}" for entry in log], requests) == requests


def in_groups(received: list[str], requests: list[str | set[str]]) -> list[str | set[str]]:
    """Return requests with sets where sets are expected."""
    left = iter(received)
    grouped: list[str | set[str]] = []
    for expected in requests:
        if isinstance(expected, set):
            grouped.append({text for _, text in zip(expected, left, strict=False)})
        else:
            grouped += [text for _, text in zip([expected], left, strict=False)]
    return [*grouped, *left]


@pytest.mark.parametrize("path", sorted((SPECS / "arazzo").iterdir()), ids=lambda path: path.stem)
def test_an_example_has_no_findings(path: Path) -> None:
    found = [each.code for each in arazzo_runner.validate(path, load_options=LoadOptions(strict=True))]
    assert found == (["bare-expression"] if path.stem == SEED else [])


def test_the_examples_pass_openapi_spec_validator(arazzo: Arazzo) -> None:
    ran = arazzo("validate", str(SPECS), "--preset", "strict", "--select", "description-contract")
    assert (ran.code, ran.out) == (0, "all 21 are valid: no problems\n")


@pytest.mark.parametrize("path", sorted((SPECS / "arazzo").iterdir()), ids=lambda path: path.stem)
def test_an_example_has_a_row_and_is_explained(path: Path) -> None:
    assert path.stem in {row.values[0] for row in (*EXAMPLES, *MESSAGES)}
    assert f"specs/arazzo/{path.name}" in (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", sorted([*SPECS.glob("openapi/*"), *SPECS.glob("scenarios/*"), *SPECS.glob("files/*")]), ids=lambda path: path.name
)  # fmt: skip
def test_every_file_in_specs_is_used(path: Path) -> None:
    documents = "\n".join(each.read_text(encoding="utf-8") for each in (SPECS / "arazzo").iterdir())
    arguments = "\n".join(str(row.values[1]) for row in (*EXAMPLES, *MESSAGES))
    pages = "\n".join(each.read_text(encoding="utf-8") for each in (ROOT / "docs").glob("*.md"))
    assert f"{path.parent.name}/{path.name}" in documents + arguments + pages


# ------------------------------------------------------------------ the descriptions

DESCRIPTIONS = sorted((SPECS / "openapi").iterdir())


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_a_description_is_valid_openapi(path: Path) -> None:
    validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_the_examples_of_a_description_match_their_schemas(path: Path) -> None:
    source = read(path.read_bytes(), path.name, Problems())
    assert source is not None
    description = load_openapi(source, None, Problems(), base=path.as_uri())
    misfits = []
    for operation in description.operations():
        bodies = [operation.request_body, *operation.responses.values()]
        for media_type in [media for body in bodies if body is not None for media in body.content.values()]:
            for value in examples_of(media_type):
                errors = schema_errors(value, media_type.schema, description.schemas, base=media_type.base)
                misfits += [(operation.operation_id, error.message) for error in errors]
    assert misfits == []


def examples_of(media_type: Any) -> Iterator[Any]:
    """Yield the examples that are JSON values: an example of XML is a text."""
    given = [] if media_type.example is None else [media_type.example]
    given += [each["value"] for each in media_type.examples.values() if "value" in each]
    yield from (value for value in given if not isinstance(value, str))
