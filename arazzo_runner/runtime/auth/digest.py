"""HTTP Digest (RFC 7616): reading a server's challenge, answering it, counting the uses of a nonce."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.runtime.request_head import request_target
from arazzo_runner.sources.hosts import Origin, origin_of

_ALGORITHMS: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""The strongest first (RFC 7616 §3.7: a client should take the strongest it supports)."""
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_PART: Final = re.compile(
    rf'(?P<name>{_TOKEN})\s*+=\s*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^\s,"]++))|(?P<scheme>{_TOKEN})(?=\s|$|,)'
)
_LONGEST: Final = 8192  # challenges are short; this limits what a server can make us parse


class Challenge(MutableRecord):
    """One Digest challenge of a server; `used` counts the uses of its nonce."""

    _hidden_in_repr = ("lock",)

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: str | None = None
    opaque: str | None = None
    userhash: bool = False
    stale: bool = False
    used: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def next_count(self) -> int:
        """Return the count of uses of the nonce, this one included; no number is returned twice."""
        with self.lock:
            self.used += 1
            return self.used


class Challenges:
    """The latest challenge of every server and user: with it, requests are not refused first."""

    def __init__(self) -> None:
        self._known: dict[tuple[Origin, str], Challenge] = {}

    def get(self, url: str, user: str) -> Challenge | None:
        """Return the known challenge, None when the server has sent none yet."""
        return self._known.get((origin_of(url), user))

    def learn(self, url: str, user: str, challenge: Challenge) -> Challenge:
        """Store a server's challenge; one that is known already keeps its count."""
        key = (origin_of(url), user)
        known = self._known.get(key)
        if known is not None and known.nonce == challenge.nonce and known.algorithm == challenge.algorithm:
            known.stale = challenge.stale
            return known
        self._known[key] = challenge
        return challenge


def read_challenge(response: HttpResponse) -> Challenge | None:
    """Return the strongest Digest challenge of a response that we can answer, None when there is none."""
    found = [made for each in _challenges(response) if (made := _challenge(each)) is not None]
    order = list(_ALGORITHMS)
    return min(found, key=lambda each: order.index(_base(each.algorithm)), default=None)


def _challenge(parameters: dict[str, str]) -> Challenge | None:
    algorithm = parameters.get("algorithm", "MD5")
    offered = [each.strip().lower() for each in parameters.get("qop", "").split(",") if each.strip()]
    qop = next((each for each in ("auth", "auth-int") if each in offered), None)
    if _base(algorithm) not in _ALGORITHMS or not _has(algorithm) or "nonce" not in parameters or (offered and not qop):
        return None
    return Challenge(
        realm=parameters.get("realm", ""),
        nonce=parameters["nonce"],
        algorithm=algorithm,
        qop=qop,
        opaque=parameters.get("opaque"),
        userhash=parameters.get("userhash", "").lower() == "true",
        stale=parameters.get("stale", "").lower() == "true",
    )


def _base(algorithm: str) -> str:
    return algorithm.upper().removesuffix("-SESS")


def _has(algorithm: str) -> bool:
    return _ALGORITHMS[_base(algorithm)] in hashlib.algorithms_available


def _challenges(response: HttpResponse) -> Iterator[dict[str, str]]:
    """Yield the parameters of every Digest challenge (RFC 9110 §11.6.1: one header may hold several)."""
    for name, value in response.headers:
        if name.lower() == "www-authenticate" and len(value) <= _LONGEST:
            yield from _digests(_PART.finditer(value))


def _digests(parts: Iterable[re.Match[str]]) -> Iterator[dict[str, str]]:
    current: dict[str, str] | None = None
    for part in parts:
        if part["scheme"] is not None:
            if current is not None:
                yield current
            current = {} if part["scheme"].lower() == "digest" else None
        elif current is not None:
            text = part["plain"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
            current[part["name"].lower()] = text
    if current is not None:
        yield current


def answer_challenge(request: HttpRequest, challenge: Challenge, user: str, password: str) -> str:
    """Return the value of the Authorization header that answers a challenge (RFC 7616 §3.4)."""
    count, cnonce, target = f"{challenge.next_count():08x}", os.urandom(16).hex(), request_target(request.url)
    proof = _proof(request, challenge, f"{user}:{challenge.realm}:{password}", target, count, cnonce)
    parts = [
        *_user(challenge, user),
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{_quoted(target)}"',
        f"algorithm={challenge.algorithm}",
        f'response="{proof}"',
    ]
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    if challenge.qop is not None:
        parts += [f"qop={challenge.qop}", f"nc={count}"]
    if challenge.qop is not None or challenge.algorithm.upper().endswith("-SESS"):
        parts.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(parts)


def _proof(request: HttpRequest, challenge: Challenge, login: str, target: str, count: str, cnonce: str) -> str:
    """`response` of RFC 7616 §3.4.1: KD(H(A1), nonce:nc:cnonce:qop:H(A2)), without qop as in RFC 2069."""
    kind = challenge.algorithm
    secret = _hash(kind, login.encode())
    if kind.upper().endswith("-SESS"):
        secret = _hash(kind, f"{secret}:{challenge.nonce}:{cnonce}".encode())
    asked = f"{request.method}:{target}"
    if challenge.qop == "auth-int":
        asked += f":{_hash(kind, request.body or b'')}"
    middle = challenge.nonce if challenge.qop is None else f"{challenge.nonce}:{count}:{cnonce}:{challenge.qop}"
    return _hash(kind, f"{secret}:{middle}:{_hash(kind, asked.encode())}".encode())


def _user(challenge: Challenge, user: str) -> list[str]:
    if challenge.userhash:
        hashed = _hash(challenge.algorithm, f"{user}:{challenge.realm}".encode())
        return [f'username="{hashed}"', "userhash=true"]
    if not user.isascii():  # RFC 7616 §3.4: what no quoted text can hold
        return [f"username*=UTF-8''{quote(user, safe='')}"]
    return [f'username="{_quoted(user)}"']


def _hash(algorithm: str, data: bytes) -> str:
    return hashlib.new(_ALGORITHMS[_base(algorithm)], data, usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
