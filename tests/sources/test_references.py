"""`$ref` across documents: bases, `$id`, `$anchor`, `$self`, cycles, limits."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value, read
from arazzo_runner.sources import references as module
from arazzo_runner.sources.fetch import FetchError, make_fetch
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.references import ReferenceFailure, References, rebased
from arazzo_runner.sources.uris import uri_of_path

BASE = "https://api.test/specs/api.yaml"


def description(paths, **more):
    value = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}
    problems = Problems()
    return load_openapi(from_value(value, "api.yaml"), None, problems, base=BASE), problems


class Shelf:
    """Documents by URI, and who asked for them."""

    def __init__(self, documents):
        self.documents = documents
        self.asked = []

    def referenced(self, uri, base):
        self.asked.append((uri, base))
        if uri not in self.documents:
            raise FetchError("it is not on the shelf", "put it there")
        return json.dumps(self.documents[uri]).encode()


def over(root, documents=None, base=BASE):
    shelf = Shelf(documents or {})
    return References(from_value(root, "api.yaml"), base, shelf), shelf


def test_references_to_other_files_are_resolved(tmp_path):
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.0.0\npaths:\n  /a:\n    $ref: 'parts/items.yaml#/a'\n  /b: {get: {operationId: b, parameters: [{$ref: '../out.yaml'}]}}\n"
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "items.yaml").write_text(
        "a: {get: {operationId: a, parameters: [{$ref: '#/p'}], responses: {'200': {$ref: './r.json'}}}}\np: {name: x, in: query}\n"
    )
    (tmp_path / "parts" / "r.json").write_text(json.dumps({"description": "from another file"}))
    location = uri_of_path(str(tmp_path / "api.yaml"))
    fetch = make_fetch(location, root=str(tmp_path))
    problems = Problems()
    document = read(fetch.entry(location), "api.yaml", problems)
    api = load_openapi(document, fetch, problems, base=location)
    assert api.operation("a").parameters[0].name == "x"
    assert api.operation("a").responses["200"].description == "from another file"
    assert list(problems) == []
    assert ["outside of" in each.problem.message for each in api.operation("b").faults] == [True]


def test_schema_references_by_anchor_and_in_circles():
    api, _ = description(
        {},
        components={"schemas": {"A": {"$anchor": "here", "type": "integer"}, "L": {"$ref": "#/components/schemas/L"}}},
    )
    assert api.resolve({"$ref": "#here"})[0]["type"] == "integer"
    with pytest.raises(ReferenceFailure, match="cycle"):
        api.resolve({"$ref": "#/components/schemas/L"})
    with pytest.raises(ReferenceFailure, match="points to nothing"):
        api.resolve({"$ref": "#missing"})


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param("#/a~1b/m~0n", 1, id="escapes of JSON Pointer"),
        pytest.param("#/a~1b/%C3%BC%20x", 2, id="percent-encoding"),
        pytest.param("#/list/1", "second", id="an index"),
        pytest.param("#", None, id="the whole document"),
        pytest.param("api.yaml#/list/0", "first", id="itself by its name"),
        pytest.param("more/x.json#/deep", "there", id="another document"),
        pytest.param("/root.json", "whole", id="a whole document"),
        pytest.param("https://api.test/specs/more/x.json#/deep", "there", id="an absolute URL"),
    ],
)
def test_reference_is_resolved(reference, expected):
    root = {"a/b": {"m~n": 1, "ü x": 2}, "list": ["first", "second"]}
    documents = {"https://api.test/specs/more/x.json": {"deep": "there"}, "https://api.test/root.json": "whole"}
    references, _ = over(root, documents)
    value, _ = references.follow({"$ref": reference}, references.base)
    assert value == (root if expected is None else expected)


def test_references_of_another_document_are_relative_to_it():
    documents = {
        "https://api.test/specs/sub/a.json": {"x": {"$ref": "b.json#/y"}, "z": {"$ref": "#/w"}, "w": "own"},
        "https://api.test/specs/sub/b.json": {"y": "found"},
    }
    references, shelf = over({}, documents)
    assert references.follow({"$ref": "sub/a.json#/x"}, BASE) == ("found", "https://api.test/specs/sub/b.json")
    assert references.follow({"$ref": "sub/a.json#/z"}, BASE)[0] == "own"
    assert [base for _, base in shelf.asked] == [BASE, "https://api.test/specs/sub/a.json"]


def test_each_document_is_asked_for_once_even_when_it_is_not_there():
    references, shelf = over({})
    for _ in range(2):
        with pytest.raises(ReferenceFailure, match="not on the shelf") as caught:
            references.follow({"$ref": "gone.json"}, BASE)
        assert caught.value.hint == "put it there"
    assert len(shelf.asked) == 1


def test_circle_through_documents_is_noticed():
    documents = {"https://api.test/specs/b.json": {"y": {"$ref": "api.yaml#/x"}}}
    references, _ = over({"x": {"$ref": "b.json#/y"}}, documents)
    with pytest.raises(ReferenceFailure, match="cycle"):
        references.follow({"$ref": "#/x"}, BASE)


def test_number_of_documents_is_limited(monkeypatch):
    monkeypatch.setattr(module, "MAX_DOCUMENTS", 2)
    references, _ = over({}, {f"https://api.test/specs/{name}.json": {} for name in "ab"})
    references.follow({"$ref": "a.json"}, BASE)
    with pytest.raises(ReferenceFailure, match="limit of 2 documents"):
        references.follow({"$ref": "b.json"}, BASE)


def test_unreadable_document_is_reported_without_quoting_it():
    class Broken:
        def referenced(self, uri, base):
            return b"secret: [unclosed"

    references = References(from_value({}, "api.yaml"), "file:///in/api.yaml", Broken())
    with pytest.raises(ReferenceFailure, match=r"leads to x\.yaml, which cannot be read") as caught:
        references.follow({"$ref": "x.yaml"}, references.base)
    assert "secret" not in caught.value.message


# ------------------------------------------------------------------ $id, $anchor, $self

NAMED = {
    "schemas": {
        "outer": {
            "$id": "https://ids.test/outer/",
            "$anchor": "top",
            "properties": {"p": {"$ref": "inner"}, "q": {"$ref": "#here"}, "r": {"$ref": "#/$defs/own"}},
            "$defs": {"own": {"type": "null"}, "in": {"$id": "inner", "type": "integer"}, "h": {"$anchor": "here", "type": "string"}},
        },
        "plain": {"$anchor": "here", "type": "boolean"},
        "data": {"const": {"$id": "https://ids.test/no"}, "$dynamicAnchor": "dyn"},
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "base", "kind", "found_base"),
    [
        pytest.param("#here", BASE, "boolean", BASE, id="an anchor of the document"),
        pytest.param("https://ids.test/outer/#here", BASE, "string", "https://ids.test/outer/", id="the same anchor in a resource"),
        pytest.param("#here", "https://ids.test/outer/", "string", "https://ids.test/outer/", id="from inside the resource"),
        pytest.param("inner", "https://ids.test/outer/", "integer", "https://ids.test/outer/inner", id="an $id relative to the one around it"),
        pytest.param("#/$defs/own", "https://ids.test/outer/", "null", "https://ids.test/outer/", id="a pointer begins at the resource"),
        pytest.param("#/schemas/outer/$defs/own", BASE, "null", "https://ids.test/outer/", id="the base changes on the way"),
    ],
)  # fmt: skip
def test_schemas_are_found_by_id_and_anchor(reference, base, kind, found_base):
    references, shelf = over(NAMED)
    value, at = references.follow({"$ref": reference}, base)
    assert (value["type"], at) == (kind, found_base)
    assert shelf.asked == []


def test_names_in_data_name_nothing():
    references, shelf = over(NAMED)
    with pytest.raises(ReferenceFailure):
        references.follow({"$ref": "https://ids.test/no"}, BASE)
    assert references.follow({"$ref": "#dyn"}, BASE)[0]["$dynamicAnchor"] == "dyn"
    assert len(shelf.asked) == 1


def test_self_is_the_base_of_references_but_files_beside_the_document_come_first():
    root = {"$self": "https://ids.test/apis/one", "x": {"$ref": "shared.json#/y"}, "own": {"$ref": "one#/z"}, "z": 1}
    beside, _ = over(root, {"file:///in/shared.json": {"y": "a file"}}, base="file:///in/api.yaml")
    assert beside.base == "https://ids.test/apis/one"
    assert beside.follow({"$ref": "#/x"}, beside.base)[0] == "a file"
    assert beside.follow({"$ref": "#/own"}, beside.base)[0] == 1
    away, shelf = over(root, {"https://ids.test/apis/shared.json": {"y": "fetched"}}, base="file:///in/api.yaml")
    assert away.follow({"$ref": "#/x"}, away.base)[0] == "fetched"
    assert shelf.asked[-1] == ("https://ids.test/apis/shared.json", "file:///in/api.yaml")


def test_remote_document_cannot_pass_for_a_local_one():
    remote, shelf = over({"$self": "file:///etc/", "x": {"$ref": "passwd.yaml"}})
    with pytest.raises(ReferenceFailure):
        remote.follow({"$ref": "#/x"}, remote.base)
    assert shelf.asked == [("file:///etc/passwd.yaml", BASE)]
    with pytest.raises(FetchError, match="must not lead to a file"):
        make_fetch(BASE).referenced(*shelf.asked[0])


def test_references_of_moved_values_become_absolute():
    value = {"a": [{"$ref": "#/x"}, {"$ref": "b.json#/y"}], "$ref": "https://z.test/"}
    assert rebased(value, "file:///in/sub/a.json", "file:///in/a.json") == {
        "a": [{"$ref": "file:///in/sub/a.json#/x"}, {"$ref": "file:///in/sub/b.json#/y"}],
        "$ref": "https://z.test/",
    }
    assert rebased(value, "x", "x") is value
