"""No function or operator of XPath runs away, whatever it is given, when it is compiled or when it is evaluated."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.expressions.xpath_attacks import VERSIONS, batches

SHARE = 31  # one attack of so many is tried here; scripts/xpath-attacks tries all


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_ends_with_a_value_or_a_reason(version):
    wrong = []
    for batch in batches(version, 20_000, often=5, share=SHARE):
        wrong += tried(batch)
    assert wrong == []


def tried(batch):
    """Return what went wrong with any expression; one that ends the whole process does not end the others."""
    wrong = []
    while batch:
        command = [sys.executable, "-m", "tests.expressions.xpath_attacks"]
        ended = subprocess.run(command, input=json.dumps(batch), capture_output=True, text=True, timeout=600)
        wrong += [json.loads(line) for line in ended.stdout.splitlines()]
        if ended.returncode == 0:
            break
        last = int((ended.stderr.split() or ["0"])[-1]) if ended.returncode < 0 else len(batch) - 1
        wrong.append([f"ends the process ({ended.returncode}): {ended.stderr[-300:]}", *batch[last]])
        batch = batch[last + 1 :]
    return wrong
