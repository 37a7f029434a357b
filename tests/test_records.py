"""Records behave as the frozen dataclasses the type checker takes them for."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Generic, TypeVar

import pytest

from arazzo_runner.base.records import field, field_names, record, replace


@record(frozen=True, slots=True)
class Point:
    """Two numbers, a list of its own and a field nobody compares."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@record(frozen=True, slots=True, kw_only=True)
class Named:
    """Every field by name."""

    name: str
    size: int = 0


@record(frozen=True, slots=True)
class Mixed:
    """A field that is given by name only beside one that is not."""

    size: int
    loud: bool = field(default=False, kw_only=True)


@record(slots=True)
class Checked:
    """A record with a rule."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


Answer = TypeVar("Answer")


@record(frozen=True, slots=True)
class Question(Generic[Answer]):
    """A generic record."""

    text: str


@record(frozen=True, slots=True)
class Choice(Question[str]):
    """A record of a record, with a field more."""

    options: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return len(self.options)


class Open(Choice):
    """A plain class on top, with a place for anything."""


def test_defaults_are_filled_in_and_a_factory_makes_a_new_value_each_time():
    one, other = Point(1), Point(1)
    assert (one.x, one.y, one.tags) == (1, 2, [])
    assert one.tags is not other.tags


def test_equality_and_repr_leave_out_what_is_not_compared_or_shown():
    assert Point(1, note="a") == Point(1, note="b")
    assert Point(1) != Point(2)
    assert repr(Point(1, note="a")) == "Point(x=1, y=2, tags=[])"
    assert Named(name="a") != Point(1)
    assert hash(Named(name="a")) == hash(Named(name="a", size=0))


@pytest.mark.parametrize(
    ("made", "values", "named"),
    [
        pytest.param(Point, [], {}, id="a missing value"),
        pytest.param(Point, [1, 2, [], "", 5], {}, id="a value too many"),
        pytest.param(Point, [1], {"z": 3}, id="an unknown field"),
        pytest.param(Named, ["a"], {}, id="a position where a name is asked"),
    ],
)
def test_wrong_arguments_are_a_type_error_naming_init(made, values, named):
    for _ in range(40):  # the first ones are filled field by field, for later ones an __init__ is written
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            made(*values, **named)


def test_post_init_runs_and_fields_and_replace_work():
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)
    assert dataclasses.replace(Point(1, note="kept"), x=5).note == "kept"
    assert [each.name for each in dataclasses.fields(Named)] == ["name", "size"]
    assert field_names(Named) == field_names(Named(name="a")) == ["name", "size"]


def test_dataclasses_takes_a_record_for_one_of_its_own():
    assert dataclasses.is_dataclass(Point)
    assert dataclasses.asdict(Choice("which", ("a",))) == {"text": "which", "options": ("a",)}
    tags, note = dataclasses.fields(Point)[2:]
    assert (tags.default_factory, tags.compare, tags.repr) == (list, True, True)
    assert (note.default, note.compare, note.repr) == ("", False, False)
    assert [each.kw_only for each in dataclasses.fields(Mixed)] == [False, True]


def test_one_field_may_be_given_by_name_only():
    for _ in range(40):  # filled field by field at first, by a written __init__ later
        assert Mixed(1, loud=True) == Mixed(size=1, loud=True)
    assert Mixed.__match_args__ == ("size",)


def test_records_inherit_fields_in_order_and_generics_are_records_too():
    made = Choice("which", ("a", "b"))
    assert (made.text, made.options, hash(made)) == ("which", ("a", "b"), 2)
    assert [each.name for each in dataclasses.fields(Choice)] == ["text", "options"]
    assert [each.name for each in dataclasses.fields(Question)] == ["text"]
    assert made == Choice(options=("a", "b"), text="which")
    assert made != Question("which")
    assert repr(made) == "Choice(text='which', options=('a', 'b'))"


def test_a_record_has_slots_and_a_plain_class_on_top_of_one_has_not():
    with pytest.raises(AttributeError):
        Point(1).z = 3
    made = Open("which")
    made.note = "anything"
    assert (made.text, made.options, made.note) == ("which", (), "anything")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_records_are_copied_and_pickled(copied):
    assert copied(Point(1, note="kept")).note == "kept"


def test_replace_takes_known_fields_only():
    assert replace(Point(1, note="kept"), x=5, tags=["a"]) == Point(5, tags=["a"])
    assert replace(Choice("a"), text="b") == Choice("b")
    with pytest.raises(TypeError, match="z"):
        replace(Point(1), z=3)


def test_the_written_init_does_what_the_slow_one_does():
    made = [Named(name=str(number)) if number % 2 else Named(name=str(number), size=number) for number in range(80)]
    assert [each.size for each in made] == [0 if number % 2 else number for number in range(80)]
