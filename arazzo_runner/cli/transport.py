"""The command line's certificates and proxies, read into TransportOptions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.hosts import EVERY_HOST

_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")


def transport_of(
    certs: Iterable[str],
    cacerts: Iterable[str],
    insecure_hosts: Iterable[str],
    proxies: Iterable[str],
    http2: bool | None,
    max_redirects: int = 0,
) -> TransportOptions:
    """Return what --cert, --cacert, --insecure-host, --proxy, --http2 and --follow-redirects say together."""
    certificates = {host: text.partition(",") for host, text in map(_by_host, certs)}
    return TransportOptions(
        certificates={host: (file, key or None) for host, (file, _, key) in certificates.items()},
        ca_files=dict(map(_by_host, cacerts)),
        insecure_hosts=frozenset(insecure_hosts),
        proxies=dict(map(_by_host, proxies)),
        http2=http2,
        max_redirects=max_redirects,
    )


def _by_host(text: str) -> tuple[str, str]:
    """Split `HOST=REST`; what stands before the first `=` and is no host belongs to the rest.

    >>> _by_host("api.test=me.pem"), _by_host("./a=b.pem")
    (('api.test', 'me.pem'), ('*', './a=b.pem'))
    """
    host, equals, rest = text.partition("=")
    return (host, rest) if equals and _HOST.fullmatch(host) else (EVERY_HOST, text)
