"""Lines of scripts as comments: without the texts in them that may be secrets."""

from __future__ import annotations

import re
from typing import Final

from arazzo_runner.base.secrets import is_secret_name

_TEXT: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[\"'`].*$")
_WORD: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_SECRETS: Final = re.compile(r"pass|secret|token|key|auth|bearer|credential|jwt", re.IGNORECASE)
_LONG: Final = re.compile(r"(?=[A-Za-z+/=._~-]*[0-9])[A-Za-z0-9+/=._~-]{16,}")
_MOST: Final = 160


def without_literals(line: str) -> str:
    """Return a line without its texts, if it is about secrets; without those that look like one, otherwise.

    >>> without_literals('login("me", "hunter2")'), without_literals('console.log("done 1")')
    ('login("***", "***")', 'console.log("done 1")')
    """
    is_about_secrets = _SECRETS.search(line) is not None

    def shown(match: re.Match[str]) -> str:
        text = match[0].strip("\"'`")
        is_name = is_secret_name(text) and _WORD.fullmatch(text) is not None
        if is_name or not text or not (is_about_secrets or _LONG.search(text)):
            return match[0]
        return f"{match[0][0]}***{match[0][0]}"

    found = _LONG.sub("***", _TEXT.sub(shown, line.strip()))
    return found if len(found) <= _MOST else f"{found[:_MOST]}…"
