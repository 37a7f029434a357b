"""The formats of JSON Schema and of the Specification's data types, each with values that have it and that lack it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.sources.schema.check import checked
from arazzo_runner.sources.schema.formats import FORMATS

CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "int8": ([127, -128], [128, 1.5]),
    "int32": ([2147483647, -2147483648, 1.0], [2147483648, 99999999999, 0.5]),
    "int64": ([2**63 - 1], [2**63]),
    "uint8": ([255, 0], [-1, 256]),
    "float": ([1.5, 3.4e38], [1e39]),
    "double": ([1e308, 5], [10**400]),
    "byte": (["", "YQ==", "YWJj\r\nYWJj"], ["a", "YQ=", "****"]),
    "base64url": (["a-_", "YQ=="], ["a+b"]),
    "date": (["2024-02-29", "0000-02-29"], ["0000-02-30", "2023-02-29", "2024-2-1", "yesterday", "2024-01-01T00:00:00Z", "২০২৪-০১-০১"]),
    "date-time": (
        ["2024-01-31T12:00:00Z", "1963-06-19t08:30:06.283185z", "1998-12-31T15:59:60.123-08:00"],
        ["yesterday", "2024-01-31", "2024-01-31T12:00:00", "2024-01-31 12:00:00Z", "1998-12-31T23:58:60Z", "1990-02-31T15:59:59Z"],
    ),
    "time": (["08:30:06Z", "23:59:60Z"], ["08:30:06", "24:00:00Z", "8:30:06Z"]),
    "duration": (["P4DT12H30M5S", "P2W", "PT0.5S", "P1Y2D"], ["P", "PT", "P1", "P1D2H", "1D", "P1YT"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"], ["nope", "123e4567e89b12d3a456426614174000"]),
    "email": (["ada@example.com", '"a b"@example.com', "a+b@[127.0.0.1]"], ["x", "a@", ".a@b.c", "a..b@c.d", "a@b@c", "a b@c.d"]),
    "idn-email": (["실례@실례.테스트"], ["2962"]),
    "hostname": (["api.example.com", "a"], ["-a", "a..b", "a_b", "a" * 64, "a." * 130]),
    "idn-hostname": (["실례.테스트"], ["-a", "a b"]),
    "ipv4": (["192.0.2.1"], ["192.0.2", "01.2.3.4", "::1"]),
    "ipv6": (["::1", "::ffff:192.0.2.1"], ["192.0.2.1", "fe80::1%eth0", "1:2"]),
    "uri": (["https://a.example/b?c=d#e", "urn:a:b", "mailto:a@b.c", "http://[::1]:8/", "http://[fe80::1%25eth0]/", "http://[v1.fe80::a+en1]/"], ["http://[v1]/", "http://[fe80::1%eth0]/", "nope", "//a/b", "a b", "http://a/%zz", "http:// a", "https://ä.example"]),
    "uri-reference": (["/a", "", "#f", "../a?b", "//a/b"], ["a b", "\\a", "%"]),
    "iri": (["https://ä.example/ö"], ["a b", "/ä"]),
    "iri-reference": (["/ä#ö"], ["a b"]),
    "uri-template": (["/pets/{id}{?q*,r:3}", "/pets('{id}')"], ["/pets/{id", "{}"]),
    "json-pointer": (["", "/a~1b/0"], ["a", "/~2"]),
    "relative-json-pointer": (["0#", "1/a"], ["-1", "01", "/a"]),
    "regex": (["^a+$"], ["("]),
    "password": (["", "x"], []),
    "binary": (["\x00"], []),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (right, _) in CASES.items() for value in right])
def test_a_value_has_its_format(name, value):
    assert checked(value, {"format": name}).formats == ()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, wrong) in CASES.items() for value in wrong])
def test_a_value_lacks_its_format(name, value):
    (error,) = checked(value, {"format": name}).formats
    assert error.keyword == "format"
    assert error.message.startswith("the value must be ")


@pytest.mark.parametrize("schema", [{}, {"patternProperties": {"x": True}}], ids=["simple", "jsonschema"])
@pytest.mark.parametrize(
    ("schema_of_d", "value", "formats", "errors"),
    [
        pytest.param({"format": "date"}, "soon", ["/d"], [], id="a wrong format is apart from the other mismatches"),
        pytest.param({"format": "date", "maxLength": 2}, "soon", ["/d"], ["/d"], id="and beside them"),
        pytest.param({"format": "date"}, 5, [], [], id="a format of texts says nothing of numbers"),
        pytest.param({"format": "int32"}, "99999999999", [], [], id="nor one of numbers of texts"),
        pytest.param({"anyOf": [{"format": "date"}, {"format": "uuid"}]}, "soon", ["/d"], [], id="no branch fits"),
        pytest.param({"anyOf": [{"format": "date"}, {}]}, "soon", [], [], id="another branch fits"),
        pytest.param({"format": ["date"]}, "soon", [], [], id="no format at all"),
        pytest.param({"type": ["string", "null"], "format": "date"}, None, [], [], id="null has every format"),
    ],
)
def test_formats_in_a_schema(schema, schema_of_d, value, formats, errors):
    check = checked({"d": value}, {**schema, "properties": {"d": schema_of_d}})
    assert ([each.pointer for each in check.formats], [each.pointer for each in check.errors]) == (formats, errors)
    assert checked({"d": value}, {**schema, "properties": {"d": schema_of_d}}, formats=False).formats == ()


def test_unknown_formats_are_named_once():
    check = checked(["a", "b"], {"items": {"format": "datetime"}})
    assert (check.formats, check.unknown) == ((), {"datetime"})


def test_a_secret_of_a_wrong_format_is_not_shown():
    (error,) = checked({"password": "hunter2"}, {"properties": {"password": {"format": "uuid"}}}).formats
    assert "hunter2" not in error.message


# jsonschema's own checks; its e-mail needs an @ only, its regex is Python's.
PEERS = ("date", "ipv4", "ipv6", "uuid")
CHARACTERS = st.text("0123456789abcdefABCDEF:.-%TZ", max_size=40)


@pytest.mark.parametrize("name", PEERS)
@settings(max_examples=200, deadline=None)
@given(value=CHARACTERS | st.dates().map(str) | st.uuids().map(str) | st.ip_addresses().map(str))
def test_jsonschema_agrees(name, value):
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    assert FORMATS[name].fits(value) is checker.conforms(value, name)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_long_text_takes_no_long_time(name):
    for part in ("a", "1", "a.", "a@", "/a", "%41", "{a}", "P1D", "(", ":", '"\\', "-"):
        checked(part * 20_000, {"format": name})
