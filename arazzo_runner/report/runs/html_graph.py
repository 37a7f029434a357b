"""A workflow drawn for the HTML report: steps in their order from top to bottom, other ways as lanes beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import StepResult
from arazzo_runner.program.model import CompiledWorkflow
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.graph import Edge, Graph, Node, Visited, with_path, workflow_graph
from arazzo_runner.report.runs.html_text import joined, tag, words

TONES = {
    "passed": "good", "recovered": "warn", "failed": "bad", "skipped": "idle",
    "succeeded": "good", "in_doubt": "warn", "interrupted": "warn", "error": "bad", "not_run": "idle",
}  # fmt: skip
MARKS = {
    "passed": "✓", "recovered": "↻", "failed": "✗", "skipped": "–",
    "succeeded": "✓", "in_doubt": "?", "interrupted": "!", "error": "✗", "not_run": "–",
}  # fmt: skip
_WIDTH, _HEIGHT, _GAP, _LEFT, _LANE, _FIRST_LANE = 232, 46, 30, 6, 22, 34
_LONGEST_TITLE, _LONGEST_DETAIL = 26, 32
_MOST_NODES = 60


class Way(Record):
    """An edge that is no straight line down: its number in the legend and the lane it runs in."""

    edge: Edge
    number: int
    lane: int


class Picture(Record):
    """The shapes of a graph in a box of `width` by `height`, and the ways whose numbers a legend explains."""

    shapes: tuple[str, ...]
    width: int
    height: int
    ways: tuple[Way, ...]
    label: str


def drawing(workflow: CompiledWorkflow, steps: Sequence[StepResult], status: str, secrets: Secrets) -> str:
    """Return a figure of a workflow with the way a run took; empty when it is too long to be of use."""
    visited = [_visited(each) for each in steps]
    made = picture(with_path(workflow_graph(workflow), visited, status))
    if made.height > _top(_MOST_NODES):
        return ""
    svg = tag(
        "svg", *made.shapes, viewBox=f"0 0 {made.width} {made.height}", role="img", aria_label=secrets.mask(made.label)
    )  # fmt: skip
    return tag("figure", svg, _legend(made.ways, secrets), class_="flow")


def picture(graph: Graph) -> Picture:
    """Draw a graph."""
    graph = _shown(graph)
    rows = {node.key: row for row, node in enumerate(graph.nodes)}
    ways = _ways(graph, rows)
    lanes = 1 + max((way.lane for way in ways), default=-1)
    straight = [edge for edge in graph.edges if _is_straight(edge, rows)]
    parts = (
        *(_straight(edge, rows) for edge in sorted(straight, key=lambda edge: edge.taken > 0)),
        *(_lane(way, rows) for way in sorted(ways, key=lambda way: way.edge.taken > 0)),
        *(_node(node, rows[node.key]) for node in graph.nodes),
        *(_chip(way, rows) for way in ways),
    )
    width, height = _LEFT + _WIDTH + _FIRST_LANE + lanes * _LANE, len(rows) * (_HEIGHT + _GAP) - _GAP + 12
    return Picture(parts, width, height, tuple(ways), f"Workflow {graph.workflow_id}: {_path_text(graph)}")


def _visited(step: StepResult) -> Visited:
    retries = max(0, len(step.attempts) - 1)
    return Visited(step_id=step.step_id, status=step.status, action=step.action, retries=retries)


def _shown(graph: Graph) -> Graph:
    """Leave out what every workflow has: the ways to failure without an action that this run did not go."""
    edges = [edge for edge in graph.edges if not (edge.kind == "failure" and edge.action is None and not edge.taken)]
    ends = {edge.target for edge in edges}
    nodes = [node for node in graph.nodes if node.kind not in ("succeeded", "failed", "workflow") or node.key in ends]
    # Other workflows and ends stand below the steps.
    order = {"start": 0, "step": 1, "call": 1, "workflow": 2, "succeeded": 3, "failed": 4}
    return Graph(
        workflow_id=graph.workflow_id,
        summary=graph.summary,
        nodes=tuple(sorted(nodes, key=lambda node: order[node.kind])),
        edges=tuple(edges),
    )


def _is_straight(edge: Edge, rows: dict[str, int]) -> bool:
    return rows[edge.target] == rows[edge.source] + 1 and not edge.label


def _ways(graph: Graph, rows: dict[str, int]) -> list[Way]:
    """Give every other edge a lane in which no other edge runs beside it, short ones nearest to the steps."""
    others = [edge for edge in graph.edges if not _is_straight(edge, rows)]
    lanes: list[list[tuple[int, int]]] = []
    placed: dict[int, int] = {}
    for index in sorted(range(len(others)), key=lambda index: _length(others[index], rows)):
        top, bottom = sorted((rows[others[index].source], rows[others[index].target]))
        free = (lane for lane, taken in enumerate(lanes) if all(bottom < low or top > high for low, high in taken))
        lane = next(free, len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((top, bottom))
        placed[index] = lane
    return [Way(edge, index + 1, placed[index]) for index, edge in enumerate(others)]


def _length(edge: Edge, rows: dict[str, int]) -> int:
    return abs(rows[edge.source] - rows[edge.target])


# ------------------------------------------------------------------ shapes


def _top(row: int) -> int:
    return 6 + row * (_HEIGHT + _GAP)


def _node(node: Node, row: int) -> str:
    top = _top(row)
    status = node.kind if node.kind in ("succeeded", "failed") and node.visits else node.status
    tone = TONES.get(status or "", "")
    rounded = _HEIGHT / 2 if node.kind in ("start", "succeeded", "failed") else 8
    box = tag(
        "rect", x=_LEFT, y=top, width=_WIDTH, height=_HEIGHT, rx=rounded, class_=f"node {tone}".strip(),
    )  # fmt: skip
    has_two_lines = bool(node.detail)
    middle = top + _HEIGHT / 2
    visits = f" ×{node.visits}" if node.visits > 1 else ""
    shown = words(_cut(node.title, _LONGEST_TITLE) + visits)
    title = tag("text", shown, x=_LEFT + 34, y=middle + (-3 if has_two_lines else 4.5))
    texts = [title]
    if has_two_lines:
        texts.append(
            tag("text", words(_cut(node.detail, _LONGEST_DETAIL)), x=_LEFT + 34, y=middle + 13, class_="detail")
        )
    mark = MARKS.get(status or "", "▸" if node.kind == "start" else "")
    texts.append(
        tag("text", mark, x=_LEFT + 17, y=middle + 4.5, text_anchor="middle", class_=f"mark {tone}".strip())
        if mark
        else ""
    )
    return tag("g", tag("title", words(f"{node.title} {node.detail}".strip())), box, *texts)


def _cut(text: str, limit: int) -> str:
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _straight(edge: Edge, rows: dict[str, int]) -> str:
    x, top = _LEFT + _WIDTH / 2, _top(rows[edge.source]) + _HEIGHT
    bottom = _top(rows[edge.target])
    line = tag("path", d=f"M{x} {top}V{bottom - 7}", class_=_classes("edge", edge))
    return line + tag("path", d=f"M{x - 5} {bottom - 8}h10l-5 8z", class_=_classes("tip", edge))


def _lane(way: Way, rows: dict[str, int]) -> str:
    edge, right = way.edge, _LEFT + _WIDTH
    x = right + _FIRST_LANE + way.lane * _LANE
    leaves, arrives = _leaving(rows[edge.source]), _arriving(rows[edge.target])
    turn = 7 if arrives >= leaves else -7
    path = f"M{right} {leaves}H{x - 7}q7 0 7 {turn}V{arrives - turn}q0 {turn} -7 {turn}H{right + 7}"
    line = tag("path", d=path, class_=_classes("edge", edge))
    return line + tag("path", d=f"M{right + 8} {arrives - 5}v10l-8 -5z", class_=_classes("tip", edge))


def _leaving(row: int) -> float:
    return _top(row) + _HEIGHT * 0.7


def _arriving(row: int) -> float:
    return _top(row) + _HEIGHT * 0.3


def _chip(way: Way, rows: dict[str, int]) -> str:
    x = _LEFT + _WIDTH + _FIRST_LANE + way.lane * _LANE
    y = (_leaving(rows[way.edge.source]) + _arriving(rows[way.edge.target])) / 2
    number = tag("text", str(way.number), x=x, y=y + 3.8, text_anchor="middle", class_="chip")
    return tag("circle", cx=x, cy=y, r=8) + number


def _classes(name: str, edge: Edge) -> str:
    kind = " failure" if edge.kind in ("failure", "retry") else ""
    return f"{name}{kind}{' taken' if edge.taken else ''}"


# ------------------------------------------------------------------ words


def _legend(ways: Iterable[Way], secrets: Secrets) -> str:
    items = [_legend_item(way, secrets) for way in ways]
    return tag("figcaption", tag("ol", *items)) if items else ""


def _legend_item(way: Way, secrets: Secrets) -> str:
    edge = way.edge
    names, said = way_words(edge)
    text = tag("span", " → ".join(tag("b", words(name)) for name in names), " ", words(secrets.mask(said)))
    return tag("li", tag("span", str(way.number), class_="chip"), text, class_="taken" if edge.taken else None)


def way_words(edge: Edge) -> tuple[tuple[str, ...], str]:
    """Return what a way leads from and to, and when it is gone."""
    names = ("begin" if edge.source == "start" else edge.source, edge.target.removeprefix("workflow "))
    said = edge.label or ("on failure" if edge.kind == "failure" else "on success")
    taken = f" — taken {f'{edge.taken} times' if edge.taken > 1 else 'once'}" if edge.taken else ""
    return names[:1] if edge.kind == "retry" else names, said + taken


def _path_text(graph: Graph) -> str:
    gone = [f"{node.title} {node.status}" for node in graph.nodes if node.status not in (None, "skipped")]
    return ", ".join(gone) or "no step ran"


def marked(status: str) -> str:
    """Return the mark of a status."""
    return joined([tag("span", MARKS[status], class_=f"mark {TONES[status]}", aria_hidden="true")])
