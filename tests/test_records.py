"""Records are frozen, compared by their fields, copied with changes, and keep secret fields out of their repr."""

from __future__ import annotations

import ast
import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from arazzo_runner.base.records import MutableRecord, PartlyComparedRecord, Record, field, field_names, replace

PACKAGE = Path(__file__).parents[1] / "arazzo_runner"


class Point(Record):
    """A record with a default of each sort."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


class Login(Record, kw_only=True):
    """A record with a secret."""

    _hidden_in_repr = ("password",)

    name: str
    password: str = ""


class Place(PartlyComparedRecord):
    """A record with a field that neither equality nor the hash sees."""

    _ignored_in_eq = ("note",)

    name: str
    note: Any = None


class Counter(MutableRecord):
    """A mutable record that checks its field."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("negative")


Answer = TypeVar("Answer")


class Question(Record, Generic[Answer]):
    """A generic record."""

    text: str


class Choice(Question[str]):
    """A record of a record, with a field more."""

    options: tuple[str, ...] = ()


class Retry(Login):
    """A record that inherits a secret."""

    attempt: int = 1


def test_defaults_are_filled_in_and_a_factory_makes_a_new_value_each_time() -> None:
    one, other = Point(1), Point(1)
    assert (one.x, one.y, one.tags) == (1, 2, [])
    assert one.tags is not other.tags


@pytest.mark.parametrize("made", [Point(1), Login(name="a"), Place("a"), Choice("which")], ids=repr)
def test_a_record_is_frozen(made: Any) -> None:
    for name in [*field_names(made), "new"]:
        with pytest.raises(AttributeError):
            setattr(made, name, 3)


def test_a_mutable_record_changes_but_has_only_its_own_fields() -> None:
    made: Any = Counter(1)
    made.count = 2
    assert made.count == 2
    with pytest.raises(AttributeError):
        made.new = 3


def test_records_of_one_class_with_equal_fields_are_equal() -> None:
    assert Point(1) == Point(1, 2, [])
    assert Point(1) != Point(2)
    assert Login(name="a") != Retry(name="a")
    assert hash(Login(name="a")) == hash(Login(name="a", password=""))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1))


def test_mutable_records_are_equal_to_themselves_only() -> None:
    made = Counter(1)
    assert made == made
    assert made != Counter(1)
    assert {made: 1}[made] == 1


def test_equality_and_hash_leave_out_ignored_fields() -> None:
    assert Place("a", note=[1]) == Place("a", note=[2])
    assert Place("a") != Place("b")
    assert Place("a") != Question("a")
    assert len({Place("a", note=[1]), Place("a"), Place("b")}) == 2


@pytest.mark.parametrize("shown", [repr, str])
def test_hidden_fields_are_not_shown(shown: Callable[[object], str]) -> None:
    assert shown(Login(name="a", password="s3cret")) == "Login(name='a')"
    assert shown(Retry(2, name="a", password="s3cret")) == "Retry(attempt=2, name='a')"
    assert shown([Counter(1)]) == "[Counter(count=1)]"


def test_hidden_fields_are_not_shown_by_rich() -> None:
    made: Any = Login(name="a", password="s3cret")
    assert list(made.__rich_repr__()) == [("name", "a")]


def test_no_record_overrides_repr_alone_which_rich_would_not_see() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Record") for base in node.bases):
                methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
                assert "__repr__" not in methods, f"{path.name}: {node.name}"


@pytest.mark.parametrize(
    ("made", "values", "named"),
    [
        pytest.param(Point, [], {}, id="a missing value"),
        pytest.param(Point, [1, 2, [], 5], {}, id="a value too many"),
        pytest.param(Point, [1], {"z": 3}, id="an unknown field"),
        pytest.param(Login, ["a"], {}, id="a position where a name is asked"),
    ],
)
def test_wrong_arguments_are_a_type_error(made: Any, values: list[Any], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        made(*values, **named)


def test_replace_takes_known_fields_and_runs_post_init() -> None:
    assert replace(Point(1), x=5, tags=["a"]) == Point(5, tags=["a"])
    assert replace(Choice("a"), text="b") == Choice("b")
    with pytest.raises(TypeError, match="z"):
        replace(Point(1), z=3)
    with pytest.raises(ValueError, match="negative"):
        replace(Counter(1), count=-1)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in Python 3.13")
def test_copy_replace_works_too() -> None:
    assert copy.replace(Point(1), x=5) == Point(5)  # type: ignore[attr-defined,unused-ignore]


def test_records_inherit_fields_in_order_and_generics_are_records_too() -> None:
    made = Choice("which", ("a", "b"))
    assert field_names(Choice) == field_names(made) == ("text", "options")
    assert made == Choice(options=("a", "b"), text="which")
    assert made != Question("which")
    assert repr(made) == "Choice(text='which', options=('a', 'b'))"


def test_records_are_matched_by_position_and_by_name() -> None:
    match Choice("which", ("a",)):
        case Choice("which", options=(first,)):
            assert first == "a"
        case _:
            pytest.fail("no case fits")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("made", [Point(1, tags=["a"]), Place("a", note=[1]), Login(name="a", password="b")], ids=repr)
def test_records_are_copied_and_pickled_whole(copied: Callable[[Any], Any], made: Any) -> None:
    found = copied(made)
    assert [getattr(found, name) for name in field_names(made)] == [getattr(made, name) for name in field_names(made)]


def test_a_deep_copy_shares_nothing_that_changes() -> None:
    made = Point(1, tags=["a"])
    assert copy.deepcopy(made).tags is not made.tags
