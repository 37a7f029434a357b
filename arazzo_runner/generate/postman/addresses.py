"""URLs of a collection: the server, and the path with its parameters."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record
from arazzo_runner.generate.draft import Tree
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.postman.items import Url
from arazzo_runner.generate.postman.variables import VARIABLE, Scope

_SERVER: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^@/?#]*@)?(?P<host>[^/?#\s]*)(?P<path>/[^?#\s]*)?"
)
_HOST: Final = re.compile(r"[A-Za-z0-9_.~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_PATH_VARIABLE: Final = re.compile(r":([A-Za-z_][\w.-]*)")
_SAFE: Final = "-._~!$&'()*+,;=:@%"
UNKNOWN: Final = "http://localhost"
"""The default of a server of which the collection has no address."""


class Server(Record):
    """A server; `variable` is the name of what the collection has in place of its address."""

    url: str
    variable: str = ""

    def tree(self) -> Tree:
        """Return the Server Object, or its URL."""
        if not self.variable:
            return self.url
        about = f"The collection has no value for {{{{{self.variable}}}}}."
        return {"url": "{server}", "variables": {"server": {"default": self.url, "description": about}}}

    @property
    def host(self) -> str:
        """The host, as a name for a source."""
        match = _SERVER.match(self.url)
        return self.variable or (match["host"] if match else self.url)


class Address(Record):
    """A server, a path template, and the values of its parameters by name."""

    server: Server
    path: str
    values: dict[str, Tree]


def address_of(url: Url, scope: Scope) -> Address | None:
    """Return the address of a request; None for one that is no address of HTTP."""
    base = scope.shared.static(url.base)
    if not base or VARIABLE.search(base):
        names = VARIABLE.findall(base)
        server: Server | None = Server(UNKNOWN, identifier(names[0] if names else "baseUrl", "baseUrl"))
        segments = url.segments
    else:
        server, before = _server(base)
        # A variable may be a whole URL: its path is not the server's then.
        segments = url.segments or before
        if server is not None and url.segments and before:
            server = Server(server.url + "".join(f"/{quote(each, safe=_SAFE)}" for each in before))
    if server is None:
        return None
    values: dict[str, Tree] = {}
    written = [_segment(each, url, values, scope) for each in segments]
    return Address(server, "/" + "/".join(written), values)


def _server(text: str) -> tuple[Server | None, tuple[str, ...]]:
    match = _SERVER.match(text if "://" in text else f"http://{text}")
    if match is None or match["scheme"].lower() not in ("http", "https") or not _HOST.fullmatch(match["host"]):
        return None, ()
    path = (match["path"] or "").rstrip("/")
    return Server(f"{match['scheme'].lower()}://{match['host']}"), tuple(path.split("/")[1:])


def _segment(text: str, url: Url, values: dict[str, Tree], scope: Scope) -> str:
    """Return a segment of a path template; the values of its parameters are added."""
    variable = _PATH_VARIABLE.fullmatch(text)
    if variable is not None:
        given = url.values.get(variable[1], "")
        return _parameter(variable[1], given or f"{{{{{variable[1]}}}}}", values, scope)
    found, end = "", 0
    for match in VARIABLE.finditer(text):
        found += quote(text[end : match.start()], safe=_SAFE) + _parameter(match[1].strip(), match[0], values, scope)
        end = match.end()
    return found + quote(text[end:], safe=_SAFE)


def _parameter(name: str, text: str, values: dict[str, Tree], scope: Scope) -> str:
    found = unused_name(identifier(name.lstrip("$"), "value"), values)
    values[found] = scope.value(text, name)
    return f"{{{found}}}"
