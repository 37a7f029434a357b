"""What is stored comes back, is not readable, and is never code."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arazzo_runner.durable.codec import Codec, StoredError, WrongKey

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


def test_an_exception_that_cannot_be_shown_is_stored_all_the_same():
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert Codec(KEYS[:1]).deserialize(Codec(KEYS[:1]).serialize(Odd())).name == "Odd"


def test_what_json_does_not_know_is_refused():
    with pytest.raises(TypeError, match="object"):
        Codec(KEYS[:1]).serialize({"a": object()})


def test_another_key_reads_nothing_and_a_new_key_reads_what_the_old_one_wrote():
    text = Codec(KEYS[:1]).serialize({"token": "secret-token-value"})
    assert "secret-token-value" not in text
    with pytest.raises(WrongKey):
        Codec(KEYS[1:2]).deserialize(text)
    assert Codec([KEYS[1], KEYS[0]]).deserialize(text) == {"token": "secret-token-value"}


@pytest.mark.parametrize("text", ["", "x", "gAAAAA", "é", base64.b64encode(b"x" * 99).decode()])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(WrongKey):
        Codec(KEYS[:1]).deserialize(text)
