"""What the operations do that a run of a workflow can reach: the annotations of its tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.records import Record
from arazzo_runner.program.model import CompiledWorkflow, MessageCall, OperationCall, Program
from arazzo_runner.program.reachable import reachable_workflows
from arazzo_runner.sources.operation import IDEMPOTENT_METHODS, SAFE_METHODS, Operation


class Reach(Record, kw_only=True):
    """What a run may do, at most.

    - `unsafe`: the requests and messages that may change something, such as `DELETE /pets/{id}`, each once.
    - `is_destructive`: one of them may change or remove what is there; `is_idempotent`: doing all of it again changes
      nothing more.
    """

    unsafe: tuple[str, ...] = ()
    is_destructive: bool = False
    is_idempotent: bool = True

    @property
    def is_read_only(self) -> bool:
        """Whether no run changes anything."""
        return not self.unsafe


def reach_of(program: Program) -> Reach:
    """Return what a run of the program's workflow may do, also through the workflows that it calls."""
    entry = program.workflow
    calls = list(_calls(reachable_workflows(program, entry, range(len(entry.steps)))))
    unsafe = [each for each in calls if _is_unsafe(each)]
    return Reach(
        unsafe=tuple(dict.fromkeys(map(_shown, unsafe))),
        is_destructive=any(map(_is_destructive, unsafe)),
        is_idempotent=all(map(_is_idempotent, unsafe)),
    )


def _calls(workflows: Iterable[CompiledWorkflow]) -> Iterator[OperationCall | MessageCall]:
    for workflow in workflows:
        for _, operation in workflow.operation_steps():
            yield operation
        for _, message in workflow.message_steps():
            yield message


def _method(operation: Operation) -> str:
    return operation.method.upper()


def _is_unsafe(call: OperationCall | MessageCall) -> bool:
    if isinstance(call, MessageCall):
        return call.action == "send"
    return _method(call.operation) not in SAFE_METHODS


def _is_destructive(call: OperationCall | MessageCall) -> bool:
    """Return whether a call may do more than add: only a POST that is documented to create something does not."""
    if isinstance(call, MessageCall):
        return True
    documented = {key for key in call.operation.responses if key.startswith("2")}
    return _method(call.operation) != "POST" or documented != {"201"}


def _is_idempotent(call: OperationCall | MessageCall) -> bool:
    return isinstance(call, OperationCall) and _method(call.operation) in IDEMPOTENT_METHODS


def _shown(call: OperationCall | MessageCall) -> str:
    if isinstance(call, MessageCall):
        return f"a message to {call.address}"
    return f"{_method(call.operation)} {call.operation.path}"
