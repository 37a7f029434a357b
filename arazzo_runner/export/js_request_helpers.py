"""Functions of exported JavaScript that write values into the parts of a request."""

from __future__ import annotations

from typing import Final

REQUESTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
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
"""By name: the names of the functions that it calls, and its source text."""
