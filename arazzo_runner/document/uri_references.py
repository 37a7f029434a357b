"""URI references (RFC 3986 §4.1): whether a text is one, and the one that was probably meant."""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.patterns import pattern

_PCHAR: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.vV]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)"
_USER: Final = r"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
_AUTHORITY: Final = rf"//{_USER}{_HOST}(?::\d*)?(?:/{_PCHAR}*)*"
_SEGMENT_WITHOUT_COLON: Final = _PCHAR.replace(":@", "@")
_REST: Final = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?"
_REFERENCE: Final = pattern(
    rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:(?:{_AUTHORITY}|(?:{_PCHAR}|/)*)"  # a URI
    rf"|{_AUTHORITY}|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"  # a network path, an absolute path
    rf"|{_SEGMENT_WITHOUT_COLON}+(?:/{_PCHAR}*)*|){_REST}"  # a relative path
)
_NEVER_ALLOWED: Final = pattern(r"""%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]""")
_BRACKETS: Final = pattern(r"[\[\]]")


def is_uri_reference(text: str) -> bool:
    """Return whether a text is a URI reference.

    >>> is_uri_reference("../pets.yml"), is_uri_reference("two words.yml"), is_uri_reference("1:2")
    (True, False, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def meant_reference(text: str) -> str | None:
    """Return a text as a URI reference: `/` for backslashes, others percent-encoded; None if it cannot be one.

    >>> meant_reference("apis\\\\pets v1.yml"), meant_reference("pets v1:old.yml")
    ('apis/pets%20v1.yml', './pets%20v1:old.yml')
    """
    encoded = _NEVER_ALLOWED.sub(lambda match: _percent_encoded(match[0]), text.replace("\\", "/"))
    without_brackets = _BRACKETS.sub(lambda match: _percent_encoded(match[0]), encoded)
    candidates = (encoded, without_brackets, f"./{without_brackets}")
    return next((each for each in candidates if is_uri_reference(each)), None)


def _percent_encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
