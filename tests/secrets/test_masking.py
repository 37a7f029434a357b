"""Secrets are masked however they are escaped: by any two escapes, at any place of any text."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings, strategies as st

from arazzo_runner.base.secrets import Secrets
from tests.secrets.escapes import ESCAPES, readings

# Passwords as generators make them, and as people do: with what every kind of escape escapes.
CHARACTERS = "abcdefgXYZ0189" + "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\" " + "äßłé€😀"
SECRETS = st.text(CHARACTERS, min_size=8, max_size=24).filter(lambda text: len(text.strip()) >= 8).map(str.strip)
SURROUNDINGS = st.text(CHARACTERS + "\n\t…", max_size=12)


@settings(max_examples=2000, deadline=None)
@given(
    secret=SECRETS,
    inner=st.sampled_from(ESCAPES),
    outer=st.sampled_from(ESCAPES),
    before=SURROUNDINGS,
    after=SURROUNDINGS,
    seed=st.integers(0, 2**32),
)
def test_no_two_escapes_let_a_secret_out(secret, inner, outer, before, after, seed):
    random = Random(seed)
    text = before + outer.write(inner.write(secret, random), random) + after
    shown = Secrets([secret]).mask(text)
    for reading in readings(shown, outer, inner):
        assert secret not in reading
