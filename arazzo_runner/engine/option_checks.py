"""The checks of the options of a run: every value is of the kind that its name asks for, and every number in range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.kinds import (
    FLAG,
    OPTIONAL_PATH,
    OPTIONAL_TEXT,
    PATH,
    TEXT,
    Kind,
    faults,
    fields_of,
    instance_of,
    many_of,
    one_of,
    table_of,
)
from arazzo_runner.base.server_urls import is_callback_url, is_listening_place
from arazzo_runner.base.settings import WEBHOOK_LISTEN
from arazzo_runner.engine.options import LEVELS, MOST_SECONDS, CheckOptions, RunOptions, TransportOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

CHECK_KINDS: Final = dict.fromkeys(CheckOptions.__struct_fields__, one_of(*LEVELS))
TRANSPORT_KINDS: Final = {
    "certificates": table_of(
        Kind("", lambda value: isinstance(value, (tuple, list)) and len(value) == 2 and _are_files(*value)),
        "a mapping of hosts to pairs of files, such as {'*': (FILE, None)}",
    ),
    "ca_files": table_of(PATH, "a mapping of hosts to files, such as {'*': FILE}"),
    "insecure_hosts": many_of(TEXT, "a set of hosts"),
    "proxies": table_of(TEXT, "a mapping of hosts to URLs, such as {'*': 'http://proxy.test:3128'}"),
    "http2": instance_of(bool, words="True, False or None", optional=True),
    "webhook_listen": OPTIONAL_TEXT,
    "webhook_url": OPTIONAL_TEXT,
    "max_redirects": Kind("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
}
RUN_KINDS: Final = {
    "retained": FLAG,
    "resend_unknown": FLAG,
    "cookies": one_of("host", "domain", "off"),
    "step": OPTIONAL_TEXT,
    "from_step": OPTIONAL_TEXT,
    "until": OPTIONAL_TEXT,
    "step_outputs": table_of(table_of(Kind("", lambda value: True), ""), "a mapping of stepIds to mappings of outputs"),
    "transport": instance_of(TransportOptions, words="TransportOptions(…)", optional=True),
    "checks": instance_of(CheckOptions, words="CheckOptions(…)"),
    "credentials_file": OPTIONAL_PATH,
    "require_credentials": FLAG,
    "user_agent": TEXT,
    "file_roots": many_of(PATH, "a list of folders"),
}
_POSITIVE: Final = ("timeout", "run_timeout", "criterion_timeout")
_SECONDS: Final = (*_POSITIVE, "max_retry_wait", "poll_interval")
_COUNTS: Final = ("max_steps", "max_depth", "parallel", "max_response_size", "max_messages")
_MAY_BE_NONE: Final = ("run_timeout", "max_steps")
NUMBERS: Final = (*_SECONDS, *_COUNTS)


def check_options(options: RunOptions) -> None:
    """Raise InvalidUsage with every option that is of the wrong kind, and every number that is out of range."""
    _refuse([*_seconds(options), *_counts(options), *faults(fields_of(options), RUN_KINDS)])
    _refuse(faults(fields_of(options.checks), CHECK_KINDS, "checks: "))
    if options.transport is not None:
        check_transport_options(options.transport)


def check_transport_options(options: TransportOptions) -> None:
    """Raise InvalidUsage with every option of connections that is of the wrong kind."""
    given: object = options
    if not isinstance(given, TransportOptions):
        _refuse(faults({"options": given}, {"options": RUN_KINDS["transport"]}))
    _refuse(faults(fields_of(options), TRANSPORT_KINDS, "transport: "))
    _refuse(_webhooks(options))


def _refuse(sentences: Iterator[str] | list[str]) -> None:
    found = [Diagnostic(code="usage", severity=Severity.ERROR, message=each, at=Location("")) for each in sentences]
    if found:
        raise InvalidUsage(found)


def _webhooks(options: TransportOptions) -> Iterator[str]:
    listen, url = options.webhook_listen, options.webhook_url
    if listen is not None and not is_listening_place(listen):
        yield f"webhooks are received at HOST:PORT ({WEBHOOK_LISTEN.key}), such as 127.0.0.1:8080, not {listen[:100]!r}"
    if url and not is_callback_url(url):
        yield f"webhook-url is the URL that others post to, such as https://host/path, not {preview(url)}"


def _are_files(file: object, key: object) -> bool:
    return PATH.fits(file) and OPTIONAL_PATH.fits(key)


def _seconds(options: RunOptions) -> Iterator[str]:
    for name in _SECONDS:
        value: Any = getattr(options, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MOST_SECONDS or (value == 0 and name in _POSITIVE):
            yield f"{name} is a number of seconds, at most {MOST_SECONDS:,.0f}, not {_shown(value)}"


def _counts(options: RunOptions) -> Iterator[str]:
    for name in _COUNTS:
        value: Any = getattr(options, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < 1:
            yield f"{name} is a whole number, 1 or more, not {_shown(value)}"


def _shown(value: Any) -> str:
    try:
        return repr(value)[:40]
    except ValueError:  # CPython's limit of the digits of an integer
        return "a number of thousands of digits"
