"""Redirects: which are followed, with which headers, and that nothing of a step is sent to another origin."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, SendRequest
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.runtime.redirects import LookedUp, Trail
from tests.loopback import Reply, serving
from tests.runtime.senders import asynchronous, blocking

CANARY = "canary-5ecret-value"


def exchange(received):
    """Return a handler that answers /to/<status>/<url> with a redirect and echoes everything else."""

    def answer(request):
        body = request.body.decode()
        received.append((request.method, request.target, list(request.headers.items()), body))
        headers = [("Set-Cookie", f"c{len(received)}=v{len(received)}; Path=/")]
        status = 200
        if request.target.startswith("/to/"):
            _, _, code, location = request.target.split("/", 3)
            status, headers = int(code), [("Location", location), *headers]
        return Reply(status, json.dumps({"method": request.method, "body": body}).encode(), headers)

    return answer


@contextmanager
def redirecting():
    received = []
    with serving(exchange(received)) as server:
        yield SimpleNamespace(url=server.url, received=received)


@pytest.fixture
def here():
    with redirecting() as server:
        yield server


@pytest.fixture
def there():
    with redirecting() as server:
        yield server


@pytest.fixture(params=[blocking, asynchronous], ids=["blocking", "async"])
def send(request):
    def follow(effect, limit=5):
        return request.param(effect, options=TransportOptions(max_redirects=limit))

    return follow


def asked(url, method="GET", cookies="host"):
    headers = (
        ("Authorization", f"Bearer {CANARY}"),
        ("X-Api-Key", CANARY),
        ("Cookie", f"s={CANARY}"),
        ("Accept", "a/b"),
    )
    body = json.dumps({"a": CANARY}).encode() if method in ("POST", "PUT") else None
    if body:
        headers += (("Content-Type", "application/json"),)
    safe = method in ("GET", "HEAD")
    return SendRequest(
        key="k", safe=safe, request=HttpRequest(method, url, headers, body), timeout=5.0, cookies=cookies
    )


def test_redirects_are_not_followed_by_default(here):
    answer = blocking(asked(f"{here.url}/to/302//end"))
    assert (answer.status, len(here.received)) == (302, 1)


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"), (301, "POST", "GET"), (302, "POST", "GET"), (302, "PUT", "PUT"), (302, "HEAD", "HEAD"),
        (303, "POST", "GET"), (303, "PUT", "GET"), (303, "DELETE", "GET"), (303, "HEAD", "HEAD"),
        (307, "POST", "POST"), (307, "DELETE", "DELETE"), (308, "PUT", "PUT"), (308, "GET", "GET"),
    ],
)  # fmt: skip
def test_methods_change_as_rfc_9110_says(here, send, status, method, becomes):
    answer = send(asked(f"{here.url}/to/{status}//end", method))
    assert (answer.status, answer.redirects) == (200, (f"{here.url}/end",))
    sent, path, headers, body = here.received[-1]
    names = {name.lower() for name, _ in headers}
    assert (sent, path) == (becomes, "/end")
    assert bool(body) == (method in ("POST", "PUT") and becomes == method)
    assert ("content-type" in names) == bool(body)
    assert {"authorization", "x-api-key"} <= names


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nothing_of_the_step_crosses_an_origin(here, there, send, method):
    answer = send(asked(f"{here.url}/to/302/{there.url}/end", method))
    assert isinstance(answer, HttpResponse)
    [(sent, path, headers, body)] = there.received
    assert (sent, path, body) == ("HEAD" if method == "HEAD" else "GET", "/end", "")
    assert CANARY not in repr(headers)
    assert {name.lower() for name, _ in headers} <= {"host", "accept", "user-agent", "accept-encoding", "connection"}


def test_credentials_are_not_restored_after_a_detour(here, there, send):
    send(asked(f"{here.url}/to/302/{there.url}/to/302/{here.url}/end"))
    assert here.received[-1][1] == "/end"
    assert CANARY not in repr(here.received[-1])


def test_another_origin_sets_no_cookies_here(here, there, send):
    answer = send(asked(f"{here.url}/to/302/{there.url}/end"))
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["c1=v1; Path=/"]


def test_cookies_set_on_the_way_go_along_and_stay(here, send):
    answer = send(asked(f"{here.url}/to/303//end", "POST"))
    cookie = dict(here.received[-1][2])["Cookie"]
    assert cookie == f"s={CANARY}; c1=v1"
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == [
        "c1=v1; Path=/",
        "c2=v2; Path=/",
    ]


def test_cookies_off_means_off(here, send):
    send(asked(f"{here.url}/to/303//end", "POST", cookies="off"))
    assert dict(here.received[-1][2])["Cookie"] == f"s={CANARY}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_unsafe_request_stays_on_its_origin(here, there, send, method):
    answer = send(asked(f"{here.url}/to/307/{there.url}/end", method))
    assert (answer.status, there.received) == (307, [])
    assert "stays on its origin" in answer.refused


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("file:///etc/passwd", "not an http(s) URL"), ("ftp://x.test/", "not an http(s) URL"), ("http://[", "not an http(s) URL"),
        ("javascript:alert(1)", "not an http(s) URL"), ("http://no-such-host.invalid/", "no such host"),
        ("http://169.254.169.254/latest/meta-data", "link-local"), ("http://[::ffff:169.254.169.254]/", "link-local"),
    ],
)  # fmt: skip
def test_targets_that_redirects_may_not_have(here, send, location, why):
    answer = send(asked(f"{here.url}/to/302/{location}"))
    assert answer.status == 302
    assert why in answer.refused


def test_a_loop_ends(here, send):
    answer = send(asked(f"{here.url}/to/302//to/302//x"), limit=1)
    assert (answer.status, len(here.received)) == (302, 2)
    assert "max-redirects" in answer.refused


def test_controls_in_a_location_are_encoded(here, send):
    answer = send(asked(f"{here.url}/to/302//a%20b"))
    assert (answer.status, here.received[-1][1]) == (200, "/a%20b")


def test_users_in_a_location_are_dropped(here, there, send):
    send(asked(f"{here.url}/to/302/{there.url.replace('//', '//evil:' + 'user@')}/end"))
    assert "authorization" not in {name.lower() for name, _ in there.received[0][2]}


def test_a_lost_answer_after_a_redirect_is_reported(here, send):
    answer = send(asked(f"{here.url}/to/302/http://127.0.0.1:1/"))
    assert isinstance(answer, NoResponse)
    assert (answer.reason, answer.sent) == ("refused", True)
    assert answer.message.startswith("after a redirect to http://127.0.0.1:1/: ")


# ------------------------------------------------------------------ decisions, without any network


def trail(url, location, looked_up=None, method="GET"):
    way = Trail(SendRequest(key="k", request=HttpRequest(method, url), timeout=5.0), 5)
    answer = HttpResponse(302, (("Location", location),))
    target = way.leads_to(answer)
    hops = [] if target is None else way.hops(answer, target, looked_up)
    return hops, getattr(way.ended(answer), "refused", None)


PUBLIC, PRIVATE = ("93.184.216.34",), ("10.0.0.7",)


@pytest.mark.parametrize(
    ("url", "location", "looked_up", "why"),
    [
        pytest.param("https://a.test/", "http://a.test/", None, "from https to http", id="https to http on the same host"),
        pytest.param("https://a.test/", "HTTP://b.test/", None, "from https to http", id="the scheme in upper case"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, PRIVATE), "private network", id="from a public server inwards"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, (*PUBLIC, *PRIVATE)), "private network", id="one private address is enough"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, ("::1",)), "private network", id="loopback"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, ("0.0.0.0",)), "private network", id="this host"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, ("::ffff:10.0.0.1",)), "private network", id="IPv4 in IPv6"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, ("64:ff9b::a00:1",)), "private network", id="IPv4 by NAT64"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PRIVATE, ("169.254.169.254",)), "link-local", id="link-local even from a private server"),
        pytest.param("http://a.test/", "http://b.test/", LookedUp(PUBLIC, ()), "no such host", id="unknown host"),
    ],
)  # fmt: skip
def test_refused(url, location, looked_up, why):
    hops, refused = trail(url, location, looked_up)
    assert hops == []
    assert why in refused


@pytest.mark.parametrize(
    ("looked_up", "addresses"),
    [
        pytest.param(LookedUp(PUBLIC, PUBLIC), list(PUBLIC), id="public to public"),
        pytest.param(LookedUp(PRIVATE, ("10.0.0.8", "10.0.0.9")), ["10.0.0.8", "10.0.0.9"], id="private to private, every address"),
        pytest.param(LookedUp(PRIVATE, PUBLIC), list(PUBLIC), id="private to public"),
    ],
)  # fmt: skip
def test_another_host_is_asked_at_the_address_that_was_checked(looked_up, addresses):
    hops, _ = trail("http://a.test/", "http://b.test/", looked_up)
    assert [hop.address for hop in hops] == addresses
