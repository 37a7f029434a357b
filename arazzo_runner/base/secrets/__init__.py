"""Secrets: the secret values of a run, masked in text; is_secret_name: which names imply a secret."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote, unquote_plus

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern, pattern as lazy_pattern

TOO_DEEP = "(nested too deeply to be shown)"
MASK = "***"
MINIMUM_LENGTH = 8
_BETWEEN = "\1"  # part of no escape or encoding

_SECRET_NAME = lazy_pattern(
    r"(token|passwords?|passwd|secrets?|api_?keys?|access_?keys?|private_?keys?|authorization|credentials?"
    r"|(access|refresh|auth|bearer|api)_?tokens)$"
)
_HARMLESS_NAME = lazy_pattern(r"(^|_)(next|prev|previous|page|csrf|xsrf|continuation|cursor|sync)_?(page_?)?token$")
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"})
SHOWS_A_SECRET = frozenset({"hard-coded-password", "secret-literal"})
"""Codes of findings whose source text is a credential."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a field, input or output of this name holds a secret (`access_token`, not `nextToken`).

    >>> is_secret_name("refreshToken"), is_secret_name("nextPageToken"), is_secret_name("token_type")
    (True, False, False)
    """
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return bool(_SECRET_NAME.search(plain)) and not _HARMLESS_NAME.search(plain)


_Replacement = Callable[[tuple[int, int, str]], str]  # from start, end and secret of a hit


class _Finder(Protocol):
    """What is used of finder.Finder, which is imported lazily."""

    def add(self, secret: str) -> None: ...

    def replaced(self, text: str, replacement: _Replacement) -> str: ...


class _Short(Protocol):
    """What is used of short.ShortSecrets, which is imported lazily."""

    def add(self, secret: str) -> None: ...

    def replaced(self, text: str, replacement: _Replacement) -> str: ...

    def replaced_segments(self, url: str, replacement: Callable[[str], str]) -> str: ...

    def masked_value(self, value: JsonValue, mask: str) -> JsonValue: ...


class Secrets:
    """The secret texts of a run; masks them in other texts, also if escaped or encoded.

    A text of fewer than 8 characters is a secret only if it was declared to be one (`declare`), and is masked where
    it is a whole value.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: dict[str, None] = {}
        self._finder: _Finder | None = None
        self._not_added: list[str] = []  # to the finder, which is made when it is needed
        self._declared: dict[str, None] = {}  # those with fewer than 8 characters
        self._short: _Short | None = None
        for text in texts:
            self.add(text)

    def __repr__(self) -> str:
        return f"Secrets({len(self._texts) + len(self._declared)})"

    def __bool__(self) -> bool:
        return bool(self._texts or self._declared)

    def add(self, value: JsonValue) -> None:
        """Add every text in `value` with 8 characters or more; numbers and booleans are not secrets.

        The content of a file is a text, or its base64 and its hexadecimal form are.
        """
        if isinstance(value, str):
            self._add_text(value)
        elif isinstance(value, bytes):
            for text in _forms_of(value):
                self._add_text(text)
        elif isinstance(value, dict):
            for item in value.values():
                self.add(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add(item)

    def declare(self, value: JsonValue) -> None:
        """Add every text in `value`, which was declared to be secret, however short."""
        self.add(value)
        for text in texts_in(value):
            bare = text.strip()
            if 0 < len(bare) < MINIMUM_LENGTH and bare not in self._declared:
                self._declare(bare)

    def include(self, other: Secrets) -> None:
        """Add the secrets of another run."""
        for text in other.texts():
            self.add(text)
        for text in other.declared():
            self._declare(text)

    def add_named(self, value: JsonValue) -> None:
        """Add the texts under secret names anywhere in `value` (a parsed body)."""
        if isinstance(value, dict):
            for name, item in value.items():
                if isinstance(name, str) and is_secret_name(name):
                    self.add(item)
                else:
                    self.add_named(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add_named(item)

    def texts(self) -> tuple[str, ...]:
        """Return the secret texts of 8 characters or more in the order in which they were added."""
        return tuple(self._texts)

    def declared(self) -> tuple[str, ...]:
        """Return the shorter secret texts in the order in which they were declared."""
        return tuple(self._declared)

    def mask(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`, also if escaped, or cut short by a `…`."""
        return self._replaced(text, _masked)

    def mask_in_place(self, text: str) -> str:
        """Return `text` with every secret replaced by as many asterisks, so that columns stay."""
        return self._replaced(text, lambda found: "*" * (found[1] - found[0]))

    def mask_value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with every text and key masked; TOO_DEEP if it is nested too deeply for that."""
        if isinstance(value, str):
            return self.mask(value)
        try:
            changed = self.changed(texts_of(value)) if self._texts else {}
            return self.mask_short(_with(value, changed) if changed else value)
        except RecursionError:
            return TOO_DEEP

    def mask_short(self, value: JsonValue) -> JsonValue:
        """Return a JSON value in which the texts that are a short secret are masked; keys stay."""
        return value if self._short is None else self._short.masked_value(value, MASK)

    def mask_url(self, url: str) -> str:
        """Return a URL masked as a text, and where a segment of its path is a short secret."""
        return self.mask(url if self._short is None else self._short.replaced_segments(url, lambda secret: MASK))

    def found_in(self, text: str) -> tuple[str, ...]:
        """Return the secrets that occur in `text`, also escaped or encoded; short ones wherever they occur."""
        found = {each: None for each in self._declared if each in text}

        def noted(hit: tuple[int, int, str]) -> str:
            found[hit[2]] = None
            return MASK

        self._without_long(text, noted)
        return tuple(found)

    def changed(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the texts that contain secrets of 8 characters or more, mapped to their masked forms.

        Searches all texts at once.
        """
        known = list(dict.fromkeys(text for text in texts if len(text) >= MINIMUM_LENGTH))
        shown: list[str] = []
        joined = _BETWEEN.join(known)
        if self._texts and joined.count(_BETWEEN) == len(known) - 1:
            masked = self._without_long(joined, _masked)
            if masked == joined:
                return {}
            shown = masked.split(_BETWEEN)
        if len(shown) != len(known):
            shown = [self._without_long(text, _masked) for text in known]  # the separator occurs in a text or secret
        return {text: each for text, each in zip(known, shown, strict=True) if text != each}

    def _replaced(self, text: str, replacement: _Replacement) -> str:
        text = self._without_long(text, replacement)
        return text if self._short is None else self._short.replaced(text, replacement)

    def _without_long(self, text: str, replacement: _Replacement) -> str:
        if not self._texts or len(text) < MINIMUM_LENGTH:
            return text
        if self._finder is None:
            from arazzo_runner.base.secrets.finder import Finder  # lazily: a check knows no secrets

            self._finder = Finder()
        for secret in self._not_added:
            self._finder.add(secret)
        self._not_added.clear()
        return self._finder.replaced(text, replacement)

    def _declare(self, text: str) -> None:
        if self._short is None:
            from arazzo_runner.base.secrets.short import ShortSecrets  # lazily: few secrets are short

            self._short = ShortSecrets()
        self._declared[text] = None
        self._short.add(text)

    def _add_text(self, text: str) -> None:
        # Of "Bearer abc…" the second word is a secret by itself.
        for part in (text.strip(), text.strip().partition(" ")[2].strip()):
            if len(part) >= MINIMUM_LENGTH and part not in self._texts:
                self._texts[part] = None
                self._not_added.append(part)


def _masked(found: tuple[int, int, str]) -> str:
    return MASK


def texts_in(value: JsonValue) -> Iterator[str]:
    """Yield the texts in a JSON value, without its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


def _forms_of(content: bytes) -> tuple[str, ...]:
    try:
        return (content.decode("utf-8"),)
    except UnicodeDecodeError:
        plain = base64.b64encode(content).decode("ascii")
        return plain, plain.translate(str.maketrans("+/", "-_")).rstrip("="), content.hex(), content.hex().upper()


def texts_of(value: JsonValue) -> Iterator[str]:
    """Yield the texts and keys in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield key
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


def _with(value: JsonValue, changed: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return changed.get(value, value)
    if isinstance(value, dict):
        return {changed.get(key, key): _with(item, changed) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with(item, changed) for item in value]
    return value


# ---- The secrets in headers and URLs: whole values, and each part that a server may echo by itself.
#
# Such parts are a single cookie, the password of basic credentials, a query field.

_OF_URLS = frozenset({"location", "content-location", "link", "refresh", "referer"})
_FIELD = pattern(r"(?<=[?&#])([^=&#?]*)=([^&#>;\s]*)")
_USERINFO = pattern(r"://[^/?#@:]*:([^/?#@]*)@")


def header_secrets(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the secrets of header fields: whole values and their parts."""
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            yield _cookie(value.partition(";")[0])
        elif lower == "cookie":
            yield value
            yield from map(_cookie, value.split(";"))
        elif lower in SECRET_HEADERS or is_secret_name(name):
            yield value
            yield from _basic(value)
        elif lower in _OF_URLS:
            yield from url_secrets(value)


def url_secrets(url: str) -> Iterator[str]:
    """Yield a URL's password and its fields with secret names, also in the fragment (RFC 6749 §4.2.2)."""
    for match in _USERINFO.finditer(url):
        yield unquote(match[1])
    for match in _FIELD.finditer(url):
        if is_secret_name(unquote_plus(match[1])):
            yield unquote_plus(match[2])


def _cookie(pair: str) -> str:
    value = pair.partition("=")[2].strip()
    # RFC 6265 §4.1.1: quotes may surround a value; percent escapes are what most frameworks write.
    return unquote(value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value)


def _basic(value: str) -> Iterator[str]:
    """Yield user and password, and the password, of basic credentials (RFC 7617 §2)."""
    scheme, _, encoded = value.strip().partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        text = base64.b64decode(encoded).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return
    yield from (text, text.partition(":")[2])
