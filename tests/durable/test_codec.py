"""Stored records can be read back, are encrypted, and are never code."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, strategies as st

from arazzo_runner.durable.codec import Codec, ForeignRecord, Seal, Sealed, StoredError, opened

KEYS = [base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in range(3)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_every_json_value_comes_back(value):
    assert Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize(value)) == value


def test_a_mapping_that_looks_like_a_tag_stays_a_mapping():
    for value in ({"\0error": ["a", "b"]}, {"\0time": "2024-01-01"}, {"\0\0error": 1}):
        assert Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize(value)) == value


def test_times_and_tuples_come_back():
    due = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize({"args": (due, 1), "kwargs": {}})) == {
        "args": [due, 1],
        "kwargs": {},
    }


def test_an_exception_comes_back_as_a_name_and_a_message():
    found = Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize(ValueError("no such thing")))
    assert isinstance(found, StoredError)
    assert (found.name, found.message) == ("ValueError", "no such thing")


def test_an_exception_without_a_message_is_stored():
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize(Odd())).name == "Odd"


def test_values_outside_json_are_refused():
    with pytest.raises(TypeError, match="object"):
        Codec(KEYS[:1]).serialize({"a": object()})


def test_another_key_reads_nothing_and_a_new_key_reads_what_the_old_one_wrote():
    text = Codec(KEYS[:1]).serialize({"token": "secret-token-value"})
    assert "secret-token-value" not in text
    assert isinstance(Codec(KEYS[1:2]).deserialize(text), ForeignRecord)
    assert Codec([KEYS[1], KEYS[0]]).deserialize(text) == {"token": "secret-token-value"}


def encrypted(plain: bytes) -> str:
    return Fernet(KEYS[0]).encrypt(plain).decode()


NO_RECORDS = {
    "nothing": "",
    "a letter": "x",
    "the beginning of a text": "gAAAAA",
    "no ASCII": "é",
    "base64 of something else": base64.b64encode(b"x" * 99).decode(),
    "no text": 7,
    "bytes": b"\xff\x00",
    "a text without its end": Codec(KEYS[:1]).serialize({"a": 1})[:-5],
    "a text with another letter": Codec(KEYS[:1]).serialize({"a": 1})[:-9]
    + "A"
    + Codec(KEYS[:1]).serialize({"a": 1})[-8:],
    "no JSON": encrypted(b"J{"),
    "no zlib": encrypted(b"Zxx"),
    "a zlib text without its end": encrypted(b"Z" + zlib.compress(b"1" * 999)[:9]),
    "a format of version 1": encrypted(b"j1"),
    "a seal without a value": encrypted(b'J{"\\u0000sealed": ["step", "r1"]}'),
    "a time that is none": encrypted(b'J{"\\u0000time": "noon"}'),
}


@pytest.mark.parametrize("text", NO_RECORDS.values(), ids=NO_RECORDS)
def test_a_text_that_is_not_a_record_is_refused(text):
    """It is decoded to a ForeignRecord, which cannot be opened: DBOS ends a run permanently when a decoder raises."""
    found = Codec(KEYS[:1]).deserialize(text)
    assert isinstance(found, ForeignRecord)
    with pytest.raises(ForeignRecord):
        opened(found, Seal("step", "r1/n", "1 a#1 begun"))


def test_labels_are_checked_before_the_text():
    text = Codec(KEYS[:1]).serialize(1)
    assert Codec(KEYS[:1]).read(text, "arazzo-fernet-2") == 1
    for label in ("arazzo-fernet-1", "arazzo-fernet-3", "py_pickle", "portable_json", "", None, 7):
        assert isinstance(Codec(KEYS[:1]).read(text, label), ForeignRecord)


@pytest.mark.parametrize(
    "seal",
    [
        Seal("step", "r2/n", "1 a#1 begun"),
        Seal("step", "r1/m", "1 a#1 begun"),
        Seal("step", "r1/n", "2 a#1 begun"),
        Seal("step", "r1/n", "1 b#1 begun"),
        Seal("output", "r1/n", "1 a#1 begun"),
    ],
    ids=["another run", "another life of the run", "another position", "another step", "another kind"],
)
def test_a_record_can_be_opened_in_its_place_only(seal):
    codec, place = Codec(KEYS[:1]), Seal("step", "r1/n", "1 a#1 begun")
    found = codec.deserialize(codec.serialize(Sealed(place, {"a": (1, None)})))
    assert opened(found, place) == {"a": [1, None]}
    with pytest.raises(ForeignRecord, match='it was written as step "a#1 begun" of "r1"'):
        opened(found, seal)


def test_an_unencrypted_record_cannot_be_opened():
    for value in (None, {"kind": "step"}, StoredError("E", "m")):
        with pytest.raises(ForeignRecord):
            opened(value, Seal("step", "r1/n"))
