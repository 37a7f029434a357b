"""The secret values of a run, which names are secret, and the masking of every text that leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from arazzo_runner.patterns import pattern as lazy_pattern
from arazzo_runner.values import JsonValue

MASK = "***"
MINIMUM_LENGTH = 8
_ELLIPSIS = "…"
_LONGEST_RUN = 4
_HTML = {"&": ("&amp;",), "<": ("&lt;",), ">": ("&gt;",), '"': ("&quot;",), "'": ("&apos;",)}

_SECRET_NAME = lazy_pattern(
    r"(token|passwords?|passwd|secrets?|api_?keys?|access_?keys?|private_?keys?|authorization|credentials?"
    r"|(access|refresh|auth|bearer|api)_?tokens)$"
)
_HARMLESS_NAME = lazy_pattern(r"(^|_)(next|prev|previous|page|csrf|xsrf|continuation|cursor|sync)_?(page_?)?token$")
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"})
SHOWS_A_SECRET = frozenset({"hard-coded-password", "secret-literal"})
"""Codes of findings whose places hold a credential."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Tell whether a field, input or output of this name holds a secret (`access_token`, not `nextToken`).

    >>> is_secret_name("refreshToken"), is_secret_name("nextPageToken"), is_secret_name("token_type")
    (True, False, False)
    """
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return bool(_SECRET_NAME.search(plain)) and not _HARMLESS_NAME.search(plain)


class Secrets:
    """The set of secret texts of a run; masks them by value in raw, JSON, percent and base64 form."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: dict[str, None] = {}
        self._forms: tuple[str, ...] | None = None
        self._patterns: tuple[tuple[str, re.Pattern[str]], ...] = ()
        for text in texts:
            self.add(text)

    def __repr__(self) -> str:
        return f"Secrets({len(self._texts)})"

    def __bool__(self) -> bool:
        return bool(self._texts)

    def add(self, value: JsonValue) -> None:
        """Make every text leaf of `value` (8 characters and more) a secret; numbers and booleans are not."""
        if isinstance(value, str):
            self._add_text(value)
        elif isinstance(value, dict):
            for item in value.values():
                self.add(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add(item)

    def add_named(self, value: JsonValue) -> None:
        """Make secret what stands under a secret name anywhere in `value` (a parsed body)."""
        if isinstance(value, dict):
            for name, item in value.items():
                if isinstance(name, str) and is_secret_name(name):
                    self.add(item)
                else:
                    self.add_named(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add_named(item)

    def mask(self, text: str) -> str:
        """Return `text` with every secret in it shown as `***`, also one that a preview cut short with `…`."""
        if not self._texts:
            return text
        if self._forms is None:
            forms = {form for secret in self._texts for form in forms_of(secret)}
            self._forms = tuple(sorted(forms, key=len, reverse=True))
            self._patterns = tuple(found for secret in self._texts if (found := _escaped_form(secret)) is not None)
        for form in self._forms:
            text = text.replace(form, MASK)
        for plain_run, pattern in self._patterns:
            if plain_run in text:
                text = pattern.sub(MASK, text)
        return _mask_cut_short(text, self._forms) if _ELLIPSIS in text else text

    def texts(self) -> tuple[str, ...]:
        """Return the secret texts, in the order they became known."""
        return tuple(self._texts)

    def mask_value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with every text leaf (and key) masked; structure, numbers and booleans stay."""
        if not self._texts:
            return value
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {
                self.mask(key) if isinstance(key, str) else key: self.mask_value(item) for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.mask_value(item) for item in value]
        return value

    def _add_text(self, text: str) -> None:
        # "Bearer abc…" is a secret because of its second word; the scheme alone is none.
        for part in (text.strip(), text.strip().partition(" ")[2].strip()):
            if len(part) >= MINIMUM_LENGTH and part not in self._texts:
                self._texts[part] = None
                self._forms = None


def _mask_cut_short(text: str, forms: Iterable[str]) -> str:
    heads = sorted({re.escape(form[:MINIMUM_LENGTH]) for form in forms})
    return re.sub(rf"(?:{'|'.join(heads)})[^\s{_ELLIPSIS}]*{_ELLIPSIS}", MASK, text)


def forms_of(text: str) -> Iterable[str]:
    """Yield a secret as it may stand in a text: raw, JSON-escaped, percent-encoded, inside base64."""
    from urllib.parse import quote, quote_plus  # lazily: a check knows no secrets

    yield text
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1]
    for safe in ("", "/", ":/?#[]@!$&'()*+,;="):  # whole, as a path, as `allowReserved` leaves it
        yield quote(text, safe=safe, errors="surrogatepass")
    yield quote_plus(text, errors="surrogatepass")
    yield from _base64_forms(text.encode("utf-8", "surrogatepass"))


def _escaped_form(text: str) -> tuple[str, re.Pattern[str]] | None:
    """Return a pattern for a secret of which others escape what they like, and the longest text they leave.

    `/` becomes `\\/` in PHP's JSON, `+` and `&` become `\\u002B` and `\\u0026` in .NET's and Go's,
    `%2f` and `&amp;` are written by others. None for a secret of letters and digits.
    """
    plain_run = max(re.findall(r"[A-Za-z0-9]+", text) or [""], key=len)
    if plain_run == text or len(plain_run) < _LONGEST_RUN:
        return None
    return plain_run, re.compile("".join(c if c.isascii() and c.isalnum() else _spellings(c) for c in text))


def _spellings(character: str) -> str:
    code = ord(character)
    found = [
        re.escape(character),
        re.escape("\\" + character),
        rf"\\[uU](?i:{code:04x})",
        rf"&\#(?:{code}|[xX](?i:{code:x}));",
    ]
    found += [re.escape(html) for html in _HTML.get(character, ())]
    found.append("".join(rf"%(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass")))
    return f"(?:{'|'.join(found)})"


def _base64_forms(raw: bytes) -> Iterable[str]:
    import base64  # lazily: only runs have secrets

    # Inside a longer base64 text the secret stands at one of three bit offsets; the characters
    # that depend on its neighbours are cut away.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        start = (0, 2, 3)[shift]
        end = len(encoded) - (0, 3, 2)[(len(raw) + shift) % 3]
        form = encoded[start:end].decode("ascii")
        if len(form) >= MINIMUM_LENGTH:
            yield form
            yield form.replace("+", "-").replace("/", "_")
