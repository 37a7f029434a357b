"""The order of steps: the first ready step of the document comes next, for any dependencies."""

from __future__ import annotations

import itertools

from hypothesis import given, settings, strategies as st

from arazzo_runner.program.order import stable_order

NAMES = [f"s{number}" for number in range(7)]
NEEDS = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from([*NAMES, "unknown"]), max_size=3))


def plainly(names, needs):
    """The reference implementation: take the first ready step until none is left."""
    order, left = [], list(names)
    while True:
        free = [name for name in left if not ({*needs.get(name, ())} & set(left) - {name})]
        if not free:
            return order, left
        order.append(free[0])
        left.remove(free[0])


@given(needs=NEEDS)
@settings(max_examples=200, deadline=None)
def test_the_first_step_that_is_free_comes_next(needs):
    expected, stuck = plainly(NAMES, needs)
    order, cycle = stable_order(NAMES, needs)
    assert list(order) == [*expected, *stuck]
    assert bool(cycle) == bool(stuck)


@given(needs=NEEDS)
@settings(max_examples=200, deadline=None)
def test_a_cycle_is_one(needs):
    _, cycle = stable_order(NAMES, needs)
    assert all(later in needs[name] for name, later in itertools.pairwise(cycle))
    assert not cycle or (cycle[0] == cycle[-1] and len(set(cycle)) == len(cycle) - 1)


def test_a_long_chain_that_is_written_backwards_is_ordered():
    names = [f"s{number}" for number in range(3000)]
    order, cycle = stable_order(names, {name: [after] for name, after in itertools.pairwise(names)})
    assert list(order) == names[::-1]
    assert cycle == ()
