"""A workflow as a graph: steps, where their actions lead, and which way a run took; pictures are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.program.model import CompiledAction, CompiledStep, CompiledWorkflow, OperationCall, WorkflowCall

START, SUCCESS, FAILURE = "start", "succeeded", "failed"
NodeKind = Literal["start", "step", "call", "workflow", "succeeded", "failed"]
EdgeKind = Literal["next", "success", "failure", "retry"]


class Node(Record, kw_only=True):
    """A step, another workflow, or an end. `detail` is what it calls; `status` and `visits` are of a run."""

    key: str
    kind: NodeKind
    title: str
    detail: str = ""
    status: str | None = None
    visits: int = 0


class Edge(Record, kw_only=True):
    """A way from one node to another: `label` says when it is gone, `action` of which action, `taken` how often."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    action: str | None = None
    taken: int = 0


class Graph(Record, kw_only=True):
    """One workflow: nodes in the order of execution, edges in the order they are tried."""

    workflow_id: str
    summary: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class Visited(Record, kw_only=True):
    """A step as a run visited it: its status, the name of the action that followed, how often it was tried again."""

    step_id: str
    status: str
    action: str | None = None
    retries: int = 0


class _Drawing(MutableRecord):
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def end(self, kind: Literal["succeeded", "failed"]) -> str:
        """Return the node of an end, made when it is first needed."""
        self.nodes.setdefault(kind, Node(key=kind, kind=kind, title=kind))
        return kind

    def workflow(self, workflow_id: str) -> str:
        """Return the node of another workflow."""
        key = f"workflow {workflow_id}"
        self.nodes.setdefault(key, Node(key=key, kind="workflow", title=workflow_id, detail="workflow"))
        return key


def workflow_graph(workflow: CompiledWorkflow) -> Graph:
    """Return the graph of a workflow: every step, and every way its actions can lead."""
    drawing = _Drawing()
    drawing.nodes[START] = Node(key=START, kind="start", title=workflow.workflow_id)
    for step in workflow.steps:
        drawing.nodes[step.step_id] = _step_node(step)
    first = [workflow.steps[0].step_id] if workflow.steps else [drawing.end("succeeded")]
    drawing.edges.append(Edge(source=START, target=first[0], kind="next", label=_before(workflow)))
    for index, step in enumerate(workflow.steps):
        following = workflow.steps[index + 1].step_id if index + 1 < len(workflow.steps) else None
        _success_edges(drawing, step, following)
        _failure_edges(drawing, step)
    return Graph(
        workflow_id=workflow.workflow_id,
        summary=workflow.summary,
        nodes=tuple(drawing.nodes.values()),
        edges=tuple(drawing.edges),
    )


def _before(workflow: CompiledWorkflow) -> str:
    names = ", ".join(key.workflow_id for key in workflow.depends_on)
    return f"after {names}" if names else ""


def _step_node(step: CompiledStep) -> Node:
    if isinstance(step.call, OperationCall):
        detail = f"{step.call.operation.method} {step.call.operation.path}"
        return Node(key=step.step_id, kind="step", title=step.step_id, detail=detail)
    detail = f"workflow {step.call.workflow.workflow_id}" if isinstance(step.call, WorkflowCall) else ""
    return Node(key=step.step_id, kind="call", title=step.step_id, detail=detail)


def _success_edges(drawing: _Drawing, step: CompiledStep, following: str | None) -> None:
    for action in step.on_success:
        target = drawing.end("succeeded") if action.type == "end" else _target(drawing, action)
        drawing.edges.append(_edge(step, target, "success", action))
        if not action.criteria:
            return
    drawing.edges.append(Edge(source=step.step_id, target=following or drawing.end("succeeded"), kind="next"))


def _failure_edges(drawing: _Drawing, step: CompiledStep) -> None:
    for action in step.on_failure:
        if action.type == "retry":
            drawing.edges.append(_edge(step, step.step_id, "retry", action))
            continue
        target = drawing.end("failed") if action.type == "end" else _target(drawing, action)
        drawing.edges.append(_edge(step, target, "failure", action))
        if not action.criteria:
            return
    drawing.edges.append(Edge(source=step.step_id, target=drawing.end("failed"), kind="failure"))


def _target(drawing: _Drawing, action: CompiledAction) -> str:
    if action.workflow is not None:
        return drawing.workflow(action.workflow.workflow_id)
    assert action.step_id is not None
    return action.step_id


def _edge(step: CompiledStep, target: str, kind: EdgeKind, action: CompiledAction) -> Edge:
    return Edge(source=step.step_id, target=target, kind=kind, label=_label(action), action=action.name)


def _label(action: CompiledAction) -> str:
    parts = []
    if action.type == "retry":
        parts.append(f"retry up to {action.retry_limit}×" if action.retry_limit != 1 else "retry once")
        if action.retry_after:
            parts.append(f"after {action.retry_after:g} s")
        first = action.step_id or (action.workflow.workflow_id if action.workflow is not None else None)
        if first is not None:
            parts.append(f"{first} first")
    condition = " and ".join(" ".join(criterion.text.split()) for criterion in action.criteria)
    return " ".join((", ".join(parts), f"if {condition}" if condition else "")).strip()


# ------------------------------------------------------------------ the way a run took


def with_path(graph: Graph, visited: Sequence[Visited], status: str) -> Graph:
    """Return the graph with the statuses of a run's steps and the edges it went along."""
    gone = [each for each in visited if each.status != "skipped"]
    last = {each.step_id: each.status for each in visited}
    visits = Counter(each.step_id for each in gone)
    taken = Counter(_taken(graph, gone, status))
    ends = {edge.target for edge in taken}
    nodes = tuple(_passed(node, last, visits, ends) for node in graph.nodes)
    return replace(graph, nodes=nodes, edges=tuple(replace(edge, taken=taken[edge]) for edge in graph.edges))


def _passed(node: Node, last: Mapping[str, str], visits: Mapping[str, int], ends: Iterable[str]) -> Node:
    if node.key in last:
        return replace(node, status=last[node.key], visits=visits[node.key])
    return replace(node, visits=1) if node.kind == "start" or node.key in ends else node


def _taken(graph: Graph, gone: Sequence[Visited], status: str) -> Iterator[Edge]:
    """Yield an edge each time the run went along it; steps that a retry ran first are on no edge."""
    if gone:
        yield from (edge for edge in graph.edges if edge.source == START and edge.target == gone[0].step_id)
    for each in gone:
        retry = next((edge for edge in graph.edges if edge.source == each.step_id and edge.kind == "retry"), None)
        if retry is not None:
            yield from [retry] * each.retries
    for here, there in pairwise(gone):
        edge = _between(graph, here, there.step_id)
        if edge is not None:
            yield edge
    if gone:
        final = _final(graph, gone[-1], status)
        if final is not None:
            yield final


def _between(graph: Graph, here: Visited, target: str) -> Edge | None:
    ways = [
        edge for edge in graph.edges if (edge.source, edge.target) == (here.step_id, target) and edge.kind != "retry"
    ]
    return next((edge for edge in ways if edge.action == here.action), ways[0] if ways else None)


def _final(graph: Graph, here: Visited, status: str) -> Edge | None:
    end = SUCCESS if status == "succeeded" else FAILURE
    ways = [edge for edge in graph.edges if edge.source == here.step_id and edge.kind != "retry"]
    named = (edge for edge in ways if here.action is not None and edge.action == here.action)
    return next(named, next((edge for edge in ways if edge.target == end and edge.action is None), None))
