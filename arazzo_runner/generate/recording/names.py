"""What names of fields say: whether they mean the same, what kind of value they have, what an input is called."""

from __future__ import annotations

import re
from typing import Final

from arazzo_runner.base.secrets import is_secret_name

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TELLING: Final = frozenset(
    {
        *("token", "password", "passwd", "pwd", "passphrase", "secret", "key", "apikey", "otp", "pin", "credential"),
        *("id", "uuid", "guid", "email", "mail", "user", "username", "login", "account", "session"),
    }
)
_SECRET_WORDS: Final = frozenset(
    {"password", "passwd", "pwd", "passphrase", "secret", "otp", "pin", "jwt", "session", "sig", "signature"}
)
_RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{24,}")
_TOKEN: Final = re.compile(
    r"(bot)?\d{6,}:[\w-]{24,}"  # of Telegram, in paths
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.|(sk|pk|rk|whsec)_[A-Za-z0-9_]{12,}|sk-[A-Za-z0-9-]{16,}|gh[pousr]_\w{20,}"
    r"|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}"
)


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case.

    >>> words_of("customerID"), words_of("X-Api-Key"), words_of("refresh_token")
    (['customer', 'id'], ['x', 'api', 'key'], ['refresh', 'token'])
    """
    return [word.lower() for word in _WORDS.findall(name)]


def camel(name: str, instead: str = "value") -> str:
    """Return a name in camel case, of ASCII letters and digits.

    >>> camel("refresh_token"), camel("X-Api-Key"), camel("日本")
    ('refreshToken', 'xApiKey', 'value')
    """
    words = words_of(name)
    joined = "".join([words[0], *(word.capitalize() for word in words[1:])]) if words else instead
    joined = joined[:60]
    return f"n{joined}" if joined[:1].isdigit() else joined


def is_secret(name: str) -> bool:
    """Return whether a field of this name has a secret, which is never written down."""
    return is_secret_name(name) or any(word in _SECRET_WORDS for word in words_of(name))


def looks_secret(text: str) -> bool:
    """Return whether a value is a token or key by its look: a JWT, or with the prefix of a provider.

    >>> looks_secret("eyJhbGciOiJub25lIn0.eyJhIjoxfQ."), looks_secret("sk_live_4eC39HqLyjWDarjt"), looks_secret("sk-7")
    (True, True, False)
    """
    return _TOKEN.match(text) is not None


def looks_random(text: str) -> bool:
    """Return whether a text is long and of mixed characters, as the secret in the URL of a webhook is.

    >>> looks_random("T0KENinPATHxoxb1234567890abcdef"), looks_random("507f1f77bcf86cd799439011")
    (True, False)
    """
    return _RANDOM.fullmatch(text) is not None


def is_input(name: str) -> bool:
    """Return whether a field of this name has a value that is another one in each run."""
    words = words_of(name)
    return is_secret(name) or any(word in _TELLING for word in words) or "".join(words).endswith(("apikey", "username"))


def agree(one: str, other: str) -> bool:
    """Return whether two names may be of the same thing: equal, or one is the end or a part of the other.

    >>> agree("cursor", "nextCursor"), agree("id", "orderId"), agree("status", "state")
    (True, True, False)
    """
    left, right = "".join(words_of(one)), "".join(words_of(other))
    if not left or not right:
        return False
    short, long = sorted((left, right), key=len)
    return long.endswith(short) or (len(short) >= 4 and short in long)


def singular(noun: str) -> str:
    """Return the name of one thing of a collection.

    >>> singular("orders"), singular("categories"), singular("address")
    ('order', 'category', 'address')
    """
    lower = noun.lower()
    if lower.endswith("ies") and len(lower) > 4:
        return f"{noun[:-3]}y"
    if lower.endswith(("sses", "xes", "ches", "shes")):
        return noun[:-2]
    return noun[:-1] if lower.endswith("s") and not lower.endswith(("ss", "us", "is")) else noun
