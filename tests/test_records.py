"""Records behave as the frozen dataclasses the type checker takes them for."""

from __future__ import annotations

import dataclasses

import pytest

from arazzo_runner.records import record


@record(frozen=True, slots=True)
class Point:
    """Two numbers, a list of its own and a field nobody compares."""

    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list)
    note: str = dataclasses.field(default="", compare=False, repr=False)


@record(frozen=True, slots=True, kw_only=True)
class Named:
    """Every field by name."""

    name: str
    size: int = 0


@record(slots=True)
class Checked:
    """A record with a rule."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


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
    for _ in range(2):  # the first call writes __init__
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            made(*values, **named)


def test_post_init_runs_and_fields_and_replace_work():
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)
    assert dataclasses.replace(Point(1, note="kept"), x=5).note == "kept"
    assert [each.name for each in dataclasses.fields(Named)] == ["name", "size"]
