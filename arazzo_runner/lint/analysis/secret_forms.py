"""What credentials look like: forms that are nothing else, and texts that only stand for one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from arazzo_runner.base.patterns import pattern as lazy_pattern

MINIMUM: Final = 12

SECRETS: Final = tuple(
    (what, signs, lazy_pattern(pattern))
    for what, signs, pattern in (
        ("an AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        (
            "a GitHub token",
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
        ),
        ("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_\-]{20,}"),
        ("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9\-]{20,}"),
        ("a Stripe key", ("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
        ("a Google API key", ("AIza",), r"\bAIza[A-Za-z0-9_\-]{35}\b"),
        ("a Google OAuth secret", ("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
        ("an API key of an AI service", ("sk-",), r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_\-]{32,}"),
        ("a SendGrid key", ("SG.",), r"\bSG\.[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{20,}"),
        ("an npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("a PyPI token", ("pypi-",), r"\bpypi-AgEI[A-Za-z0-9_\-]{50,}"),
        (
            "a private key",
            ("PRIVATE KEY",),
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\n)*([A-Za-z0-9+/=:,\- ]{16})",
        ),
        ("a JSON Web Token", ("eyJ",), r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{16,}"),
        (
            "a bearer token",
            ("Bearer ", "bearer "),
            r"^[Bb]earer ((?=[^ ]*[0-9])(?=[^ ]*[A-Za-z])[A-Za-z0-9._~+/\-]{20,}=*)$",
        ),
        ("a user name and password", ("Basic ", "basic "), r"^[Bb]asic ([A-Za-z0-9+/]{8,}={0,2})$"),
        (
            "a password in a URL",
            ("@",),
            r"\b[a-z][a-z0-9+.\-]{1,15}://[^\s/:@{}$<>]{1,80}:([^\s/@{}$<>]{3,80})@[A-Za-z0-9.\-]",
        ),
    )
)
"""What it is, texts of which each has one in it, and how it looks; its last group, if any, is the credential itself."""


_RARE_FIRST: Final = "@_KGYBXJzxv"
"""Characters of signs that are rare in documents, the rarest first."""


def _by_rare(signs: Iterable[str]) -> dict[str, list[str]]:
    """Sort signs by their rarest character: to look for one character is far quicker than for a text."""
    found: dict[str, list[str]] = {}
    for sign in signs:
        found.setdefault(min(sign, key=(_RARE_FIRST + sign).index), []).append(sign)
    return found


_BY_RARE: Final = _by_rare(sign for _, signs, _ in SECRETS for sign in signs)


def signs_in(text: str) -> list[str]:
    """Return those of the signs that stand in a text; without one it holds no credential."""
    return [sign for rare, signs in _BY_RARE.items() if rare in text for sign in signs if sign in text]


def suspects(signs: Collection[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Return the forms that have one of these signs: what each is, and how it looks."""
    return [(what, pattern) for what, own, pattern in SECRETS if not set(own).isdisjoint(signs)] if signs else []


_PLACEHOLDER: Final = lazy_pattern(
    r"^[<\[({$%*]|^123e4567-|\.\.\.|…|\*\*|x{4,}|X{4,}|0{8,}|(?i:example|your|placeholder|dummy|sample|insert|replace|redacted"
    r"|changeme|todo|fake|mock|\btest|test[-_ ]|[-_ ]test|demo|secret-?here|<.*>"
    r"|^(?:string|text|null|none|true|false|n/a|undefined)$"
    r"|^(?:my|some|the|valid|invalid|wrong|bad|incorrect)[-_ ]?\w*$)"
)


def is_placeholder(text: str) -> bool:
    """Tell whether a text only stands for a credential (`<token>`, `YOUR_API_KEY`, `xxxx`)."""
    return not text.strip() or _PLACEHOLDER.search(text) is not None
