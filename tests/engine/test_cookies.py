"""Cookies as RFC 6265bis has them (§5.1 to §5.8), each rule a row; then two real services on one host."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings, strategies as st

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.cookies import PER_DOMAIN, Jar, cookie_date
from tests.loopback import Reply, json_reply, serving

NOW = 1_700_000_000.0  # 14 November 2023


def sent_back(lines, to, *, by="https://api.test/a/b", mode="host", later=0.0):
    """Return the Cookie header of a request to `to` after an answer of `by` with these Set-Cookie lines."""
    headers = tuple(("Set-Cookie", line) for line in lines)
    return Jar().after_response(by, headers, NOW, mode=mode).header_for(to, NOW + later)


ALWAYS = "https://api.test/a/b"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a=1", "a=1", id="a name and a value"),
        pytest.param("  a  =  1 2  ; Path=/", "a=1 2", id="blanks around name and value are cut, those within stay"),
        pytest.param("a==b=c", "a==b=c", id="a value may have equals signs"),
        pytest.param("a=", "a=", id="a value may be empty"),
        pytest.param('a="q"', 'a="q"', id="quotes are part of the value"),
        pytest.param("a", None, id="a line without equals sign is not a cookie"),
        pytest.param("=a", None, id="a cookie without a name is refused"),
        pytest.param("=__Host-x=1", None, id="a value that imitates a name with prefix"),
        pytest.param("=__Secure-x=1; Secure", None, id="the same with the attribute of the prefix"),
        pytest.param("", None, id="an empty line"),
        pytest.param(";Path=/", None, id="attributes alone"),
        pytest.param("a=1\x00", None, id="a NUL refuses the whole line"),
        pytest.param("a=1; Path=/\x07", None, id="so does a control character in an attribute"),
        pytest.param("a=1\x7f", None, id="DEL is one too"),
        pytest.param("a=1\r\nb=2", None, id="and so are line breaks"),
        pytest.param("a=1\t", "a=1", id="a tab is a blank"),
        pytest.param("a=" + "x" * 4095, "a=" + "x" * 4095, id="name and value of 4,096 bytes"),
        pytest.param("a=" + "x" * 4096, None, id="one byte more"),
        pytest.param("a=" + "é" * 2048, None, id="bytes are counted, not characters"),
        pytest.param("a=1; Path=/" + "x" * 1024, "a=1", id="an attribute of more than 1,024 bytes is ignored"),
        pytest.param("a=1; Path=/zzz; Path=/a", "a=1", id="the last Path counts"),
        pytest.param("a=1; Path=/a; Path=/zzz", None, id="the last Path counts, either way"),
        pytest.param("a=1; Path=/zzz; Path=", "a=1", id="an empty Path is the default one"),
        pytest.param("a=1; Path=zzz", "a=1", id="so is a Path that does not begin with a slash"),
        pytest.param("a=1; PATH=/a; Unknown=x; =; ;", "a=1", id="attributes have no case, unknown ones are ignored"),
        pytest.param("a=1; HttpOnly; SameSite=Strict; Partitioned", "a=1", id="what is for browsers alone is ignored"),
        pytest.param("__Host-a=1; Secure; Path=/", "__Host-a=1", id="__Host- with all it needs"),
        pytest.param("__Host-a=1; Path=/", None, id="__Host- without Secure"),
        pytest.param("__Host-a=1; Secure", None, id="__Host- without Path"),
        pytest.param("__Host-a=1; Secure; Path=/a", None, id="__Host- with another Path"),
        pytest.param("__Host-a=1; Secure; Path=/; Domain=api.test", None, id="__Host- with Domain"),
        pytest.param("__hOsT-a=1; Path=/", None, id="the case of __Host- does not matter"),
        pytest.param("__Secure-a=1; Secure", "__Secure-a=1", id="__Secure- with Secure"),
        pytest.param("__Secure-a=1", None, id="__Secure- without Secure"),
        pytest.param("__SECURE-a=1", None, id="the case of __Secure- does not matter"),
        pytest.param("__Hosta=1", "__Hosta=1", id="only the whole prefix is one"),
    ],
)
@pytest.mark.parametrize("mode", ["host", "domain"])
def test_a_line_is_parsed_as_in_the_rfc(line, expected, mode):
    assert sent_back([line], ALWAYS, mode=mode) == expected


@pytest.mark.parametrize(
    ("attributes", "lasts"),
    [
        pytest.param("", True, id="neither: for the run"),
        pytest.param("Max-Age=10", True, id="Max-Age ahead"),
        pytest.param("Max-Age=0", False, id="Max-Age of nothing deletes"),
        pytest.param("Max-Age=-1", False, id="so does a negative one"),
        pytest.param("Max-Age=-", True, id="a sign alone is ignored"),
        pytest.param("Max-Age=+0", True, id="a plus sign is ignored"),
        pytest.param("Max-Age=0x0", True, id="what is no number is ignored"),
        pytest.param("Max-Age=0.0", True, id="a fraction is ignored"),
        pytest.param("Max-Age=٠", True, id="digits of other scripts are ignored"),
        pytest.param("Max-Age=0; Max-Age=x", False, id="an unreadable Max-Age leaves the one before"),
        pytest.param("Max-Age=10; Max-Age=0", False, id="the last Max-Age counts"),
        pytest.param("Max-Age=" + "9" * 1000, True, id="a thousand digits"),
        pytest.param("Max-Age=-" + "9" * 1000, False, id="a thousand digits below zero"),
        pytest.param("Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True, id="Max-Age goes before Expires"),
        pytest.param("Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT", False, id="whatever they say"),
        pytest.param("Expires=Thu, 01 Jan 1970 00:00:00 GMT", False, id="Expires in the past deletes"),
        pytest.param("Expires=Fri, 01 Jan 2100 00:00:00 GMT", True, id="Expires ahead"),
        pytest.param("Expires=Thu, 01-Jan-1970 00:00:00 GMT", False, id="with hyphens"),
        pytest.param("Expires=Sunday, 06-Nov-94 08:49:37 GMT", False, id="two digits of a year of the last century"),
        pytest.param("Expires=Sunday, 06-Nov-69 08:49:37 GMT", True, id="two digits below 70 are of this century"),
        pytest.param("Expires=Sun Nov  6 08:49:37 1994", False, id="as asctime writes it"),
        pytest.param("Expires=1 january 1971 1:2:3", False, id="a date is found by its parts"),
        pytest.param("Expires=1994 nov 6th, 08:49:37", False, id="in any order"),
        pytest.param("Expires=Thu, 01 Jan 1970 00:00:00 +9999", False, id="zones are not read"),
        pytest.param("Expires=Thu, 01 Jan 1600 00:00:00 GMT", True, id="years before 1601 are not dates"),
        pytest.param("Expires=Thu, 31 Feb 1999 00:00:00 GMT", True, id="nor are days that are none"),
        pytest.param("Expires=Thu, 01 Jan 1999 24:00:00 GMT", True, id="nor hours that are none"),
        pytest.param("Expires=Fri, 01 Jan 9999 23:59:59 GMT", True, id="the year 9999"),
        pytest.param("Expires=Fri, 01 Jan 99999 23:59:59 GMT", True, id="a year of five digits"),
        pytest.param("Expires=nonsense", True, id="an unreadable date is ignored"),
        pytest.param("Expires=0", True, id="as is a number"),
        pytest.param("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x", False, id="and leaves the one before"),
    ],
)
def test_how_long_a_cookie_lasts(attributes, lasts):
    assert sent_back(["a=0", f"a=1; {attributes}"], ALWAYS) == ("a=1" if lasts else None)


@pytest.mark.parametrize(
    "attribute",
    [
        pytest.param("Max-Age=10", id="by Max-Age"),
        pytest.param("Expires=Tue, 14 Nov 2023 22:13:30 GMT", id="by Expires"),
    ],
)
def test_a_cookie_that_expires_during_the_run_is_not_sent_any_more(attribute):
    assert sent_back([f"a=1; {attribute}"], ALWAYS, later=9.0) == "a=1"
    assert sent_back([f"a=1; {attribute}"], ALWAYS, later=11.0) is None


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        pytest.param("/a", "/a", True, id="the path itself"),
        pytest.param("/a", "/a/b", True, id="what is below it"),
        pytest.param("/a", "/ab", False, id="not what only begins like it"),
        pytest.param("/a/", "/a/b", True, id="a slash at the end"),
        pytest.param("/a/", "/a", False, id="is asked for"),
        pytest.param("/a//", "/a/b", False, id="two of them are two"),
        pytest.param("/a//", "/a//b", True, id="and match two"),
        pytest.param("/", "/z", True, id="the root is everything"),
        pytest.param("/", "", True, id="also no path at all"),
        pytest.param("/A", "/a", False, id="case matters"),
        pytest.param("/a%62", "/ab", False, id="nothing is decoded"),
        pytest.param("/a", "/a?b", True, id="a query is not a path"),
    ],
)
def test_a_cookie_goes_to_its_path(path, asked, expected):
    found = sent_back([f"c=1; Path={path}"], f"https://api.test{asked}")
    assert found == ("c=1" if expected else None)


@pytest.mark.parametrize(
    ("by", "asked", "expected"),
    [
        pytest.param("https://api.test/a/b/c", "/a/b", True, id="up to the last slash"),
        pytest.param("https://api.test/a/b/c", "/a", False, id="and not above it"),
        pytest.param("https://api.test/a/b/", "/a/b", True, id="a slash at the end"),
        pytest.param("https://api.test/a", "/z", True, id="one slash is the root"),
        pytest.param("https://api.test", "/z", True, id="no path is the root"),
        pytest.param("https://api.test?a/b", "/z", True, id="a query has no part in it"),
    ],
)
def test_the_default_path_is_that_of_the_request(by, asked, expected):
    found = sent_back(["c=1"], f"https://api.test{asked}", by=by)
    assert found == ("c=1" if expected else None)


@pytest.mark.parametrize(
    ("by", "line", "to", "expected"),
    [
        pytest.param("https://x.a.com/", "a=1; Domain=a.com", "https://y.a.com/", True, id="a parent domain"),
        pytest.param("https://x.a.com/", "a=1; Domain=a.com", "https://a.com/", True, id="the domain itself"),
        pytest.param("https://x.a.com/", "a=1; Domain=a.com", "https://y.z.a.com:8443/", True, id="any depth, any port"),
        pytest.param("https://x.a.com/", "a=1; Domain=a.com", "https://ya.com/", False, id="not what ends like it"),
        pytest.param("https://x.a.com/", "a=1; Domain=.a.com", "https://y.a.com/", True, id="a leading dot is nothing"),
        pytest.param("https://x.a.com/", "a=1; Domain=..a.com", "https://x.a.com/", False, id="two dots are not a domain"),
        pytest.param("https://x.a.com/", "a=1; Domain=A.CoM", "https://y.a.com/", True, id="case is nothing"),
        pytest.param("https://X.A.COM/", "a=1; Domain=a.com", "https://Y.a.com/", True, id="nor that of a host"),
        pytest.param("https://x.a.com/", "a=1; Domain=a.com.", "https://x.a.com/", False, id="a dot at the end is refused"),
        pytest.param("https://x.a.com./", "a=1; Domain=a.com", "https://y.a.com/", True, id="the one of a host is nothing"),
        pytest.param("https://x.a.com/", "a=1; Domain=b.com", "https://x.a.com/", False, id="another domain"),
        pytest.param("https://a.com/", "a=1; Domain=x.a.com", "https://a.com/", False, id="a domain below the host"),
        pytest.param("https://x.a.com/", "a=1; Domain=", "https://y.a.com/", False, id="an empty one: the origin only"),
        pytest.param("https://x.a.com/", "a=1; Domain=", "https://x.a.com/", True, id="an empty one: the origin"),
        pytest.param("https://x.a.com/", "a=1; Domain=a.com; Domain=", "https://y.a.com/", False, id="the last Domain counts"),
        pytest.param("https://x.a.com/", "a=1; Domain=com", "https://x.a.com/", False, id="a public suffix"),
        pytest.param("https://x.a.co.uk/", "a=1; Domain=co.uk", "https://x.a.co.uk/", False, id="one of two labels"),
        pytest.param("https://x.github.io/", "a=1; Domain=github.io", "https://x.github.io/", False, id="a private one"),
        pytest.param("https://a.x.kobe.jp/", "a=1; Domain=x.kobe.jp", "https://a.x.kobe.jp/", False, id="one by a wildcard"),
        pytest.param("https://a.city.kobe.jp/", "a=1; Domain=city.kobe.jp", "https://b.city.kobe.jp/", True, id="an exception to it"),
        pytest.param("https://github.io/", "a=1; Domain=github.io", "https://github.io/", True, id="a host that is a suffix keeps its own"),
        pytest.param("https://github.io/", "a=1; Domain=github.io", "https://x.github.io/", False, id="and shares it with nobody"),
        pytest.param("https://a.xn--55qx5d.cn/", "a=1; Domain=xn--55qx5d.cn", "https://a.xn--55qx5d.cn/", False, id="a suffix in Punycode"),
        pytest.param("https://a.公司.cn/", "a=1; Domain=xn--55qx5d.cn", "https://a.公司.cn/", False, id="the same from a host in its script"),
        pytest.param("https://x.bücher.com/", "a=1; Domain=xn--bcher-kva.com", "https://y.xn--bcher-kva.com/", True, id="a domain in Punycode"),
        pytest.param("https://x.bücher.com/", "a=1; Domain=bücher.com", "https://x.bücher.com/", False, id="one in its script is refused"),
        pytest.param("https://x.internal/", "a=1; Domain=internal", "https://x.internal/", False, id="a single label is a public suffix"),
        pytest.param("https://localhost/", "a=1; Domain=localhost", "https://localhost/", True, id="localhost keeps its own"),
        pytest.param("https://localhost/", "a=1; Domain=localhost", "https://x.localhost/", False, id="and shares it with nobody"),
        pytest.param("https://x.localhost/", "a=1; Domain=localhost", "https://x.localhost/", False, id="nor is it anybody's suffix"),
        pytest.param("https://127.0.0.1/", "a=1; Domain=127.0.0.1", "https://127.0.0.1/", True, id="an address matches itself"),
        pytest.param("https://127.0.0.1/", "a=1; Domain=0.0.1", "https://127.0.0.1/", False, id="an address has no parent"),
        pytest.param("https://127.0.0.1/", "a=1; Domain=.1", "https://10.0.0.1/", False, id="nor a last label to share"),
        pytest.param("https://127.0.0.1/", "a=1; Domain=0.1", "https://10.0.0.1/", False, id="nor two"),
        pytest.param("https://127.1/", "a=1; Domain=1", "https://127.1/", False, id="a short address"),
        pytest.param("https://0x7f.0.0.0x1/", "a=1; Domain=0.0.0x1", "https://0x7f.0.0.0x1/", False, id="one in hexadecimal"),
        pytest.param("https://0177.0.0.01/", "a=1; Domain=0.0.01", "https://0177.0.0.01/", False, id="one in octal"),
        pytest.param("https://127.0.0.1./", "a=1; Domain=0.0.1", "https://127.0.0.1./", False, id="one with a dot at the end"),
        pytest.param("https://１２７.０.０.１/", "a=1; Domain=0.0.1", "https://127.0.0.1/", False, id="one in wide digits"),
        pytest.param("https://[::ffff:127.0.0.1]/", "a=1; Domain=0.0.1", "https://[::ffff:127.0.0.1]/", False, id="one within an IPv6 address"),
        pytest.param("https://[fe80::a.b]/", "a=1; Domain=b", "https://[fe80::a.b]/", False, id="an IPv6 address"),
        pytest.param("https://[::1]/", "a=1; Domain=::1", "https://[::1]/", True, id="which matches itself"),
    ],
)  # fmt: skip
def test_a_domain_is_matched_as_in_the_rfc(by, line, to, expected):
    assert sent_back([line], to, by=by, mode="domain") == ("a=1" if expected else None)


@pytest.mark.parametrize("mode", ["host", "domain"])
@pytest.mark.parametrize(
    ("to", "expected"),
    [
        pytest.param("https://api.test:8443/", True, id="its origin"),
        pytest.param("https://API.test:8443/", True, id="its origin in other case"),
        pytest.param("https://user:word@api.test:8443/", True, id="its origin with a user"),
        pytest.param("https://api.test:8444/", False, id="another port"),
        pytest.param("http://api.test:8443/", False, id="another scheme"),
        pytest.param("https://x.api.test:8443/", False, id="another host"),
        pytest.param("https://api.test:99999/", False, id="a port that is none"),
        pytest.param("https://[::1/", False, id="a host that is none"),
    ],
)
def test_a_cookie_without_a_domain_goes_to_its_origin_only(to, expected, mode):
    assert sent_back(["a=1; Path=/"], to, by="https://api.test:8443/", mode=mode) == ("a=1" if expected else None)


def test_default_ports_are_ports():
    assert sent_back(["a=1"], "https://api.test/", by="https://api.test:443/") == "a=1"


@pytest.mark.parametrize("mode", ["host", "domain"])
def test_services_on_one_host_keep_their_own_sessions(mode):
    jar = Jar()
    for port in (8001, 8002, 8003):
        jar = jar.after_response(f"http://api.test:{port}/", (("Set-Cookie", f"sid={port}"),), NOW, mode=mode)
    assert [jar.header_for(f"http://api.test:{port}/", NOW) for port in (8001, 8002, 8003)] == [
        "sid=8001",
        "sid=8002",
        "sid=8003",
    ]


@pytest.mark.parametrize("mode", ["host", "domain"])
def test_a_secure_cookie_is_not_set_from_plain_http(mode):
    assert sent_back(["a=1; Secure"], "https://a.com/", by="http://a.com/", mode=mode) is None
    assert sent_back(["a=1; Secure"], "http://a.com/", by="http://a.com/", mode=mode) is None


@pytest.mark.parametrize(
    ("existing", "line", "expected"),
    [
        pytest.param("a=1; Secure; Domain=a.com; Path=/", "a=2; Domain=a.com; Path=/", "a=1", id="the same cookie"),
        pytest.param("a=1; Secure; Domain=a.com; Path=/", "a=; Max-Age=0; Domain=a.com; Path=/", "a=1", id="deleting it"),
        pytest.param("a=1; Secure; Path=/", "a=2; Domain=a.com; Path=/", "a=1", id="one beside it"),
        pytest.param("a=1; Secure; Path=/", "a=2; Domain=a.com; Path=/x", "a=1", id="one below its path, which would be sent first"),
        pytest.param("a=1; Secure; Path=/x", "a=2; Domain=a.com; Path=/", "a=1; a=2", id="one above its path is another"),
        pytest.param("a=1; Path=/; Domain=a.com", "a=2; Path=/; Domain=a.com", "a=2", id="what is not Secure may be"),
    ],
)  # fmt: skip
def test_plain_http_leaves_secure_cookies_alone(existing, line, expected):
    jar = Jar().after_response("https://a.com/", (("Set-Cookie", existing),), NOW, mode="domain")
    jar = jar.after_response("http://a.com/", (("Set-Cookie", line),), NOW, mode="domain")
    assert jar.header_for("https://a.com/x", NOW) == expected


def test_a_wide_secure_cookie_does_not_go_over_plain_http():
    assert sent_back(["a=1; Secure; Domain=a.com"], "http://a.com/", by="https://a.com/", mode="domain") is None


def test_longer_paths_go_first_and_then_older_cookies():
    lines = ["a=1; Path=/", "b=1; Path=/x", "c=1; Path=/", "d=1; Path=/x", "a=2; Path=/"]
    assert sent_back(lines, "https://api.test/x") == "b=1; d=1; a=2; c=1"


def test_a_host_cannot_fill_the_jar():
    url, other = "https://a.com/", "https://b.com/"
    jar = Jar().after_response(other, (("Set-Cookie", "kept=1"),), NOW)
    jar = jar.after_response(url, (("Set-Cookie", "s=1; Secure"),), NOW)
    for number in range(4 * PER_DOMAIN):
        jar = jar.after_response(url, (("Set-Cookie", f"c{number}=1"),), NOW)
    names = [pair.partition("=")[0] for pair in jar.header_for(url, NOW).split("; ")]
    assert jar.header_for(other, NOW) == "kept=1"
    assert len(names) == PER_DOMAIN
    assert names[0] == "s"  # RFC 6265bis §5.7: those that are not Secure go first
    assert names[-1] == f"c{4 * PER_DOMAIN - 1}"


def test_cookies_can_be_switched_off():
    assert sent_back(["a=1"], ALWAYS, mode="off") is None


# ------------------------------------------------------------------ what holds of all of them

HOSTS = [
    "a.com",
    "x.a.com",
    "y.x.a.com",
    "b.com",
    "co.uk",
    "x.co.uk",
    "127.0.0.1",
    "10.0.0.1",
    "[::1]",
    "localhost",
    "127.1",
]
URLS = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), st.sampled_from(HOSTS), st.sampled_from(["", ":8443"]), st.sampled_from(["", "/", "/p", "/p/q"]))  # fmt: skip
WORDS = ["a", "b", "__Host-a", "__secure-a", "=", ";", " ", "1", "Domain=", "Path=", "Path=/", "Secure", "Max-Age=", "Expires=", ".com", "\x00", "\t", "é", ",", '"']  # fmt: skip
LINES = st.lists(st.sampled_from([*WORDS, *HOSTS]) | st.text(max_size=5), max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(URLS, st.lists(LINES, max_size=3)), max_size=5), URLS, st.sampled_from(["host", "domain"]))
def test_no_responses_make_a_jar_send_a_cookie_it_must_not(answers, url, mode):
    jar = Jar()
    for by, lines in answers:
        jar = jar.after_response(by, [("Set-Cookie", line) for line in lines], NOW, mode=mode)
    again = Jar()
    for by, lines in answers:
        again = again.after_response(by, [("Set-Cookie", line) for line in lines], NOW, mode=mode)
    assert jar == again  # a pure fold: a run that is replayed has the same session
    sent = jar.header_for(url, NOW) or ""
    assert not any(character in sent for character in "\x00\r\n")
    asked = urlsplit(url)
    for name in (pair.partition("=")[0].lower() for pair in sent.split("; ") if pair):
        assert name
        assert asked.scheme == "https" or not name.startswith(("__host-", "__secure-"))
    parents = [urlsplit(by) for by, _ in answers]
    related = [each for each in parents if each.netloc == asked.netloc and each.scheme == asked.scheme]
    if mode == "domain":
        related += [each for each in parents if {str(each.hostname), str(asked.hostname)} <= {"a.com", "x.a.com", "y.x.a.com"} or each.hostname == asked.hostname]  # fmt: skip
    assert related or not sent


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789 :,-/JanFebDecGMTxz\t", max_size=40) | st.text(max_size=30))
def test_no_date_is_too_odd(text):
    assert isinstance(cookie_date(text), float | None)


# ------------------------------------------------------------------ two services on one host


def service(name):
    """Return a handler that sets the cookie `sid` on /in and returns the received cookies on /who."""

    def answer(request):
        cookies = [f"sid={name}; Path=/", f"wide-{name}=1; Path=/; Domain=127.0.0.1", "suffix=1; Path=/; Domain=0.0.1"]
        headers = [("Set-Cookie", each) for each in cookies] if request.target == "/in" else []
        return json_reply({"cookie": request.headers.get("Cookie")}, 200, *headers)

    return answer


@pytest.fixture
def services():
    with serving(service("one")) as one, serving(service("two")) as two:
        yield {"one": one, "two": two}


def described(url):
    paths = {
        f"/{name}": {"get": {"operationId": name, "responses": {"200": {"description": "ok"}}}}
        for name in ("in", "who")
    }
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": url}], "paths": paths}


def steps(explicit=()):
    calls = [("one", "in"), ("two", "in"), ("one", "who"), ("two", "who")]
    for source, operation in calls:
        parameters = [{"name": "sid", "in": "cookie", "value": "mine"}] if (source, operation) in explicit else []
        call = {"operationId": f"$sourceDescriptions.{source}.{operation}", "parameters": parameters}
        yield {"stepId": f"{source}-{operation}", **call}


def run_blocking(document, **options):
    return arazzo_runner.run(document, **options)


def run_async(document, **options):
    return asyncio.run(arazzo_runner.arun(document, **options))


@pytest.mark.parametrize("run", [run_blocking, run_async], ids=["blocking", "async"])
@pytest.mark.parametrize(
    ("mode", "explicit", "one", "two"),
    [
        pytest.param("host", (), {"sid=one", "wide-one=1", "suffix=1"}, {"sid=two", "wide-two=1", "suffix=1"}, id="each has its own session"),
        pytest.param("domain", (), {"sid=one", "wide-one=1", "wide-two=1"}, {"sid=two", "wide-one=1", "wide-two=1"}, id="but for the cookies of the address itself"),
        pytest.param("host", [("one", "who")], {"sid=mine", "wide-one=1", "suffix=1"}, {"sid=two", "wide-two=1", "suffix=1"}, id="a step's own cookie wins"),
        pytest.param("off", (), set(), set(), id="switched off"),
    ],
)  # fmt: skip
def test_two_services_on_one_host(services, tmp_path, run, mode, explicit, one, two):
    for name, service in services.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(described(service.url)))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": name, "url": (tmp_path / f"{name}.json").as_uri()} for name in services],
        "workflows": [{"workflowId": "w", "steps": list(steps(explicit))}],
    }
    options = arazzo_runner.RunOptions(cookies=mode)
    assert run(document, load_options=LoadOptions(root=str(tmp_path)), options=options).status == "succeeded"
    found = [
        {each.target: each.headers.get("Cookie") for each in service.received}["/who"] for service in services.values()
    ]
    assert [set(cookie.split("; ")) if cookie else set() for cookie in found] == [one, two]


# ------------------------------------------------------------------ redirects

SITE = {
    "/in": (200, ["sid=1; Path=/", "below=1; Path=/in"], None),
    "/set": (302, ["new=1", "sid=2; Path=/"], "/deep/er"),
    "/deep/er": (302, ["at=1"], "/end"),
    "/drop": (302, ["sid=; Path=/; Expires=Fri, 02 Jan 1970 00:00:00 GMT"], "/end"),
    "/in/away": (302, [], "/end"),
    "/strange": (302, ["other=1; Path=/; Domain=other.test", "__Host-a=1; Path=/"], "/end"),
    "/end": (200, [], None),
}
"""The response of each path: status, cookies, redirect target."""


def as_the_site_says(request):
    status, cookies, target = SITE.get(request.target, (200, [], None))
    headers = [("Set-Cookie", line) for line in cookies]
    return Reply(status, headers=[*headers, ("Location", target)] if target else headers)


@pytest.fixture
def site():
    with serving(as_the_site_says) as server:
        yield server


@pytest.mark.parametrize("run", [run_blocking, run_async], ids=["blocking", "async"])
@pytest.mark.parametrize(
    ("paths", "own", "mode", "expected"),
    [
        pytest.param(["/in", "/set", "/deep/x"], None, "host",
                     [("/set", "sid=1"), ("/deep/er", "sid=2; new=1"), ("/end", "sid=2; new=1"), ("/deep/x", "at=1; sid=2; new=1")],
                     id="what is set on the way goes along and stays, at the path of the hop that set it"),
        pytest.param(["/in", "/drop", "/end"], None, "host", [("/drop", "sid=1"), ("/end", ""), ("/end", "")], id="what is deleted on the way does not"),
        pytest.param(["/in", "/in/away"], None, "host", [("/in/away", "below=1; sid=1"), ("/end", "sid=1")], id="a cookie of another path stays behind"),
        pytest.param(["/in", "/set"], "mine", "host",
                     [("/set", "sid=mine"), ("/deep/er", "sid=mine; new=1"), ("/end", "sid=mine; new=1")], id="a step's own cookie wins on the way too"),
        pytest.param(["/in", "/strange"], None, "host", [("/strange", "sid=1"), ("/end", "sid=1; other=1")], id="prefixes are kept to on the way"),
        pytest.param(["/in", "/strange"], None, "domain", [("/strange", "sid=1"), ("/end", "sid=1")], id="and domains"),
        pytest.param(["/in", "/set"], None, "off", [("/set", ""), ("/deep/er", ""), ("/end", "")], id="switched off"),
    ],
)  # fmt: skip
def test_cookies_on_the_way_through_a_redirect(site, tmp_path, run, paths, own, mode, expected):
    described = {
        path: {"get": {"operationId": f"op{number}", "responses": {"200": {"description": "ok"}}}}
        for number, path in enumerate(dict.fromkeys(paths))
    }
    servers = [{"url": site.url}]
    api = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": servers, "paths": described}
    (tmp_path / "api.json").write_text(json.dumps(api))
    parameters = [{"name": "sid", "in": "cookie", "value": own}] if own else []
    calls = [
        {"stepId": f"s{number}", "operationId": described[path]["get"]["operationId"], "parameters": parameters if number else []}
        for number, path in enumerate(paths)
    ]  # fmt: skip
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
        "workflows": [{"workflowId": "w", "steps": calls}],
    }
    options = arazzo_runner.RunOptions(cookies=mode, transport=arazzo_runner.TransportOptions(max_redirects=5))
    assert run(document, load_options=LoadOptions(root=str(tmp_path)), options=options).status == "succeeded"
    asked = [(each.target, each.headers.get("Cookie") or "") for each in site.received]
    assert asked[1:] == expected
