"""Excerpts of large values and bodies: what they cost, what they show, and secrets at the place of the cut."""

from __future__ import annotations

import base64
import io
import json
import urllib.parse
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner.base.beginnings import beginning, ended
from arazzo_runner.base.json_values import preview, to_json
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import AttemptFinished, Seen
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.excerpt import LARGE, body_beginning, masked_preview
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.runs.formats import render
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter
from tests.report.records import attempt, request, response, result, step, verdict

EXCERPTS = ("html", "junit", "markdown", "sarif")
MILLION = 1_000_000


def failed(value, secrets=(), body=None, content_type="application/json", outputs=None):
    """Return a run whose criterion read a value, which is the body unless one is given."""
    raw = to_json(value).encode() if body is None else body
    seen = verdict(reason="no", seen=(Seen(expression="$response.body", value=value),))
    tried = attempt(request=request(url="http://h/x", headers=(), body=None), verdicts=(seen,),
                    response=response(500, raw, content_type))  # fmt: skip
    known = secrets if isinstance(secrets, Secrets) else Secrets(secrets)
    outputs = outputs or {}
    return result(
        steps=(step(attempts=(tried,), outputs=outputs, reason="no"),), outputs=outputs, reason="no", secrets=known
    )


def excerpts(run):
    """Return all texts that show excerpts of a run."""
    report = RunsReport(runs=(RunRecord(name="r", document="flow.yml", workflow_id="rotate", result=run),))
    texts = {kind: render(kind, report) for kind in EXCERPTS}
    return {**texts, "terminal": render_failure(run)}


# ------------------------------------------------------------------ what they cost


class Counting(Secrets):
    """Secrets that know the length of the longest text in which they were sought."""

    longest = 0

    def mask(self, text: str) -> str:
        self.longest = max(self.longest, len(text))
        return super().mask(text)

    def changed(self, texts: Iterable[str]) -> dict[str, str]:
        known = list(texts)
        self.longest = max(self.longest, sum(map(len, known)))
        return super().changed(known)


LARGE_VALUES = [
    pytest.param({"items": [{"id": index, "name": "of some length"} for index in range(50_000)]}, id="a list"),
    pytest.param({"data": "a" * 3 * MILLION}, id="a long text"),
    pytest.param({"n" * 3 * MILLION: 1}, id="a long name"),
    pytest.param([["abc"] * 1000] * 300, id="lists in lists"),
]


@pytest.mark.parametrize("value", LARGE_VALUES)
def test_secrets_are_sought_only_in_the_beginning_of_a_large_value(value) -> None:
    secrets = Counting(["S3CRET-value"])
    assert len(to_json(value)) > 4 * LARGE
    excerpts(failed(value, secrets, outputs={"all": value}))
    assert secrets.longest < 3 * LARGE


def test_bodies_are_not_read_for_lines_that_do_not_show_them() -> None:
    secrets = Counting(["S3CRET-value"])
    run = failed({"data": "a" * 3 * MILLION}, secrets)
    printer = RunPrinter(Console(io.StringIO(), io.StringIO()), verbosity=1)
    printer.on_event(AttemptFinished("w", "s", run.steps[0].attempts[0], 0), secrets)
    assert secrets.longest < 1000


def test_a_body_that_no_command_line_takes_is_a_file() -> None:
    line = curl_line(request(headers=(), url="http://h/", body=b"a" * 200_000), Secrets())
    assert line == "curl -X POST http://h/ --data-binary @body.bin"


# ------------------------------------------------------------------ what they show


def test_the_beginning_of_a_large_body_is_shown_as_that_of_a_small_one() -> None:
    def shown(count: int) -> list[str]:
        value = {"items": [{"id": index, "note": "x" * 200} for index in range(count)]}
        return [line for line in render_failure(failed(value)).splitlines() if line.startswith("    |")]

    assert shown(20)[:-1] == shown(20_000)[:-1]
    assert shown(20)[2:4] == ["    |     {", '    |       "id": 0,']
    assert shown(20_000)[-1] == "    | … more lines"


@pytest.mark.parametrize(
    ("body", "content_type", "line"),
    [
        pytest.param(b'{"a": "' + b"x" * MILLION, "application/json", '    |   "a": "xxx', id="JSON of one long text"),
        pytest.param(b'{"a": 1, "' + b"x" * MILLION, "application/json", '    |   "a": 1', id="a name is cut"),
        pytest.param(b'{"a": [1, 2, ' + b"9" * MILLION, "application/json", "    |     2", id="a number is cut"),
        pytest.param(b'{"a" "b", ' + b"9" * MILLION, "application/json", '    | {"a" "b", 999', id="no JSON"),
        pytest.param("é".encode() * MILLION, "text/plain", "    | ééé", id="a character is cut"),
        pytest.param(("a" + "é" * MILLION).encode("utf-16"), "text/plain; charset=utf-16", "    | aéé", id="UTF-16"),
        pytest.param(b"\xff\xfe\x00\x01" * MILLION, "image/png", "    | //4AAf/+AAH", id="bytes"),
    ],
)
def test_a_large_body_is_cut_anywhere(body: bytes, content_type: str, line: str) -> None:
    text = render_failure(failed("seen", body=body, content_type=content_type))
    assert line in text


def test_a_report_says_that_a_body_has_more() -> None:
    run = failed({"data": "a" * MILLION}, outputs={"all": ["b" * MILLION]})
    texts = excerpts(run)
    assert "… more (all of it is in the json report)" in texts["html"]
    assert "… more (all of it is in the json report)" in texts["markdown"]
    assert len(texts["html"]) < 500_000
    assert len(texts["markdown"]) < 200_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["", "\\", '"', '\\"\u00e9\n']),
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=5), inside, max_size=5),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(JSON, st.integers(1, 200))
def test_the_beginning_of_a_value_has_the_same_preview(value, limit) -> None:
    text = to_json(value)
    assert preview(value, limit) == (text if len(text) <= limit else text[: limit - 1] + "…")
    start, is_whole = beginning(value, limit)
    assert start == value if is_whole else len(text) > limit


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(JSON, st.floats(0, 1), st.booleans())
def test_json_text_that_is_cut_anywhere_can_be_read(value, share, is_ascii) -> None:
    text = json.dumps([value], ensure_ascii=is_ascii, indent=1)
    place = max(1, int(share * len(text)))
    read = json.loads(ended(text[:place])[0])
    assert isinstance(read, list)
    if place == len(text):
        assert read == [value]


def test_the_preview_of_a_value_nested_deeper_than_the_stack() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    assert preview(value, 5) == "[[[[…"


# ------------------------------------------------------------------ secrets at the place of the cut


# Is masked to three characters: what is at the place of the cut is then near the front.
FIRST = "".join(f"~{index}" for index in range(LARGE // 4))[: LARGE - 500]
SMALL = "Zq8-Yw5~Xk3!Vj1"
ENCODINGS = {
    "as it is": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent-encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "escaped for HTML": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "in a URL": lambda text: urllib.parse.quote(text, safe=""),
}


def pieces(text: str) -> list[str]:
    return [text[index : index + 4] for index in range(len(text) - 3)]


def straddling(hidden: str, inside: int, before: str) -> str:
    """Return a text of which LARGE characters, with those before it, end within `hidden`."""
    filled = FIRST + " " * (LARGE - len(FIRST) - len(before) - inside)
    return filled + hidden + " and more" * 1000


@pytest.mark.parametrize("encode", [pytest.param(encode, id=name) for name, encode in ENCODINGS.items()])
def test_no_part_of_a_secret_that_the_cut_goes_through_is_shown(encode) -> None:
    hidden = encode(SMALL)
    secrets = Secrets([FIRST[20:], SMALL])
    for inside in (4, len(hidden) // 2, len(hidden) - 1):
        member = {"data": straddling(hidden, inside, '{"data":"')}
        text = straddling(hidden, inside, "")
        shown = [
            masked_preview(member, secrets, 10**9),
            masked_preview(text, secrets, 10**9),
            body_beginning(to_json(member).encode(), "application/json", secrets)[0],
            body_beginning(text.encode(), "text/plain", secrets)[0],
        ]
        assert [name for name in shown if any(piece in name for piece in pieces(hidden))] == []


def test_no_report_shows_part_of_a_secret_that_the_cut_goes_through() -> None:
    text = straddling(SMALL, 8, '{"data":"')
    for name, shown in excerpts(failed({"data": text}, [FIRST[20:], SMALL], outputs={"all": text})).items():
        assert [piece for piece in pieces(SMALL) if piece in shown] == [], name


def test_no_part_of_a_long_secret_is_shown() -> None:
    long = "".join(f"{index * 7919:x}" for index in range(100_000))
    run = failed({"data": "begin " + long}, [long], outputs={"all": long})
    for name, shown in excerpts(run).items():
        assert long[:8] not in shown, name
        assert long[LARGE - 1000 : LARGE - 980] not in shown
