"""Configuration files: settings, positions of mistakes, agreement with the published schema."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from arazzo_runner.config.reading import load_settings, read_settings
from arazzo_runner.config.settings import Environment, MessageSettings, RuleSetting, Settings
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import InvalidUsage

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "config.schema.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
CODES = {"bare-expression": (), "unusual-id": (), "later-step": (), "retry-limits": ("most-retries", "longest-wait")}


def findings(text, path="arazzo.toml"):
    problems = Problems()
    read_settings(text, path, problems, codes=CODES)
    return [(each.code, each.at.line, each.at.column, each.hint) for each in problems.diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('[validate]\npreset = strict\n', [("configuration-syntax", 2, 10, None)], id="not TOML at all"),
        pytest.param('[validate]\npresett = "strict"\n', [("unknown-setting", 2, 1, 'did you mean "preset"?')], id="a key nearly spelt"),
        pytest.param('[validate]\n  preset = "stict"\n', [("invalid-setting", 2, 3, 'did you mean "strict"?')], id="a word nearly spelt"),
        pytest.param('[validate]\nmax-warnings = "0"\n', [("invalid-setting", 2, 1, "write max-warnings = 0")], id="a number in quotes"),
        pytest.param('[validate]\nmax-warnings = true\n', [("invalid-setting", 2, 1, "write max-warnings = 0")], id="a boolean for a number"),
        pytest.param('[validate]\ninclude = "a"\n', [("invalid-setting", 2, 1, 'write include = ["…"]')], id="a text for a list"),
        pytest.param('[validate.rules]\nbare-expresion = "off"\n', [("unknown-setting", 2, 1, 'did you mean "bare-expression"?')], id="a rule nearly spelt"),
        pytest.param('validate.rules.unusual-id = "of"\n', [("invalid-setting", 1, 1, 'did you mean "off"?')], id="a level in a dotted key"),
        pytest.param('[validate.rules.retry-limits]\nlevel = "error"\nmost-retrys = 3\n', [("unknown-setting", 3, 1, 'did you mean "most-retries"?')], id="an option of a rule nearly spelt"),
        pytest.param('[validate.rules]\nunusual-id = { size = 3 }\n', [("unknown-setting", 2, 1, "arazzo explain unusual-id lists its options")], id="an option of a rule that has none"),
        pytest.param('[[validate.overrides]]\npaths = []\n[[validate.overrides]]\n', [("invalid-setting", 3, 3, 'write paths = ["…"]')], id="the second override without paths"),
        pytest.param('x = """\n[validate]\npreset = 3\n"""\n', [("unknown-setting", 1, 1, "available: environment, environments, file-roots, sources, url-map, validate")], id="a long text hides what looks like a table"),
        pytest.param('[sources]\na = "b"\n\n[sources.c]\nd = 1\n', [("invalid-setting", 4, 2, 'write it in quotes: c = "…"')], id="a table for a text"),
        pytest.param('environment = "x"\n[environments.y]\n', [("invalid-setting", 1, 1, "write [environments.x]")], id="an environment that is not there"),
        pytest.param('[environments.a]\nserver = {}\n', [("unknown-setting", 2, 1, 'did you mean "servers"?')], id="an environment's key nearly spelt"),
        pytest.param('[environments]\na = 1979-05-27\n', [("invalid-setting", 2, 1, "write [environments.a] above its keys")], id="a date for a table"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_at_its_position(text, expected):
    assert findings(text) == expected


def test_all_mistakes_are_reported_together_in_order(tmp_path):
    file = tmp_path / "arazzo.toml"
    file.write_text("[validate]\nexclude = 3\n[environments.a]\nx = 1\n[sources]\nb = 2\n", encoding="utf-8")
    with pytest.raises(InvalidUsage) as raised:
        load_settings(str(tmp_path))
    assert [each.at.line for each in raised.value.diagnostics] == [2, 4, 6]


def test_pyproject_holds_the_same_tables(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "x"\n[tool.arazzo.validate]\npreset = "minimal"\n', encoding="utf-8")
    assert load_settings(str(tmp_path)).validate.preset == "minimal"
    file.write_text('[tool.arazzo.validate]\npresett = "minimal"\n', encoding="utf-8")
    assert findings(file.read_text(encoding="utf-8"), str(file)) == [
        ("unknown-setting", 2, 1, 'did you mean "preset"?')
    ]


def test_the_nearest_file_holds_and_the_search_ends_at_the_repository(tmp_path):
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "arazzo.toml").write_text('[validate]\npreset = "minimal"\n', encoding="utf-8")
    assert load_settings(str(inner)).validate.preset == "minimal"
    (tmp_path / "repo" / ".git").mkdir()
    assert load_settings(str(inner)) == Settings()
    (tmp_path / "repo" / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")
    assert load_settings(str(inner)) == Settings()
    (tmp_path / "repo" / "a" / "arazzo.toml").write_text('[validate]\npreset = "strict"\n', encoding="utf-8")
    assert load_settings(str(inner / "w.yml")).validate.preset == "strict"


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path):
    (tmp_path / "arazzo.toml").write_text(
        '[sources]\na = "x/a.yml"\nb = "https://h/b.yml"\n[url-map]\n"https://h/c" = "c.json"\n[validate]\nbaseline = "b.json"\n',
        encoding="utf-8",
    )
    found = load_settings(str(tmp_path))
    assert found.sources == {"a": str(tmp_path / "x" / "a.yml"), "b": "https://h/b.yml"}
    assert found.url_map == {"https://h/c": str(tmp_path / "c.json")}
    assert found.validate.baseline == str(tmp_path / "b.json")
    assert found.folder == str(tmp_path)


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path):
    with pytest.raises(InvalidUsage, match="cannot be read"):
        load_settings(path=str(tmp_path / "gone.toml"))
    (tmp_path / "arazzo.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidUsage, match="UTF-8"):
        load_settings(str(tmp_path))


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        pytest.param(b"a = " + b"[" * 3000, None, "nested too deeply", id="3,000 brackets"),
        pytest.param(b"a = 1\nb = " + b"{c=" * 3000, None, "nested too deeply", id="3,000 braces"),
        pytest.param(b"a." * 3000 + b"a = 1", None, "more than 100 parts", id="a key of 3,000 parts"),
        pytest.param(b"\n[" + b"a . " * 101 + b"b]", None, "more than 100 parts", id="a table of 102 parts"),
        pytest.param(b"[a.b]\n" + b"c." * 99 + b"d = 1", None, "more than 100 levels", id="a table and a key that are deep together"),
        pytest.param(b"a = 1\nb = " + b"9" * 5000, None, "64 bits", id="5,000 digits"),
        pytest.param(b"[validate]\nmax-warnings = 0x" + b"f" * 5000, 2, "64 bits", id="5,000 hexadecimal digits"),
        pytest.param(b"[validate]\nmax-warnings = 9223372036854775808", 2, "64 bits", id="one more than 64 bits hold"),
        pytest.param(b"[environments.a.inputs]\nb = nan", 2, "nan cannot be represented", id="nan"),
        pytest.param(b"[environments.a.inputs]\nb = [1, -inf]", 2, "-inf cannot be represented", id="inf in a list"),
        pytest.param(b"[environments.a.inputs]\nb = 1e999", 2, "inf cannot be represented", id="a great exponent"),
        pytest.param(b"a = 2001-99-99", 1, "not valid TOML", id="a date there is not"),
        pytest.param(b'a = "\0"', 1, "not valid TOML", id="a NUL in a text"),
        pytest.param(b"\0" * 4096, 1, "not valid TOML", id="NULs"),
        pytest.param(b"\xff\xfea\0=\0001\0", None, "not UTF-8", id="UTF-16"),
        pytest.param(b"a = '\xed\xa0\x80'", None, "not UTF-8", id="half a surrogate pair"),
        pytest.param(b"#" * 1_000_001, None, "more than 1,000,000 bytes", id="more than 1 MB"),
        pytest.param(b"[validate.rules]\n" + b"".join(b"a%d = 1\n" % number for number in range(3000)), 2, "must be a string", id="3,000 unknown rules"),
    ],
)  # fmt: skip
def test_absurd_files_are_refused_at_their_position(data, line, says, tmp_path):
    (tmp_path / "arazzo.toml").write_bytes(data)
    with pytest.raises(InvalidUsage) as caught:
        load_settings(str(tmp_path), codes=CODES)
    found = caught.value.diagnostics[0]
    assert says in found.message
    assert (found.at.line == line) if line is not None else found.at.uri.endswith("arazzo.toml")


def test_a_byte_order_mark_is_allowed(tmp_path):
    (tmp_path / "arazzo.toml").write_bytes(b'\xef\xbb\xbf[validate]\npreset = "strict"\n')
    assert load_settings(str(tmp_path)).validate.preset == "strict"


@pytest.mark.parametrize("name", ["arazzo.toml", "pyproject.toml"])
def test_a_path_that_is_not_a_file_is_reported_or_skipped(name, tmp_path):
    """An arazzo.toml is somebody's intent; a pyproject.toml may be anything."""
    for make in (Path.mkdir, lambda path: path.symlink_to("nothing"), lambda path: path.symlink_to(path.name)):
        path = tmp_path / str(id(make)) / name
        path.parent.mkdir()
        (path.parent / ".git").mkdir()
        try:
            make(path)
        except OSError:
            continue  # links are a privilege on Windows
        if name == "arazzo.toml":
            with pytest.raises(InvalidUsage, match="cannot be read"):
                load_settings(str(path.parent))
        else:
            assert load_settings(str(path.parent)) == Settings()


def test_the_example_of_the_page_is_read_and_matches_the_schema():
    assert EXAMPLES
    for text in EXAMPLES:
        problems = Problems()
        found = read_settings(text, "/p/arazzo.toml", problems, codes=CODES)
        assert problems.diagnostics == ()
        assert found.validate.rules["later-step"] == RuleSetting(level="info")
        assert found.environments["local"] == Environment(
            servers={"petstore": "http://localhost:8080", "events": "mqtt://localhost:1883"},
            server_variables={"region": "eu"},
            channel_addresses={"orders": "eu/orders"},
            inputs={"petId": 7},
            input_file=os.path.normpath("/p/inputs/local.yml"),
            messages=MessageSettings(
                retained=True,
                max_messages=500,
                webhook_listen="127.0.0.1:8090",
                webhook_url="https://tunnel.example.com",
            ),
        )
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        jsonschema.Draft202012Validator(SCHEMA).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "environment = 3", "sources = 3", "sources = {a = 3}", "url-map = {a = []}", "validate = 3", "x = 1",
        "validate = {preset = 'x'}", "validate = {rules = {a = 'x'}}", "validate = {rules = {unusual-id = {level = 'x'}}}",
        "validate = {overrides = [{}]}", "validate = {overrides = [{paths = [], x = 1}]}", "validate = {include = 'a'}",
        "validate = {exclude = [1]}", "validate = {baseline = 1}", "validate = {baseline = ''}", "validate = {max-warnings = -1}",
        "environments = {a = 1}", "environments = {a = {x = 1}}", "environments = {a = {servers = 1}}",
        "environments = {a = {inputs = 1}}", "environments = {a = {credentials = {b = 1}}}", "environments = {a = {input-file = 1}}",
    ],
)  # fmt: skip
def test_reader_and_schema_refuse_the_same(text):
    assert findings(text)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))
