"""XML documents by the schema's XML Objects (OpenAPI 3.0.4, 3.1.1 §XML Object; 3.2.0 nodeType).

Without them a mapping with one member is the root element; `@name` is an attribute and `#text` the
text of an element.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, to_text, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.base.xml_text import NO_XML, XML_NAME, escape, quoteattr
from arazzo_runner.sources.http_media.media_types import UnusableMedia
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.context import Resolve

MAX_PARTS: Final = 100
ROOT_HINT: Final = (
    "write the payload as a text, '<order>…</order>', or with the root element as its one member, order: {…}; "
    "the description can name it with xml.name"
)
"""What to write in place of a payload without a root element."""


class _Schema(Record):
    """A schema with its base URI and the resolver of its references."""

    raw: Mapping[str, Any]
    base: str
    resolve: Resolve | None

    @property
    def hints(self) -> Mapping[str, Any]:
        """Its XML Object."""
        hints = self.raw.get("xml")
        return hints if isinstance(hints, dict) else {}

    @property
    def kind(self) -> str:
        """The node type (3.2 nodeType): element, attribute, text, cdata or none."""
        if isinstance(self.hints.get("nodeType"), str):
            return str(self.hints["nodeType"])
        if self.hints.get("attribute") is True:
            return "attribute"
        return "element"

    def name(self, own: str) -> str:
        """The element's or attribute's name with its prefix; `own` by default."""
        name, prefix = str(self.hints.get("name", own)), self.hints.get("prefix")
        for each in (name, prefix) if isinstance(prefix, str) and prefix else (name,):
            if not XML_NAME.fullmatch(each):
                raise UnusableMedia(f'"{each[:80]}" is not a name for an XML element or attribute')
        return f"{prefix}:{name}" if isinstance(prefix, str) and prefix else name

    def namespace(self) -> str:
        """The attribute that declares its namespace, "" if it has none."""
        namespace, prefix = self.hints.get("namespace"), self.hints.get("prefix")
        if not isinstance(namespace, str):
            return ""
        return f" xmlns{':' + prefix if isinstance(prefix, str) and prefix else ''}={quoteattr(namespace)}"

    def below(self, raw: JsonValue) -> _Schema:
        """Return a subschema, its `$ref` followed; `xml` beside a `$ref` takes precedence (3.1)."""
        base, found = self.base, raw
        if isinstance(raw, dict) and "$ref" in raw and self.resolve is not None:
            found, base = self.resolve(raw, base)
            if isinstance(found, dict) and isinstance(raw.get("xml"), dict):
                found = {**found, "xml": raw["xml"]}
        return _Schema(found if isinstance(found, dict) else {}, base, self.resolve)

    def member(self, name: str) -> _Schema:
        """Return the schema of a property, also one of a part of `allOf`."""
        for part in self._parts():
            properties = part.raw.get("properties")
            if isinstance(properties, dict) and name in properties:
                return part.below(properties[name])
        return _Schema({}, self.base, self.resolve)

    def items(self) -> _Schema:
        """Return the schema of a list's items."""
        return self.below(self.raw.get("items"))

    def _parts(self) -> Iterator[_Schema]:
        waiting, count = [self], 0
        while waiting and count < MAX_PARTS:
            part = waiting.pop(0)
            count += 1
            yield part
            for keyword in ("allOf", "oneOf", "anyOf"):
                more = part.raw.get(keyword)
                waiting += [part.below(each) for each in more] if isinstance(more, list) else []


def xml_document(value: JsonValue, media_type: MediaType | None, codec: str) -> bytes:
    """Return an object as an XML document in a charset; raises UnusableMedia without a root element."""
    schema, name = _root(media_type)
    if isinstance(value, dict) and len(value) == 1:
        only = next(iter(value))
        child = schema.member(only)
        if name is None:
            name, value, schema = only, value[only], child
        elif only == name and not child.raw:  # the payload includes the root element, the schema describes its content
            value = value[only]
    if name is None:
        raise UnusableMedia(f"nothing names the root element of the XML document, found {type_name(value)}", ROOT_HINT)
    if isinstance(value, list) and schema.raw.get("type") != "array":
        raise UnusableMedia("an XML document has one root element, found a list", ROOT_HINT)
    written = _element(schema.name(name), value, schema)
    text = f'<?xml version="1.0" encoding="{codec.upper()}"?>\n{written}'
    return text.encode(codec, "xmlcharrefreplace")


def names_no_root(value: JsonValue, media_type: MediaType | None) -> bool:
    """Return whether neither the schema nor a value that is no text names the root element of its XML document."""
    return _root(media_type)[1] is None and not (isinstance(value, dict) and len(value) == 1)


def _root(media_type: MediaType | None) -> tuple[_Schema, str | None]:
    """Return the schema of the root element and its name: xml.name, else the schema's name in components."""
    if media_type is None:
        return _Schema({}, "", None), None
    schema = _Schema({}, media_type.base, media_type.resolve).below(media_type.schema)
    name = schema.hints.get("name", media_type.schema_name)
    return schema, str(name) if name else None


def _element(name: str, value: JsonValue, schema: _Schema) -> str:
    """Return one element; `name` includes its prefix."""
    if isinstance(value, list):
        # §XML Object: items without a name have that of their wrapper.
        inner = "".join(_node(name.rpartition(":")[2], item, schema.items()) for item in value)
        return f"<{name}{schema.namespace()}>{inner}</{name}>"
    if not isinstance(value, dict):
        return f"<{name}{schema.namespace()}>{_text(value)}</{name}>"
    attributes, inner = _contents(value, schema)
    return f"<{name}{schema.namespace()}{attributes}>{inner}</{name}>"


def _contents(value: Mapping[str, JsonValue], schema: _Schema) -> tuple[str, str]:
    """Return (attributes, content) of an element."""
    attributes, inner = "", ""
    for key, item in value.items():
        child = schema.member(key)
        if child.kind == "attribute" or (key.startswith("@") and not child.raw):
            if item is not None:
                name = child.name(key.removeprefix("@"))
                attributes += f"{child.namespace()} {name}={quoteattr(_plain(item))}"
        elif key == "#text" and not child.raw:
            inner += _text(item)
        else:
            inner += _node(key, item, child)
    return attributes, inner


def _node(key: str, value: JsonValue, schema: _Schema) -> str:
    """Return a member or item as a node of its kind; an unwrapped list is the sequence of its items."""
    is_wrapped = schema.hints.get("wrapped") is True or schema.hints.get("nodeType") == "element"
    if isinstance(value, list) and not is_wrapped:
        return "".join(_node(key, item, schema.items()) for item in value)
    if schema.kind == "text":
        return _text(value)
    if schema.kind == "cdata":
        return "<![CDATA[" + _plain(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"
    if schema.kind == "none" and isinstance(value, dict):
        return _contents(value, schema)[1]
    return _element(schema.name(key), value, schema)


def _text(value: JsonValue) -> str:
    return "" if value is None else escape(_plain(value))


def _plain(value: JsonValue) -> str:
    text = "" if value is None else to_text(value)
    if NO_XML.search(text):
        raise UnusableMedia("a text has control characters, which XML cannot hold")
    return text
