"""Secrets in messages are masked even if a server echoes only a part of them."""

from __future__ import annotations

import base64

import pytest

from arazzo_runner.base.secrets import Secrets, header_secrets, url_secrets

HEADERS = {
    "each of several cookies": ("Cookie", "a=1; sid=canary-5ecret; b=2", "canary-5ecret"),
    "a cookie in quotes": ("Set-Cookie", 'sid="canary-5ecret"; Path=/', "canary-5ecret"),
    "a cookie in percent escapes": ("Set-Cookie", "sid=canary%2F5ecret%3D", "canary/5ecret="),
    "the password of basic credentials": (
        "Authorization",
        "Basic " + base64.b64encode("me:pässwörd:9".encode()).decode(),
        "pässwörd:9",
    ),
    "a header of a secret name": ("X-Auth-Token", "canary-5ecret", "canary-5ecret"),
    "a field of a Location": ("Location", "/cb?a=1&access_token=canary%2F5ecret", "canary/5ecret"),
    "a field of a Location's fragment": ("Location", "/cb#access_token=canary-5ecret&a=1", "canary-5ecret"),
    "a field whose name is escaped": ("Location", "/cb?access%5Ftoken=canary-5ecret", "canary-5ecret"),
    "a link's field": ("Link", '<https://a.test/?api_key=canary-5ecret>; rel="next"', "canary-5ecret"),
    "a password in a Location": ("Location", "https://me:canary%2F5ecret@a.test/", "canary/5ecret"),
}


@pytest.mark.parametrize(("name", "value", "secret"), HEADERS.values(), ids=HEADERS)
def test_a_part_of_a_header_is_secret_by_itself(name: str, value: str, secret: str) -> None:
    secrets = Secrets(header_secrets([(name, value)]))
    assert secrets.mask(f"you sent {secret}, or not") == "you sent ***, or not"


HARMLESS = {
    "the next page": ("Location", "/pets?nextPageToken=some-long-value"),
    "what a cookie may do": ("Set-Cookie", "sid=1; Path=/some-long-value"),
    "another header": ("X-Request-Id", "some-long-value"),
    "basic credentials that are none": ("Authorization", "Basic ="),
}


@pytest.mark.parametrize(("name", "value"), HARMLESS.values(), ids=HARMLESS)
def test_texts_without_secrets_are_unchanged(name: str, value: str) -> None:
    secrets = Secrets(header_secrets([(name, value)]))
    assert secrets.mask("this is some-long-value") == "this is some-long-value"


def test_the_secrets_of_a_url_are_its_password_and_its_named_fields() -> None:
    found = list(url_secrets("https://me:first-5ecret@a.test/?q=other-value&token=second+5ecret#id_token=third-5ecret"))
    assert found == ["first-5ecret", "second 5ecret", "third-5ecret"]
