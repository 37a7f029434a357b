"""The formats of JSON Schema (2020-12 Validation §7.3) and of the Specification's data types (OpenAPI §Data Types).

jsonschema checks formats too, but most of its checks need ten more packages, half of them without a
release for years, and it knows no int32; tests compare ours with those it has.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record


class Format(Record):
    """A format: the types of the values it applies to, its test, and what to write, for messages."""

    kinds: tuple[type, ...]
    fits: Callable[[Any], bool]
    description: str


def described(name: str) -> str:
    """Return what a value of a format must be, for messages.

    >>> described("uuid")
    'a uuid such as 123e4567-e89b-12d3-a456-426614174000'
    """
    return FORMATS[name].description


# ------------------------------------------------------------------ numbers


def _whole(name: str, least: int, most: int) -> Format:
    def fits(value: int | float) -> bool:
        return least <= value <= most and (isinstance(value, int) or value.is_integer())

    return Format((int, float), fits, f"{name}, from {least} to {most}")


def _real(name: str, most: float) -> Format:
    return Format((int, float), lambda value: -most <= value <= most, f"{name}, at most {most:g} from zero")


# ------------------------------------------------------------------ texts

_TIME: Final = r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.\d+)?(?:[zZ]|([+-])([01]\d|2[0-3]):([0-5]\d))"
_DATES: Final = pattern(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMES: Final = pattern(_TIME, re.ASCII)
_BASE64: Final = pattern("[A-Za-z0-9+/]*={0,2}")


def _is_date(text: str) -> bool:
    if not _DATES.fullmatch(text):
        return False
    # RFC 3339 has a year 0000, a leap year as 2000 is; Python's dates begin with 0001.
    known = f"2000{text[4:]}" if text.startswith("0000") else text
    try:
        datetime.date.fromisoformat(known)
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    """Return whether a text is a full-time of RFC 3339 §5.6; a leap second is one of UTC."""
    found = _TIMES.fullmatch(text)
    if found is None:
        return False
    hour, minute, second, sign, hours, minutes = found.groups()
    if second != "60":
        return True
    ahead = (int(hours or 0) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1)
    return (int(hour) * 60 + int(minute) - ahead) % 1440 == 1439


def _is_date_time(text: str) -> bool:
    return text[10:11] in ("T", "t") and _is_date(text[:10]) and _is_time(text[11:])


def _is_address(version: int) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        import ipaddress  # lazily: few values are addresses

        try:
            found = ipaddress.ip_address(text)
        except ValueError:
            return False
        return found.version == version and "%" not in text

    return fits


def _is_base64(text: str) -> bool:
    plain = text.replace("\r", "").replace("\n", "")
    return len(plain) % 4 == 0 and _BASE64.fullmatch(plain) is not None


def _is_pattern(text: str) -> bool:
    from arazzo_runner.expressions.nodes import ExpressionSyntaxError
    from arazzo_runner.expressions.queries.regex import compile_regex  # lazily: few values are patterns

    try:
        compile_regex(text)
    except (ExpressionSyntaxError, RecursionError):
        return False
    return True


def _text(description: str, fits: Callable[[str], bool]) -> Format:
    return Format((str,), fits, description)


def _matching(description: str, written: str, flags: int = 0, most: int | None = None) -> Format:
    compiled = pattern(written, flags)
    return _text(description, lambda text: (most is None or len(text) <= most) and compiled.fullmatch(text) is not None)


# ------------------------------------------------------------------ hosts, addresses of e-mail, URIs

_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_WIDE_LABEL: Final = r"(?!-)[\w\-\u00b7\u30fb]{1,63}(?<!-)"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*"
_WIDE_HOST: Final = rf"{_WIDE_LABEL}(?:[.\u3002]{_WIDE_LABEL})*"
_PLAIN: Final = r"A-Za-z0-9\-._~!$&'()*+,;="
_OCTET: Final = "%[0-9A-Fa-f]{2}"
_BEYOND: Final = r"\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"


def _mailbox(wide: str, host: str) -> str:
    """Return the pattern of a mailbox (RFC 5321 §4.1.2); `wide` are the characters beyond ASCII that it may have."""
    atom = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{wide}]++"
    quoted = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+"'
    return rf"(?:{atom}(?:\.{atom})*+|{quoted})@(?:{host}|\[[0-9A-Za-z:.\-]+\])"


def _uri(wide: str, *, relative: bool) -> str:
    """Return the pattern of a URI (RFC 3986 §3) or, with `wide` characters, an IRI; `relative`: also of a reference."""
    segment = rf"(?:[{_PLAIN}{wide}:@]|{_OCTET})*+"
    path = rf"(?:/{segment})*+"
    # RFC 6874 adds a zone to the addresses, RFC 3986 has addresses of the future (§3.2.2).
    zone = rf"%25(?:[A-Za-z0-9\-._~]|{_OCTET})++"
    future = rf"[vV][0-9A-Fa-f]+\.[{_PLAIN}:]+"
    host = rf"(?:\[(?:[0-9A-Fa-f:.]+(?:{zone})?|{future})\]|(?:[{_PLAIN}{wide}]|{_OCTET})*+)"
    authority = rf"//(?:(?:[{_PLAIN}{wide}:]|{_OCTET})*+@)?{host}(?::[0-9]*+)?{path}"
    absolute = rf"[A-Za-z][A-Za-z0-9+.\-]*+:(?:{authority}|(?!//)/?{segment}{path})"
    # The first segment of a relative path has no colon (RFC 3986 §4.2).
    first = rf"(?:[{_PLAIN}{wide}@]|{_OCTET})*+"
    whole = rf"(?:{absolute}|{authority}|(?!//){first}{path})" if relative else absolute
    tail = rf"(?:[{_PLAIN}{wide}:@/?]|{_OCTET})*+"
    return rf"{whole}(?:\?{tail})?(?:#{tail})?"


_VARIABLE: Final = rf"(?:\w|{_OCTET})++(?:\.(?:\w|{_OCTET})++)*+(?::[1-9][0-9]{{0,3}}|\*)?"
# An apostrophe may stand in a template (erratum 6937 to RFC 6570), as OData's `/pets('{id}')` has it.
_TEMPLATE: Final = rf"(?:[^\x00-\x20\"<>\\^`{{|}}%]|{_OCTET}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*+\}})*+"
_POINTER: Final = r"(?:/(?:[^~/]|~[01])*+)*+"
_DURATION: Final = r"P(?!\Z)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)"
_UUID: Final = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

# ------------------------------------------------------------------ the table

_SHOWN_OTHERWISE: Final = Format((), lambda value: True, "anything")  # these describe a value; any has them
FORMATS: Final[Mapping[str, Format]] = {
    **{f"int{bits}": _whole(f"an int{bits}", -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": _whole(f"a uint{bits}", 0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    "float": _real("a float", 3.4028235677973366e38),
    "double": _real("a double", 1.7976931348623157e308),
    **dict.fromkeys(("password", "binary", "commonmark", "html"), _SHOWN_OTHERWISE),
    "byte": _text("base64", _is_base64),
    "base64url": _matching("base64url", "[A-Za-z0-9_-]*+={0,2}"),
    "date": _text("a date such as 2026-01-31", _is_date),
    "date-time": _text("a date-time such as 2026-01-31T12:00:00Z", _is_date_time),
    "time": _text("a time such as 12:00:00Z", _is_time),
    "duration": _matching("a duration such as P1DT12H", _DURATION, re.ASCII),
    "uuid": _matching("a uuid such as 123e4567-e89b-12d3-a456-426614174000", _UUID),
    "email": _matching("an email address such as ada@example.com", _mailbox("", _HOST)),
    "idn-email": _matching("an email address such as ada@example.com", _mailbox(r"\u0080-\U0010ffff", _WIDE_HOST)),
    "hostname": _matching("a hostname such as api.example.com", _HOST, most=253),
    "idn-hostname": _matching("a hostname such as api.example.com", _WIDE_HOST, most=253),
    "ipv4": _text("an ipv4 address such as 192.0.2.1", _is_address(4)),
    "ipv6": _text("an ipv6 address such as 2001:db8::1", _is_address(6)),
    "uri": _matching("a uri such as https://example.com/a", _uri("", relative=False)),
    "uri-reference": _matching("a uri-reference such as /a?b=c", _uri("", relative=True)),
    "iri": _matching("an iri such as https://example.com/a", _uri(_BEYOND, relative=False)),
    "iri-reference": _matching("an iri-reference such as /a?b=c", _uri(_BEYOND, relative=True)),
    "uri-template": _matching("a uri-template such as /pets/{id}", _TEMPLATE),
    "json-pointer": _matching("a JSON Pointer such as /a/0", _POINTER),
    "relative-json-pointer": _matching("a relative JSON Pointer such as 1/a", rf"(?:0|[1-9]\d*+)(?:#|{_POINTER})"),
    "regex": _text("a regular expression", _is_pattern),
}
