"""Graphs as text: Mermaid, DOT (Graphviz), and an outline for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from arazzo_runner.base.patterns import pattern
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.graph.model import STEPS, Edge, Graph, Node
from arazzo_runner.report.terminal.console import STEP_STYLES, count, paint

_LONGEST = 60
_WORDS = {"next": "then", "success": "then", "failure": "else", "retry": "else", "message": "causes"}
_MERMAID_MARKS = pattern(r"\$(?=\$)|:(?=fa-)")
# Light enough for dark text, also on a dark page.
_FILLS = {"passed": "#c8efd0", "recovered": "#fdeab5", "failed": "#fbd0d0", "skipped": "#eeeeee"}
_STROKES = {"passed": "#1a7f37", "recovered": "#9a6700", "failed": "#cf222e", "skipped": "#999999"}


# ------------------------------------------------------------------ Mermaid


def mermaid(graphs: Sequence[Graph]) -> str:
    """Return a Mermaid flowchart, with a subgraph per workflow if there are several."""
    lines = ["flowchart TD"]
    styled: list[str] = []
    number = 0
    for place, graph in enumerate(graphs):
        names = {node.key: f"w{place}n{index}" for index, node in enumerate(graph.nodes)}
        body = [*(_mermaid_node(node, names[node.key]) for node in graph.nodes)]
        body += [_mermaid_edge(edge, names) for edge in graph.edges]
        taken = [str(number + index) for index, edge in enumerate(graph.edges) if edge.taken]
        number += len(graph.edges)
        if taken:
            styled.append(f"  linkStyle {','.join(taken)} stroke-width:3px")
        styled += _mermaid_classes(graph, names)
        lines += _subgraph(place, graph, body) if len(graphs) > 1 else [f"  {line}" for line in body]
    classes = [
        f"  classDef {status} fill:{fill},stroke:{_STROKES[status]},color:#111"
        for status, fill in _FILLS.items()
        if any(node.status == status for graph in graphs for node in graph.nodes)
    ]
    return "\n".join([*lines, *classes, *styled]) + "\n"


def _subgraph(place: int, graph: Graph, body: Iterable[str]) -> list[str]:
    title = _mermaid_text(graph.workflow_id)
    return [f'  subgraph w{place}["{title}"]', *(f"    {line}" for line in body), "  end"]


def _mermaid_node(node: Node, name: str) -> str:
    text = "<br/>".join(map(_mermaid_text, filter(None, (node.title, node.detail))))
    shapes = {
        "start": "([{}])",
        "succeeded": "([{}])",
        "failed": "([{}])",
        "workflow": "[[{}]]",
        "call": "[[{}]]",
        "message": "[/{}/]",
    }
    return name + shapes.get(node.kind, "[{}]").format(f'"{text}"')


def _mermaid_edge(edge: Edge, names: dict[str, str]) -> str:
    arrow = {"failure": "-.->", "retry": "-.->", "message": "-.-o"}.get(edge.kind, "-->")
    label = _shortened(_edge_text(edge))
    shown = f'|"{_mermaid_text(label)}"|' if label else ""
    return f"{names[edge.source]} {arrow}{shown} {names[edge.target]}"


def _mermaid_classes(graph: Graph, names: dict[str, str]) -> Iterator[str]:
    for status in _FILLS:
        of_status = [names[node.key] for node in graph.nodes if node.status == status]
        if of_status:
            yield f"  class {','.join(of_status)} {status}"


def _mermaid_text(text: str) -> str:
    """Escape text for a quoted Mermaid label: nothing in it is markup, an entity, a formula or an icon."""
    escaped = "".join(
        character if character.isalnum() or character in " _-./:,=!()$?@{}[]'+*×" else f"#{ord(character)};"
        for character in one_line(text)
    )
    # Entities are decoded before $$formulas$$ and icons (fa:fa-ban) are looked for: a space without width parts them.
    return _MERMAID_MARKS.sub(r"\g<0>#8203;", escaped)


# ------------------------------------------------------------------ DOT


def dot(graphs: Sequence[Graph]) -> str:
    """Return a graph in the DOT language of Graphviz."""
    lines = ["digraph arazzo {", '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"]']
    lines.append('  edge [fontname="sans-serif", fontsize=11]')
    for place, graph in enumerate(graphs):
        names = {node.key: f"w{place}n{index}" for index, node in enumerate(graph.nodes)}
        lines += [f"  subgraph cluster_{place} {{", f"    label={_dot_text(graph.workflow_id)}"]
        lines += [f"    {names[node.key]} [{_dot_node(node)}]" for node in graph.nodes]
        lines.append("  }")
        lines += [f"  {names[edge.source]} -> {names[edge.target]} [{_dot_edge(edge)}]" for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_node(node: Node) -> str:
    facts = [f"label={_dot_text(chr(10).join(filter(None, (node.title, node.detail))))}"]
    if node.kind in ("start", "succeeded", "failed"):
        facts.append("shape=oval")
    if node.kind in ("workflow", "call"):
        facts.append("peripheries=2")
    if node.kind == "message":
        facts.append("shape=parallelogram")
    if node.status is not None:
        facts += [f'fillcolor="{_FILLS[node.status]}"', f'color="{_STROKES[node.status]}"']
    return ", ".join(facts)


def _dot_edge(edge: Edge) -> str:
    facts = [f"label={_dot_text(_shortened(_edge_text(edge)))}"] if _edge_text(edge) else []
    if edge.kind in ("failure", "retry"):
        facts.append("style=dashed")
    if edge.kind == "message":
        facts += ["style=dotted", "arrowhead=odot", "constraint=false"]
    if edge.taken:
        facts.append("penwidth=3")
    return ", ".join(facts)


def _dot_text(text: str) -> str:
    return json.dumps("\n".join(map(one_line, text.split("\n"))), ensure_ascii=False)


# ------------------------------------------------------------------ outline


def outline(graphs: Sequence[Graph], *, color: bool = False) -> str:
    """Return every step with its outgoing edges, one per line."""
    return "\n".join("\n".join(_outline(graph, color=color)) for graph in graphs) + "\n"


def _outline(graph: Graph, *, color: bool) -> Iterator[str]:
    steps = [node for node in graph.nodes if node.kind in STEPS]
    yield f"{paint(one_line(graph.workflow_id), 'bold', color=color)} ({count(len(steps), 'step')})"
    names = graph.names()
    for node in graph.nodes:
        outgoing = [edge for edge in graph.edges if edge.source == node.key]
        if node.kind in STEPS:
            yield f"  {_outline_step(node, color=color)}"
        elif node.kind != "start":
            continue
        for edge in outgoing:
            if node.kind == "start" and not edge.label:
                continue
            word = _WORDS[edge.kind]
            target = "" if edge.kind == "retry" else f" → {one_line(names[edge.target])}"
            mark = f"  (taken {edge.taken}×)" if edge.taken > 1 else "  (taken)" if edge.taken else ""
            condition = " ".join(filter(None, (edge.label, f"[{edge.action}]" if edge.action else "")))
            yield f"      {word} {one_line(condition)}{target}{mark}".replace("  →", " →")


def _outline_step(node: Node, *, color: bool) -> str:
    line = f"{one_line(node.title)}  {one_line(node.detail)}"
    if node.status is None:
        return line
    visits = f" {node.visits}×" if node.visits > 1 else ""
    return f"{line}  {paint(node.status + visits, STEP_STYLES[node.status], color=color)}"


def _edge_text(edge: Edge) -> str:
    words = "fails" if edge.kind == "failure" else ""
    return " ".join(filter(None, (words, edge.label)))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
