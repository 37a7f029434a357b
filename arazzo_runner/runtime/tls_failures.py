"""Why a secure connection could not be made, and which setting allows it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import AUTHORITY, CERTIFICATE, INSECURE_HOST


class TlsFailure(Record):
    """The reason in one clause, and what to do."""

    reason: str
    hint: str | None


_AUTHORITIES: Final = (
    ("self-signed certificate in certificate chain", "an authority that is not trusted here signed its certificate"),
    ("self signed certificate in certificate chain", "an authority that is not trusted here signed its certificate"),
    ("self-signed", "its certificate is self-signed"),
    ("self signed", "its certificate is self-signed"),
    ("issuer certificate", "an authority that is not trusted here signed its certificate"),
)
_DATES: Final = (("has expired", "its certificate has expired"), ("not yet valid", "its certificate is not valid yet"))
_OTHER_HOST: Final = ("mismatch", "doesn't match", "not valid for")
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_ASKS: Final = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "ALERT_UNKNOWN_CA")
_TLS_ANSWERS: Final = ("disconnected without sending", "illegal status line", "x15\\x03")
_DETAIL: Final = pattern(r"certificate verify failed: (.*?)\.? \(_ssl")


def tls_failure(
    text: str, host: str, server: str, *, is_peer: bool = True, schemes: tuple[str, str] = ("http", "https")
) -> TlsFailure:
    """Return why TLS with a host failed, by the text of the TLS library; `server` is the setting of its URL.

    `is_peer` is false through a proxy; `schemes` are the protocol's without TLS and with it.
    """
    insecure = INSECURE_HOST.of(host)
    known = next((reason for part, reason in _AUTHORITIES if part in text), None)
    if known is not None:
        hint = f"trust its certificate or authority with {AUTHORITY.of(host)}, or do not check it with {insecure}"
        return TlsFailure(known, hint)
    known = next((reason for part, reason in _DATES if part in text), None)
    if known is not None:
        return TlsFailure(known, f"renew it, or set the clock here; {insecure} does not check it")
    if any(part in text for part in _OTHER_HOST):
        hint = f"call the server by a name in its certificate, {server}; {insecure} does not check it"
        return TlsFailure("its certificate is for another host", hint)
    if any(part in text for part in _NO_TLS):
        hint = f"write {schemes[0]}:// in place of {schemes[1]}:// if the server is a plain one: {server}"
        return TlsFailure("it does not answer as a TLS server", hint if is_peer else None)
    if any(part in text for part in _ASKS):
        return TlsFailure("it asks for a client certificate", f"give it one that it trusts: {CERTIFICATE.of(host)}")
    return TlsFailure(_shown(text), f"do not check its certificate with {insecure}" if "CERTIFICATE" in text else None)


def plain_hint(url: str, text: str, server: str) -> str | None:
    """Return what to try when a server closes a plain connection at once: TLS servers do so, or send an alert."""
    if urlsplit(url).scheme.lower() != "http" or not any(part in text for part in _TLS_ANSWERS):
        return None
    return f"write https:// in place of http:// if the server expects TLS: {server}"


def _shown(text: str) -> str:
    found = _DETAIL.search(text)
    return text if found is None else found[1]
