"""`arazzo graph`: the graph in every format, without and with the path of a run."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree

import pytest

from arazzo_runner.report.graph.model import Edge, Graph, Node, Visited, with_path
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


def test_a_retry_and_a_loop_are_counted():
    step = Node(key="poll", kind="step", title="poll")
    done = Node(key="succeeded", kind="succeeded", title="succeeded")
    again = Edge(source="poll", target="poll", kind="success", action="again")
    retry = Edge(source="poll", target="poll", kind="retry", action="later")
    last = Edge(source="poll", target="succeeded", kind="next")
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
    nodes = tuple(Node(key=f"s{number}", kind="step", title="s") for number in range(steps))
    edges = tuple(Edge(source=f"s{number}", target=f"s{number + 1}", kind="next") for number in range(steps - 1))
    visits = [Visited(step_id=node.key, status="passed") for node in nodes]
    graph = Graph(workflow_id="w", summary=None, nodes=nodes, edges=edges)
    began = time.process_time()
    drawn = with_path(graph, visits, "succeeded")
    assert all(edge.taken == 1 for edge in drawn.edges)
    return time.process_time() - began


def test_the_path_of_a_long_run_is_found_in_linear_time():
    few, many = (min(_seconds_of_a_path(steps) for _ in range(3)) for steps in (500, 4000))
    assert many < 24 * few
