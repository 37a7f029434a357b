"""Discovery documents (OpenID Connect Discovery §4, RFC 8414 §3): the token endpoint that one names, if it may be used.

The description names the discovery URL, and a client's secret is for that server. So the document
must be its issuer's own, and its token endpoint on the same origin unless `hosts` allow another.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.version import __version__
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.runtime.auth.tokens import Refusal, endpoint_fault, json_object
from arazzo_runner.sources.hosts import origin_of

_WELL_KNOWN: Final = "/.well-known/"
_OPENID: Final = "/.well-known/openid-configuration"
_NAME_IT: Final = "if you trust it, name the token endpoint with tokenUrl"


def metadata_request(url: str) -> HttpRequest:
    """Return the request for a discovery document."""
    return HttpRequest("GET", url, (("Accept", "application/json"), ("User-Agent", f"arazzo/{__version__}")))


def read_metadata(url: str, response: HttpResponse) -> str | Refusal:
    """Return the token endpoint that the discovery document at `url` names for its own issuer."""
    body = json_object(response)
    found = body.get("token_endpoint") if body is not None and response.status == 200 else None
    if body is None or not isinstance(found, str):
        return Refusal(f"{url} answers {response.status} and names no token_endpoint", "is it the discovery document?")
    issuer = body.get("issuer")
    if not isinstance(issuer, str) or not _is_issuer_of(issuer, url):
        named = f"the issuer {issuer[:200]}" if isinstance(issuer, str) else "no issuer"
        expected = _expected_issuer(url)
        wanted = f"must be {expected}" if expected is not None else "must be on the same server"
        message = f"the discovery document {url} names {named}, which {wanted} (OpenID Connect Discovery §4.3)"
        return Refusal(message, _NAME_IT)
    return found


def discovered_fault(url: str, endpoint: str, hosts: str | None) -> Refusal | None:
    """Return why a token endpoint named by the discovery document at `url` must not be used, None when it may."""
    fault = endpoint_fault(endpoint, hosts)
    if fault is not None:
        return Refusal(f"the token endpoint {endpoint} that {url} names {fault}", _NAME_IT)
    named, own = origin_of(endpoint), origin_of(url)
    if named == own:
        return None
    if hosts is None:
        message = f"the discovery document {url} names a token endpoint on another server, {endpoint}"
        names = " ".join(dict.fromkeys((own.host, named.host)))
        return Refusal(message, f"allow it with hosts: {names} (and the hosts of the API); or name it with tokenUrl")
    if named.scheme != "https" and own.scheme == "https":
        return Refusal(f"the token endpoint {endpoint} that {url} names is not https, as that is", _NAME_IT)
    return None


def _expected_issuer(url: str) -> str | None:
    """Return the issuer whose discovery document is at a URL; None when the URL is not one of the well-known."""
    parts = urlsplit(url)
    path = parts.path
    if path.endswith(_OPENID):
        return f"{parts.scheme}://{parts.netloc}{path.removesuffix(_OPENID)}"
    if path.startswith(_WELL_KNOWN):  # RFC 8414 §3.1: between host and path
        _, _, below = path.removeprefix(_WELL_KNOWN).partition("/")
        return f"{parts.scheme}://{parts.netloc}" + (f"/{below}" if below else "")
    return None


def _is_issuer_of(issuer: str, url: str) -> bool:
    expected = _expected_issuer(url)
    if expected is not None:
        return issuer.rstrip("/") == expected.rstrip("/")
    try:
        return origin_of(issuer) == origin_of(url)
    except ValueError:
        return False
