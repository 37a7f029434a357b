"""A gate in front of a Kafka broker that asks for a login by SASL: tansu cannot have a user before somebody logs in.

It answers what belongs to the login (PLAIN, SCRAM, OAUTHBEARER) as Kafka does, and forwards the rest.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.brokers.relay import Relay
from tests.brokers.servers import PASSWORD, USER

HANDSHAKE, VERSIONS, AUTHENTICATE = 17, 18, 36
UNSUPPORTED_MECHANISM, FAILED = 33, 58
TOKEN = "token-of-the-tests"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")


class Refused(Exception):
    """The login is wrong."""


class LoginGate(Relay):
    """Forwards the connections of those that logged in."""

    def __init__(self, *, mechanisms: tuple[str, ...] = MECHANISMS, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(0, tls=tls)
        self.mechanisms = mechanisms
        self.used: list[str] = []
        """By which mechanism each login was made."""

    async def _connected(self, reader, writer):
        try:
            await self._log_in(reader, writer)
        except (OSError, EOFError, Refused):
            writer.close()
            return
        await super()._connected(reader, writer)

    async def _log_in(self, reader, writer):
        steps = None
        while True:
            key, correlation, body, frame = await request(reader)
            if key == VERSIONS:
                writer.write(await self._ask(frame))
            elif key == HANDSHAKE:
                mechanism = body[2:].decode()
                known = mechanism in self.mechanisms
                names = b"".join(text(name) for name in self.mechanisms)
                code = 0 if known else UNSUPPORTED_MECHANISM
                writer.write(answer(correlation, struct.pack(">hi", code, len(self.mechanisms)) + names))
                if not known:
                    raise Refused
                steps = login(mechanism)
                next(steps)
            elif key == AUTHENTICATE and steps is not None:
                try:
                    reply, done = steps.send(body[4:])
                except Refused:
                    writer.write(answer(correlation, struct.pack(">h", FAILED) + text("no") + struct.pack(">iq", 0, 0)))
                    raise
                writer.write(answer(correlation, struct.pack(">hhi", 0, -1, len(reply)) + reply + bytes(8)))
                if done:
                    self.used.append(mechanism)
                    return
            else:
                raise Refused  # as Kafka: the connection is closed without a word

    async def _ask(self, frame):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.to)
        writer.write(frame)
        size = await reader.readexactly(4)
        found = await reader.readexactly(struct.unpack(">i", size)[0])
        writer.close()
        return size + found


async def request(reader):
    """Return the key, correlation id, body and whole frame of a request."""
    size = await reader.readexactly(4)
    frame = await reader.readexactly(struct.unpack(">i", size)[0])
    key, _, correlation, length = struct.unpack(">hhih", frame[:10])
    return key, correlation, frame[10 + max(length, 0) :], size + frame


def answer(correlation, body):
    return struct.pack(">ii", 4 + len(body), correlation) + body


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def login(mechanism):
    """Yield (reply, done) for each message of a client."""
    if mechanism == "PLAIN":
        message = yield
        check(message.split(b"\0")[1:] == [USER.encode(), PASSWORD.encode()])
        yield b"", True
    elif mechanism == "OAUTHBEARER":
        message = yield
        check(message.rstrip(b"\x01") == b"n,,\x01auth=Bearer " + TOKEN.encode())
        yield b"", True
    else:
        yield from scram(mechanism.removeprefix("SCRAM-").replace("-", "").lower())


def scram(name):
    """RFC 5802."""
    first = (yield).decode()
    bare = first.removeprefix("n,,")
    user, nonce = (part[2:] for part in bare.split(","))
    salt, nonce = secrets.token_bytes(16), nonce + secrets.token_hex(8)
    challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
    final = (yield challenge.encode(), False).decode()
    without, _, proof = final.partition(",p=")
    salted = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), salt, 4096)
    signed = f"{bare},{challenge},{without}".encode()
    key = hmac.digest(salted, b"Client Key", name)
    signature = hmac.digest(hashlib.new(name, key).digest(), signed, name)
    check(user == USER)
    check(base64.b64decode(proof) == bytes(a ^ b for a, b in zip(key, signature, strict=True)))
    server = hmac.digest(hmac.digest(salted, b"Server Key", name), signed, name)
    yield b"v=" + base64.b64encode(server), True


def check(holds):
    if not holds:
        raise Refused


@contextmanager
def gate(**options) -> Iterator[LoginGate]:
    """Run a gate during the block; its `to` is set when the broker is there."""
    found = LoginGate(**options)
    found.start()
    try:
        yield found
    finally:
        found.close()
