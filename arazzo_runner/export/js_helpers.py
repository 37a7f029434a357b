"""The functions that exported JavaScript needs, by name; a script has those that it uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_SOURCES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "has": (
        (),
        """\
function has(value, name) {
  return value !== null && typeof value === "object" && Object.prototype.hasOwnProperty.call(value, name);
}
""",
    ),
    "at": (
        ("has",),
        """\
// The part of a value that names and indexes lead to; undefined when there is none.
function at(value, ...path) {
  for (const step of path) {
    const isItem = !Array.isArray(value) || /^(0|[1-9][0-9]*)$/.test(step);
    value = has(value, step) && isItem ? value[step] : undefined;
  }
  return value;
}
""",
    ),
    "size": (
        ("at",),
        """\
// A member "length", else the length of a list or text.
function size(value) {
  return Array.isArray(value) || typeof value === "string" ? value.length : at(value, "length");
}
""",
    ),
    "text": (
        (),
        """\
// A value as text: structures as JSON.
function text(value, name) {
  if (value === undefined) throw new Error((name || "an expression") + " has no value");
  return typeof value === "string" ? value : JSON.stringify(value);
}
""",
    ),
    "needed": (
        (),
        """\
function needed(value, name) {
  if (value === undefined) throw new Error(name + " has no value");
  return value;
}
""",
    ),
    "present": (
        (),
        """\
// Without members that have no value.
function present(values) {
  return JSON.parse(JSON.stringify(values));
}
""",
    ),
    "content": (
        ("parsed",),
        """\
// The body of a response: JSON as its value, undefined for an empty one.
function content(body, type) {
  if (body === null || body === undefined || body === "") return undefined;
  return /[/+]json\\b/i.test(type || "application/json") ? parsed(body) : body;
}
""",
    ),
    "fileType": (
        (),
        """\
// The media type of a file by its name.
function fileType(name) {
  const types = {
    csv: "text/csv", gif: "image/gif", html: "text/html", jpeg: "image/jpeg", jpg: "image/jpeg",
    json: "application/json", pdf: "application/pdf", png: "image/png", svg: "image/svg+xml", txt: "text/plain",
    webp: "image/webp", xml: "application/xml", zip: "application/zip",
  };
  return types[name.split(".").pop().toLowerCase()] || "application/octet-stream";
}
""",
    ),
    "plain": (
        (),
        """\
// A text in which the tool replaces nothing.
function plain(written) {
  if (/\\{\\{/.test(written)) throw new Error("a value has two braces together, which would begin a variable");
  return written;
}
""",
    ),
    "multipart": (
        (),
        """\
// The bytes of a multipart body; a part is its name, its content, and perhaps the name of its file and its type.
function multipart(boundary, parts) {
  const bytes = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (each) => each.charCodeAt(0));
  const quoted = (text) => text.replace(/["\\r\\n]/g, (mark) => encodeURIComponent(mark));
  const chunks = [];
  for (const [name, content, file, type] of parts) {
    const also = file === undefined ? "" : '; filename="' + quoted(file) + '"';
    const head = "--" + boundary + '\\r\\nContent-Disposition: form-data; name="' + quoted(name) + '"' + also;
    chunks.push(bytes(head + (type === undefined ? "" : "\\r\\nContent-Type: " + type) + "\\r\\n\\r\\n"));
    chunks.push(typeof content === "string" ? bytes(content) : new Uint8Array(content), bytes("\\r\\n"));
  }
  chunks.push(bytes("--" + boundary + "--\\r\\n"));
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  chunks.reduce((place, chunk) => (whole.set(chunk, place), place + chunk.length), 0);
  return whole.buffer;
}
""",
    ),
    "optional": (
        (),
        """\
// An output that needs several values; undefined when one of them is missing.
function optional(make) {
  try {
    return make();
  } catch (problem) {
    return undefined;
  }
}
""",
    ),
    "wait": (
        (),
        """\
// Seconds to wait: as many as the response asks for, else those of the action.
function wait(response, seconds) {
  const asked = response === undefined ? undefined : response.header("Retry-After");
  if (asked === undefined) return seconds;
  return /^\\d+$/.test(asked) ? Number(asked) : Math.max(0, (Date.parse(asked) - Date.now()) / 1000) || 0;
}
""",
    ),
    "number": (
        (),
        """\
function number(value) {
  if (typeof value === "number") return value;
  const isNumeric = typeof value === "string" && /^\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d+)?\\s*$/i.test(value);
  return isNumeric ? Number(value) : undefined;
}
""",
    ),
    "equal": (
        ("number", "has"),
        """\
// Equality in conditions of Arazzo: texts ignore case, "1" equals 1, null equals what is missing.
function equal(one, two) {
  if (one == null || two == null) return one == null && two == null;
  if (typeof one === "string" && typeof two === "string") return one.toLowerCase() === two.toLowerCase();
  if (typeof one === "boolean" || typeof two === "boolean") return one === two;
  if (typeof one === "object" && typeof two === "object") {
    const names = Object.keys(one);
    if (Array.isArray(one) !== Array.isArray(two) || names.length !== Object.keys(two).length) return false;
    return names.every((name) => has(two, name) && equal(one[name], two[name]));
  }
  return number(one) !== undefined && number(one) === number(two);
}
""",
    ),
    "order": (
        ("number",),
        """\
// -1, 0 or 1; undefined for values that have no order.
function order(one, two) {
  let [left, right] = [number(one), number(two)];
  if (left === undefined || right === undefined) {
    if (typeof one !== "string" || typeof two !== "string") return undefined;
    [left, right] = [one.toLowerCase(), two.toLowerCase()];
  }
  return left < right ? -1 : left > right ? 1 : 0;
}
""",
    ),
    "matches": (
        ("text",),
        """\
function matches(value, pattern, flags) {
  return value != null && new RegExp(pattern, flags).test(text(value));
}
""",
    ),
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
    "encode": (
        ("text",),
        """\
function encode(value) {
  const hex = (mark) => "%" + mark.charCodeAt(0).toString(16).toUpperCase();
  return value === null ? "" : encodeURIComponent(text(value)).replace(/[!'()*]/g, hex);
}
""",
    ),
    "segment": (
        ("encode",),
        """\
// A value as (a part of) one segment of a path.
function segment(value, name) {
  if (value == null) throw new Error("path parameter " + name + " has no value");
  const isObject = typeof value === "object" && !Array.isArray(value);
  const parts = isObject ? Object.entries(value).reduce((all, pair) => all.concat(pair), []) : [].concat(value);
  const written = parts.map(encode).join(",");
  if (written === "" || written === "." || written === "..") throw new Error(name + " would change the path");
  return written;
}
""",
    ),
    "pairs": (
        ("encode",),
        """\
// The pairs name=value of a query, or of a form: lists repeat the name; one without a value is left out.
function pairs(fields, isForm) {
  const found = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const each = Array.isArray(value) ? value.filter((item) => item !== null) : [value];
    if (!isForm && !Array.isArray(value) && value !== null && typeof value === "object") {
      if (Object.keys(value).length > 0) found.push(pairs(value, true));
    } else {
      for (const item of each) found.push(encode(name) + "=" + encode(item));
    }
  }
  return found.join("&");
}
""",
    ),
    "listed": (
        ("encode",),
        """\
// One pair of a query: a list joined by a separator.
function listed(name, value, separator) {
  return value === undefined || (Array.isArray(value) && value.length === 0)
    ? "" : encode(name) + "=" + [].concat(value).map(encode).join(separator);
}
""",
    ),
    "deepObject": (
        ("encode",),
        """\
// filter[a]=1&filter[b]=2
function deepObject(name, value) {
  if (value === undefined) return "";
  if (value === null || typeof value !== "object") return name + "=" + encode(value);
  return Object.entries(value)
    .map(([key, item]) => deepObject(name + (Array.isArray(value) ? "" : "%5B" + encode(key) + "%5D"), item))
    .join("&");
}
""",
    ),
    "headerText": (
        ("text",),
        """\
function headerText(value, name) {
  const written = [].concat(value === null ? "" : value).map((each) => text(each)).join(",");
  if (/[\\0-\\x08\\x0a-\\x1f\\x7f]/.test(written)) throw new Error("header " + name + " has control characters");
  return written;
}
""",
    ),
    "xml": (
        ("text",),
        """\
function xml(value) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text(value).replace(/[&<>"]/g, (mark) => marks[mark]);
}
""",
    ),
    "json": (
        (),
        """\
// JSON in which no braces begin a variable.
function json(value) {
  return JSON.stringify(value).replace(/\\{(?=\\{)/g, "\\\\u007b");
}
""",
    ),
    "inJson": (
        ("text",),
        """\
// A value inside a string of JSON.
function inJson(value) {
  return JSON.stringify(text(value)).slice(1, -1);
}
""",
    ),
    "parsed": (
        (),
        """\
// A text that is JSON as its value, any other one as it is.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (problem) {
    return text;
  }
}
""",
    ),
}


def helper_names() -> frozenset[str]:
    """Return the names of all helper functions, which variables of a script must not have."""
    return frozenset(_SOURCES)


def sources_of(names: Iterable[str]) -> list[str]:
    """Return the source texts of helper functions and of those that they call, in the order of definition."""
    wanted: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += _SOURCES[name][0]
    return [text for name, (_, text) in _SOURCES.items() if name in wanted]
