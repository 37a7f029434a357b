"""curl: a request as a command line that sends it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.json_values import to_json
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets import Secrets, is_secret_name
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.report.bodies import body_parts, part_value
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import body_text
from arazzo_runner.report.masking import masked_body, masked_headers, masked_url, masked_whole
from arazzo_runner.sources.http_media.media_types import MULTIPART, essence
from arazzo_runner.sources.http_media.parts import Part

_LONGEST_ARGUMENT: Final = 100_000  # Linux takes less than 128 KiB
_SET_BY_CURL: Final = frozenset({"host", "content-length", "accept-encoding", "connection"})
_TRANSFER: Final = "content-transfer-encoding"
_OF_PARTS: Final = frozenset({"content-disposition", "content-type", _TRANSFER})
_ENCODERS: Final = ("base64", "quoted-printable")
_MEANS_MORE: Final = pattern(r'^[@<"]|[;"]')  # to -F


def curl_line(request: HttpRequest, secrets: Secrets) -> str:
    """Return a POSIX shell command that sends the same request, with `***` in place of secrets.

    Files are named as they were sent: their folders are not known.
    """
    url = masked_url(request.url, secrets)
    words = ["curl"]
    if any(character in url for character in "[]{}"):
        words.append("--globoff")
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != "GET" or request.body:
        words += ["-X", request.method]
    words.append(_quoted(url))
    kind = request.header("content-type")
    parts = body_parts(request.body, kind) if essence(kind) == MULTIPART else None
    left_out = _SET_BY_CURL if parts is None else _SET_BY_CURL | {"content-type"}  # curl chooses the boundary
    for name, value in masked_headers(request.headers, secrets):
        if name.lower() not in left_out:
            words += ["-H", _quoted(f"{name}: {value}")]
    words += _curl_body(request, secrets) if parts is None else _curl_parts(parts, secrets)
    return " ".join(words)


def _curl_body(request: HttpRequest, secrets: Secrets) -> list[str]:
    body = body_text(request, secrets) if len(request.body or b"") <= _LONGEST_ARGUMENT else None
    if body is not None:
        return ["--data-raw", _quoted(body)]
    return ["--data-binary", "@body.bin"] if request.body else []


def _curl_parts(parts: Iterable[Part], secrets: Secrets) -> Iterable[str]:
    """Yield an option for each part of a form: `-F photo=@cat.png`, `-F name=Mia`."""
    for part in parts:
        name, about = secrets.mask(part.name), _about(part, secrets)
        if part.filename is not None:
            filename = secrets.mask(part.filename)
            file = _in_quotes(filename) if _MEANS_MORE.search(filename) or "," in filename else filename
            yield from ("-F", _quoted(f"{name}=@{file}{about}"))
            continue
        text = _masked_part(part, secrets)
        if len(text) > _LONGEST_ARGUMENT:
            yield from ("-F", _quoted(f"{name}=<{name}.txt{about}"))
        elif about:
            yield from ("-F", _quoted(f"{name}={_in_quotes(text)}{about}"))
        else:
            yield from ("--form-string" if _MEANS_MORE.search(text) else "-F", _quoted(f"{name}={text}"))


def _about(part: Part, secrets: Secrets) -> str:
    """Return what curl is to say of a part: its type, its headers, its encoding."""
    about = f";type={secrets.mask(part.content_type)}" if part.content_type else ""
    for header, value in part.headers:
        if header.lower() == _TRANSFER and value.lower() in _ENCODERS and part.filename is not None:
            about += f";encoder={value.lower()}"
        elif header.lower() not in _OF_PARTS:
            about += f";headers={_in_quotes(f'{header}: {secrets.mask(value)}')}"
    return about


def _masked_part(part: Part, secrets: Secrets) -> str:
    """Return a part of a form that is no file as text, masked."""
    value = part_value(part)
    shown = masked_whole(value) if is_secret_name(part.name) else masked_body(value, secrets)
    if shown == value and not isinstance(value, str):
        return part.content.decode("utf-8", "replace")
    return shown if isinstance(shown, str) else to_json(shown)


def _in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted(text: str) -> str:
    """Quote for a POSIX shell; control characters are written in the form $'…' (bash, zsh, ksh)."""
    if one_line(text) == text:
        import shlex  # lazily: only failures show a curl line

        return shlex.quote(text)
    written = []
    for character in text:
        if character in "\\'":
            written.append("\\" + character)
        elif character == ":" or one_line(character) == character:
            written.append(character)
        else:
            written += [f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")]
    return "$'" + "".join(written).replace("\\x0a", "\\n") + "'"
