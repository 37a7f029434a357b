"""Checks transport options before anything is sent: certificates load, proxies are URLs, libraries are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from urllib.parse import urlsplit

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.settings import CERTIFICATE, INSECURE_HOST
from arazzo_runner.base.user_files import UnusableFile, read_file
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.sources.hosts import DIRECT, SCHEMES, environment_proxies, shown, with_scheme
from arazzo_runner.sources.http_library import httpx


def check_transport(options: TransportOptions, environment: Mapping[str, str]) -> None:
    """Raise InvalidUsage with every certificate, proxy or library that cannot be used."""
    found = [*_library(options), *_certificates(options), *_hosts(options), *_proxies(options, environment)]
    if found:
        raise InvalidUsage(found)


def _library(options: TransportOptions) -> Iterator[Diagnostic]:
    try:
        httpx()
    except (ImportError, ValueError) as problem:
        yield _error("unusable-http-library", f"the HTTP library cannot be used: {problem}", "unset ARAZZO_HTTP")
    if options.http2 and find_spec("h2") is None:
        hint = "pip install 'h2>=4.1,<5'"
        yield _error("unusable-http-library", "HTTP/2 is asked for and its library, h2, is not installed", hint)


def _certificates(options: TransportOptions) -> Iterator[Diagnostic]:
    if not options.certificates and not options.ca_files:
        return
    import ssl  # lazily: a run without certificates may need no TLS at all

    from arazzo_runner.runtime.transports import KEY_PASSWORD, load_certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file, key in options.certificates.values():
        name = file if key is None else f"{file}, {key}"
        reason = _unreadable(file, key) or _reason(partial(load_certificate, context, file, key))
        if reason:
            hint = f"give a PEM file with certificate and key, {CERTIFICATE}; a key's password goes into {KEY_PASSWORD}"
            yield _error("unusable-certificate", f"the client certificate {name} cannot be used: {reason}", hint)
    for file in options.ca_files.values():
        reason = _unreadable(file) or _reason(partial(context.load_verify_locations, file))
        if reason:
            hint = "give a PEM file with the certificates of the authority"
            yield _error("unusable-certificate", f"the authority {file} cannot be used: {reason}", hint)


def _hosts(options: TransportOptions) -> Iterator[Diagnostic]:
    """Yield an error per server that is named by a URL, which would match none."""
    for name in sorted(options.insecure_hosts):
        host = _host_of(name)
        if host != name:
            message = f"the server whose certificate is not checked is named by its host, found {preview(name, 60)}"
            yield _error("unusable-certificate", message, f"write {INSECURE_HOST.of(host or 'HOST')}")


def _host_of(name: str) -> str:
    """Return the host, with its port, of a URL or of a host alone; "" where there is none."""
    try:
        return urlsplit(name if "://" in name else f"//{name}").netloc.rpartition("@")[2]
    except ValueError:  # brackets that hold no address
        return ""


def _unreadable(*files: str | None) -> str:
    """Return why a file cannot be read, "" when all can; OpenSSL reads some twice and would hang on a pipe."""
    try:
        for file in files:
            if file is not None:
                read_file(file, regular=True)
    except UnusableFile as problem:
        return str(problem)
    return ""


def _reason(load: Callable[[], object]) -> str:
    """Return why loading a file fails, "" when it does not."""
    try:
        load()
    except OSError as problem:  # also ssl.SSLError
        if "NO_CERTIFICATE" in str(problem) or "NO_START_LINE" in str(problem):
            return "there is no certificate in it"
        return getattr(problem, "strerror", None) or str(problem)
    return ""


def _proxies(options: TransportOptions, environment: Mapping[str, str]) -> Iterator[Diagnostic]:
    for proxy in (*options.proxies.values(), *environment_proxies(environment)):
        reason = "" if proxy == DIRECT else _proxy_fault(proxy)
        if reason:
            yield _error("unusable-proxy", reason, "write http://user:password@proxy.test:3128")


def _proxy_fault(proxy: str) -> str:
    try:
        parts = urlsplit(with_scheme(proxy))
        port, host = parts.port, parts.hostname
    except ValueError:
        return "a proxy is not a usable URL"
    if parts.scheme not in SCHEMES:
        return f'the proxy {shown(proxy)} has the scheme "{parts.scheme}", not one of {", ".join(SCHEMES)}'
    if not host or port == 0:
        return "a proxy's URL does not name a host"
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        return f"the proxy {shown(proxy)} needs the package socksio"
    return ""


def _error(code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
