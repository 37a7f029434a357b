"""LinkedMessage → MessageCall: the action, the messages, the server and the address of a step's channel."""

from __future__ import annotations

from arazzo_runner.base.settings import SERVER
from arazzo_runner.document.model import Step
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location
from arazzo_runner.program.context import Context
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.link_message import LinkedMessage
from arazzo_runner.program.model import MessageCall
from arazzo_runner.program.values import compile_text
from arazzo_runner.sources.channel import Action, BrokerServer, Channel, MessageType, Reply

_MOCK_URL = "memory://mock.invalid"


def message_call(linked: LinkedMessage, step: Step, options: LoadOptions, context: Context) -> MessageCall:
    """Return the call of a step on a channel; what is missing is reported."""
    problems = context.problems
    action = step.action or _inverted(linked, step, problems)
    channel, messages, reply = _channel_of(linked, action)
    waits_for_reply = action == "receive" and reply is not None and _is_request(linked)
    inbox = waits_for_reply and reply is not None and reply.address is not None and _has_no_address(reply.channel)
    server, protocol, url = _server(linked, channel, options, problems, step.at)
    correlation = None
    if step.correlation_id is not None:
        correlation = compile_text(step.correlation_id, step.at.child("correlationId"), context)
    return MessageCall(
        action=action,
        channel=channel,
        messages=messages,
        source=linked.source,
        description=linked.description,
        operation=linked.operation,
        address="" if inbox else _address(channel, options, problems, step.at),
        inbox=inbox,
        server=server,
        protocol=protocol,
        url=url,
        correlation=correlation,
        places=tuple(dict.fromkeys(each.correlation for each in messages if each.correlation is not None)),
        reply=reply,
    )


def _inverted(linked: LinkedMessage, step: Step, problems: Problems) -> Action:
    """Return the run's action for a step that says none: the other end of what the described application does."""
    action: Action = "receive"
    if linked.operation is not None and linked.operation.action == "receive":
        action = "send"
    message = f'the step has no action; "{action}" is assumed from the description'
    problems.warn("missing-action", message, step.at, hint=f"write action: {action}")
    return action


def _channel_of(linked: LinkedMessage, action: Action) -> tuple[Channel, tuple[MessageType, ...], Reply | None]:
    """Return the channel, its messages, and the reply that a request asks for.

    A step that receives on an operation which the application receives on too waits for the reply.
    """
    operation = linked.operation
    if operation is None:
        return linked.channel, linked.channel.messages, None
    reply = operation.reply
    if action == "receive" and operation.action == "receive" and reply is not None and reply.channel is not None:
        return reply.channel, reply.messages or reply.channel.messages, reply
    return linked.channel, operation.messages, reply


def _is_request(linked: LinkedMessage) -> bool:
    return linked.operation is not None and linked.operation.action == "receive"


def _has_no_address(channel: Channel | None) -> bool:
    return channel is None or channel.address is None


def _server(
    linked: LinkedMessage, channel: Channel, options: LoadOptions, problems: Problems, at: Location
) -> tuple[BrokerServer | None, str, str]:
    """Return the server, its protocol and the URL: of the options, else of the first server of the channel."""
    servers = linked.description.servers
    named = [servers[name] for name in channel.servers if name in servers]
    first = named[0] if named else None
    given = options.servers.get(linked.source)
    if given is not None:
        return first, given.partition("://")[0].lower(), given
    if first is not None:
        return first, first.protocol, _filled(first, options)
    if not options.any_server:
        message = f'source "{linked.source}": the description does not name a server'
        problems.error("no-server", message, at, hint=f"name one with {SERVER.of(linked.source)}")
    return None, "memory", _MOCK_URL


def _filled(server: BrokerServer, options: LoadOptions) -> str:
    url = server.url
    for name, variable in server.variables.items():
        given = options.server_variables.get(name, options.environment.get(f"ARAZZO_SERVER_VAR_{name.upper()}"))
        url = url.replace(f"{{{name}}}", variable.default if given is None else given)
    return url


def _address(channel: Channel, options: LoadOptions, problems: Problems, at: Location) -> str:
    address = options.channel_addresses.get(channel.key, channel.address)
    if address is None:
        message = f'the channel "{channel.key}" has no address in its description'
        problems.error("no-address", message, at, hint=f"give it with --channel-address {channel.key}=ADDRESS")
    return address or ""
