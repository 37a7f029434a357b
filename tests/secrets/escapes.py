"""How others write a text that they echo, and how a reader gets it back: strategies and decoders of escapes."""

from __future__ import annotations

import base64
import binascii
import html
import html.entities
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

_RUN = re.compile(r"[A-Za-z0-9+/_-]+(?:\s+[A-Za-z0-9+/_-]+)*")


@dataclass(frozen=True)
class Escape:
    """An escape: `write` encodes a text, perhaps partly; `read` yields the possible decodings."""

    name: str
    write: Callable[[str, Random], str]
    read: Callable[[str], Iterator[str]]


def _json(text: str, random: Random) -> str:
    return json.dumps(text, ensure_ascii=random.random() < 0.5)[1:-1]


def _json_of_php(text: str, random: Random) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


def _json_partly(text: str, random: Random) -> str:
    written = []
    for character in text:
        if character in '\\"' or not character.isprintable() or random.random() < 0.4:
            units = character.encode("utf-16-be").hex()
            escapes = "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))
            written.append("".join(random.choice((c, c.upper())) if c != "u" else c for c in escapes))
        else:
            written.append(character)
    return "".join(written)


def _percent(text: str, random: Random) -> str:
    written = urllib.parse.quote(text, safe=random.choice(("", "/", ":/?#[]@!$'()*,;=", "~!*'()")))
    return re.sub("%..", lambda match: match[0].lower(), written) if random.random() < 0.5 else written


def _percent_partly(text: str, random: Random) -> str:
    return "".join(
        "".join(f"%{byte:{random.choice('xX')}}".replace("%", "%0" if byte < 16 else "%") for byte in c.encode())
        if not c.isascii() or c in "%+ " or random.random() < 0.4
        else c
        for c in text
    )


def _form(text: str, random: Random) -> str:
    return urllib.parse.quote_plus(text)


def _html(text: str, random: Random) -> str:
    return html.escape(text, quote=random.random() < 0.5)


def _html_named(text: str, random: Random) -> str:
    names = html.entities.codepoint2name
    return "".join(f"&{names[ord(c)]};" if ord(c) in names else c for c in text)


def _html_partly(text: str, random: Random) -> str:
    written = []
    for character in text:
        code, zeros = ord(character), "0" * random.choice((0, 0, 1, 4))
        forms = [f"&#{zeros}{code};", f"&#x{zeros}{code:x};", f"&#X{zeros}{code:X};"]
        must = character in "&<>" or random.random() < 0.4
        written.append(random.choice(forms) if must and not 0x80 <= code < 0xA0 else character)
    return "".join(written)


def _base64(text: str, random: Random) -> str:
    encode = random.choice((base64.b64encode, base64.urlsafe_b64encode))
    encoded = encode(text.encode("utf-8", "surrogatepass")).decode()
    return encoded.rstrip("=") if random.random() < 0.3 else encoded


def _base64_within(text: str, random: Random) -> str:
    before, after = (random.randbytes(random.randrange(9)) for _ in range(2))
    return base64.b64encode(before + text.encode("utf-8", "surrogatepass") + after).decode()


def _base64_broken(text: str, random: Random) -> str:
    encoded = base64.b64encode(random.randbytes(random.randrange(90)) + text.encode("utf-8", "surrogatepass")).decode()
    width, gap = random.choice((16, 40, 64, 76)), random.choice(("\n", "\r\n", " ", "\n  "))
    return gap.join(encoded[index : index + width] for index in range(0, len(encoded), width))


def _hex(text: str, random: Random) -> str:
    written = text.encode("utf-8", "surrogatepass").hex()
    return written.upper() if random.random() < 0.5 else written


def _from_json(text: str) -> Iterator[str]:
    def read(match: re.Match[str]) -> str:
        return str(json.loads(f'"{match[0]}"'))

    pair = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    yield re.sub(rf'{pair}|\\u[0-9a-fA-F]{{4}}|\\["\\/bfnrt]', read, text)


def _from_percent(text: str) -> Iterator[str]:
    yield urllib.parse.unquote(text)
    yield urllib.parse.unquote_plus(text)


def _from_html(text: str) -> Iterator[str]:
    yield html.unescape(text)


def _bytes(data: bytes) -> Iterator[str]:
    yield data.decode("utf-8", "surrogateescape")


def _from_base64(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        for joined in {run, re.sub(r"\s", "", run)}:
            for piece in joined.split():
                for start in range(4):
                    part = piece[start:].translate(str.maketrans("-_", "+/"))
                    yield from _bytes(binascii.a2b_base64(part + "A" * (-len(part) % 4)))


def _from_hex(text: str) -> Iterator[str]:
    for run in re.findall(r"[0-9a-fA-F]+", text):
        for start in range(2):
            yield from _bytes(bytes.fromhex(run[start:][: (len(run) - start) // 2 * 2]))


ESCAPES = (
    Escape("JSON", _json, _from_json),
    Escape("JSON as PHP writes it", _json_of_php, _from_json),
    Escape("JSON with \\u", _json_partly, _from_json),
    Escape("percent", _percent, _from_percent),
    Escape("percent, partly", _percent_partly, _from_percent),
    Escape("form", _form, _from_percent),
    Escape("HTML", _html, _from_html),
    Escape("HTML with names", _html_named, _from_html),
    Escape("HTML with numbers", _html_partly, _from_html),
    Escape("base64", _base64, _from_base64),
    Escape("within base64", _base64_within, _from_base64),
    Escape("base64 in lines", _base64_broken, _from_base64),
    Escape("hex", _hex, _from_hex),
)


def readings(text: str, *escapes: Escape) -> Iterator[str]:
    """Yield the decodings of a text when escapes are undone in turn, outermost first."""
    yield text
    if escapes:
        for found in escapes[0].read(text):
            yield from readings(found, *escapes[1:])


READERS = tuple({escape.read: escape for escape in ESCAPES}.values())
"""One escape of each way to read: several of them are read the same."""


def ways_out(text: str, secret: str) -> list[str]:
    """Return the escapes that, undone one after the other, reveal a secret in a text.

    Undoing an escape never makes a text longer, so a text shorter than the secret is not searched.
    """
    found = ["nothing"] if secret in text else []
    for outer in READERS:
        readings = {each for each in outer.read(text) if len(each) >= len(secret)} - {text}
        found += [outer.name] if any(secret in each for each in readings) else []
        for inner in READERS:
            if any(secret in each for reading in readings for each in inner.read(reading)):
                found.append(f"{outer.name}, {inner.name}")
    return found
