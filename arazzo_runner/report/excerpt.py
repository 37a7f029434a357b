"""Excerpts of values and bodies of any size: cut, then masked, so that a large one costs no more than a small one.

Part of a secret is not recognised. So of what was cut, the end is not shown, as far as a secret may reach
that the cut goes through.
"""

from __future__ import annotations

from arazzo_runner.base.beginnings import beginning
from arazzo_runner.base.json_values import MISSING, JsonValue, to_json
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import RunResult
from arazzo_runner.report.bodies import body_parts, readable
from arazzo_runner.report.json import pretty
from arazzo_runner.report.masking import masked_body, masked_outputs, masked_whole
from arazzo_runner.sources.http_media.media import decode_beginning

LARGE = 2**18
"""Values of more characters, and bodies of more bytes, are cut to so many characters before they are masked."""
_END = 2**17  # more than LONGEST_NEED characters take in any encoding; in JSON text, escaped once more
_CLOSING = '"]} \n'  # behind the place of the cut


def masked_preview(value: JsonValue, secrets: Secrets, limit: int) -> str:
    """Return a value, masked, as one short line of JSON."""
    if value is MISSING:
        return "missing"
    start, is_whole = beginning(value, LARGE)
    text = to_json(masked_body(start, secrets))
    return shortened(text if is_whole else _without_end(text), limit, is_whole=is_whole)


def masked_output(value: JsonValue, secrets: Secrets, limit: int, *, is_secret: bool) -> str:
    """Return an output, masked: a text as it is, another value as one line of JSON."""
    start, is_whole = beginning(value, LARGE)
    masked = masked_whole(start) if is_secret else secrets.mask_value(start)
    text = masked if isinstance(masked, str) else to_json(masked)
    return shortened(text if is_whole else _without_end(text), limit, is_whole=is_whole)


def outputs_beginning(result: RunResult) -> str:
    """Return the outputs of a run, masked, as indented JSON; of large ones the beginning."""
    start, is_whole = beginning({**result.outputs, **dict.fromkeys(result.missing_outputs)}, LARGE)
    text = pretty(masked_outputs(start, result.secret_outputs, result.secrets))
    return text if is_whole else f"{_without_end(text)}\n… more (all of it is in the json report)\n"


def shortened(text: str, limit: int, *, is_whole: bool = True) -> str:
    """Return a text, or its first characters and an ellipsis."""
    return text if is_whole and len(text) <= limit else text[: limit - 1] + "…"


def body_beginning(body: bytes | None, kind: str | None, secrets: Secrets, *, width: int = 0) -> tuple[str, bool]:
    """Return (a body as text, True), or (the beginning of a large one, False), masked.

    `kind` is its content type. JSON that fits into `width` is one line; other, and what was cut, is indented.
    """
    body = body or b""
    is_whole = len(body) <= LARGE
    parts = None if is_whole else body_parts(body, kind)
    if is_whole or (parts is not None and sum(len(each.content) for each in parts if each.filename is None) <= LARGE):
        value, is_cut, is_whole = readable(body, kind), False, True
    else:
        value, is_cut = decode_beginning(body, kind, LARGE)
    if value is MISSING:
        return "", True
    value = masked_body(value, secrets)
    text = value if isinstance(value, str) else to_json(value)
    if not isinstance(value, str) and (len(text) > width or not is_whole):
        text = pretty(value).rstrip("\n")
    return _without_end(text) if is_cut else text, is_whole


def _without_end(text: str) -> str:
    return text.rstrip(_CLOSING)[:-_END]
