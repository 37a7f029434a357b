"""Payload replacements: values set at the places that pointers, JSONPaths or XPaths name (semantics §6)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arazzo_runner.expressions.selectors import Query
from arazzo_runner.values import JsonValue, pointer_tokens, to_text


@dataclass(frozen=True, slots=True)
class Replaced:
    """The payload with its replacements; `unmatched` is the index of a target that matches nothing."""

    payload: JsonValue
    unmatched: int | None = None


def apply_replacements(payload: JsonValue, changes: Sequence[tuple[Query, JsonValue]], kind: str) -> Replaced:
    """Return a copy of `payload` with every value set; `kind` is "json", "form" or "xml".

    A pointer's last token may be new (a member, or `-` at a list's end); its parent must exist.
    """
    result = copy.deepcopy(payload)
    for index, (target, value) in enumerate(changes):
        if target.kind == "jsonpointer":
            result, matched = _set_pointer(result, pointer_tokens(target.text), value)
        elif target.kind == "xpath":
            result, matched = _set_xpath(result, target, value)
        else:
            result, matched = _set_jsonpath(result, target, value)
        if not matched:
            return Replaced(payload, index)
    return Replaced(result)


def _set_pointer(root: JsonValue, tokens: tuple[str, ...], value: JsonValue) -> tuple[JsonValue, bool]:
    if not tokens:
        return value, True
    node = root
    for token in tokens[:-1]:
        if isinstance(node, dict) and token in node:
            node = node[token]
        elif isinstance(node, list) and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        else:
            return root, False
    return root, _set_member(node, tokens[-1], value)


def _set_member(node: JsonValue, token: str, value: JsonValue) -> bool:
    if isinstance(node, dict):
        node[token] = value
        return True
    if isinstance(node, list):
        if token == "-" or (token.isdigit() and int(token) == len(node)):
            node.append(value)
            return True
        if token.isdigit() and int(token) < len(node):
            node[int(token)] = value
            return True
    return False


def _set_jsonpath(root: JsonValue, target: Query, value: JsonValue) -> tuple[JsonValue, bool]:
    locations = _locations(root, target)
    for tokens in locations:
        root, _ = _set_pointer(root, tokens, value)
    if not locations:
        return _set_new_member(root, target, value)
    return root, True


def _locations(root: JsonValue, target: Query) -> list[tuple[str, ...]]:
    query = getattr(target.compiled, "query", None)
    if query is None:
        return []
    return [tuple(str(part) for part in node.location) for node in query.finditer(root)]


def _set_new_member(root: JsonValue, target: Query, value: JsonValue) -> tuple[JsonValue, bool]:
    """`$.a.b` where a exists and b does not: the member is added, as a JSON Pointer would."""
    parent, dot, name = target.text.rpartition(".")
    if not dot or not name.isidentifier() or "[" in name or not parent:
        return root, False
    from arazzo_runner.expressions.selectors import compile_query

    places = _locations(root, compile_query(parent, "jsonpath", target.version))
    matched = False
    for tokens in places:
        node: Any = root
        for token in tokens:
            node = node[int(token)] if isinstance(node, list) else node[token]
        if isinstance(node, dict):
            node[name] = value
            matched = True
    return root, matched


def _set_xpath(payload: JsonValue, target: Query, value: JsonValue) -> tuple[JsonValue, bool]:
    from lxml import etree

    from arazzo_runner.expressions.xpath import XmlError, XPathFailure, evaluate_xpath, parse_xml

    if not isinstance(payload, str):
        return payload, False
    try:
        root = parse_xml(payload)
        found = evaluate_xpath(target.compiled, root)
    except (XmlError, XPathFailure):
        return payload, False
    nodes = found if isinstance(found, list) else []
    text = to_text(value)
    if target.text.rpartition("/")[2].startswith("@"):
        matched = _set_attribute(root, target, text)
    else:
        elements = [node for node in nodes if hasattr(node, "tag")]
        for element in elements:
            for child in list(element):
                element.remove(child)
            element.text = text
        matched = bool(elements)
    declaration = payload.lstrip()[:5] == "<?xml"
    written: str = etree.tostring(root, encoding="unicode")
    if declaration:
        written = payload[: payload.find("?>") + 2] + "\n" + written
    return written, matched


def _set_attribute(root: Any, target: Query, text: str) -> bool:
    from arazzo_runner.expressions.selectors import compile_query
    from arazzo_runner.expressions.xpath import evaluate_xpath

    parent, _, name = target.text.rpartition("/")
    owners = evaluate_xpath(compile_query(parent or ".", "xpath", target.version).compiled, root)
    elements = [node for node in owners if hasattr(node, "tag")] if isinstance(owners, list) else []
    for element in elements:
        element.set(name[1:], text)
    return bool(elements)
