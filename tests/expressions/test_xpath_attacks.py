"""Compiling and evaluating any function or operator of XPath has limited cost, with any arguments."""

from __future__ import annotations

import pytest

from tests.expressions.xpath_attacks import VERSIONS, batches, tried

OFTEN = 6  # ways to call a function with operands that fit it
SHARE = 179  # one call of so many with an operand that need not fit; a prime, so that every operand has its turn


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_ends_with_a_value_or_a_reason(version):
    wrong = []
    for batch in batches(version, 10_000, often=OFTEN, share=SHARE):
        wrong += tried(batch)
    assert wrong == []
