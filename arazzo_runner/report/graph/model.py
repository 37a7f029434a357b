"""The graph of a workflow: its steps, the edges between them, and the path that a run took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, assert_never

from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.program.message_links import senders_of
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    Unlinked,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.report.calls import call_text

START, SUCCESS, FAILURE = "start", "succeeded", "failed"
NodeKind = Literal["start", "step", "message", "call", "workflow", "succeeded", "failed"]
EdgeKind = Literal["next", "success", "failure", "retry", "message"]
STEPS: Final = ("step", "message", "call")
"""The kinds of nodes that are steps: of an operation, of a message, of another workflow."""


class Node(Record, kw_only=True):
    """A step, another workflow, or an end. `detail` is what it calls; `status` and `visits` are those of a run.

    A step may be called like an end or another workflow, so keys say what they are of (`step_key`).
    """

    key: str
    kind: NodeKind
    title: str
    detail: str = ""
    status: str | None = None
    visits: int = 0


class Edge(Record, kw_only=True):
    """An edge between nodes: `label` is its condition, `action` the name of its action, `taken` counts a run's uses.

    An edge of kind `message` is no transition: it leads from the step that sends to one that waits for what it causes.
    """

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    action: str | None = None
    taken: int = 0


class Graph(Record, kw_only=True):
    """The graph of a workflow: nodes in document order, edges in the order in which they are tried."""

    workflow_id: str
    summary: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def names(self) -> dict[str, str]:
        """Return what nodes are called in sentences, by key: no end and no workflow is called like a step."""
        steps = {node.title for node in self.nodes if node.kind in STEPS}
        return {node.key: _name(node, steps) for node in self.nodes}


def _name(node: Node, steps: Collection[str]) -> str:
    if node.kind in STEPS:
        return node.title
    name = {"start": "begin", "workflow": f"workflow {node.title}"}.get(node.kind, node.title)
    return f"({name})" if name in steps else name


def step_key(step_id: str) -> str:
    """Return the key of the node of a step."""
    return f"step {step_id}"


class Visited(Record, kw_only=True):
    """A run's visit of a step: its status, the name of the action that followed, its retries."""

    step_id: str
    status: str
    action: str | None = None
    retries: int = 0


class _Builder(MutableRecord):
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def end(self, kind: Literal["succeeded", "failed"]) -> str:
        """Return the key of an end node, added on first use."""
        self.nodes.setdefault(kind, Node(key=kind, kind=kind, title=kind))
        return kind

    def workflow(self, workflow: WorkflowKey) -> str:
        """Return the key of another workflow's node, added on first use."""
        key = f"workflow {workflow.workflow_id} of {workflow.document}"
        self.nodes.setdefault(key, Node(key=key, kind="workflow", title=workflow.workflow_id, detail="workflow"))
        return key


def workflow_graph(workflow: CompiledWorkflow) -> Graph:
    """Return the graph of a workflow: every step, and an edge for every transition."""
    graph = _Builder()
    graph.nodes[START] = Node(key=START, kind="start", title=workflow.workflow_id)
    for step in workflow.steps:
        graph.nodes[step_key(step.step_id)] = _step_node(step)
    first = [step_key(workflow.steps[0].step_id)] if workflow.steps else [graph.end("succeeded")]
    graph.edges.append(Edge(source=START, target=first[0], kind="next", label=_before(workflow)))
    for index, step in enumerate(workflow.steps):
        following = step_key(workflow.steps[index + 1].step_id) if index + 1 < len(workflow.steps) else None
        _success_edges(graph, step, following)
        _failure_edges(graph, step)
    graph.edges += [edge for step in workflow.steps for edge in _message_edges(step, workflow.steps)]
    return Graph(
        workflow_id=workflow.workflow_id,
        summary=workflow.summary,
        nodes=tuple(graph.nodes.values()),
        edges=tuple(graph.edges),
    )


def _before(workflow: CompiledWorkflow) -> str:
    names = ", ".join(key.workflow_id for key in workflow.depends_on)
    return f"after {names}" if names else ""


def _step_node(step: CompiledStep) -> Node:
    match step.call:
        case OperationCall():
            kind: NodeKind = "step"
        case MessageCall():
            kind = "message"
        case WorkflowCall() | Unlinked():
            kind = "call"
        case _:
            assert_never(step.call)
    detail = call_text(step) + (f", waits from {step.waits_from}" if step.waits_from is not None else "")
    return Node(key=step_key(step.step_id), kind=kind, title=step.step_id, detail=detail)


def _message_edges(step: CompiledStep, steps: Sequence[CompiledStep]) -> Iterator[Edge]:
    words = {"reply": "reply", "channel": "message", "correlation": "same correlation id"}
    for sender, why in senders_of(step, steps):
        source, target = step_key(sender.step_id), step_key(step.step_id)
        yield Edge(source=source, target=target, kind="message", label=words[why])


def _success_edges(graph: _Builder, step: CompiledStep, following: str | None) -> None:
    for action in step.on_success:
        target = graph.end("succeeded") if action.type == "end" else _target(graph, action)
        graph.edges.append(_edge(step, target, "success", action))
        if not action.criteria:
            return
    graph.edges.append(Edge(source=step_key(step.step_id), target=following or graph.end("succeeded"), kind="next"))


def _failure_edges(graph: _Builder, step: CompiledStep) -> None:
    for action in step.on_failure:
        if action.type == "retry":
            graph.edges.append(_edge(step, step_key(step.step_id), "retry", action))
            continue
        target = graph.end("failed") if action.type == "end" else _target(graph, action)
        graph.edges.append(_edge(step, target, "failure", action))
        if not action.criteria:
            return
    graph.edges.append(Edge(source=step_key(step.step_id), target=graph.end("failed"), kind="failure"))


def _target(graph: _Builder, action: CompiledAction) -> str:
    if action.workflow is not None:
        return graph.workflow(action.workflow)
    assert action.step_id is not None
    return step_key(action.step_id)


def _edge(step: CompiledStep, target: str, kind: EdgeKind, action: CompiledAction) -> Edge:
    return Edge(source=step_key(step.step_id), target=target, kind=kind, label=_label(action), action=action.name)


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


# ------------------------------------------------------------------ the path of a run


def with_path(graph: Graph, visited: Sequence[Visited], status: str) -> Graph:
    """Return the graph with the statuses of a run's steps and the counts of the edges it took."""
    executed = [each for each in visited if each.status != "skipped"]
    last = {step_key(each.step_id): each.status for each in visited}
    visits = Counter(step_key(each.step_id) for each in executed)
    taken = Counter(_taken(graph, executed, status))
    ends = {edge.target for edge in taken}
    nodes = tuple(_passed(node, last, visits, ends) for node in graph.nodes)
    return replace(graph, nodes=nodes, edges=tuple(replace(edge, taken=taken[edge]) for edge in graph.edges))


def _passed(node: Node, last: Mapping[str, str], visits: Mapping[str, int], ends: Iterable[str]) -> Node:
    if node.key in last:
        return replace(node, status=last[node.key], visits=visits[node.key])
    return replace(node, visits=1) if node.kind == "start" or node.key in ends else node


def _taken(graph: Graph, executed: Sequence[Visited], status: str) -> Iterator[Edge]:
    """Yield an edge each time the run took it; steps that a retry ran first are on no edge."""
    if not executed:
        return
    leaving: dict[str, list[Edge]] = {}
    for edge in (each for each in graph.edges if each.kind != "message"):
        leaving.setdefault(edge.source, []).append(edge)
    yield from (edge for edge in leaving.get(START, ()) if edge.target == step_key(executed[0].step_id))
    for each in executed:
        retry = next((edge for edge in leaving.get(step_key(each.step_id), ()) if edge.kind == "retry"), None)
        if retry is not None:
            yield from [retry] * each.retries
    for visit, following in pairwise(executed):
        between = _between(leaving.get(step_key(visit.step_id), ()), visit, step_key(following.step_id))
        if between is not None:
            yield between
    final = _final(leaving.get(step_key(executed[-1].step_id), ()), executed[-1], status)
    if final is not None:
        yield final


def _between(leaving: Iterable[Edge], visit: Visited, target: str) -> Edge | None:
    edges = [edge for edge in leaving if edge.target == target and edge.kind != "retry"]
    return next((edge for edge in edges if edge.action == visit.action), edges[0] if edges else None)


def _final(leaving: Iterable[Edge], visit: Visited, status: str) -> Edge | None:
    end = SUCCESS if status == "succeeded" else FAILURE
    edges = [edge for edge in leaving if edge.kind != "retry"]
    named = (edge for edge in edges if visit.action is not None and edge.action == visit.action)
    return next(named, next((edge for edge in edges if edge.target == end and edge.action is None), None))
