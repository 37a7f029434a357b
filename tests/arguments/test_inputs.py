"""Inputs from Python that are not JSON: each is refused with what to give instead, and no value is shown."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import types
import uuid
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import InvalidInputs
from tests.arguments.place import Place, place

SECRET = "hunter-secret-1"


@dataclasses.dataclass
class Data:
    """A value that is no JSON."""

    secret: str = SECRET


class Model:
    """A value like those of pydantic."""

    def model_dump(self) -> None:
        """Return nothing: it is not called."""


def itself() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["again"] = found
    return found


WRONG: list[tuple[Any, str, str]] = [
    ({SECRET}, "of type set, which is not JSON", "give list(value)"),
    ((SECRET for _ in "a"), "of type generator, which is not JSON", "give list(value)"),
    (datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC), "of type datetime.datetime", "give value.isoformat(), a str"),
    (datetime.date(2030, 1, 2), "of type datetime.date", "give value.isoformat(), a str"),
    (decimal.Decimal(7), "of type decimal.Decimal", "give str(value), a number"),
    (uuid.UUID(int=7), "of type uuid.UUID", "give str(value), a number"),
    (Data(), "of type tests.Data", "give dataclasses.asdict(value), a dict"),
    (Model(), "of type tests.Model", 'give value.model_dump(mode="json"), a dict'),
    (object(), "of type object", "give str(value), a number"),
    (float("nan"), "the number nan, which JSON does not have", ""),
    (float("-inf"), "the number -inf, which JSON does not have", ""),
    ({7: SECRET}, "a name is int, and must be a str", ""),
    (itself(), "inputs are nested too deeply, or contain themselves", ""),
]


@pytest.fixture
def made(tmp_path: Path) -> Any:
    with place(tmp_path) as found:
        yield found


@pytest.mark.parametrize(("value", "message", "hint"), WRONG, ids=[message for _, message, _ in WRONG])
@pytest.mark.parametrize("name", ["id", "unknown"])
def test_an_input_that_is_not_json_is_refused(made: Place, name: str, value: Any, message: str, hint: str) -> None:
    for given in (value, [value], {"deep": (value,)}):
        with pytest.raises(InvalidInputs) as raised:
            arazzo_runner.run(made.document, "look", {"id": 7, name: given})
        assert message in str(raised.value)
        assert hint in str(raised.value)
        assert SECRET not in str(raised.value)
    assert made.requests() == []


def test_mappings_and_tuples_are_objects_and_arrays(made: Place) -> None:
    inputs = types.MappingProxyType({"id": 7, "more": OrderedDict(a=(1, 2)), "frozen": types.MappingProxyType({})})
    assert arazzo_runner.run(made.document, "look", inputs).status == "succeeded"
