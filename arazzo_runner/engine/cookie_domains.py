"""The hosts of cookies: their canonical form, which of them a Domain covers, and who may share nothing.

RFC 6265bis §5.1.2, §5.1.3 and §5.7. The Public Suffix List is that of the package publicsuffixlist,
which comes with it: nothing is fetched.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# URL Standard, "ends in a number": 127.1, 0x7f.1 and 2130706433 are addresses too.
_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?", re.DOTALL)


def canonical_host(host: str) -> str:
    """Return a host as domains are compared: lower-case, in ASCII, without the dot at its end.

    >>> canonical_host("API.Bücher.example.")
    'api.xn--bcher-kva.example'
    """
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    return host.lower().rstrip(".")


def matches_domain(host: str, domain: str) -> bool:
    """Return whether a host is a domain or below it; an IP address is below nothing (RFC 6265bis §5.1.3).

    >>> matches_domain("api.example.com", "example.com"), matches_domain("10.0.0.1", "0.0.1")
    (True, False)
    """
    return host == domain or (host.endswith("." + domain) and not is_address(host))


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, however it is written."""
    return ":" in host or _NUMBER.fullmatch(host) is not None


def is_public_suffix(domain: str) -> bool:
    """Return whether anybody may register names below a domain: `co.uk`, `github.io`, every single label."""
    return not is_address(domain) and _suffixes().privatesuffix(domain) is None


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # lazily: 40 ms, for cookies with a Domain only

    return PublicSuffixList()
