"""A graph drawn as SVG: steps from top to bottom, jumps as numbered lanes beside them with a legend.

`figure` is for the HTML report, `svg` makes a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import StepResult
from arazzo_runner.program.model import CompiledWorkflow
from arazzo_runner.report.graph.measure import fitted, width_of
from arazzo_runner.report.graph.model import Edge, Graph, Node, Visited, with_path, workflow_graph
from arazzo_runner.report.markup import tag, words

TONES = {
    "passed": "good", "recovered": "warn", "failed": "bad", "skipped": "idle",
    "succeeded": "good", "in_doubt": "warn", "interrupted": "warn", "error": "bad", "not_run": "idle",
}  # fmt: skip
MARKS = {
    "passed": "✓", "recovered": "↻", "failed": "✗", "skipped": "–",
    "succeeded": "✓", "in_doubt": "?", "interrupted": "!", "error": "✗", "not_run": "–",
}  # fmt: skip
_WIDTH, _HEIGHT, _GAP, _LEFT, _LANE, _FIRST_LANE = 232, 46, 30, 6, 22, 34
_INDENT, _TITLE_SIZE, _DETAIL_SIZE = 34, 13, 11
_ROOM = _WIDTH - _INDENT - 8
_MOST_NODES = 60


class Lane(Record):
    """An edge that is not a straight line down, drawn in a lane: its number in the legend, its column, its words.

    `names` are those of its ends, only the first for a retry; `condition` says when it is taken, and how often it was.
    """

    edge: Edge
    number: int
    column: int
    names: tuple[str, ...]
    condition: str


class Picture(Record):
    """The shapes of a graph in a box of `width` by `height`, and the lanes that the legend explains."""

    shapes: tuple[str, ...]
    width: int
    height: int
    lanes: tuple[Lane, ...]
    label: str


def figure(workflow: CompiledWorkflow, steps: Sequence[StepResult], status: str, secrets: Secrets) -> str:
    """Return an HTML figure of a workflow with the path of a run; empty for a graph too long to be useful."""
    if len(workflow.steps) > _MOST_NODES:
        return ""
    visited = [_visited(each) for each in steps]
    made = picture(with_path(workflow_graph(workflow), visited, status))
    if made.height > _top(_MOST_NODES):
        return ""
    svg = tag(
        "svg", *made.shapes, viewBox=f"0 0 {made.width} {made.height}", role="img", aria_label=secrets.mask(made.label)
    )  # fmt: skip
    return tag("figure", svg, _html_legend(made.lanes, secrets), class_="flow")


def picture(graph: Graph) -> Picture:
    """Draw a graph."""
    graph = _shown(graph)
    rows = {node.key: row for row, node in enumerate(graph.nodes)}
    lanes = _lanes(graph, rows)
    columns = 1 + max((lane.column for lane in lanes), default=-1)
    straight = [edge for edge in graph.edges if _is_straight(edge, rows)]
    parts = (
        *(_straight(edge, rows) for edge in sorted(straight, key=lambda edge: edge.taken > 0)),
        *(_lane(lane, rows) for lane in sorted(lanes, key=lambda lane: lane.edge.taken > 0)),
        *(_node(node, rows[node.key]) for node in graph.nodes),
        *(_chip(lane, rows) for lane in lanes),
    )
    width, height = _LEFT + _WIDTH + _FIRST_LANE + columns * _LANE, len(rows) * (_HEIGHT + _GAP) - _GAP + 12
    return Picture(parts, width, height, tuple(lanes), f"Workflow {graph.workflow_id}: {_path_text(graph)}")


def _visited(step: StepResult) -> Visited:
    retries = max(0, len(step.attempts) - 1)
    return Visited(step_id=step.step_id, status=step.status, action=step.action, retries=retries)


def _shown(graph: Graph) -> Graph:
    """Leave out the implicit edges to failure that the run did not take."""
    edges = [edge for edge in graph.edges if not (edge.kind == "failure" and edge.action is None and not edge.taken)]
    ends = {edge.target for edge in edges}
    nodes = [node for node in graph.nodes if node.kind not in ("succeeded", "failed", "workflow") or node.key in ends]
    # Other workflows and ends go below the steps.
    order = {"start": 0, "step": 1, "message": 1, "call": 1, "workflow": 2, "succeeded": 3, "failed": 4}
    return Graph(
        workflow_id=graph.workflow_id,
        summary=graph.summary,
        nodes=tuple(sorted(nodes, key=lambda node: order[node.kind])),
        edges=tuple(edges),
    )


def _is_straight(edge: Edge, rows: dict[str, int]) -> bool:
    # A failure that leads to the next step has a lane: success may lead there too.
    return rows[edge.target] == rows[edge.source] + 1 and not edge.label and edge.kind not in ("failure", "message")


def _lanes(graph: Graph, rows: dict[str, int]) -> list[Lane]:
    """Place the other edges in columns without overlaps, short ones nearest to the steps."""
    names = graph.names()
    others = [edge for edge in graph.edges if not _is_straight(edge, rows)]
    columns: list[list[tuple[int, int]]] = []
    placed: dict[int, int] = {}
    for index in sorted(range(len(others)), key=lambda index: _length(others[index], rows)):
        top, bottom = sorted((rows[others[index].source], rows[others[index].target]))
        free = (at for at, taken in enumerate(columns) if all(bottom < low or top > high for low, high in taken))
        column = next(free, len(columns))
        if column == len(columns):
            columns.append([])
        columns[column].append((top, bottom))
        placed[index] = column
    return [Lane(edge, index + 1, placed[index], *_lane_words(edge, names)) for index, edge in enumerate(others)]


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
    shown = words(fitted(node.title, _ROOM - width_of(visits, _TITLE_SIZE), _TITLE_SIZE) + visits)
    title = tag("text", shown, x=_LEFT + _INDENT, y=middle + (-3 if has_two_lines else 4.5))
    texts = [title]
    if has_two_lines:
        detail = words(fitted(node.detail, _ROOM, _DETAIL_SIZE, monospace=True))
        texts.append(tag("text", detail, x=_LEFT + _INDENT, y=middle + 13, class_="detail"))
    mark = MARKS.get(status or "", "▸" if node.kind == "start" else "")
    texts.append(
        tag("text", mark, x=_LEFT + 17, y=middle + 4.5, text_anchor="middle", class_=f"mark {tone}".strip())
        if mark
        else ""
    )
    return tag("g", tag("title", words(f"{node.title} {node.detail}".strip())), box, *texts)


def _straight(edge: Edge, rows: dict[str, int]) -> str:
    x, top = _LEFT + _WIDTH / 2, _top(rows[edge.source]) + _HEIGHT
    bottom = _top(rows[edge.target])
    line = tag("path", d=f"M{x} {top}V{bottom - 7}", class_=_classes("edge", edge))
    return line + tag("path", d=f"M{x - 5} {bottom - 8}h10l-5 8z", class_=_classes("tip", edge))


def _lane(lane: Lane, rows: dict[str, int]) -> str:
    edge, right = lane.edge, _LEFT + _WIDTH
    x = right + _FIRST_LANE + lane.column * _LANE
    leaves, arrives = _leaving(rows[edge.source]), _arriving(rows[edge.target])
    turn = 7 if arrives >= leaves else -7
    path = f"M{right} {leaves}H{x - 7}q7 0 7 {turn}V{arrives - turn}q0 {turn} -7 {turn}H{right + 7}"
    line = tag("path", d=path, class_=_classes("edge", edge))
    return line + tag("path", d=f"M{right + 8} {arrives - 5}v10l-8 -5z", class_=_classes("tip", edge))


def _leaving(row: int) -> float:
    return _top(row) + _HEIGHT * 0.7


def _arriving(row: int) -> float:
    return _top(row) + _HEIGHT * 0.3


def _chip(lane: Lane, rows: dict[str, int]) -> str:
    x = _LEFT + _WIDTH + _FIRST_LANE + lane.column * _LANE
    y = (_leaving(rows[lane.edge.source]) + _arriving(rows[lane.edge.target])) / 2
    number = tag("text", str(lane.number), x=x, y=y + 3.8, text_anchor="middle", class_="chip")
    return tag("circle", cx=x, cy=y, r=8) + number


def _classes(name: str, edge: Edge) -> str:
    kind = " failure" if edge.kind in ("failure", "retry") else " message" if edge.kind == "message" else ""
    return f"{name}{kind}{' taken' if edge.taken else ''}"


# ------------------------------------------------------------------ words


def _html_legend(lanes: Iterable[Lane], secrets: Secrets) -> str:
    items = [_html_legend_item(lane, secrets) for lane in lanes]
    return tag("figcaption", tag("ol", *items)) if items else ""


def _html_legend_item(lane: Lane, secrets: Secrets) -> str:
    ends = " → ".join(tag("b", words(name)) for name in lane.names)
    text = tag("span", ends, " ", words(secrets.mask(lane.condition)))
    return tag("li", tag("span", str(lane.number), class_="chip"), text, class_="taken" if lane.edge.taken else None)


def _lane_words(edge: Edge, names: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the names of an edge's ends, and its condition."""
    ends = (names[edge.source],) if edge.kind == "retry" else (names[edge.source], names[edge.target])
    condition = edge.label or ("on failure" if edge.kind == "failure" else "on success")
    taken = f" — taken {f'{edge.taken} times' if edge.taken > 1 else 'once'}" if edge.taken else ""
    return ends, condition + taken


def _path_text(graph: Graph) -> str:
    executed = [f"{node.title} {node.status}" for node in graph.nodes if node.status not in (None, "skipped")]
    return ", ".join(executed) or "no step ran"


# ------------------------------------------------------------------ SVG files


_STYLE = """
svg { --page: #fff; --panel: #f6f8fa; --line: #d1d9e0; --text: #1f2328; --soft: #57606a;
  --good: #116329; --good-soft: #dcf5e3; --bad: #a40e26; --bad-soft: #ffebe9; --warn: #7d4e00; --warn-soft: #fff3cd }
@media (prefers-color-scheme: dark) { svg { --page: #0d1117; --panel: #151b23; --line: #3d444d; --text: #e6edf3;
  --soft: #9ea7b3; --good: #56d364; --good-soft: #12291b; --bad: #ff8f87; --bad-soft: #341a1c; --warn: #e3b341;
  --warn-soft: #2e2410 } }
.page { fill: var(--page) }
.node { fill: var(--panel); stroke: var(--line); stroke-width: 1.2 }
.node.good { fill: var(--good-soft); stroke: var(--good) } .node.bad { fill: var(--bad-soft); stroke: var(--bad) }
.node.warn { fill: var(--warn-soft); stroke: var(--warn) } .node.idle { stroke-dasharray: 4 3 }
.edge { fill: none; stroke: var(--soft); stroke-width: 1.2 } .edge.failure { stroke-dasharray: 5 4 }
.edge.message { stroke-dasharray: 1 4; stroke-linecap: round }
.edge.taken { stroke: var(--text); stroke-width: 2.6 } .tip { fill: var(--soft) } .tip.taken { fill: var(--text) }
text { fill: var(--text); font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif }
text.detail { fill: var(--soft); font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
text.mark.good { fill: var(--good) } text.mark.bad { fill: var(--bad) } text.mark.warn { fill: var(--warn) }
circle { fill: var(--page); stroke: var(--line) } text.chip { font-size: 10.5px } text.way { font-size: 12px }
"""
_MARGIN, _LINE, _LEGEND_SIZE, _LONGEST_LEGEND = 16, 24, 12, 720


def svg(graphs: Sequence[Graph]) -> str:
    """Return a self-contained SVG file (light and dark) of workflows, each with the legend of its lanes."""
    parts: list[str] = []
    width, top = 0, _MARGIN
    for graph in graphs:
        made = picture(graph)
        legend = list(_svg_legend(made))
        parts.append(tag("g", *made.shapes, *legend, transform=f"translate({_MARGIN} {top})"))
        longest = max((width_of(_lane_text(lane), _LEGEND_SIZE) for lane in made.lanes), default=0)
        width = max(width, made.width, 36 + math.ceil(longest))
        top += made.height + (len(legend) // 2) * _LINE + 2 * _MARGIN
    size = {"width": width + 2 * _MARGIN, "height": top}
    page = tag("rect", class_="page", **size)
    label = "; ".join(picture(graph).label for graph in graphs)
    return tag(
        "svg", tag("style", _STYLE), page, *parts,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {size['width']} {size['height']}", role="img",
        aria_label=label, **size,
    ) + "\n"  # fmt: skip


def _svg_legend(made: Picture) -> Iterator[str]:
    for index, lane in enumerate(made.lanes):
        y = made.height + 14 + index * _LINE
        number = tag("text", str(lane.number), x=16, y=y + 3.8, text_anchor="middle", class_="chip")
        yield tag("circle", cx=16, cy=y, r=8) + number
        yield tag("text", words(_lane_text(lane)), x=34, y=y + 4, class_="way")


def _lane_text(lane: Lane) -> str:
    return fitted(f"{' → '.join(lane.names)} {lane.condition}", _LONGEST_LEGEND, _LEGEND_SIZE)
