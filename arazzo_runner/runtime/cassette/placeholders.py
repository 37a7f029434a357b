"""Secrets of a conversation as placeholders: a cassette holds no secret, yet equal ones stay equal.

A masked `***` could not be played back: the token that one answer gives and the next request
sends must stay the same text. So each secret has a placeholder of its own, of characters that
JSON, URLs and headers leave as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import MINIMUM_LENGTH, SECRET_HEADERS, Secrets, is_secret_name
from arazzo_runner.base.secrets.finder import Finder
from arazzo_runner.base.secrets.short import ShortSecrets
from arazzo_runner.engine.effects import Headers

PREFIX = "arazzo-secret-"
_ONE = re.compile(rf"{PREFIX}\d+")
_PAIR = re.compile(r"([^=&#?]*)=([^&#]*)")
_SCHEME = re.compile(r"(Basic|Bearer|Digest|DPoP|Token)\s+", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#@]*@")


class Placeholders:
    """Replaces secrets by `arazzo-secret-1`, `arazzo-secret-2` …; the same secret always by the same."""

    def __init__(self, secrets: Secrets) -> None:
        self._names: dict[str, str] = {}
        self._finder = Finder()
        self._short = ShortSecrets()
        texts = secrets.texts()
        known = frozenset(texts)
        for text in texts:
            if not any(part in known for part in _ends(text) if part != text):
                self.of(text)
        for text in secrets.declared():
            self.of(text)
            self._short.add(text)

    def of(self, secret: str) -> str:
        """Return the placeholder of a secret text."""
        if secret.startswith(PREFIX):
            return secret
        if secret not in self._names:
            self._names[secret] = f"{PREFIX}{len(self._names) + 1}"
            if len(secret) >= MINIMUM_LENGTH:
                self._finder.add(secret)
        return self._names[secret]

    def text(self, text: str) -> str:
        """Return a text with every secret in it replaced, also escaped or encoded ones."""
        text = self._finder.replaced(text, lambda found: self._names[found.secret])
        return self._short.replaced(text, lambda found: self._names[found[2]]) if self._short else text

    def data(self, data: bytes) -> bytes:
        """Return bytes with every secret in them replaced, also escaped or encoded ones."""
        return self.text(data.decode("latin-1")).encode("latin-1")

    def value(self, value: JsonValue, *, secret: bool = False) -> JsonValue:
        """Return a JSON value with its secrets replaced: by value, and every text under a secret name."""
        if isinstance(value, str):
            return self._whole(value) if secret and value else self.text(value)
        if isinstance(value, bytes):
            return File(self.data(value), getattr(value, "filename", None), getattr(value, "content_type", None))
        if isinstance(value, Mapping):
            return {
                self.text(name): self.value(item, secret=secret or is_secret_name(name)) for name, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item, secret=secret) for item in value]
        return value

    def headers(self, headers: Headers) -> Headers:
        """Return header pairs with credentials and cookies replaced."""
        return tuple((self.text(name), self._header(name.lower(), value)) for name, value in headers)

    def url(self, url: str) -> str:
        """Return a URL without userinfo, with query fields of secret names replaced."""
        plain, mark, query = _USERINFO.sub("", url).partition("?")
        plain = self._short.replaced_segments(self.text(plain), self.of)
        return plain + mark + self.pairs(query)

    def pairs(self, text: str) -> str:
        """Return a form or query (`a=1&b=2`) with fields of secret names replaced."""
        return self.text(_PAIR.sub(self._pair, text))

    def _pair(self, match: re.Match[str]) -> str:
        name, value = match.groups()
        return f"{name}={self._whole(value)}" if value and is_secret_name(name) else match.group()

    def _header(self, name: str, value: str) -> str:
        if name == "set-cookie":
            pair, semicolon, attributes = value.partition(";")
            return self._cookie(pair) + semicolon + attributes
        if name == "cookie":
            return "; ".join(self._cookie(pair.strip()) for pair in value.split(";"))
        if name not in SECRET_HEADERS and not is_secret_name(name):
            return self.text(value)
        scheme = _SCHEME.match(value)
        return scheme.group() + self._whole(value[scheme.end() :]) if scheme else self._whole(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        return name + equals + (self._whole(value) if value else "")

    def _whole(self, value: str) -> str:
        """Return the placeholder of a value that is secret as a whole: of the secret escaped in it, if there is one."""
        shown = self.text(value)
        return shown if _ONE.fullmatch(shown) else self.of(value)


def _ends(text: str) -> tuple[str, ...]:
    # "Bearer abc" and "session=abc" are secret because of "abc": that part alone is replaced.
    return text.partition(" ")[2], text.rpartition(" ")[2], text.partition("=")[2], text.rpartition("=")[2]
