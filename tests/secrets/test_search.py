"""Thousands of secrets, with common prefixes and overlaps, are found as each alone; also cut short, and in values."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, strategies as st

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.report.masking import masked_body

FEW = st.text("ab/", min_size=8, max_size=14)
OTHERS = [f"other-secret-{number:04}" for number in range(100)]


@given(
    secrets=st.lists(FEW, min_size=1, max_size=6), text=st.text("ab/ …", max_size=60), pieces=st.lists(FEW, max_size=3)
)
def test_thousands_of_secrets_are_found_like_each_of_them(secrets, text, pieces):
    given = "x".join([text, *pieces, *secrets[:1]])
    few, many = Secrets(secrets), Secrets([*OTHERS, *secrets])
    assert not any(secret in many.mask(given) for secret in secrets)
    assert [part for part in few.mask(given).split("***") if part] == [
        part for part in many.mask(given).split("***") if part
    ]


@pytest.mark.parametrize("others", [[], OTHERS], ids=["one secret", "many secrets"])
@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        pytest.param("a-secret-1", "x a-secret-1 y", "x *** y", id="as it is"),
        pytest.param("a-secret-1", "a-secret-1a-secret-1", "******", id="twice"),
        pytest.param("a-secret-1", "x a-secret- y", "x a-secret- y", id="not whole"),
        pytest.param("a-secret-1", "x a-secret-… y", "x *** y", id="cut short"),
        pytest.param("a-secret-1", "x a-secret-other… y", "x a-secret-other… y", id="another word cut short"),
        pytest.param("a-secret-1", "x … a-secret-… a-secr…", "x … *** a-secr…", id="one of several cut short"),
        pytest.param("a/secret/one", "x a\\/secret\\… y", "x *** y", id="cut within an escape"),
        pytest.param("a&secret&one", "x a&amp;secret&am… y", "x *** y", id="cut within an entity"),
        pytest.param("a secret one", "x a+secret+one%21 y", "x ***%21 y", id="a blank as plus"),
        pytest.param("p" * 300 + "q" * 300, "x " + "p" * 300 + "q" * 50 + " y", "x *** y", id="half of a long one"),
        pytest.param(
            "p" * 300 + "q" * 300, "x " + "p" * 200 + " y", "x " + "p" * 200 + " y", id="a little of a long one"
        ),
        pytest.param("/" * 300, "/" * 1000, None, id="a text of one character"),
        pytest.param("12345678", "x 1\x002\x003\x004\x005\x006\x007\x008\x00 y", None, id="UTF-16 read as UTF-8"),
    ],
)
def test_what_is_shown(secret, text, shown, others):
    masked = Secrets([*others, secret]).mask(text)
    assert masked == shown if shown is not None else secret not in masked.replace("\0", "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["hünter2222/x", "x hünter2222/x y\n", "&lt;h&uuml;nter2222/x&gt;", "h\\u00fcnter2222/x"]
)
def test_utf_16_is_masked_in_base64_and_hex(encoding, text):
    data = text.encode(encoding)
    encoded = base64.b64encode(data).decode(), base64.encodebytes(data * 9).decode(), data.hex()
    assert all("***" in Secrets(["hünter2222/x"]).mask(each) for each in encoded)


def test_secrets_that_overlap_leave_nothing_of_each_other():
    for others in ([], OTHERS):
        secrets = Secrets([*others, "alice:hunter2222", "hunter2222@db.example", "Bearer hunter2222@db.example"])
        assert secrets.mask("as alice:hunter2222@db.example, or hunter2222") == "as ***, or hunter2222"


def test_a_secret_that_goes_on_another_is_masked_to_its_end():
    for others in ([], OTHERS):
        secrets = Secrets([*others, "common-head", "common-head-and-tail", "common-head-and-another"])
        assert secrets.mask("common-head-and-tail. common-head-and-another. common-head.") == "***. ***. ***."


def test_secrets_become_known_while_texts_are_masked():
    secrets = Secrets()
    for number in range(120):
        text = f"number-{number:04}-of-many"
        assert secrets.mask(text) == text
        secrets.add(text)
        assert secrets.mask(text) == "***"
    assert secrets.mask("number-0000-of-many number-0119-of-many") == "*** ***"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab\\%\x01 ", max_size=5) | st.just("a-secret-1"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab\x01", max_size=3) | st.just("a-secret-1"), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(value=VALUES)
def test_a_value_is_masked_leaf_by_leaf(value):
    secrets = Secrets(["a-secret-1"])

    def masked(value):
        if isinstance(value, str):
            return secrets.mask(value)
        if isinstance(value, dict):
            return {masked(key): masked(item) for key, item in value.items()}
        return [masked(item) for item in value] if isinstance(value, list) else value

    assert secrets.mask_value(value) == masked(value)
    assert masked_body(value, secrets) == masked(value)


def test_texts_beside_each_other_are_not_read_as_one():
    secrets = Secrets(["a-secret-1", "with\x01in-it"])
    assert secrets.mask_value(["a-sec", "ret-1", "x\\", "u0061-secret-1", "with", "in-it", "with\x01in-it"]) == [
        "a-sec", "ret-1", "x\\", "u0061-secret-1", "with", "in-it", "***",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["authorization", "Internationalization of everything", json.dumps({"id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"})],
)
def test_words_are_no_base64_of_a_secret(text):
    assert Secrets(["a-secret-1", "hunter2222", "\u00e4" * 8]).mask(text) == text
