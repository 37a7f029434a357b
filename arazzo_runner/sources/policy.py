"""The policy of what a load may read: decisions on names and addresses; nothing is opened here.

The rules are those of docs/security.md on source URLs and local files. In short: documents named
by the user or by the entry document are read, relative files from anywhere, others from below the
root; a `$ref` leads to the server or root of its own document; a remote document leads neither to
files nor into a private network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import ALLOW_HOST, ALLOW_REMOTE, DOCUMENT_SIZE, ROOT, SOURCE
from arazzo_runner.sources.uris import is_remote, join, origin, path_of, without_userinfo

MAX_DESCRIPTION_BYTES: Final = 50_000_000
SUFFIXES: Final = (".yaml", ".yml", ".json")
ALLOW_HINT: Final = f"allow it with {ALLOW_REMOTE}, or {ALLOW_HOST}"


_NAT64: Final = 0x0064_FF9B << 64  # the prefix 64:ff9b::/96 (RFC 6052 §2.1)
_METADATA: Final = frozenset({"fd00:ec2::254", "100.100.100.200", "192.0.0.192"})


class FetchError(Exception):
    """A document cannot be read; `message` quotes nothing of it, `hint` is what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Policy(Record):
    """What may be read.

    `root` is the folder for files named by `$ref`s, absolute paths and file: URLs; if it `widens`
    (no repository, none given), relative sources move it up to the folder that contains them all.
    `offline` forbids the network; `allow_remote` lifts the limits on remote documents,
    `allow_hosts` for some hosts.
    """

    root: str
    offline: bool = False
    allow_remote: bool = False
    allow_hosts: frozenset[str] = frozenset()
    max_bytes: int = MAX_DESCRIPTION_BYTES
    widens: bool = False


def check_source(uri: str, base: str, stated: str | None, policy: Policy) -> None:
    """Raise FetchError when the document at `base` may not name this URI as a source.

    `stated` is the url as written: a relative one may name a file anywhere, an absolute path or a
    file: URL only one below the root. None: the user named it.
    """
    if is_remote(uri):
        _check_remote(uri, policy)
        return
    path = _description_path(uri)
    if is_remote(base):
        raise FetchError("a remote document must not lead to a file", f"name a file with {SOURCE}")
    if stated is not None and is_absolute(stated):
        check_below_root(path, policy)


def check_reference(uri: str, base: str, policy: Policy) -> None:
    """Raise FetchError when a `$ref` in the document at `base` may not name this URI."""
    if is_remote(uri):
        _check_remote(uri, policy)
        if origin(uri) != origin(base) and not _is_allowed(uri, policy):
            shown = without_userinfo(uri)
            raise FetchError(f"{shown} is on another server than the document that refers to it", ALLOW_HINT)
        return
    if is_remote(base):
        raise FetchError("a remote document must not lead to a file")
    check_below_root(_description_path(uri), policy)


def check_addresses(uri: str, addresses: Iterable[str], base: str, policy: Policy) -> None:
    """Raise FetchError when a document may not be requested from a host's addresses.

    A remote document may name public addresses only; a local one also this machine and network,
    but never link-local addresses, where clouds keep credentials.
    """
    if _is_allowed(uri, policy):
        return
    kinds = {address_kind(address) for address in addresses}
    host = (origin(uri) or ("", uri, 0))[1]
    if "link-local" in kinds:
        raise FetchError(f"{host} is a link-local address", ALLOW_HINT)
    if kinds - {"public"} and is_remote(base) and origin(uri) != origin(base):
        raise FetchError(f"{host} is a private or loopback address, and a remote document leads there", ALLOW_HINT)


def limited(data: bytes, max_bytes: int) -> bytes:
    """Return the bytes of a document; raises FetchError when they are too many."""
    if len(data) > max_bytes:
        raise too_large(max_bytes)
    return data


def too_large(max_bytes: int) -> FetchError:
    """Return the error of a document with too many bytes."""
    return FetchError(f"it has more than {max_bytes:,} bytes", f"raise {DOCUMENT_SIZE} if you trust it")


def address_kind(address: str) -> str:
    """Return `public`, `private` (also loopback, reserved, multicast) or `link-local` for an IP address.

    Other addresses where clouds keep credentials count as link-local. An IPv4 address embedded in
    an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as itself.
    """
    import ipaddress  # lazily: only remote documents need it

    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "private"
    if isinstance(found, ipaddress.IPv6Address):
        number = int(found)
        teredo = found.teredo[1] if found.teredo else None
        translated = ipaddress.IPv4Address(number & 0xFFFFFFFF) if number >> 32 in (0, _NAT64) and number > 1 else None
        inside = found.ipv4_mapped or found.sixtofour or teredo or translated
        if inside is not None:
            return address_kind(str(inside))
    if found.is_link_local or address in _METADATA:
        return "link-local"
    return "public" if found.is_global and not found.is_multicast else "private"


def redirected(uri: str, location: str | None) -> str:
    """Return the target of a redirect; raises FetchError when it is on another server."""
    if not location:
        raise FetchError(f"{without_userinfo(uri)} redirects without naming a location")
    target = join(uri, location)
    if origin(target) != origin(uri):
        shown = without_userinfo(target).partition("?")[0]
        raise FetchError(f"{without_userinfo(uri)} redirects to another server, {shown}", f"name {shown} as the url")
    return target


def check_below_root(path: str, policy: Policy) -> None:
    """Raise FetchError for a file outside of the root."""
    if not is_below(path, policy.root):
        raise FetchError(f"{os.path.basename(path)} is outside of {policy.root}", f"allow it with {ROOT}")


def is_below(path: str, root: str) -> bool:
    """Return whether a path, links followed, is inside a folder."""
    real, base = os.path.realpath(path), os.path.realpath(root)
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)


def widened(root: str, path: str, home: str) -> str:
    """Return the deepest folder that contains both a root and a file.

    It is the root itself if that would be the filesystem's root or would contain the home directory.
    """
    try:
        common = os.path.commonpath([os.path.realpath(root), os.path.dirname(os.path.realpath(path))])
    except ValueError:  # on different drives
        return root
    is_too_much = os.path.dirname(common) == common or is_below(home, common)
    return root if is_too_much else common


def is_absolute(reference: str) -> bool:
    """Return whether a reference is an absolute path or a file: URL."""
    windows = reference[1:3] in (":\\", ":/")
    return reference.startswith(("/", "\\")) or reference[:5].lower() == "file:" or windows


def _description_path(uri: str) -> str:
    path = path_of(uri)
    if not path:
        raise FetchError(f"{uri.partition(':')[0][:20]}: URLs are not read", "give a file or an http(s) URL")
    if not path.lower().endswith(SUFFIXES):
        raise FetchError(f"{os.path.basename(path)} is not a .yaml, .yml or .json file")
    return path


def _check_remote(uri: str, policy: Policy) -> None:
    if policy.offline:
        raise FetchError("remote documents are not read here")
    if origin(uri) is None:
        raise FetchError(f"{without_userinfo(uri)} is not a usable URL", "write https://host/path")


def _is_allowed(uri: str, policy: Policy) -> bool:
    found = origin(uri)
    return policy.allow_remote or (found is not None and found[1] in policy.allow_hosts)


# ------------------------------------------------------------------ repositories


class Repositories:
    """A cache of the repositories that contain folders; each folder is examined once."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def above(self, folder: str) -> str | None:
        """Return the nearest repository that is or contains the folder; None when there is none."""
        return self._above(os.path.abspath(folder))

    def _above(self, folder: str) -> str | None:
        passed, found = [], None
        while folder not in self._known:
            passed.append(folder)
            parent = os.path.dirname(folder)
            if _is_repository(folder) or parent == folder:
                found = folder if _is_repository(folder) else None
                break
            folder = parent
        else:
            found = self._known[folder]
        self._known.update(dict.fromkeys(passed, found))
        return found


def _is_repository(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, mark)) for mark in (".git", ".hg", "pyproject.toml"))
