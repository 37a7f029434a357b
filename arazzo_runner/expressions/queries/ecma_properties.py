"""The properties that `\\p{…}` may name (ECMA-262 §22.2.2.9.7, tables 66-68), and which engine knows each."""

from __future__ import annotations

import functools
import re
from typing import Final

_CATEGORIES: Final = {
    "Other": "C", "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Unassigned": "Cn", "Private_Use": "Co",
    "Surrogate": "Cs", "Letter": "L", "Cased_Letter": "LC", "Lowercase_Letter": "Ll", "Modifier_Letter": "Lm",
    "Other_Letter": "Lo", "Titlecase_Letter": "Lt", "Uppercase_Letter": "Lu", "Mark": "M", "Combining_Mark": "M",
    "Spacing_Mark": "Mc", "Enclosing_Mark": "Me", "Nonspacing_Mark": "Mn", "Number": "N", "Decimal_Number": "Nd",
    "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P",
    "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Close_Punctuation": "Pe", "Final_Punctuation": "Pf",
    "Initial_Punctuation": "Pi", "Other_Punctuation": "Po", "Open_Punctuation": "Ps", "Symbol": "S",
    "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Math_Symbol": "Sm", "Other_Symbol": "So", "Separator": "Z",
    "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Space_Separator": "Zs",
}  # fmt: skip
# RE2 has no property of characters that are not assigned, nor of the upper-, lower- and titlecase ones together.
_NOT_IN_RE2: Final = frozenset({"C", "Cn", "Cs", "LC"})
_BINARY: Final = frozenset({
    "ASCII", "ASCII_Hex_Digit", "AHex", "Alphabetic", "Alpha", "Any", "Assigned", "Bidi_Control", "Bidi_C",
    "Bidi_Mirrored", "Bidi_M", "Case_Ignorable", "CI", "Cased", "Changes_When_Casefolded", "CWCF",
    "Changes_When_Casemapped", "CWCM", "Changes_When_Lowercased", "CWL", "Changes_When_Titlecased", "CWT",
    "Changes_When_Uppercased", "CWU", "Dash", "Default_Ignorable_Code_Point", "DI", "Deprecated", "Dep",
    "Diacritic", "Dia", "Emoji", "Emoji_Component", "EComp", "Emoji_Modifier", "EMod", "Emoji_Modifier_Base",
    "EBase", "Emoji_Presentation", "EPres", "Extended_Pictographic", "ExtPict", "Extender", "Ext", "Grapheme_Base",
    "Gr_Base", "Grapheme_Extend", "Gr_Ext", "Hex_Digit", "Hex", "IDS_Binary_Operator", "IDSB",
    "IDS_Trinary_Operator", "IDST", "ID_Continue", "IDC", "ID_Start", "IDS", "Ideographic", "Ideo", "Join_Control",
    "Join_C", "Logical_Order_Exception", "LOE", "Lowercase", "Lower", "Math", "Noncharacter_Code_Point", "NChar",
    "Pattern_Syntax", "Pat_Syn", "Pattern_White_Space", "Pat_WS", "Quotation_Mark", "QMark", "Radical",
    "Regional_Indicator", "RI", "Sentence_Terminal", "STerm", "Soft_Dotted", "SD", "Terminal_Punctuation", "Term",
    "Unified_Ideograph", "UIdeo", "Uppercase", "Upper", "Variation_Selector", "VS", "White_Space", "space",
    "XID_Continue", "XIDC", "XID_Start", "XIDS",
})  # fmt: skip
_WEIGHT: Final = 800
_VALUE: Final = re.compile(r"[A-Z][A-Za-z_]{1,40}")


@functools.lru_cache(maxsize=256)
def property_class(name: str, *, negated: bool) -> tuple[str, int, bool] | str:
    """Return what stands in brackets for a property, its weight and whether RE2 knows it; else what to write instead.

    >>> property_class("Letter", negated=False)
    ('\\\\p{L}', 800, True)
    """
    key, equals, value = name.partition("=")
    sign = "\\P" if negated else "\\p"
    if not equals or key in ("General_Category", "gc"):
        category = _CATEGORIES.get(value or name, value or name)
        if category in _CATEGORIES.values():
            return f"{sign}{{{category}}}", _WEIGHT, category not in _NOT_IN_RE2
    if not equals and name in _BINARY:
        return f"{sign}{{{name}}}", _WEIGHT, False
    if key in ("Script", "sc", "Script_Extensions", "scx") and _VALUE.fullmatch(value):
        if key in ("Script", "sc") and _known_to_re2(value):
            return f"{sign}{{{value}}}", _WEIGHT, True
        if _known_to_regex(f"{key}={value}"):
            return f"{sign}{{{key}={value}}}", _WEIGHT, False
    if not equals and _VALUE.fullmatch(name) and _known_to_regex(f"Script={name}"):
        return f"write \\{'P' if negated else 'p'}{{Script={name}}}"
    return "write a general category such as \\p{L}, or a script such as \\p{Script=Greek}"


def _known_to_re2(script: str) -> bool:
    try:
        import re2
    except ImportError:
        return False
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(f"\\p{{{script}}}", options)
    except re2.error:
        return False
    return True


def _known_to_regex(text: str) -> bool:
    import regex

    try:
        regex.compile(f"\\p{{{text}}}")
    except regex.error:
        return False
    return True
