"""Functions of exported JavaScript for JSONPath."""

from __future__ import annotations

from typing import Final

QUERIES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "select": (
        (),
        """\
// The nodes that the segments of a JSONPath select.
function select(root, ...segments) {
  const step = (nodes, segment) => nodes.reduce((found, node) => found.concat(segment(node)), []);
  return root == null ? [] : segments.reduce(step, [root]);
}
""",
    ),
    "children": (
        (),
        """\
function children(node) {
  return Array.isArray(node) ? node.slice() : node !== null && typeof node === "object" ? Object.values(node) : [];
}
""",
    ),
    "named": (
        ("has",),
        """\
function named(name) {
  return (node) => (!Array.isArray(node) && has(node, name) ? [node[name]] : []);
}
""",
    ),
    "item": (
        (),
        """\
function item(index) {
  return (node) => {
    const place = Array.isArray(node) && index < 0 ? node.length + index : index;
    return Array.isArray(node) && place >= 0 && place < node.length ? [node[place]] : [];
  };
}
""",
    ),
    "items": (
        (),
        """\
// The items from start to stop, which may be null, in steps.
function items(start, stop, step) {
  return (node) => {
    if (!Array.isArray(node) || step === 0) return [];
    const fit = (index, low, high) => Math.min(Math.max(index < 0 ? node.length + index : index, low), high);
    const found = [];
    if (step > 0) {
      const end = fit(stop === null ? node.length : stop, 0, node.length);
      for (let at = fit(start === null ? 0 : start, 0, node.length); at < end; at += step) found.push(node[at]);
    } else {
      const end = stop === null ? -1 : fit(stop, -1, node.length - 1);
      const first = fit(start === null ? node.length - 1 : start, -1, node.length - 1);
      for (let at = first; at > end; at += step) found.push(node[at]);
    }
    return found;
  };
}
""",
    ),
    "where": (
        ("children",),
        """\
function where(test) {
  return (node) => children(node).filter((each) => test(each));
}
""",
    ),
    "either": (
        (),
        """\
function either(...selectors) {
  return (node) => selectors.reduce((found, each) => found.concat(each(node)), []);
}
""",
    ),
    "deep": (
        ("children",),
        """\
function deep(selector) {
  return (node) => children(node).reduce((found, each) => found.concat(deep(selector)(each)), selector(node));
}
""",
    ),
    "only": (
        (),
        """\
// The value of the only node, a list of several, undefined for none.
function only(nodes) {
  return nodes.length === 1 ? nodes[0] : nodes.length === 0 ? undefined : nodes;
}
""",
    ),
    "single": (
        (),
        """\
function single(nodes) {
  return nodes.length === 1 ? nodes[0] : undefined;
}
""",
    ),
    "same": (
        ("has",),
        """\
// Equality in a JSONPath: by type and value.
function same(one, two) {
  if (one === two) return true;
  if (one === null || two === null || typeof one !== "object" || typeof two !== "object") return false;
  const names = Object.keys(one);
  if (Array.isArray(one) !== Array.isArray(two) || names.length !== Object.keys(two).length) return false;
  return names.every((name) => has(two, name) && same(one[name], two[name]));
}
""",
    ),
    "before": (
        (),
        """\
// Order in a JSONPath: of numbers, and of texts.
function before(one, two) {
  return typeof one === typeof two && (typeof one === "number" || typeof one === "string") && one < two;
}
""",
    ),
    "extent": (
        (),
        """\
function extent(value) {
  if (typeof value === "string") return Array.from(value).length;
  return value !== null && typeof value === "object" ? Object.keys(value).length : undefined;
}
""",
    ),
}
"""By name: the names of the functions that it calls, and its source text."""
