"""Reports of runs: parsed by their readers, masked; untrusted text cannot inject anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
import referencing
from hypothesis import given, settings, strategies as st
from referencing.jsonschema import DRAFT6

import arazzo_runner
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import NoResponse
from arazzo_runner.engine.results import RunResult, Seen, WorkflowResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.runs.formats import KINDS, kind_of, render
from arazzo_runner.report.runs.records import RunRecord, RunsReport, with_shared_secrets, worst
from tests.report.records import TOKEN, attempt, place, request, response, result, step, verdict

HERE = Path(__file__).parent
SARIF = json.loads((HERE / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
HAR = json.loads((HERE / "schemas" / "har-1.2.json").read_text(encoding="utf-8"))["schemas"]
SCHEMAS = HERE.parents[1] / "docs" / "schemas"
SEED = str(HERE.parents[1] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml")
HOSTILE = (
    "<script>alert(1)</script> \" ' & ]]> <!-- --> \x00\x1b[2J\n::error::x\r\u202e%0A ##[x] \ud800 "
    "```\n</details> [a](javascript:b) | @all"
)


def failed(**changes):
    values = {"steps": (step(step_id="first", status="passed", attempts=(attempt(passed=True, verdicts=()),)), step())}
    return result(**{**values, **changes})


def record(**changes):
    values = {"name": "rotate", "document": "flow.yml", "workflow_id": "rotate", "result": failed(), "started": 1.7e9}
    return RunRecord(**{**values, **changes})


def report(*records, **changes):
    return RunsReport(runs=records or (record(),), started=1.7e9, duration_ms=1234.5, **changes)


def nested():
    inner = WorkflowResult(workflow_id="inner", status="failed", steps=(step(),), reason="it failed")
    return failed(
        steps=(step(step_id="call", workflow=inner, attempts=(attempt(request=None, response=None),)),),
        dependencies=(inner,),
    )


def lost():
    gone = attempt(response=NoResponse("timeout", f"nothing came {TOKEN}", sent=True, elapsed_ms=5), verdicts=())
    return failed(status="in_doubt", steps=(step(attempts=(attempt(number=1), replace(gone, number=2))),))


def binary():
    sent = request(headers=(("Content-Type", "application/octet-stream"),), body=b"\xff\xfe\x00")
    came = response(200, b"\x89PNG\x00\xff", "image/png")
    return failed(steps=(step(attempts=(attempt(request=sent, response=came),)),))


def hostile():
    odd = verdict(condition=HOSTILE, reason=HOSTILE, seen=(Seen(expression=HOSTILE, value=HOSTILE),))
    came = response(500, {HOSTILE: HOSTILE})
    tried = attempt(
        verdicts=(odd,),
        request=request(url="http://h/?a=" + urllib.parse.quote(HOSTILE, errors="replace")),
        response=came,
    )
    return failed(
        reason=HOSTILE,
        outputs={HOSTILE: HOSTILE},
        steps=(step(step_id=HOSTILE, reason=HOSTILE, attempts=(tried,), action=HOSTILE),),
    )


REFUSED = RunResult(
    status="error",
    workflow_id=None,
    diagnostics=(Diagnostic(code="usage", severity=Severity.ERROR, message=HOSTILE, at=Location("a b.yml")),),
    reason=HOSTILE,
)
ALL = [
    pytest.param(report(), id="a failed run"),
    pytest.param(report(record(result=result(status="succeeded", outputs={"count": 3}, steps=()))), id="no steps"),
    pytest.param(report(record(result=nested())), id="nested workflows"),
    pytest.param(report(record(result=lost())), id="no response, a retry"),
    pytest.param(report(record(result=binary())), id="binary bodies"),
    pytest.param(report(record(result=hostile(), name=HOSTILE, document=HOSTILE)), id="hostile texts"),
    pytest.param(report(record(result=REFUSED)), id="nothing was sent"),
    pytest.param(
        report(record(), record(name="b", result=lost()), record(name="c", result=None), many=True), id="many"
    ),
    pytest.param(
        report(record(name=HOSTILE, result=hostile()), record(name=HOSTILE, result=hostile()), many=True),
        id="many hostile",
    ),
    pytest.param(RunsReport(runs=(), many=True), id="none"),
]


# ------------------------------------------------------------------ secrets


CANARY = 'canary/"+S3cret\\value=='
FORMS = {CANARY, json.dumps(CANARY)[1:-1], urllib.parse.quote(CANARY, safe=""), urllib.parse.quote_plus(CANARY),
         base64.b64encode(CANARY.encode()).decode().rstrip("="), CANARY.replace('"', "&quot;"), CANARY.replace('"', "&#34;")}  # fmt: skip


def everywhere():
    """A run that has a secret wherever a server, a document or the run itself can put one."""
    text = f"before {CANARY} after"
    seen = verdict(
        condition=f"$statusCode == '{CANARY}'",
        reason=text,
        seen=(Seen(expression="$response.body", value={"k": [CANARY]}), Seen(expression="$x", value="y" * 55 + CANARY)),
    )
    odd = Diagnostic(code="odd", severity=Severity.WARNING, message=text, at=place("/steps/0"), hint=text)
    sent = request(
        url=f"http://u:{urllib.parse.quote(CANARY, safe='')}@h/?q={urllib.parse.quote(CANARY)}",
        headers=(("X-Own", CANARY), ("Authorization", f"Bearer {CANARY}"), ("Content-Type", "application/json")),
        body=json.dumps({"a": CANARY, CANARY: 1}).encode(),
    )
    came = response(500, {"echo": [CANARY], "encoded": base64.b64encode(CANARY.encode()).decode()})
    tries = (
        attempt(request=sent, response=came, verdicts=(seen,), diagnostics=(odd,)),
        attempt(
            number=2,
            request=sent,
            response=NoResponse("reset", text, sent=True),
            verdicts=(),
            diagnostics=(replace(odd, severity=Severity.ERROR),),
        ),
    )
    one = step(
        reason=text,
        outputs={"plain": CANARY, "list": [CANARY]},
        attempts=tries,
        workflow=WorkflowResult(
            workflow_id="sub",
            status="failed",
            steps=(step(reason=text, attempts=tries[:1]),),
            outputs={"o": CANARY},
            reason=text,
        ),
    )
    return result(
        status="failed",
        reason=text,
        outputs={"plain": CANARY},
        diagnostics=(odd,),
        secrets=Secrets([CANARY]),
        steps=(one,),
        dependencies=(WorkflowResult(workflow_id="dep", status="failed", steps=(one,), reason=text),),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["failed", "in_doubt", "interrupted", "error", "succeeded"])
@pytest.mark.parametrize("number", [1, 2])
def test_no_report_holds_a_secret(kind, status, number):
    own = record(name=f"row {CANARY}", result=replace(everywhere(), status=status))
    text = render(kind, report(*[own] * number, many=number > 1))
    assert [form for form in FORMS if form in text] == []
    assert CANARY[:12] not in text


def test_secrets_of_one_run_are_masked_in_all():
    other = record(name="other", result=failed(reason=f"echo {CANARY}", secrets=Secrets()))
    shared = with_shared_secrets((record(result=everywhere()), other, record(result=None)))
    for kind in KINDS:
        assert CANARY[:12] not in render(kind, report(*shared, many=True))


# ------------------------------------------------------------------ each is read again


@pytest.mark.parametrize("found", ALL)
def test_junit_is_read_by_junitparser(found):
    text = render("junit", found)
    ElementTree.fromstring(text)
    suites = junitparser.JUnitXml.fromstring(text.encode("utf-8"))
    read = list(suites)
    assert len(read) == len(found.runs)
    for suite, each in zip(read, found.runs, strict=True):
        cases = list(suite)
        bad = [
            case for case in cases if any(isinstance(x, (junitparser.Failure, junitparser.Error)) for x in case.result)
        ]
        assert bool(bad) == (each.status not in ("succeeded", "not_run"))
        assert (suite.tests, suite.failures + suite.errors) == (len(cases), len(bad))
    assert suites.failures + suites.errors == sum(suite.failures + suite.errors for suite in read)


def test_junit_names_steps_and_reasons():
    [suite] = junitparser.JUnitXml.fromstring(render("junit", report()).encode())
    first, second = suite
    assert (suite.name, first.classname, first.name, second.name) == ("rotate", "rotate", "first", "refresh")
    [why] = second.result
    assert why.message == "$statusCode is 401, expected == 200"
    assert "flow.yml:4:18" in why.text
    assert "curl -X POST" in why.text
    assert "> POST https://***@api.example.com" in first.system_out


@pytest.mark.parametrize("found", ALL)
def test_har_matches_the_schema_of_har_schema(found):
    log = json.loads(render("har", found))
    registry = referencing.Registry().with_resources(
        (name, DRAFT6.create_resource(schema)) for name, schema in HAR.items()
    )
    jsonschema.Draft6Validator(HAR["har.json"], registry=registry).validate(log)
    for entry in log["log"]["entries"]:
        assert entry["pageref"] in [page["id"] for page in log["log"]["pages"]]


def test_har_lists_exchanges_in_order_of_time():
    late, early = (
        attempt(started=1.7e9 + 5),
        attempt(started=1.7e9 + 1, response=NoResponse("timeout", "late", sent=True)),
    )
    log = json.loads(render("har", report(record(result=failed(steps=(step(attempts=(late, early)),))))))["log"]
    first, second = log["entries"]
    assert first["startedDateTime"] < second["startedDateTime"]
    assert (first["response"]["status"], first["response"]["_error"]) == (0, "late")
    assert second["request"]["postData"]["text"].startswith('{"refresh_token":"***"')
    assert {"name": "api_key", "value": "***"} in second["request"]["queryString"]


def test_har_gives_binary_bodies_as_base64():
    [entry] = json.loads(render("har", report(record(result=binary()))))["log"]["entries"]
    content = entry["response"]["content"]
    assert (base64.b64decode(content["text"]), content["encoding"]) == (b"\x89PNG\x00\xff", "base64")


@pytest.mark.parametrize("found", ALL)
def test_sarif_matches_its_official_schema(found):
    log = json.loads(render("sarif", found))
    jsonschema.Draft4Validator(SARIF).validate(log)
    bad = any(each.status in ("failed", "in_doubt", "error") for each in found.runs)
    assert bool([each for each in log["runs"][0]["results"] if each["level"] == "error"]) == bad


@pytest.mark.parametrize("found", ALL)
def test_json_matches_its_schema(found):
    contract = json.loads((SCHEMAS / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(contract)
    jsonschema.Draft202012Validator(contract).validate(json.loads(render("json", found)))


def test_the_schema_of_a_run_is_the_same_in_both():
    run = json.loads((SCHEMAS / "run.schema.json").read_text(encoding="utf-8"))
    contract = json.loads((SCHEMAS / "report.schema.json").read_text(encoding="utf-8"))
    assert contract["$defs"]["run"] == {"$id": "run.schema.json", **run}


class Page(HTMLParser):
    """The elements of a page as a browser parses them, and whether they are closed in order."""

    VOID = frozenset({"meta", "rect", "path", "circle"})

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("found", ALL)
def test_html_is_whole_and_holds_nothing_that_acts(found):
    text = render("html", found)
    page = Page(text)
    assert page.open == []
    names = {name for name, _ in page.elements}
    assert not names & {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
    for name, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "src")], name
        assert attributes.get("href", "#").startswith("#")
    [policy] = [each["content"] for _, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert f"style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "url(" not in style
    assert "@import" not in style
    ids = [each["id"] for _, each in page.elements if "id" in each]
    assert len(set(ids)) == len(ids)
    assert {each["href"][1:] for _, each in page.elements if "href" in each} <= set(ids)


def visited(number, status="passed"):
    seen = attempt(passed=status == "passed", started=1.7e9 + number, verdicts=())
    return step(step_id=f"s{number}", status=status, attempts=(seen,))


@pytest.mark.parametrize(
    ("sizes", "whole"),
    [
        pytest.param((30, *[1] * 100), 130, id="few steps in many runs"),
        pytest.param((750, 250), 1_000, id="just few enough"),
        pytest.param((1_500, 1_500), 1_000, id="each run has its share"),
    ],
)
def test_html_shares_what_is_shown_in_full_among_runs(sizes, whole):
    runs = [record(result=result(status="succeeded", steps=tuple(map(visited, range(size))))) for size in sizes]
    assert render("html", report(*runs, many=True)).count("Send it again with curl") == whole


def test_html_shows_early_steps_of_a_long_run_in_short():
    steps = tuple(visited(number, "failed" if number == 7 else "passed") for number in range(1_500))
    page = render("html", report(record(result=failed(steps=steps))))
    assert page.count("Send it again with curl") == 1_001  # the last 1,000 and the one that failed
    assert all(f">s{number}</span>" in page for number in range(1_500))
    assert "Of 499 earlier steps that passed, only one line is shown" in page


def test_html_shows_steps_and_exchanges():
    program = arazzo_runner.load(SEED)
    done = arazzo_runner.run(program, inputs={"refreshToken": "demo-refresh-token-1"}, mock=True)
    text = render("html", report(record(result=done, program=program)))
    words = " ".join(Page(text).texts)
    for expected in (
        "refreshToken",
        "POST /auth/refresh",
        "200 OK",
        "$statusCode == 200",
        "revokedStatus",
        "rotate succeeded",
    ):
        assert expected in words
    assert "demo-refresh-token-1" not in text
    assert done.outputs["accessToken"] not in text
    assert text.count('class="node good"') == 4, "three steps and the end"
    assert text.count('class="edge taken"') == 4


@pytest.mark.parametrize("found", ALL)
def test_markdown_keeps_foreign_text_in_its_place(found):
    text = render("markdown", found)
    outside = re.sub(r"(?ms)^(`{3,})\w+\n.*?^\1$", "", text)
    assert "<script" not in outside
    # What stands in <summary> is HTML until the next empty line, no Markdown.
    assert "](javascript" not in re.sub("<summary>.*</summary>\n\n", "", outside)
    assert outside.count("<details") == outside.count("</details>") == text.count("<summary>")
    for table in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1


def test_markdown_escapes_a_reason_once():
    failed = result(status="failed", reason="a_b")
    assert r"| a\_b |" in render("markdown", report(record(result=failed), record(result=failed)))


@pytest.mark.parametrize("found", ALL)
def test_annotations_are_one_command_a_line(found):
    for line in render("github", found).splitlines():
        assert re.match(r"::(error|warning|notice) (\w+=[^,:]*,?)+::", line)


def with_text(text):
    """Return a run with a text wherever a document or server can put one."""
    odd = verdict(condition=text, reason=text, seen=(Seen(expression=text, value=text),))
    came = response(500, b"x" + text.encode("utf-8", "replace"), "text/plain")
    note = Diagnostic(code="odd", severity=Severity.WARNING, message=text, at=Location("a.yml"), hint=text)
    one = step(
        step_id=text,
        reason=text,
        action=text,
        attempts=(attempt(verdicts=(odd,), response=came),),
        outputs={text: text},
    )
    return report(
        record(
            name=text,
            document=text,
            result=failed(reason=text, steps=(one,), outputs={text: text}, diagnostics=(note,)),
        )
    )


MARKUP = st.text(st.sampled_from("<>&\"'`|]-!\\/*[#:=\n\r\0 a\u202e\ud800"), min_size=1, max_size=40)


@given(st.one_of(MARKUP, st.text(min_size=1, max_size=40)))
@settings(max_examples=40, deadline=None)
def test_no_text_adds_an_element_or_a_line(text):
    plain = with_text("plain text")
    other = with_text(text)
    assert [name for name, _ in Page(render("html", other)).elements] == [
        name for name, _ in Page(render("html", plain)).elements
    ]
    tags = [[each.tag for each in ElementTree.fromstring(render("junit", made)).iter()] for made in (plain, other)]
    assert tags[0] == tags[1]
    assert len(render("github", other).splitlines()) == len(render("github", plain).splitlines())
    assert json.loads(render("har", other))
    assert json.loads(render("sarif", other))


# ------------------------------------------------------------------ small parts


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["succeeded", "failed", "in_doubt", "interrupted"], "in_doubt"),
        (["succeeded", "failed", "interrupted"], "interrupted"),
        (["not_run", "failed"], "failed"),
        (["succeeded"], "succeeded"),
        ([], "succeeded"),
    ],
)
def test_the_worst_status_counts(statuses, expected):
    assert worst(statuses) == expected


@pytest.mark.parametrize(
    ("name", "kind"), [("a.HTML", "html"), ("b.xml", "junit"), ("c.har", "har"), ("d.md", "markdown"), ("e.txt", None)]
)
def test_a_file_name_implies_the_kind(name, kind):
    assert kind_of(name) == kind


def test_a_page_of_many_runs_shows_those_that_failed_whole():
    good = replace(failed(), status="succeeded", reason=None)
    runs = [record(name=f"good {number}", result=good) for number in range(250)] + [record(name="bad")]
    text = render("html", report(*runs, many=True))
    assert text.count('<details class="run"') == 200
    assert 'href="#run-251"' in text
    assert "Of 51 more runs only the outcome is shown here." in text
    assert "good 249" in text


@pytest.mark.parametrize("kind", ["junit", "sarif", "markdown", "html", "json"])
def test_findings_of_checks_are_in_the_report_and_masked(kind):
    doubt = Diagnostic(
        code="response-schema", severity=Severity.WARNING, message=f"it does not fit: {TOKEN}", at=place("/steps/0")
    )
    tried = attempt(passed=True, verdicts=(), diagnostics=(doubt,))
    run = result(status="succeeded", steps=(step(status="passed", attempts=(tried,)),))
    text = render(kind, report(record(result=run)))
    assert "response-schema" in text
    assert "it does not fit: ***" in text.replace("\\", "")
    assert TOKEN not in text
