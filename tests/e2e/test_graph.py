"""`arazzo graph`: the graph in every format, without and with the path of a run."""

from __future__ import annotations

import re
import shutil
import time
import xml.etree.ElementTree as ElementTree

import pytest

from arazzo_runner.report.graph.measure import fitted, width_of
from arazzo_runner.report.graph.model import Edge, Graph, Node, Visited, step_key, with_path
from arazzo_runner.report.graph.text import dot, mermaid, outline
from tests.e2e.conftest import SPECS, Arazzo
from tests.e2e.golden import assert_golden

UNDO = str(SPECS / "arazzo" / "undo-when-it-fails.yml")
RENEW = str(SPECS / "arazzo" / "renew-an-expired-token.yml")
OTHER = str(SPECS / "arazzo" / "call-another-document.yml")


@pytest.fixture
def run(arazzo: Arazzo, folder):
    """The report of a run that went other ways."""
    scenario = str(SPECS / "scenarios" / "undo-when-it-fails.yml")
    ran = arazzo("run", UNDO, "--mock", "--scenario", scenario, "-i", "traveller=Ada", "--format", "json", "-q")
    (folder / "run.json").write_text(ran.out, encoding="utf-8")
    return "run.json"


@pytest.mark.parametrize("format_", ["text", "mermaid", "dot"])
@pytest.mark.parametrize("document", [RENEW, UNDO, OTHER], ids=["renew", "undo", "other"])
def test_a_workflow_is_drawn(arazzo, document, format_):
    ran = arazzo("graph", document, "--format", format_)
    assert ran.code == 0
    assert_golden(f"graph/{document.rpartition('/')[2].removesuffix('.yml')}-{format_}", ran.out)


@pytest.mark.parametrize("format_", ["text", "mermaid", "dot"])
def test_the_path_of_a_run_is_drawn(arazzo, run, format_):
    assert_golden(f"graph/way-of-a-run-{format_}", arazzo("graph", UNDO, "--run", run, "--format", format_).out)


def test_svg_has_no_scripts_and_references(arazzo, run):
    ran = arazzo("graph", UNDO, "--run", run, "--format", "svg")
    picture = ElementTree.fromstring(ran.out)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "grandHotel" in "".join(picture.itertext())
    assert not re.search(r"<script|https?://(?!www\.w3\.org/)", ran.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("graph", UNDO, "--run", "nowhere.json"), "nowhere.json", id="a report that is not there"),
        pytest.param(("graph", UNDO, "--run", "odd.json"), "not the report of a run", id="a file that is not a report"),
        pytest.param(("graph", UNDO, "-w", "boook-trip"), 'did you mean "book-trip"?', id="an unknown workflow"),
        pytest.param(("graph", UNDO, "--format", "png"), "'png' is not one of", id="an unknown format"),
    ],
)
def test_workflows_that_cannot_be_drawn_are_reported(arazzo, folder, arguments, said):
    (folder / "odd.json").write_text('{"a": 1}', encoding="utf-8")
    ran = arazzo(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


HOSTILE = 'a"]-->b; click x "javascript:1" <script>\n%% \x1b[31m #quot; `x`'


def hostile_graph() -> Graph:
    nodes = (Node(key="start", kind="start", title=HOSTILE), Node(key="a", kind="step", title=HOSTILE, detail=HOSTILE))
    edges = (Edge(source="start", target="a", kind="next", label=HOSTILE, action=HOSTILE),)
    return Graph(workflow_id=HOSTILE, summary=None, nodes=nodes, edges=edges)


def test_names_of_a_document_draw_nothing_of_their_own():
    drawn = mermaid([hostile_graph(), hostile_graph()])
    lines = drawn.splitlines()
    assert sum(line.strip().startswith("w0n") for line in lines) == 3
    assert not re.search(r"<script|\x1b|^\s*click", drawn, re.MULTILINE)
    assert all(line.count('"') in (0, 2) for line in lines)
    for text in (dot([hostile_graph()]), outline([hostile_graph()])):
        assert "\x1b" not in text
        assert text.count("\n") < 12


# ------------------------------------------------------------------ names that a drawing has itself

NAMESAKES = ["start", "succeeded", "failed", "begin", "end", "subgraph", "class", "click", "workflow other", "other"]


@pytest.fixture
def namesakes(folder):
    """A document whose steps are called like ends, other workflows and words of Mermaid; all of them are reached."""
    steps = [
        f"      - {{stepId: {name}, operationId: getItem, parameters: [{{name: sku, in: path, value: A}}]}}"
        for name in NAMESAKES
    ]
    steps[0] = steps[0][:-1] + ", onFailure: [{name: there, type: goto, workflowId: other}]}"
    shutil.copy(SPECS / "openapi" / "stock.yml", folder)
    (folder / "names.yml").write_text(
        "arazzo: 1.0.1\ninfo: {title: t, version: '1'}\n"
        "sourceDescriptions: [{name: stock, url: stock.yml, type: openapi}]\n"
        "workflows:\n  - workflowId: failed\n    steps:\n" + "\n".join(steps) + "\n"
        "  - workflowId: other\n    steps:\n" + steps[1] + "\n"
    )
    return "names.yml"


def test_steps_called_like_ends_are_nodes_of_their_own(arazzo, namesakes):
    drawn = arazzo("graph", namesakes, "-w", "failed", "--format", "mermaid").out
    nodes = re.findall(r"^  (w0n\d+)[\[(]+\"(.*?)\"", drawn, re.MULTILINE)
    assert len({name for name, _ in nodes}) == len(NAMESAKES) + 4  # begin, the other workflow, and two ends
    assert len(re.findall(r"^  (w0n\d+) -", drawn, re.MULTILINE)) == 2 * len(NAMESAKES) + 1
    assert {name for edge in re.findall(r"^  (w0n\d+) -.* (w0n\d+)$", drawn, re.MULTILINE) for name in edge} == {
        name for name, _ in nodes
    }


@pytest.mark.parametrize("format_", ["text", "svg"])
def test_sentences_tell_an_end_from_a_step_of_its_name(arazzo, namesakes, format_):
    drawn = arazzo("graph", namesakes, "-w", "failed", "--format", format_).out
    for said in ("→ (workflow other)", "→ (succeeded)") + (("→ (failed)", "→ failed") if format_ == "text" else ()):
        assert said in drawn


def test_the_path_of_a_run_through_namesakes_is_found():
    nodes = [Node(key=step_key(name), kind="step", title=name) for name in ("failed", "succeeded")]
    nodes += [Node(key=name, kind=name, title=name) for name in ("succeeded", "failed")]
    edges = [
        Edge(source=step_key("failed"), target=step_key("succeeded"), kind="next"),
        Edge(source=step_key("succeeded"), target="failed", kind="failure"),
    ]
    graph = Graph(workflow_id="w", summary=None, nodes=tuple(nodes), edges=tuple(edges))
    visits = [Visited(step_id="failed", status="passed"), Visited(step_id="succeeded", status="failed")]
    drawn = with_path(graph, visits, "failed")
    assert [edge.taken for edge in drawn.edges] == [1, 1]
    assert [(node.status, node.visits) for node in drawn.nodes] == [("passed", 1), ("failed", 1), (None, 0), (None, 1)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("read-the-contract-of-an-employee-of-a-department-1", id="a long name"),
        pytest.param("W" * 40, id="broad letters"),
        pytest.param("契約を読み取る非常に長い名前のステップです契約を読み取る", id="wide characters"),
        pytest.param("🎉" * 30, id="emoji"),
        pytest.param("e\u0301" * 60, id="combining characters"),
        pytest.param("short", id="a short one"),
    ],
)
def test_a_text_fits_its_box_and_keeps_its_ends(text):
    shown = fitted(text, 190, 13)
    assert width_of(shown, 13) <= 190
    assert width_of(text, 13) <= 190 or ("…" in shown and width_of(shown, 13) > 150)
    assert shown[0] == text[0]
    assert shown[-1] == text[-1]


@pytest.mark.parametrize(("text", "shown"), [("$$x$$", "$#8203;$x$#8203;$"), ("fa:fa-ban", "fa:#8203;fa-ban")])
def test_mermaid_draws_no_formulas_and_icons_of_names(text, shown):
    node = Node(key="start", kind="start", title=text)
    assert f'"{shown}"' in mermaid([Graph(workflow_id="w", summary=None, nodes=(node,), edges=())])


def test_a_retry_and_a_loop_are_counted():
    step = Node(key=step_key("poll"), kind="step", title="poll")
    done = Node(key="succeeded", kind="succeeded", title="succeeded")
    again = Edge(source=step_key("poll"), target=step_key("poll"), kind="success", action="again")
    retry = Edge(source=step_key("poll"), target=step_key("poll"), kind="retry", action="later")
    last = Edge(source=step_key("poll"), target="succeeded", kind="next")
    graph = Graph(workflow_id="w", summary=None, nodes=(step, done), edges=(again, last, retry))
    visits = [
        Visited(step_id="poll", status="recovered", action="again", retries=2),
        Visited(step_id="poll", status="passed", action="again"),
        Visited(step_id="poll", status="passed"),
    ]
    drawn = with_path(graph, visits, "succeeded")
    assert [edge.taken for edge in drawn.edges] == [2, 1, 2]
    assert [(node.status, node.visits) for node in drawn.nodes] == [("passed", 3), (None, 1)]


def _seconds_of_a_path(steps: int) -> float:
    nodes = tuple(Node(key=step_key(str(number)), kind="step", title="s") for number in range(steps))
    edges = tuple(
        Edge(source=step_key(str(number)), target=step_key(str(number + 1)), kind="next") for number in range(steps - 1)
    )
    visits = [Visited(step_id=str(number), status="passed") for number in range(steps)]
    graph = Graph(workflow_id="w", summary=None, nodes=nodes, edges=edges)
    began = time.process_time()
    drawn = with_path(graph, visits, "succeeded")
    assert all(edge.taken == 1 for edge in drawn.edges)
    return time.process_time() - began


def test_the_path_of_a_long_run_is_found_in_linear_time():
    few, many = (min(_seconds_of_a_path(steps) for _ in range(3)) for steps in (500, 4000))
    assert many < 24 * few
