"""No output shows a secret that a server has escaped, with any escapes and in any place."""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

from hypothesis import example, given, settings, strategies as st

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.results import Seen
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.exchange import request_details, request_line, response_details
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.json import pretty, run_report
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.runs.formats import KINDS, render
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from arazzo_runner.runtime.cassette.file import cassette_text
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from arazzo_runner.runtime.cassette.world import Cassette, Interaction
from tests.report.records import attempt, request, result, step, verdict
from tests.secrets.escapes import ESCAPES, Escape, readings
from tests.secrets.test_masking import SECRETS

OTHER = "Zyx9-of-another-run"
BY_NAME = {escape.name: escape for escape in ESCAPES}
# What the output itself escapes is undone first.
WRITTEN_AS = {"json": "JSON", "har": "JSON", "sarif": "JSON", "cassette": "JSON", "html": "HTML", "junit": "HTML"}
KIND_OF_BODY = st.sampled_from(["application/json", "text/html", "application/octet-stream", "text/plain"])


def told(secret: str, text: str, kind: str) -> dict[str, str]:
    """Return all outputs of a run whose server echoed a text everywhere."""
    header = text.encode("ascii", "replace").decode().replace("\n", " ").replace("\r", "")
    body = json.dumps({"deep": [{"a": f"x {text} y", text: 1}]}).encode() if kind.endswith("json") else text.encode()
    came = HttpResponse(401, (("Content-Type", kind), ("X-Echo", header)), body, 31.0)
    sent = request(url="https://api.test/?q=" + quote(text), body=json.dumps({"note": text}).encode())
    odd = verdict(condition=f"$x == '{text}'", reason=f"it is {text}", seen=(Seen(expression=text, value=[text]),))
    tried = attempt(request=sent, response=came, verdicts=(odd,))
    failed = step(attempts=(tried,), reason=f"because of {text}", outputs={"seen": f"<{text}>"})
    run = result(steps=(failed,), reason=text, outputs={"seen": [text, {text: 1}]}, secrets=Secrets([secret]))
    record = RunRecord(name="run", document="flow.yml", workflow_id="rotate", result=run, started=1.7e9)
    report = RunsReport(runs=(record,), started=1.7e9, duration_ms=1.0, many=False)
    found = {name: render(name, report) for name in KINDS}
    found["failure"] = render_failure(run)
    found["json of run"] = pretty(run_report(run, show_secrets=False))
    lines = [request_line(sent, run.secrets), curl_line(sent, run.secrets)]
    lines += [*request_details(sent, run.secrets), *response_details(came, run.secrets)]
    found["exchange"] = "\n".join(lines)
    spoken = Interaction(key="s#1", started=1.0, source="s", server="https://api.test", request=sent, answer=came)
    cassette = Cassette(document="d.yml", workflow_id="w", status="failed", outputs=run.outputs, interactions=(spoken,))
    found["cassette"] = cassette_text(cassette, Placeholders(run.secrets))
    return found


@settings(max_examples=60, deadline=None)
@given(
    secret=SECRETS,
    inner=st.sampled_from(ESCAPES),
    outer=st.sampled_from(ESCAPES),
    kind=KIND_OF_BODY,
    seed=st.integers(0, 2**32),
)
@example(secret="|---|---", inner=BY_NAME["JSON"], outer=BY_NAME["JSON"], kind="application/json", seed=0)
def test_no_output_lets_a_secret_out(secret: str, inner: Escape, outer: Escape, kind: str, seed: int) -> None:
    def outputs(written: str) -> dict[str, str]:
        random = Random(seed)
        return told(written, outer.write(inner.write(written, random), random), kind)

    for name, shown in outputs(secret).items():
        own = [BY_NAME[WRITTEN_AS[name]]] if name in WRITTEN_AS else []
        for escapes in ([outer, inner], [*own, outer, inner]):
            if any(secret in reading for reading in readings(shown, *escapes)):
                # What is no echo may look like it: the line below the head of a Markdown table is `|---|---|`.
                assert secret in outputs(OTHER)[name], name


def test_a_long_line_of_a_document_is_masked_before_it_is_cut() -> None:
    secret = "".join(f"{number}-of-a-long-token-" for number in range(30))
    document = read(json.dumps({"token": secret, "condition": "$x"}).encode(), "flow.json", Problems())
    assert document is not None
    found = Diagnostic(code="x", severity=Severity.ERROR, message="no", at=document.at("/condition"))
    shown = render_diagnostics([masked_diagnostic(found, Secrets([secret]))])
    assert '"$x"' in shown
    assert "29-of-a-long-token-" not in shown
    line = next(each for each in shown.splitlines() if '"$x"' in each)
    marks = next(each for each in shown.splitlines() if "^" in each)
    assert line.index('"$x"') == marks.index("^")
