"""Short secrets, of fewer than 8 characters: found only where one is a whole value.

A PIN `1` occurs by chance in most texts. So it is masked where it is alone: as the whole text, between quotes
or tags, behind the `=` of a field or cookie, behind the scheme of an Authorization header, as a password of a URL.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern

_ENDS: Final = r"[&;#,)\]}\s\"'`<>\\]|\Z"
_CONTEXTS: Final = (
    pattern(r"(?<=[\"'`])([^\"'`\n]{1,80}?)(?=\\{0,8}[\"'`])"),
    pattern(r"(?<=&quot;)([^&\n]{1,80})(?=&quot;)"),
    pattern(r"(?<=&#34;)([^&\n]{1,80})(?=&#34;)"),
    pattern(r"(?<=&#39;)([^&\n]{1,80})(?=&#39;)"),
    pattern(r"(?<=&#x27;)([^&\n]{1,80})(?=&#x27;)"),
    pattern(r"(?<=%22)([^%\n]{1,80})(?=%22)"),
    pattern(r"(?<=>)([^<>\n]{1,80})(?=<)"),
    pattern(rf"(?<=[^=!<>~]=)([^&;#,)\]}}\s\"'`<>\\=]{{1,80}}={{0,2}})(?={_ENDS})"),
    pattern(rf"(?i:(?<=Bearer )|(?<=Basic )|(?<=Digest )|(?<=DPoP )|(?<=Token ))([^\s,;\"'`<>\\]{{1,80}})(?={_ENDS})"),
    pattern(r"(?<=[^/\s]:)([^/\s@:]{1,80})(?=@)"),
    pattern(r"(?:(?<=\n)|\A)([^\n\r]{1,80})(?=\r?\n|\Z)"),
)
"""Where a value is alone; each has the value as its group, and no two values overlap in one of them."""
_MARK: Final = pattern(r"[\"'`&%>=:\n]|[rctpnRCTPN] ")
"""What is in every context: a quote, the end of a tag, of a name or of a scheme."""
_SEGMENT: Final = pattern(r"(?<=[^/]/)([^/?#\s]{1,80})(?=[/?#]|\Z)")


class ShortSecrets:
    """Short secret texts, with the forms in which they are written in JSON, URLs, forms, HTML, base64 and bytes."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, secret: str) -> None:
        """Add a secret."""
        for form in _forms(secret):
            self._forms.setdefault(form, secret)

    def replaced(self, text: str, replacement: Callable[[tuple[int, int, str]], str]) -> str:
        """Return a text with each secret that is a whole value in it replaced."""
        parts, reached = list[str](), 0
        for start, end, secret in sorted(self._found(text)):
            if start >= reached:
                parts += [text[reached:start], replacement((start, end, secret))]
                reached = end
        return "".join([*parts, text[reached:]]) if parts else text

    def replaced_segments(self, url: str, replacement: Callable[[str], str]) -> str:
        """Return a URL with each secret that is a whole segment of its path replaced."""
        known = self._forms
        return _SEGMENT.sub(lambda found: replacement(known[found[1]]) if found[1] in known else found[1], url)

    def masked_value(self, value: JsonValue, mask: str) -> JsonValue:
        """Return a JSON value in which the texts are masked; keys are names, and stay."""
        if isinstance(value, str):
            return self.replaced(value, lambda found: mask)
        if isinstance(value, dict):
            return {name: self.masked_value(item, mask) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.masked_value(item, mask) for item in value]
        return value

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        bare = text.strip()
        if bare in self._forms:
            start = text.index(bare)
            yield start, start + len(bare), self._forms[bare]
            return
        if _MARK.search(text) is None:  # most texts of a large JSON value
            return
        for context in _CONTEXTS:
            for found in context.finditer(text):
                secret = self._forms.get(found[1])
                if secret is not None:
                    yield *found.span(1), secret


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    escaped = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    data = secret.encode("utf-8", "surrogatepass")
    in_url = (quote(data, safe=""), quote_plus(data))
    # Bytes are searched as Latin-1, in which every byte is a character.
    return {secret, encoded, encoded.rstrip("="), *in_url, html.escape(secret), *escaped, data.decode("latin-1")}
