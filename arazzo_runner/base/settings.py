"""Settings as hints name them: as they are given in Python; reports show the option of the command line instead.

A message, which is the same for everybody, has the setting's name in arazzo.toml (`key`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import cache
from typing import Final


class Setting:
    """A setting: how it is given in Python, and as an option of the command line; `{}` is a name in both."""

    __slots__ = ("option", "python")  # no NamedTuple, which takes a while to be made

    def __init__(self, python: str, option: str) -> None:
        self.python = python
        self.option = option

    def __str__(self) -> str:
        return self.python.format("NAME")

    @property
    def key(self) -> str:
        """Its name in arazzo.toml, for sentences that are the same for everybody."""
        return self.option.removeprefix("--").partition(" ")[0]

    def of(self, name: str) -> str:
        """Return how the setting of one name is given, such as the URL of one server."""
        return self.python.format(name.replace('"', "'"))


INPUT: Final = Setting('inputs={{"{}": VALUE}}', "-i {}=VALUE")
INPUT_FILE: Final = Setting('inputs={{"{}": FILE}}', "-i {}=@FILE")
FILE_ROOT: Final = Setting("RunOptions(file_roots=[…])", "--file-root DIR")
SERVER: Final = Setting('servers={{"{}": URL}}', "--server {}=URL")
SOURCE: Final = Setting('LoadOptions(sources={{"{}": PATH}})', "--source {}=PATH")
CHANNEL_ADDRESS: Final = Setting('LoadOptions(channel_addresses={{"{}": ADDRESS}})', "--channel-address {}=ADDRESS")
SERVER_VARIABLE: Final = Setting('LoadOptions(server_variables={{"{}": VALUE}})', "--server-var {}=VALUE")
ROOT: Final = Setting("load_options=LoadOptions(root=FOLDER)", "--root DIR")
ALLOW_REMOTE: Final = Setting("LoadOptions(allow_remote=True)", "--allow-remote")
ALLOW_HOST: Final = Setting("LoadOptions(allow_hosts=[HOST])", "--allow-host HOST")
OFFLINE: Final = Setting("LoadOptions(offline=True)", "--offline")
DOCUMENT_SIZE: Final = Setting("Limits(max_bytes=N)", "--max-document-size")
DOCUMENT_DEPTH: Final = Setting("Limits(max_depth=N)", "--max-document-depth")
DOCUMENT_NODES: Final = Setting("Limits(max_nodes=N)", "--max-document-nodes")
MOCK: Final = Setting("run(mock=True)", "--mock")
TIMEOUT: Final = Setting("RunOptions(timeout=SECONDS)", "--timeout SECONDS")
RUN_TIMEOUT: Final = Setting("RunOptions(run_timeout=SECONDS)", "--run-timeout")
CRITERION_TIMEOUT: Final = Setting("RunOptions(criterion_timeout=SECONDS)", "--criterion-timeout")
MAX_STEPS: Final = Setting("RunOptions(max_steps=N)", "--max-steps")
MAX_DEPTH: Final = Setting("RunOptions(max_depth=N)", "--max-depth")
MAX_RETRY_WAIT: Final = Setting("RunOptions(max_retry_wait=SECONDS)", "--max-retry-wait")
MAX_RESPONSE_SIZE: Final = Setting("RunOptions(max_response_size=BYTES)", "--max-response-size BYTES")
RESEND_UNKNOWN: Final = Setting("RunOptions(resend_unknown=True)", "--resend-unknown")
STEP_OUTPUTS: Final = Setting("RunOptions(step_outputs=…)", "--outputs-from FILE")
MAX_REDIRECTS: Final = Setting("TransportOptions(max_redirects=N)", "--max-redirects")
FOLLOW_REDIRECTS: Final = Setting("TransportOptions(max_redirects=10)", "--follow-redirects")
CERTIFICATE: Final = Setting('TransportOptions(certificates={{"{}": (FILE, KEY)}})', "--cert {}=FILE,KEY")
WEBHOOK_LISTEN: Final = Setting('TransportOptions(webhook_listen="HOST:PORT")', "--webhook-listen HOST:PORT")
AUTHORITY: Final = Setting('TransportOptions(ca_files={{"{}": FILE}})', "--cacert {}=FILE")
INSECURE_HOST: Final = Setting('TransportOptions(insecure_hosts={{"{}"}})', "--insecure-host {}")
STORE: Final = Setting("opened(store=…)", "--store")
RUN_ID: Final = Setting("run(run_id=…)", "--run-id")
WORKER_NAME: Final = Setting("worker(name=…)", "--name")
WORKER_CONCURRENCY: Final = Setting("queue_limits(worker_concurrency=N)", "--worker-concurrency")
FORCE: Final = Setting("adopt(force=True)", "--force")
DECISIONS: Final = Setting("resume(decisions=…)", "--step and --as")

ALL: Final = tuple(each for each in list(vars().values()) if isinstance(each, Setting))


def as_options(text: str) -> str:
    """Return a message with the options of the command line in place of the settings in Python.

    >>> as_options(f"allow it with {ROOT}, or name one: {SERVER.of('my pets')}")
    "allow it with --root DIR, or name one: --server 'my pets'=URL"
    """
    if "=" not in text:
        return text
    for pattern, option in _patterns():
        text = pattern.sub(option, text)
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]:
    return tuple((_pattern(each), _replacement(each)) for each in ALL)


def _pattern(setting: Setting) -> re.Pattern[str]:
    before, _, after = setting.python.replace("{{", "\0").replace("}}", "\1").partition("{}")
    written = '([^"\\n]*)'.join(re.escape(part) for part in ((before, after) if after else (before,)))
    return re.compile(written.replace("\0", r"\{").replace("\1", r"\}"))


def _replacement(setting: Setting) -> Callable[[re.Match[str]], str]:
    return lambda found: setting.option.format(*map(shlex.quote, found.groups()))
