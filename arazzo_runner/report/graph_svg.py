"""Graphs as one SVG file: light and dark, its legend below it, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arazzo_runner.report.graph import Graph
from arazzo_runner.report.runs.html_graph import Picture, picture, way_words
from arazzo_runner.report.runs.html_text import tag, words

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
.edge.taken { stroke: var(--text); stroke-width: 2.6 } .tip { fill: var(--soft) } .tip.taken { fill: var(--text) }
text { fill: var(--text); font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif }
text.detail { fill: var(--soft); font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
text.mark.good { fill: var(--good) } text.mark.bad { fill: var(--bad) } text.mark.warn { fill: var(--warn) }
circle { fill: var(--page); stroke: var(--line) } text.chip { font-size: 10.5px } text.way { font-size: 12px }
"""
_MARGIN, _LINE, _LETTER = 16, 24, 7


def svg(graphs: Sequence[Graph]) -> str:
    """Return a picture of workflows, one below the other, each with the legend of its numbered ways."""
    parts: list[str] = []
    width, top = 0, _MARGIN
    for graph in graphs:
        made = picture(graph)
        legend = list(_legend(made))
        parts.append(tag("g", *made.shapes, *legend, transform=f"translate({_MARGIN} {top})"))
        longest = max((len(_way_text(made, index)) for index in range(len(made.ways))), default=0)
        width = max(width, made.width, 36 + longest * _LETTER)
        top += made.height + (len(legend) // 2) * _LINE + 2 * _MARGIN
    size = {"width": width + 2 * _MARGIN, "height": top}
    page = tag("rect", class_="page", **size)
    label = "; ".join(picture(graph).label for graph in graphs)
    return tag(
        "svg", tag("style", _STYLE), page, *parts,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {size['width']} {size['height']}", role="img",
        aria_label=label, **size,
    ) + "\n"  # fmt: skip


def _legend(made: Picture) -> Iterator[str]:
    for index, way in enumerate(made.ways):
        y = made.height + 14 + index * _LINE
        number = tag("text", str(way.number), x=16, y=y + 3.8, text_anchor="middle", class_="chip")
        yield tag("circle", cx=16, cy=y, r=8) + number
        yield tag("text", words(_way_text(made, index)), x=34, y=y + 4, class_="way")


def _way_text(made: Picture, index: int) -> str:
    names, said = way_words(made.ways[index].edge)
    return f"{' → '.join(names)} {said}"
