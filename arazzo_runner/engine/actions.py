"""Which action follows a step: the first whose criteria hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from arazzo_runner.program.model import CompiledAction, CompiledCriterion


def choose_action(
    actions: Sequence[CompiledAction],
    holds: Callable[[CompiledCriterion], bool],
    retries_used: Mapping[str, int],
) -> CompiledAction | None:
    """Return the first action whose criteria all hold; None means "use the default".

    Arazzo 1.1 §Failure Action Object: the first matching action wins, and a retry action
    gives way to the ones after it only once its retryLimit is used up.
    """
    for action in actions:
        used_up = action.type == "retry" and retries_used.get(action.name, 0) >= action.retry_limit
        if not used_up and all(map(holds, action.criteria)):
            return action
    return None
