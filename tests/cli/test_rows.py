"""Rows of --data: every form gives the same runs, every mistake is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from arazzo_runner.cli.run.rows import read_rows
from arazzo_runner.errors import InvalidUsage

TEXTS = [("rex", {"id": "7", "note": "a,b"}), ("2", {"id": "8"})]
VALUES = [("rex", {"id": 7, "note": "a,b"}), ("2", {"id": 8})]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("r.csv", '_name,id,note\nrex,7,"a,b"\n\n,8,\n', TEXTS, id="a table; an empty cell is not given"),
        pytest.param("r.csv", '\ufeff_name,id,note\r\nrex,7,"a,b"\r\n,8,\r\n', TEXTS, id="a table as Excel writes it"),
        pytest.param("r.TSV", "_name\tid\tnote\nrex\t7\ta,b\n\t8\t\n", TEXTS, id="a table with tabs"),
        pytest.param("r.jsonl", '{"_name": "rex", "id": 7, "note": "a,b"}\n\n{"id": 8}\n', VALUES, id="JSON Lines"),
        pytest.param(
            "r.jsonl",
            '{"a": "x\u2028y\x85z"}\n',
            [("1", {"a": "x\u2028y\x85z"})],
            id="JSON Lines with other line breaks in a text",
        ),
        pytest.param("r.json", '[{"_name": "rex", "id": 7, "note": "a,b"}, {"id": 8}]', VALUES, id="JSON"),
        pytest.param("r.yml", "- {_name: rex, id: 7, note: 'a,b'}\n- id: 8\n", VALUES, id="YAML"),
        pytest.param("r", "- {_name: rex, id: 7, note: 'a,b'}\n- id: 8\n", VALUES, id="no suffix is YAML"),
    ],
)
def test_rows(tmp_path: Path, name: str, text: str, expected: object) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert [(row.name, {**row.inputs.values, **row.inputs.texts}) for row in read_rows(str(path))] == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.csv", "id,name\n7\n", "line 2 has 1 cells, the first line 2"),
        ("r.csv", "id,id\n7,8\n", 'the first line names the input "id" twice'),
        ("r.csv", "id,\n7,8\n", "has an empty cell"),
        ("r.csv", 'id\n"7\n', "is not CSV"),
        ("r.csv", "id\n", "it has no rows"),
        ("r.csv", "", "it has no rows"),
        ("r.jsonl", '{"id": 1}\n{"id"\n', "line 2 is not JSON"),
        ("r.jsonl", '{"id": NaN}\n', "line 1 is not JSON: NaN is not a JSON number"),
        ("r.jsonl", "7\n", "a row is a mapping of input names to values, found integer"),
        ("r.yml", "id: 7\n", "rows are a list of mappings, found object"),
        ("r.yml", "- [1]\n", "a row is a mapping of input names to values"),
        ("r.yml", "[]\n", "it has no rows"),
        ("r.yml", "- {id: [\n", "expected"),
    ],
)
def test_mistakes(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidUsage) as raised:
        read_rows(str(path))
    assert message in str(raised.value)


def test_a_file_that_is_not_utf8_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"id\n\xff\n")
    for path in (tmp_path / "r.csv", tmp_path / "gone.csv"):
        with pytest.raises(InvalidUsage):
            read_rows(str(path))
