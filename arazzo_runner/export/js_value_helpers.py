"""Functions of exported JavaScript for values, and for the conditions on them."""

from __future__ import annotations

from typing import Final

VALUES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
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
}
"""By name: the names of the functions that it calls, and its source text."""
