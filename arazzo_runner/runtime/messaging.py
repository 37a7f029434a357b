"""What a run with steps that send or receive needs: drivers for the protocols of its brokers, and connections.

Only such runs import it.
"""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import SERVER
from arazzo_runner.engine.effects import Access
from arazzo_runner.engine.options import RunOptions, TransportOptions
from arazzo_runner.engine.selection import select
from arazzo_runner.errors import Diagnostic, InvalidUsage, Severity
from arazzo_runner.program.model import CompiledStep, MessageCall, Program
from arazzo_runner.program.reachable import reachable_workflows
from arazzo_runner.runtime.auth.broker_logins import broker_logins
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.registry import why_not
from arazzo_runner.runtime.brokers.taps import TapLimits
from arazzo_runner.runtime.brokers.world import Brokers


def brokers_of(access: Access, options: RunOptions, secrets: Secrets, *, durable_name: str | None = None) -> Brokers:
    """Return the connections of a run to its brokers, with its credentials; none is opened before the first message.

    `durable_name` is that of a durable run, for what brokers keep of it.
    """
    logins = broker_logins(access, options, secrets)
    transport = options.transport or TransportOptions()
    given = {"webhook_listen": transport.webhook_listen, "webhook_url": transport.webhook_url}
    return Brokers(
        BrokerOptions(
            login=logins.login_of,
            tls=logins.tls_of,
            needs_tls=logins.needs_tls,
            proxy=logins.proxy_of,
            connect_timeout=options.timeout,
            limits=TapLimits(messages=options.max_messages, size=options.max_response_size),
            durable_name=durable_name,
            extra={name: value for name, value in given.items() if value is not None},
        )
    )


def check_reachable(program: Program, options: RunOptions) -> None:
    """Raise InvalidUsage for each source with a step that may run and whose broker nothing here can speak to."""
    problems: dict[tuple[str, str], Diagnostic] = {}
    for step, call in _reachable_calls(program, options):
        found = _fault(step, call)
        if found is not None:  # of the steps with the same fault the first is named
            problems.setdefault((call.source, call.protocol), found)
    if problems:
        raise InvalidUsage(problems.values())


def _reachable_calls(program: Program, options: RunOptions) -> Iterator[tuple[CompiledStep, MessageCall]]:
    """Yield the steps that may run, of the chosen part of the program's workflow and of those that it can reach."""
    entry = program.workflow
    part = select(entry, options)
    last = len(entry.steps) - 1 if part.last is None else part.last
    chosen = part.chosen if part.chosen is not None else frozenset(range(part.start, last + 1))
    for workflow in reachable_workflows(program, entry, chosen):
        for step, call in workflow.message_steps():
            if workflow.key != entry.key or workflow.positions[step.step_id] in chosen:
                yield step, call


def _fault(step: CompiledStep, call: MessageCall) -> Diagnostic | None:
    refusal = why_not(call.protocol)
    if refusal is None:
        return None
    named = [call.description.servers[name] for name in call.channel.servers]
    others = sorted({each.protocol for each in named})
    if len(others) > 1 and call.server is not None and call.protocol in others:
        message = (
            f'step "{step.step_id}": no server of the channel "{call.channel.key}" can be used: {", ".join(others)}'
        )
        hint = f"{refusal.hint}; or name another server: {SERVER.of(call.source)}"
        return Diagnostic(code="no-usable-server", severity=Severity.ERROR, message=message, at=step.at, hint=hint)
    message = f'step "{step.step_id}": {refusal.message}'
    code = refusal.code or "protocol-not-supported"
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=step.at, hint=refusal.hint)
