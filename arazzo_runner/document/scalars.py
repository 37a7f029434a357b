"""Values of YAML scalars: the YAML 1.2 core schema, as far as JSON has such values (semantics §1)."""

from __future__ import annotations

from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, preview

_CONSTANTS: Final[dict[str, JsonValue]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_START: Final = frozenset("0123456789+-.")
_NUMBER: Final = frozenset("0123456789+-.eE")
_NOT_FINITE: Final = frozenset({".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
_BASES: Final = {"0o": (8, frozenset("01234567")), "0x": (16, frozenset("0123456789abcdefABCDEF"))}
_YAML_TAGS: Final = "tag:yaml.org,2002:"
_MAX_DIGITS: Final = 4300


class NotJson(ValueError):
    """A scalar with a value that JSON does not have; `hint` is what to write."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def plain_value(text: str) -> JsonValue:
    """Return the value of an unquoted scalar: null, a boolean, a number or a text (YAML 1.2.2 §10.3.2).

    `yes`, `on`, `12:30`, `2024-01-01` and `1_000` are texts; `017` is seventeen.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_START:
        return text
    digits = text[1:] if text[0] in "+-" else text
    if digits.isascii() and digits.isdigit():
        return _integer(text, 10)
    if _NUMBER.issuperset(text):
        return _float_or_text(text)
    base = _BASES.get(text[:2])
    if base is not None and len(text) > 2 and base[1].issuperset(text[2:]):
        return _integer(text[2:], base[0])
    if digits in _NOT_FINITE:
        raise NotJson("not-json", f"{text} is no JSON number", "write it as text, in quotes")
    return text


def tagged_value(tag: str, text: str) -> JsonValue:
    """Return the value of a scalar with an explicit tag, which must be one of JSON's types."""
    name = tag.removeprefix(_YAML_TAGS)
    if name == "str":
        return text
    if name in ("null", "bool", "int", "float"):
        value = plain_value(text)
        kinds: dict[str, Any] = {"null": type(None), "bool": bool, "int": int, "float": (int, float)}
        if isinstance(value, kinds[name]) and not (name in ("int", "float") and isinstance(value, bool)):
            return float(value) if name == "float" else value
        raise NotJson(
            "unsupported-tag", f"{preview(text)} is no {name}", f"write a value of that type, or remove !!{name}"
        )
    raise NotJson(
        "unsupported-tag",
        f"the tag {short_tag(tag)} is not supported",
        "use plain texts, numbers, true, false and null",
    )


def short_tag(tag: str) -> str:
    """Return a tag as authors write it: `!!binary`."""
    short = "!!" + tag.removeprefix(_YAML_TAGS) if tag.startswith(_YAML_TAGS) else tag
    return short if len(short) <= 60 else short[:59] + "…"


def _integer(text: str, base: int) -> int:
    # Python cannot write integers of more than 4300 decimal digits.
    if len(text) > (_MAX_DIGITS if base == 10 else _MAX_DIGITS * 5 // 6):
        raise NotJson("not-json", f"a number of {len(text)} digits is too long", "write it as text, in quotes")
    return int(text, base)


def _float_or_text(text: str) -> float | str:
    # For texts of these characters, Python's float syntax is that of YAML.
    try:
        value = float(text)
    except ValueError:
        return text
    if value in (float("inf"), float("-inf")):
        raise NotJson("not-json", f"{preview(text)[1:-1]} is too large for a number", "write it as text, in quotes")
    return value
