"""Values of any depth: shown, or said to be too deep, whatever Python's limit of recursion is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.report.json import plain, pretty
from arazzo_runner.report.masking import masked_body, masked_outputs, masked_whole
from tests.report.records import TOKEN


def _secrets() -> Secrets:
    secrets = Secrets()
    secrets.declare(TOKEN)
    return secrets


SHOWN: dict[str, Callable[[Any], object]] = {
    "a body": lambda value: masked_body(value, _secrets()),
    "a secret": masked_whole,
    "outputs": lambda value: masked_outputs({"a": value, "b": value}, ["a"], _secrets()),
    "plain values": plain,
    "JSON": pretty,
}


@pytest.mark.parametrize("depth", [100, 500, 700, 900])
@pytest.mark.parametrize("kind", ["[]", "{}"])
@pytest.mark.parametrize("shown", SHOWN)
def test_no_depth_is_too_much(shown: str, kind: str, depth: int) -> None:
    start = "[" if kind == "[]" else '{"a":'
    value = json.loads(start * depth + f'"{TOKEN}"' + kind[1] * depth)
    found = str(SHOWN[shown](value))
    assert found
    assert TOKEN not in found or shown in ("plain values", "JSON")  # which are given masked values
