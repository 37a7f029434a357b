"""The names a mock answers for: a page in a browser must not reach it under a name of its own (DNS rebinding)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.runtime.mock.problem import Refused

OWN: Final = ("127.0.0.1", "localhost", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]+)(?::[0-9]*)?")


class MockHosts(Record):
    """The hosts that a request may name; ports do not matter: a tunnel or a container changes them."""

    names: frozenset[str]

    @classmethod
    def of(cls, bound: str, allowed: Iterable[str] = ()) -> MockHosts:
        """Return this machine's names, the host that the server is bound to, and those that were allowed."""
        bound = f"[{bound}]" if ":" in bound else bound
        return cls(frozenset(_plain(each) or each.lower() for each in (*OWN, bound, *allowed)))

    def check(self, text: str) -> None:
        """Raise Refused for a Host header, or the host of a URL, that is none or is not ours (RFC 9110 §7.4)."""
        name = _plain(text)
        if name is None:
            raise Refused(400, f"Host is {text[:200]!r}, which is no host (RFC 9112 §3.2)")
        if name not in self.names:
            detail = f"this mock answers for {', '.join(OWN)}, not for {name[:200]!r}"
            raise Refused(421, f"{detail}; it does when started with --allow-host {name[:200]}")


def _plain(text: str) -> str | None:
    """Return the host of `host:port`, None when it is none."""
    found = _HOST.fullmatch(text)
    return None if found is None else found[1].lower().rstrip(".")
