"""What the library of AMQP raises, as BrokerFailure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT, connect_failure, host_of

SCHEMES: Final = ("amqp", "amqps")
_CODE: Final = re.compile(r"^(?:\d+,? )?[A-Z_]+ - ")


def opening_failure(problem: BaseException, connection: Connection, vhost: str) -> BrokerFailure:
    """Return why a connection did not come about."""
    from aiormq import exceptions

    host, text = host_of(connection.url), _text(problem)
    if isinstance(problem, exceptions.AuthenticationError | exceptions.ProbableAuthenticationError):
        return BrokerFailure("credentials", f"{host} refuses the login", hint=CREDENTIALS_HINT)
    if isinstance(problem, exceptions.ConnectionClosed):
        return BrokerFailure("rejected", f"{host} refuses the connection: {text}")
    if isinstance(problem, exceptions.InvalidFrameError) and "Connection.OpenOk" in text:
        # The broker closes the connection instead of opening the virtual host; why, the library does not keep.
        hint = "the path of the URL names it, none is /; it must be there, and open to this user"
        return BrokerFailure("rejected", f"{host} does not open the virtual host {vhost}", hint=hint)
    cause = problem.__cause__ if isinstance(problem, exceptions.AMQPError) else problem
    if isinstance(cause, OSError) and not isinstance(cause, ConnectionResetError):
        return connect_failure(cause, connection.url, SCHEMES, connection.timeout)
    if connection.tls is not None:
        hint = "it may want a certificate of the client"
        return BrokerFailure("closed", f"{host} closed the connection at once", hint=hint)
    hint = f"write {SCHEMES[1]}:// if it expects TLS"
    return BrokerFailure("rejected", f"{host} does not speak AMQP 0-9-1", hint=hint)


@contextmanager
def refusals(host: str, *, sent: bool = False, seconds: float | None = None) -> Iterator[None]:
    """Raise BrokerFailure for what a broker answers inside; `sent`: whether a message may be there all the same.

    What the broker refuses with an error it did not take.
    """
    from aiormq import exceptions

    try:
        yield
    except BrokerFailure:
        raise
    except exceptions.ChannelClosed as problem:
        raise channel_failure(problem, host) from None
    except TimeoutError:
        limit = "in time" if seconds is None else f"within {seconds:g} s"
        raise BrokerFailure("timeout", f"{host} did not answer {limit}", sent=sent) from None
    except (exceptions.AMQPError, exceptions.ChannelInvalidStateError, OSError, RuntimeError) as problem:
        raise closed(host, problem, sent=sent) from None


def channel_failure(problem: BaseException, host: str) -> BrokerFailure:
    """Return why the broker closed a channel: that is its answer to what it refuses."""
    from aiormq import exceptions

    text = _text(problem)
    if isinstance(problem, exceptions.ChannelAccessRefused):
        return BrokerFailure("forbidden", f"{host} does not permit it: {text}", hint=CREDENTIALS_HINT)
    if isinstance(problem, exceptions.ChannelNotFoundEntity):
        return BrokerFailure("rejected", f"{host} has {text}")
    if "larger than" in text:
        return BrokerFailure("too-large", f"{host} does not take the message: {text}")
    return BrokerFailure("rejected", f"{host} refuses: {text}")


def closed(host: str, problem: BaseException | None = None, *, sent: bool = False) -> BrokerFailure:
    """Return the failure of a connection that broke or was ended by the broker."""
    from aiormq import exceptions

    why = _text(problem) if isinstance(problem, exceptions.ConnectionClosed) else ""
    return BrokerFailure("closed", f"the connection to {host} broke" + (f": {why}" if why else ""), sent=sent)


def _text(problem: BaseException) -> str:
    """Return the broker's own sentence, without its code."""
    found = next((each for each in problem.args if isinstance(each, str)), str(problem))
    return _CODE.sub("", found)
