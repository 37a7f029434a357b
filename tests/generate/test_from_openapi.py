"""Workflows from OpenAPI descriptions: which operations, in which order, joined by which data."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.cli.main import run
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import InvalidUsage, Severity
from arazzo_runner.generate.from_openapi import Choice, from_openapi
from arazzo_runner.generate.generated import kind_of
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.sources.fetch import make_fetch
from arazzo_runner.sources.uris import uri_of_path

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
SPECS = Path(__file__).parents[2] / "specs" / "openapi"

PET = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}


def api(paths, *, version="3.1.0", **more):
    return {"openapi": version, "info": {"title": "Pets", "version": "1"}, "servers": [{"url": "https://pets.test"}],
            "paths": paths, **more}  # fmt: skip


def answer(schema, status="200", **more):
    return {status: {"description": "ok", "content": {"application/json": {"schema": schema}}, **more}}


def body(schema, content_type="application/json", **more):
    return {"required": True, "content": {content_type: {"schema": schema, **more}}}


def variable(name, kind="integer"):
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def operation(name, **more):
    return {"operationId": name, "responses": {"204": {"description": "ok"}}, **more}


CRUD = api(
    {
        "/pets": {
            "get": operation("listPets", responses=answer({"type": "array", "items": PET})),
            "post": operation(
                "addPet",
                requestBody=body({**PET, "required": ["name"]}),
                responses=answer(PET, "201"),
            ),
        },
        "/pets/{petId}": {
            "parameters": [variable("petId")],
            "get": operation("getPet", responses=answer(PET)),
            "put": operation("changePet", requestBody=body({**PET, "required": ["name"]}), responses=answer(PET)),
            "delete": operation("deletePet"),
        },
        "/pets/{petId}/feed": {"post": operation("feedPet", parameters=[variable("petId")])},
    }
)


@pytest.fixture
def generate(tmp_path):
    def generated(description, **choice):
        path = tmp_path / "pets.yml"
        path.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
        return made(path, tmp_path, **choice)

    return generated


def made(path, folder, **choice):
    uri = uri_of_path(str(path))
    document = read(path.read_bytes(), str(path), Problems(), duplicates=Severity.WARNING)
    assert document is not None
    fetch = make_fetch(uri, root=str(path.parent))
    return from_openapi(document, uri, str(folder), Choice(**choice), fetch=fetch)


def checked(generated, folder, *, mock="stateful"):
    """Return the document, which is valid without a warning, and of which each workflow succeeds with the mock."""
    text = draft_text(generated.draft)
    path = Path(folder) / "flow.yml"
    path.write_text(text, encoding="utf-8")
    assert run(["validate", "--strict", "--no-cache", str(path)]) == 0, text
    document = yaml.safe_load(text)
    for workflow in document["workflows"]:
        options = LoadOptions(any_server=True)
        result = arazzo_runner.run(path, workflow["workflowId"], mock=mock, sample_inputs=True, load_options=options)
        assert result.status == "succeeded", (workflow["workflowId"], text)
    return document


def steps_of(workflow):
    return {step["stepId"]: step for step in workflow["steps"]}


def value_of(step, name):
    return next(each["value"] for each in step["parameters"] if each["name"] == name)


# ------------------------------------------------------------------ which workflows


def test_crud_is_create_read_list_update_delete_of_what_was_created(generate, tmp_path):
    document = checked(generate(CRUD, crud=True), tmp_path)
    [workflow] = document["workflows"]
    steps = steps_of(workflow)
    assert list(steps) == ["addPet", "getPet", "listPets", "changePet", "deletePet"]
    assert steps["addPet"]["outputs"] == {"petId": "$response.body#/id"}
    for name in ("getPet", "changePet", "deletePet"):
        assert value_of(steps[name], "petId") == "$steps.addPet.outputs.petId"
    assert steps["addPet"]["requestBody"]["payload"] == {"name": "$inputs.name"}
    assert workflow["inputs"] == {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def test_crud_adds_before_it_lists_what_has_no_items_of_its_own(generate, tmp_path):
    notes = {"parameters": [variable("petId")], "get": operation("listNotes"), "post": operation("addNote")}
    [workflow] = checked(generate(api({"/pets/{petId}/notes": notes}), crud=True), tmp_path)["workflows"]
    assert list(steps_of(workflow)) == ["addNote", "listNotes"]


def test_by_default_every_operation_is_called_once_and_actions_are_in_the_chain(generate, tmp_path):
    document = checked(generate(CRUD), tmp_path)
    called = [step for each in document["workflows"] for step in steps_of(each)]
    assert called == ["addPet", "getPet", "listPets", "changePet", "feedPet", "deletePet"]


@pytest.mark.parametrize(
    ("named", "steps"),
    [
        (["deletePet", "addPet"], ["addPet", "deletePet"]),
        (["getPet", "listPets"], ["listPets", "getPet"]),
        (["GET /pets"], ["listPets"]),
    ],
    ids=["a creator comes before what it creates for", "a list comes before its item", "named by method and path"],
)
def test_named_operations_are_one_workflow_in_the_order_of_their_data(generate, tmp_path, named, steps):
    [workflow] = checked(generate(CRUD, operations=tuple(named)), tmp_path)["workflows"]
    assert list(steps_of(workflow)) == steps


def test_a_tag_leaves_its_operations(generate, tmp_path):
    tagged = json.loads(json.dumps(CRUD))
    tagged["paths"]["/pets"]["get"]["tags"] = ["reading"]
    [workflow] = checked(generate(tagged, tags=("reading",)), tmp_path)["workflows"]
    assert list(steps_of(workflow)) == ["listPets"]


def test_only_what_changes_nothing_takes_an_item_of_a_list(generate, tmp_path):
    description = json.loads(json.dumps(CRUD))
    del description["paths"]["/pets"]["post"]
    both = checked(generate(description, operations=("listPets", "getPet")), tmp_path)["workflows"][0]
    assert value_of(steps_of(both)["getPet"], "petId") == "$steps.listPets.outputs.petId"
    three = checked(generate(description, operations=("listPets", "getPet", "deletePet")), tmp_path)["workflows"][0]
    assert {value_of(steps_of(three)[name], "petId") for name in ("getPet", "deletePet")} == {"$inputs.petId"}


def test_a_delete_of_what_was_not_created_is_a_workflow_of_its_own(generate, tmp_path):
    description = json.loads(json.dumps(CRUD))
    del description["paths"]["/pets"]["post"]
    document = checked(generate(description), tmp_path)
    assert ["deletePet"] in [list(steps_of(each)) for each in document["workflows"]]


def test_a_put_that_may_answer_201_creates(generate, tmp_path):
    description = json.loads(json.dumps(CRUD))
    del description["paths"]["/pets"]["post"]
    description["paths"]["/pets/{petId}"]["put"]["responses"]["201"] = {"description": "new"}
    [workflow] = checked(generate(description, crud=True), tmp_path)["workflows"]
    steps = steps_of(workflow)
    assert list(steps) == ["changePet", "getPet", "listPets", "deletePet"]
    assert {value_of(steps[name], "petId") for name in ("changePet", "getPet", "deletePet")} == {"$inputs.petId"}


# ------------------------------------------------------------------ data


def _created(schema, name="petId", kind="string", **more):
    return api(
        {
            "/pets": {"post": operation("addPet", responses=answer(schema, "201", **more))},
            f"/pets/{{{name}}}": {"get": operation("getPet", parameters=[variable(name, kind)])},
        }
    )


def _object(**members):
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in members.items()}}


@pytest.mark.parametrize(
    ("schema", "variable_name", "kind", "expression"),
    [
        (_object(id="string"), "petId", "string", "#/id"),
        (_object(pet_id="string", owner_id="string"), "petId", "string", "#/pet_id"),
        (_object(id="integer"), "id", "string", "#/id"),
        (_object(slug="string", id="string"), "slug", "string", "#/slug"),
        ({"type": "object", "properties": {"data": _object(id="string"), "meta": {}}}, "pet", "string", "#/data/id"),
        ({"type": "object", "properties": {"pet": _object(id="string"), "x": {}}}, "petId", "string", "#/pet/id"),
        ({"allOf": [_object(name="string"), _object(uuid="string")]}, "petId", "string", "#/uuid"),
        ({"allOf": [{"$ref": "#/components/schemas/Base"}]}, "petId", "string", "#/id"),
    ],
    ids=[
        "the id",
        "the name of the resource with _id, not another's",
        "a number serves as text in a path",
        "a member of the variable's own name comes first",
        "in an envelope",
        "in a member named as the resource",
        "a uuid of an allOf",
        "behind a reference",
    ],
)
def test_the_variable_of_a_path_is_what_the_post_answers(generate, tmp_path, schema, variable_name, kind, expression):
    description = _created(schema, variable_name, kind)
    description["components"] = {"schemas": {"Base": _object(id="string")}}
    [workflow] = checked(generate(description), tmp_path)["workflows"]
    [output] = steps_of(workflow)["addPet"]["outputs"].items()
    assert output[1] == f"$response.body{expression}"
    assert value_of(steps_of(workflow)["getPet"], variable_name) == f"$steps.addPet.outputs.{output[0]}"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [(_object(id="string"), "integer"), (_object(owner_id="string"), "string"), (_object(name="string"), "string")],
    ids=["of another type", "of another resource", "no id at all"],
)
def test_what_is_no_id_of_it_is_not_taken(generate, tmp_path, schema, kind):
    [workflow] = checked(generate(_created(schema, kind=kind)), tmp_path)["workflows"]
    assert value_of(steps_of(workflow)["getPet"], "petId") == "$inputs.petId"


def test_a_link_comes_before_every_guess(generate, tmp_path):
    description = _created(_object(id="string", tag="string"))
    description["paths"]["/pets"]["post"]["responses"]["201"]["links"] = {
        "read": {"operationId": "getPet", "parameters": {"petId": "$response.body#/tag"}}
    }
    generated = generate(description)
    [workflow] = checked(generated, tmp_path)["workflows"]
    assert steps_of(workflow)["addPet"]["outputs"] == {"tag": "$response.body#/tag"}
    assert "# by the link read of addPet" in draft_text(generated.draft)


def test_a_location_without_an_id_is_an_output(generate, tmp_path):
    description = _created(_object(name="string"), headers={"Location": {"schema": {"type": "string"}}})
    [workflow] = checked(generate(description), tmp_path)["workflows"]
    assert steps_of(workflow)["addPet"]["outputs"] == {"location": "$response.header.Location"}


def test_a_member_of_a_body_named_as_the_id_of_a_resource_is_what_was_created(tmp_path):
    generated = made(SPECS / "toolshed.yml", tmp_path, operations=("returnTool", "borrowTool", "addTool"))
    [workflow] = checked(generated, tmp_path)["workflows"]
    steps = steps_of(workflow)
    assert list(steps) == ["addTool", "borrowTool", "returnTool"]
    assert steps["borrowTool"]["requestBody"]["payload"]["toolId"] == "$steps.addTool.outputs.toolId"
    assert value_of(steps["returnTool"], "number") == "$steps.borrowTool.outputs.receipt"


# ------------------------------------------------------------------ inputs and bodies

MEMBERS = {
    "type": "object",
    "required": ["name", "kind"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "description": "Its name", "examples": ["Rex"]},
        "kind": {"const": "dog"},
        "age": {"type": "integer", "default": 1},
        "note": {"type": "string"},
        "password": {"type": "string", "example": "hunter2-hunter2"},
    },
}


def test_required_members_and_those_with_a_default_are_sent(generate, tmp_path):
    generated = generate(api({"/pets": {"post": operation("addPet", requestBody=body(MEMBERS))}}))
    [workflow] = checked(generated, tmp_path)["workflows"]
    payload = workflow["steps"][0]["requestBody"]["payload"]
    assert payload == {"name": "$inputs.name", "kind": "dog", "age": "$inputs.age"}
    assert workflow["inputs"]["required"] == ["name"]
    assert workflow["inputs"]["properties"]["age"] == {"type": "integer", "default": 1}
    assert workflow["inputs"]["properties"]["name"]["examples"] == ["Rex"]


def test_members_of_one_name_and_other_schemas_are_inputs_of_their_own(tmp_path):
    generated = made(SPECS / "toolshed.yml", tmp_path, crud=True, tags=("tools",))
    [workflow] = checked(generated, tmp_path)["workflows"]
    properties = workflow["inputs"]["properties"]
    assert {name: each.get("default") for name, each in properties.items()} == {
        "name": None, "deposit": 0, "changeToolDeposit": 20,
    }  # fmt: skip


def test_a_secret_is_a_password_and_its_example_is_in_no_document(generate, tmp_path):
    schema = {**MEMBERS, "required": ["name", "password"]}
    generated = generate(api({"/pets": {"post": operation("addPet", requestBody=body(schema))}}))
    [workflow] = checked(generated, tmp_path)["workflows"]
    assert workflow["inputs"]["properties"]["password"]["format"] == "password"
    assert "hunter2" not in draft_text(generated.draft)


def test_credentials_of_security_schemes_stay_out(generate, tmp_path):
    key = {"name": "X-Key", "in": "header", "required": True, "schema": {"type": "string"}}
    schemes = {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}
    paths = {"/pets": {"get": operation("listPets", parameters=[key])}}
    generated = generate(api(paths, components=schemes, security=[{"key": []}]))
    assert "X-Key" not in draft_text(generated.draft)
    checked(generated, tmp_path)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_other_content_types(generate, tmp_path, content_type):
    schema = {"type": "string"} if content_type == "text/plain" else {**MEMBERS, "required": ["name"]}
    generated = generate(api({"/pets": {"post": operation("addPet", requestBody=body(schema, content_type))}}))
    [workflow] = checked(generated, tmp_path)["workflows"]
    assert workflow["steps"][0]["requestBody"]["contentType"] == content_type


def test_json_is_sent_where_there_is_a_choice(generate, tmp_path):
    content = {"text/csv": {"schema": {"type": "string"}}, "application/json": {"schema": MEMBERS}}
    description = api({"/pets": {"post": operation("addPet", requestBody={"required": True, "content": content})}})
    [workflow] = checked(generate(description), tmp_path)["workflows"]
    assert workflow["steps"][0]["requestBody"]["contentType"] == "application/json"


def test_a_recursive_schema_ends(generate, tmp_path):
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}
    node = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "below": tree}}
    paths = {"/trees": {"post": operation("plant", requestBody=body(tree))}}
    document = checked(generate(api(paths, components={"schemas": {"Node": node}})), tmp_path)
    assert "$ref" not in json.dumps(document)


def test_openapi_2_with_a_form_and_without_operation_ids(generate, tmp_path):
    form = {"name": "name", "in": "formData", "required": True, "type": "string"}
    description = {
        "swagger": "2.0", "info": {"title": "Pets", "version": "1"}, "host": "pets.test", "schemes": ["https"],
        "paths": {"/pets": {"post": {"parameters": [form], "responses": {"200": {"description": "ok"}}}}},
    }  # fmt: skip
    [workflow] = checked(generate(description), tmp_path)["workflows"]
    assert workflow["steps"][0]["operationPath"] == "{$sourceDescriptions.pets.url}#/paths/~1pets/post"
    assert workflow["steps"][0]["requestBody"]["payload"] == {"name": "$inputs.name"}


@pytest.mark.parametrize(
    ("responses", "condition"),
    [
        ({"202": {"description": "ok"}, "200": {"description": "ok"}}, "$statusCode == 202"),
        ({"2XX": {"description": "ok"}}, "$statusCode >= 200 && $statusCode < 300"),
        ({"default": {"description": "ok"}}, "$statusCode >= 200 && $statusCode < 300"),
        ({"404": {"description": "no"}, "302": {"description": "there"}}, "$statusCode == 302"),
    ],
    ids=["the first one", "a range", "only a default", "a redirect"],
)
def test_the_status_of_success(generate, tmp_path, responses, condition):
    generated = generate(api({"/pets": {"get": operation("listPets", responses=responses)}}))
    [workflow] = checked(generated, tmp_path)["workflows"]
    assert workflow["steps"][0]["successCriteria"] == [{"condition": condition}]


# ------------------------------------------------------------------ what is wrong with descriptions


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"parameters": [{"$ref": "#/components/parameters/None"}]}, "points to nothing"),
        ({"parameters": "limit"}, "parameters must be a list"),
        ({"requestBody": {"$ref": "#/nothing"}}, "points to nothing"),
        ({"requestBody": {"required": True, "content": {"application/json": {"schema":
            {"type": "object", "required": ["a"], "properties": {"b": {}}}}}}}, 'the member "a"'),
        ({"responses": {"200": {"$ref": "#/nothing"}}}, "points to nothing"),
    ],
    ids=["a parameter", "a type", "a body", "a member that is not described", "an answer"],
)  # fmt: skip
def test_an_operation_with_a_broken_part_is_left_out_and_named(generate, tmp_path, broken, message):
    description = api({"/pets": {"get": operation("listPets"), "post": operation("addPet", **broken)}})
    generated = generate(description)
    [warning] = generated.warnings
    assert warning.message.startswith("addPet (POST /pets) is left out: ")
    assert message in warning.message
    assert [list(steps_of(each)) for each in checked(generated, tmp_path)["workflows"]] == [["listPets"]]


def test_paths_without_their_variables_and_twins_are_left_out(generate):
    paths = {
        "/pets": {"get": operation("listPets")},
        "/pets/{id}": {"get": operation("getPet")},
        "/toys/{a}": {"get": operation("getA", parameters=[variable("a")])},
        "/toys/{b}": {"get": operation("getB", parameters=[variable("b")])},
    }
    warnings = [each.message for each in generate(api(paths)).warnings]
    assert [each.split(" ")[0] for each in warnings] == ["getPet", "getA", "getB"]


def test_a_deprecated_operation_is_called_only_if_it_is_named(generate, tmp_path):
    old = operation("oldPets", deprecated=True)
    description = api({"/pets": {"get": operation("listPets")}, "/old": {"get": old}, "/new": {"get": operation("n")}})
    generated = generate(description)
    assert "oldPets" in generated.warnings[0].message
    assert "oldPets" not in draft_text(generated.draft)
    [workflow] = checked(generate(description, operations=("oldPets",)), tmp_path)["workflows"]
    assert list(steps_of(workflow)) == ["oldPets"]


def test_credentials_over_http_are_warned_about(generate, tmp_path):
    schemes = {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}
    description = api({"/pets": {"get": operation("listPets")}}, components=schemes, security=[{"key": []}])
    description["servers"] = [{"url": "http://pets.example.com"}]
    generated = generate(description)
    assert [each.code for each in generated.warnings] == ["insecure-server"]
    checked(generated, tmp_path)


def test_operation_ids_that_are_there_twice_are_named_by_their_paths(generate, tmp_path):
    description = api({"/pets": {"get": operation("list")}, "/toys": {"get": operation("list")}})
    document = checked(generate(description), tmp_path)
    assert [step for each in document["workflows"] for step in steps_of(each)] == ["list", "list2"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"operations": ("getPets",)}, 'there is no operation "getPets"'),
        ({"tags": ("pets",)}, 'no operation has the tag "pets"'),
    ],
)
def test_a_choice_of_nothing_is_refused(generate, choice, message):
    with pytest.raises(InvalidUsage) as refused:
        generate(CRUD, **choice)
    assert refused.value.diagnostics[0].message == message


# ------------------------------------------------------------------ real descriptions


@pytest.mark.parametrize("name", sorted(each.name for each in SPECS.glob("*.yml")))
@pytest.mark.parametrize("crud", [False, True], ids=["all", "crud"])
def test_the_descriptions_of_the_examples_give_the_same_text_each_time(tmp_path, name, crud):
    texts = {draft_text(made(SPECS / name, tmp_path, crud=crud).draft) for _ in range(2)}
    assert len(texts) == 1


def _descriptions():
    if not CORPUS.exists():
        return []
    found = [each for each in sorted(CORPUS.rglob("*openapi*")) if each.suffix in (".json", ".yml", ".yaml")]
    small = [each for each in found if each.is_file() and each.stat().st_size < 100_000]
    return random.Random("generate").sample(small, 12)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.parametrize("path", _descriptions(), ids=lambda path: str(path.relative_to(CORPUS)))
def test_descriptions_by_others_give_valid_documents_that_run(tmp_path, path):
    document = read(path.read_bytes(), str(path), Problems(), duplicates=Severity.WARNING)
    if document is None or kind_of(document.value) != "openapi":
        pytest.skip("not an OpenAPI description")
    generated = made(path, tmp_path, crud=True)
    (tmp_path / "flow.yml").write_text(draft_text(generated.draft), encoding="utf-8")
    assert run(["validate", "--strict", "--no-cache", "--root", "/", str(tmp_path / "flow.yml")]) == 0
