"""Objects as XML: the examples of OpenAPI §XML Object, and values that XML cannot represent."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body
from arazzo_runner.sources.operation import MediaType

ANIMALS = {"animals": ["cat", "dog"]}


def xml(value, schema=None, *, name="", components=None, content_type="application/xml"):
    """Return the XML of a value without its declaration."""

    def resolve(node, base):
        while isinstance(node, dict) and "$ref" in node:
            node = (components or {}).get(node["$ref"].rpartition("/")[2])
        return node, base

    media = MediaType(content_type=content_type, schema=schema, schema_name=name, resolve=resolve)
    body, _ = encode_body(value, content_type, media)
    ElementTree.fromstring(body)
    return body.decode().partition("\n")[2]


def under(schema):
    return {"xml": {"name": "r"}, "properties": {"animals": schema}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "array", "items": {"type": "string"}}, "<animals>cat</animals><animals>dog</animals>", id="no hints"),
        pytest.param({"items": {"xml": {"name": "animal"}}}, "<animal>cat</animal><animal>dog</animal>", id="a name for the items"),
        pytest.param({"items": {"xml": {"name": "animal"}}, "xml": {"name": "aliens"}}, "<animal>cat</animal><animal>dog</animal>", id="a name of the list does not count without wrapping"),
        pytest.param({"items": {}, "xml": {"wrapped": True}}, "<animals><animals>cat</animals><animals>dog</animals></animals>", id="wrapped"),
        pytest.param({"items": {"xml": {"name": "animal"}}, "xml": {"wrapped": True}}, "<animals><animal>cat</animal><animal>dog</animal></animals>", id="wrapped, a name for the items"),
        pytest.param({"items": {"xml": {"name": "animal"}}, "xml": {"name": "aliens", "wrapped": True}}, "<aliens><animal>cat</animal><animal>dog</animal></aliens>", id="wrapped, a name for both"),
        pytest.param({"items": {}, "xml": {"name": "aliens", "wrapped": True}}, "<aliens><aliens>cat</aliens><aliens>dog</aliens></aliens>", id="wrapped, a name for the wrapper"),
        pytest.param({"items": {"xml": {"name": "animal"}}, "xml": {"nodeType": "element"}}, "<animals><animal>cat</animal><animal>dog</animal></animals>", id="3.2: nodeType element wraps"),
        pytest.param({"items": {}, "xml": {"wrapped": True, "prefix": "p", "namespace": "urn:p"}}, '<p:animals xmlns:p="urn:p"><animals>cat</animals><animals>dog</animals></p:animals>', id="wrapped, in a namespace"),
    ],
)  # fmt: skip
def test_list_is_written_by_its_hints(schema, expected):
    assert xml(ANIMALS, under(schema)) == f"<r>{expected}</r>"


PERSON = {
    "properties": {
        "id": {"type": "integer", "xml": {"attribute": True}},
        "name": {"xml": {"namespace": "http://example.com/schema/sample", "prefix": "sample"}},
    }
}


def test_attributes_prefixes_and_namespaces():
    written = xml({"id": 0, "name": "x"}, {**PERSON, "xml": {"name": "Person"}})
    space = 'xmlns:sample="http://example.com/schema/sample"'
    assert written == f'<Person id="0"><sample:name {space}>x</sample:name></Person>'


def test_name_of_the_schema_is_the_name_of_the_root():
    assert xml({"id": 1}, PERSON, name="Person") == '<Person id="1"></Person>'


def test_payload_may_have_the_root_element_itself():
    assert xml({"Person": {"id": 1}}, PERSON, name="Person") == '<Person id="1"></Person>'
    assert xml({"a": {"b": 1}}) == "<a><b>1</b></a>"


def test_hints_behind_references_and_allOf_count():
    components = {"Id": {"xml": {"attribute": True}}, "Base": {"properties": {"id": {"$ref": "#/Id"}}}}
    schema = {
        "xml": {"name": "r"},
        "allOf": [{"$ref": "#/Base"}, {"properties": {"x": {"$ref": "#/Id", "xml": {"name": "y"}}}}],
    }
    assert xml({"id": 1, "x": 2}, schema, components=components) == '<r id="1"><y>2</y></r>'


def test_circle_of_schemas_ends_with_the_value():
    components = {"Tree": {"xml": {"name": "t"}, "properties": {"kids": {"items": {"$ref": "#/Tree"}}}}}
    value = {"kids": [{"kids": []}, {"kids": [{}]}]}
    assert xml(value, {"$ref": "#/Tree"}, components=components) == "<t><t></t><t><t></t></t></t>"


def test_node_types_of_3_2():
    schema = {
        "xml": {"name": "r"},
        "properties": {
            "a": {"xml": {"nodeType": "attribute"}},
            "t": {"xml": {"nodeType": "text"}},
            "c": {"xml": {"nodeType": "cdata"}},
            "n": {"xml": {"nodeType": "none"}, "properties": {"x": {}}},
        },
    }
    value = {"a": 1, "t": "<&", "c": "]]>", "n": {"x": 2}}
    assert xml(value, schema) == '<r a="1">&lt;&amp;<![CDATA[]]]]><![CDATA[>]]><x>2</x></r>'


def test_attributes_and_text_without_hints():
    assert xml({"a": {"@id": 'x "&', "#text": "hi", "b": None}}) == '<a id="x &quot;&amp;">hi<b></b></a>'


def test_values_cannot_become_markup():
    assert xml({"a": "<b>&\r"}) == "<a>&lt;b&gt;&amp;&#13;</a>"


def test_charset_is_declared_and_used():
    body, _ = encode_body({"a": "é€"}, "application/xml; charset=iso-8859-1", None)
    assert body == '<?xml version="1.0" encoding="ISO-8859-1"?>\n<a>é&#8364;</a>'.encode("latin-1")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"a": 1, "b": 2}, "nothing names the root element", id="two roots"),
        pytest.param([1], "nothing names the root element", id="a list without a name"),
        pytest.param({"a": [1, 2]}, "one root element", id="a list as root"),
        pytest.param({"a><b": 1}, "not a name for an XML element", id="markup in a name"),
        pytest.param({"a": {"b c": 1}}, "not a name for an XML element", id="a blank in a name"),
        pytest.param({"a": {"@b=": 1}}, "not a name for an XML element", id="markup in an attribute's name"),
        pytest.param({"a": "\x00"}, "control characters", id="a control character"),
        pytest.param({"a": "\ud800"}, "control characters", id="a lone surrogate"),
    ],
)
def test_values_that_xml_cannot_represent_are_refused(value, message):
    with pytest.raises(UnusableMedia, match=message):
        encode_body(value, "application/xml", None)
