"""A process that has imported everything and forks a real process for every command line: a second saved each time.

Reads one JSON line per command: {"argv", "env", "out", "err", "kill", "asynchronous"}; answers with the
pid and, when the process is gone, its exit code (negative: the signal). `kill` is {"point", "number"}:
the process kills itself (SIGKILL) the number-th time it comes there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from tests.warm import warm_up

POINTS = ("before-send", "after-send", "after-answer", "after-record", "before-record", "during-sleep")
MESSAGES = ("subscribe", "publish", "receive", "settle", "unsubscribe")
"""The effects about messages; `before-publish` and `after-publish` are points, and so for each."""


def main() -> None:
    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
        print(json.dumps(pid), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


def _become(order: dict[str, Any]) -> None:
    for name, number in (("out", 1), ("err", 2)):
        descriptor = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
    os.environ.update(order["env"])
    if order.get("kill"):
        _plant(order["kill"]["point"], order["kill"]["number"])
    if order.get("asynchronous"):
        code = _asynchronous(order["argv"])
    else:
        from arazzo_runner.cli.group import run_command_line

        code = run_command_line(order["argv"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _plant(point: str, number: int) -> None:
    """Put the kill where it belongs: around the sending of requests, or around the recording of entries."""
    from arazzo_runner.durable import dbos_engine
    from arazzo_runner.engine.effects import SendRequest, Sleep
    from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld

    left = [number]

    def strike() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around_perform(real: Any) -> Any:
        async def perform(self: Any, effect: Any) -> Any:
            sends, sleeps = isinstance(effect, SendRequest), isinstance(effect, Sleep)
            if (sends and point == "before-send") or (sleeps and point == "during-sleep"):
                strike()
            answer = await real(self, effect)
            if sends and point == "after-answer":
                strike()
            return answer

        return perform

    def checkpoint(name: str, sealed: Any) -> Any:
        if point == "before-record":
            strike()
        recorded = real_checkpoint(name, sealed)
        if point == "after-record":
            strike()
        return recorded

    def around_messages(real: Any) -> Any:
        async def perform(self: Any, effect: Any) -> Any:
            name = type(effect).__name__.lower()
            if point == f"before-{name}":
                strike()
            answer = await real(self, effect)
            if point == f"after-{name}":
                strike()
            return answer

        return perform

    for world in (BlockingWorld, AsyncWorld):
        world.perform = around_perform(world.perform)  # type: ignore[method-assign]
    if point.rpartition("-")[2] in MESSAGES:
        from arazzo_runner.runtime.brokers.world import AsyncBrokerWorld, BrokerWorld

        for broker_world in (BrokerWorld, AsyncBrokerWorld):
            broker_world.perform = around_messages(broker_world.perform)  # type: ignore[method-assign]
    real_checkpoint = dbos_engine.checkpoint
    dbos_engine.checkpoint = checkpoint


def _asynchronous(argv: list[str]) -> int:
    """`run` or `resume` as a program on an event loop does it: the library instead of the command line."""
    from arazzo_runner import durable_runs
    from arazzo_runner.errors import InvalidUsage

    command, name, *rest = argv

    async def go() -> Any:
        if command == "run":
            document, server, token = rest
            return await durable_runs.arun(
                runtime, document, "rotate", {"refreshToken": token}, run_id=name, servers={"tokens": server}
            )
        if rest:
            from arazzo_runner.cli.commands.resume import _answer
            from arazzo_runner.durable.records import Decision

            step, outcome = rest
            known = {"resend": Decision(kind="resend"), "failed": Decision(kind="failed")}
            decision = known.get(outcome) or Decision(kind="answered", answer=_answer(outcome))
            await asyncio.to_thread(runtime.decide, name, {step: decision})
        return await runtime.aresume(name, on_event=lambda event, secrets: None)

    with durable_runs.opened() as runtime:
        try:
            outcome = asyncio.run(go())
        except InvalidUsage as problem:
            print(problem, file=sys.stderr)
            return 2
    print(json.dumps(dict(outcome.result.outputs)))
    return {"succeeded": 0, "failed": 1, "in_doubt": 3, "interrupted": 130}[outcome.result.status]


if __name__ == "__main__":
    main()
