"""LinkedMessage → MessageCall: the action, the messages, the server and the address of a step's channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import CHANNEL_ADDRESS
from arazzo_runner.document.model import Step
from arazzo_runner.document.problems import Problems
from arazzo_runner.program.brokers import choose_broker
from arazzo_runner.program.context import Context, names_hint
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.link_sources import LinkedMessage
from arazzo_runner.program.model import CompiledParameter, MessageCall
from arazzo_runner.program.values import compile_text
from arazzo_runner.sources.channel import Action, Channel, MessageType, Reply
from arazzo_runner.sources.operation import VARIABLE
from arazzo_runner.sources.protocols import rules_of

_MOST_OPEN: Final = 20
"""How many variables without a value are reported of one address."""
_INVERTED: Final[dict[Action, Action]] = {"send": "receive", "receive": "send"}


def message_call(
    linked: LinkedMessage, step: Step, siblings: Iterable[Step], options: LoadOptions, context: Context
) -> MessageCall:
    """Return the call of a step on a channel; what is missing is reported. `siblings` are the workflow's steps."""
    problems = context.problems
    action = step.action or _inverted(linked, step, problems)
    listened = _listened(linked, action, step, siblings)
    address, inbox = _address(linked.source, listened, options, problems, step)
    chosen = choose_broker(linked, listened.channel, options, problems, step.at)
    correlation = None
    if step.correlation_id is not None and action == "receive":
        correlation = compile_text(step.correlation_id, step.at.child("correlationId"), context)
    elif step.correlation_id is not None and step.action is None:
        _without_correlation(step, problems)
    if action == "receive" and step.request_body is not None:
        at = step.at.child("requestBody")
        problems.warn("ignored-field", "step: requestBody is ignored: it receives", at, hint="remove requestBody")
    messages = listened.messages
    return MessageCall(
        action=action,
        channel=listened.channel,
        messages=messages,
        source=linked.source,
        description=linked.description,
        operation=linked.operation,
        address=address,
        server=chosen.server,
        protocol=chosen.protocol,
        url=chosen.url,
        correlation=correlation,
        places=tuple(dict.fromkeys(each.correlation for each in messages if each.correlation is not None)),
        reply=listened.reply,
        inbox=inbox,
    )


def _inverted(linked: LinkedMessage, step: Step, problems: Problems) -> Action:
    """Return the run's action for a step that says none: the other end of what the described application does."""
    named = (linked.operation,) if linked.operation is not None else linked.description.operations_on(linked.channel)
    actions = {_INVERTED[each.action] for each in named if each is not None}
    action: Action = "send" if step.request_body is not None else "receive"
    if len(actions) == 1:
        (action,) = actions
    if step.channel_path is None:  # else it is an error, which is reported
        message = f'the step has no action; "{action}" is assumed from the description'
        problems.warn("missing-action", message, step.at, hint=f"write action: {action}")
    return action


def _without_correlation(step: Step, problems: Problems) -> None:
    message = "step: correlationId applies only to action: receive"
    hint = "add action: receive, or remove correlationId"
    problems.error("exclusive-fields", message, step.at.child("correlationId"), hint=hint)


# ------------------------------------------------------------------ the channel


class _Listened(Record):
    """The channel of a step, the messages on it, and the reply that a request asks for."""

    channel: Channel
    messages: tuple[MessageType, ...]
    reply: Reply | None = None
    waits_for_reply: bool = False


def _listened(linked: LinkedMessage, action: Action, step: Step, siblings: Iterable[Step]) -> _Listened:
    """Return the channel that a step sends to or receives from.

    A step that receives waits for the reply if the application receives on the operation too, or if another step of
    the workflow sends on it.
    """
    operation = linked.operation
    if operation is None:
        return _Listened(linked.channel, _ordered_messages(linked, action))
    reply = operation.reply
    if action == "send" or reply is None or not (operation.action == "receive" or _is_requested(step, siblings)):
        return _Listened(linked.channel, operation.messages, reply)
    pointer = f"{operation.pointer}/reply"
    channel = reply.channel or Channel(
        key=operation.id, pointer=pointer, address=None, messages=reply.messages, servers=operation.channel.servers
    )
    return _Listened(channel, reply.messages or channel.messages, reply, waits_for_reply=True)


def _is_requested(step: Step, siblings: Iterable[Step]) -> bool:
    named = step.operation_id or step.operation_path
    return any(
        each is not step and each.action == "send" and named == (each.operation_id or each.operation_path)
        for each in siblings
    )


def _ordered_messages(linked: LinkedMessage, action: Action) -> tuple[MessageType, ...]:
    """Return the messages of a channel, in 2.x first those of the operation at the other end."""
    messages = linked.channel.messages
    if not linked.description.is_v2 or len(messages) < 2:
        return messages
    other = [each for each in linked.description.operations_on(linked.channel) if each.action != action]
    first = [message for each in other for message in each.messages]
    return tuple(sorted(messages, key=lambda each: each not in first))


def _address(
    source: str, listened: _Listened, options: LoadOptions, problems: Problems, step: Step
) -> tuple[str, bool]:
    """Return the address of a channel, and whether an inbox is made that is known when the workflow runs."""
    channel, reply = listened.channel, listened.reply
    given = options.channel_addresses
    address = given.get(f"{source}.{channel.key}", given.get(channel.key, channel.address))
    if address is not None:
        return address, False
    if listened.waits_for_reply and reply is not None and reply.address is not None:
        return channel.key, True
    if not options.any_server:
        message = f'the channel "{channel.key}" has no address in its description'
        problems.error("no-address", message, step.at, hint=f"give it with {CHANNEL_ADDRESS.of(channel.key)}")
    return channel.key, False


def check_address(call: MessageCall, parameters: Sequence[CompiledParameter], step: Step, problems: Problems) -> None:
    """Report the variables of an address that have no value, and parameters for variables that it does not have."""
    names = list(dict.fromkeys(VARIABLE.findall(call.address)))
    given = {each.name: each for each in parameters if each.location == "path"}
    unknown = [each for name, each in given.items() if name not in names and not each.is_inherited]
    for each in unknown:
        message = f'the address {preview(call.address)} has no variable "{each.name}"'
        hint = names_hint(each.name, [name for name in names if name not in given])
        hint = hint or "remove it, or write in: header"
        problems.error("unknown-path-parameter", message, each.at, hint=hint)
    open_ones = [name for name in names if name not in given and not unknown and not _is_filled(name, call)]
    for name in open_ones[:_MOST_OPEN]:
        own = [each for each in parameters if each.name == name and not each.is_inherited]
        _report_open(name, call, own, step, problems)


def _report_open(
    name: str, call: MessageCall, misplaced: Sequence[CompiledParameter], step: Step, problems: Problems
) -> None:
    """Report a variable without a value; `misplaced` are parameters of its name that are meant for another place."""
    message = f"the variable {preview(name)} of the address {preview(call.address)} has no value"
    if not misplaced:
        hint = f"add a parameter with name: {name}, in: path"
        problems.error("open-address-parameter", message, step.at.child("stepId"), hint=hint)
    elif misplaced[0].location is not None:  # without a place it is reported
        message += f": the parameter is in: {misplaced[0].location}"
        problems.error("open-address-parameter", message, misplaced[0].at.child("in"), hint="write in: path")


def _is_filled(name: str, call: MessageCall) -> bool:
    """Return whether a variable has a value without a parameter: a default, one in the message, a wildcard."""
    declared = call.channel.parameters.get(name)
    if declared is not None and declared.default is not None:
        return True
    if call.action == "send":
        return declared is not None and declared.location is not None
    return call.server is None or rules_of(call.protocol).wildcard is not None
