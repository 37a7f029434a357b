"""Decoding of Content-Encoding: any content in any chunks, limited, and only our two errors."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.sources.http_media.content_coding import DecodedBody, TooLarge, Undecodable

QUICK = settings(max_examples=100, deadline=None)
PACK = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}


def fed(data, coding, limit=10**6, chunk=7):
    body = DecodedBody(coding, limit)
    for start in range(0, len(data), chunk):
        body.take(data[start : start + chunk])
    return body


@QUICK
@given(st.binary(max_size=300), st.lists(st.sampled_from(sorted(PACK)), max_size=3), st.integers(1, 50))
def test_compressed_content_is_decompressed_in_chunks_of_any_size(data, codings, chunk):
    packed = data
    for coding in codings:
        packed = PACK[coding](packed)
    body = fed(packed, ", ".join(codings), chunk=chunk)
    assert (body.data, body.is_whole) == (data, True)


@QUICK
@given(st.binary(max_size=100), st.text("gzipdeflat, br", max_size=30), st.integers(1, 20))
def test_only_our_errors_come_out(data, coding, chunk):
    with contextlib.suppress(Undecodable, TooLarge):
        fed(data, coding, 1000, chunk)


@QUICK
@given(st.binary(min_size=1, max_size=200), st.sampled_from(["gzip", "deflate"]), st.data())
def test_a_cut_body_is_not_whole(data, coding, drawn):
    packed = PACK[coding](data)
    body = fed(packed[: drawn.draw(st.integers(1, len(packed) - 1))], coding)
    assert not body.is_whole


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        pytest.param("gzip", gzip.compress(bytes(50_000_000)), id="one coding"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(bytes(50_000_000))), id="a coding in a coding"),
        pytest.param("deflate", zlib.compress(bytes(50_000_000)), id="deflate"),
    ],
)
def test_a_bomb_is_stopped_before_it_is_unpacked(coding, data):
    tracemalloc.start()
    with pytest.raises(TooLarge):
        fed(data, coding, 500_000, chunk=2**16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress"])
def test_an_unrequested_coding_is_left_unchanged(coding):
    assert fed(b"\x0b\x02\x80abc\x03", coding).data == b"\x0b\x02\x80abc\x03"


def test_codings_above_an_unknown_one_are_undone():
    assert fed(gzip.compress(b"\x0b\x02"), "br, gzip").data == b"\x0b\x02"
