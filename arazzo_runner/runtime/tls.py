"""The TLS settings for a server: its authority, our certificate, or no check at all."""

from __future__ import annotations

import os
from typing import Any

from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.hosts import Origin, meant_for

KEY_PASSWORD = "ARAZZO_KEY_PASSWORD"


def tls_context(library: Any, origin: Origin, options: TransportOptions) -> Any:
    """Return an ssl.SSLContext for a server; raises OSError (ssl.SSLError is one) for a file that is unusable."""
    context = _trusting(library, origin, options)
    certificate = meant_for(options.certificates, origin)
    if certificate is not None:
        load_certificate(context, *certificate)
    return context


def load_certificate(context: Any, file: str, key: str | None) -> None:
    """Make a context show a client certificate; an encrypted key's password is ARAZZO_KEY_PASSWORD."""
    # The password is always given: without one OpenSSL would ask for it at the terminal.
    context.load_cert_chain(file, key, password=lambda: os.environ.get(KEY_PASSWORD, ""))


def _trusting(library: Any, origin: Origin, options: TransportOptions) -> Any:
    import ssl  # lazily: only for https

    if meant_for(dict.fromkeys(options.insecure_hosts, True), origin):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    authority = meant_for(options.ca_files, origin)
    if authority is not None:
        return ssl.create_default_context(cafile=authority)
    return library.create_ssl_context()  # SSL_CERT_FILE, SSL_CERT_DIR, else the library's own authorities
