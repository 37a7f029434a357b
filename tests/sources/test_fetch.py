"""The policy of reading, and reading files and documents from a real server on loopback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arazzo_runner.sources import policy as rules
from arazzo_runner.sources.download import download
from arazzo_runner.sources.fetch import FetchError, make_fetch, read_file
from arazzo_runner.sources.policy import (
    Policy,
    Repositories,
    address_kind,
    check_addresses,
    check_reference,
    check_source,
    redirected,
)
from arazzo_runner.sources.uris import is_remote, join, origin, path_of, uri_of_path, without_userinfo
from tests.loopback import Reply, serving
from tests.runtime.proxy_server import ProxyServer

REMOTE = "https://api.test/specs/api.yaml"
OPEN = Policy(root="/work")


@pytest.fixture
def tree(tmp_path):
    """A root with a description, a text, a link out of it; and a file outside."""
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "doc.yaml").write_text("a: 1")
    (inside / "notes.txt").write_text("secret")
    (tmp_path / "out.yaml").write_text("b: 2")
    (inside / "link.yaml").symlink_to(tmp_path / "out.yaml")
    return inside


def uri(path):
    return uri_of_path(str(path))


# ------------------------------------------------------------------ files


def test_relative_source_may_be_anywhere_and_all_else_stays_below_the_root(tree):
    base = uri(tree / "doc.yaml")
    fetch = make_fetch(base, root=str(tree))
    outside = uri(tree.parent / "out.yaml")
    assert fetch(outside) == b"b: 2"
    assert fetch(outside, base, "../out.yaml") == b"b: 2"
    for stated in (str(tree.parent / "out.yaml"), outside):
        with pytest.raises(FetchError, match="outside of"):
            fetch(outside, base, stated)
    for reference in (outside, uri(tree / "link.yaml")):
        with pytest.raises(FetchError, match="outside of") as caught:
            fetch.referenced(reference, base)
        assert "root=" in (caught.value.hint or "")
    assert fetch.referenced(uri(tree / "doc.yaml"), base) == b"a: 1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("notes.txt", r"not a \.yaml, \.yml or \.json", id="another suffix"),
        pytest.param("gone.yaml", "does not exist", id="no file"),
        pytest.param("nul\0.yaml", "cannot be read", id="a name with NUL"),
    ],
)
def test_file_that_cannot_be_read_is_reported_without_quoting_it(tree, name, message):
    with pytest.raises(FetchError, match=message) as caught:
        make_fetch(uri(tree / "doc.yaml"))("file://" + str(tree / name))
    assert "secret" not in caught.value.message


def test_only_regular_files_are_read(tree):
    with pytest.raises(FetchError, match="is a directory"):
        read_file(str(tree), 10)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tree / "pipe.yaml")
        with pytest.raises(FetchError, match="not a regular file"):
            read_file(str(tree / "pipe.yaml"), 10)


def test_size_is_limited_while_reading(tree):
    assert read_file(str(tree / "doc.yaml"), 4) == b"a: 1"
    with pytest.raises(FetchError, match="more than 3 bytes"):
        read_file(str(tree / "doc.yaml"), 3)


def test_user_may_name_any_file(tree):
    assert make_fetch(REMOTE).entry(uri(tree / "notes.txt")) == b"secret"


def test_repository_is_the_nearest_folder_with_git(tree):
    assert Repositories().above(str(tree)) is None
    (tree.parent / ".git").mkdir()
    assert Repositories().above(str(tree)) == str(tree.parent)


def test_without_a_repository_the_root_grows_to_hold_the_sources(tmp_path):
    for name in ("arazzo/flow.yml", "openapi/api.yml", "openapi/parts/a.yml", "other/b.yml"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_text("a: 1")
    fetch = make_fetch(uri(tmp_path / "p" / "arazzo" / "flow.yml"))
    api, part = uri(tmp_path / "p" / "openapi" / "api.yml"), uri(tmp_path / "p" / "openapi" / "parts" / "a.yml")
    with pytest.raises(FetchError, match="outside of"):
        fetch.referenced(part, api)
    fetch(api, uri(tmp_path / "p" / "arazzo" / "flow.yml"), "../openapi/api.yml")
    assert fetch.referenced(part, api) == b"a: 1"
    (tmp_path / "above.yml").write_text("secret: 1")
    with pytest.raises(FetchError, match="outside of"):
        fetch.referenced(uri(tmp_path / "above.yml"), api)


@pytest.mark.parametrize(
    ("root", "path", "home", "expected"),
    [
        ("/w/p/arazzo", "/w/p/openapi/a.yml", "/home/me", "/w/p"),
        ("/w/p", "/w/p/a.yml", "/home/me", "/w/p"),
        ("/w/p", "/x/a.yml", "/home/me", "/w/p"),
        ("/home/me/p", "/home/me/q/a.yml", "/home/me", "/home/me/p"),
        ("/home/me/p", "/home/you/a.yml", "/home/me", "/home/me/p"),
    ],
)
def test_root_never_grows_to_a_home_or_the_whole_disk(root, path, home, expected):
    assert rules.widened(root, path, home) == expected


# ------------------------------------------------------------------ policy, without any network


@pytest.mark.parametrize(
    ("check", "message"),
    [
        pytest.param(lambda: check_reference("file:///work/x.yaml", REMOTE, OPEN), "must not lead to a file", id="file named by a remote document"),
        pytest.param(lambda: check_source("file:///work/x.yaml", REMOTE, "x.yaml", OPEN), "must not lead to a file", id="source file named by a remote document"),
        pytest.param(lambda: check_reference("https://other.test/x.yaml", REMOTE, OPEN), "on another server", id="reference to another server"),
        pytest.param(lambda: check_reference("https://api.test:8443/x.yaml", REMOTE, OPEN), "on another server", id="another port is another server"),
        pytest.param(lambda: check_reference("https://x.test/x.yaml", "file:///work/a.yaml", OPEN), "on another server", id="reference from a file to the network"),
        pytest.param(lambda: check_source("ftp://x.test/a.yaml", "", None, OPEN), "ftp: URLs are not read", id="another scheme"),
        pytest.param(lambda: check_source("http://[::1", "", None, OPEN), "not a usable URL", id="no URL"),
        pytest.param(lambda: check_source(REMOTE, "", None, Policy("/", offline=True)), "not read here", id="offline"),
        pytest.param(lambda: check_addresses("https://x.test/", ["93.184.216.34", "10.0.0.1"], REMOTE, OPEN), "private or loopback", id="one private address is enough"),
        pytest.param(lambda: check_addresses("https://x.test/", ["127.0.0.1"], REMOTE, OPEN), "private or loopback", id="loopback"),
        pytest.param(lambda: check_addresses("http://meta/", ["169.254.169.254"], "file:///a.yaml", OPEN), "link-local", id="link-local even for a local document"),
        pytest.param(lambda: redirected(REMOTE, "https://other.test/x?token=1"), r"to another server, https://other\.test/x$", id="redirect to another server"),
        pytest.param(lambda: redirected(REMOTE, "http://api.test/x"), "to another server", id="redirect to http"),
        pytest.param(lambda: redirected(REMOTE, None), "without naming a location", id="redirect without a place"),
    ],
)  # fmt: skip
def test_policy_refuses(check, message):
    with pytest.raises(FetchError, match=message):
        check()


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(lambda: check_reference("https://api.test/x.yaml", REMOTE, OPEN), id="reference on the same server"),
        pytest.param(lambda: check_reference("https://x.test/a", "file:///a.yaml", Policy("/", allow_remote=True)), id="--allow-remote"),
        pytest.param(lambda: check_reference("https://X.test/a", REMOTE, Policy("/", allow_hosts=frozenset({"x.test"}))), id="--allow-host"),
        pytest.param(lambda: check_source("http://localhost:8000/a", "file:///a.yaml", "http://localhost:8000/a", OPEN), id="source URL of a local document"),
        pytest.param(lambda: check_addresses("http://localhost/", ["::1", "127.0.0.1"], "file:///a.yaml", OPEN), id="a local document may name this machine"),
        pytest.param(lambda: check_addresses("https://x.test/", ["93.184.216.34"], REMOTE, OPEN), id="public addresses"),
        pytest.param(lambda: check_addresses("https://x.test/", ["10.0.0.1"], REMOTE, Policy("/", allow_remote=True)), id="private with --allow-remote"),
    ],
)  # fmt: skip
def test_policy_allows(check):
    check()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
        ("127.0.0.1", "private"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "private"),
        ("0.0.0.0", "private"),
        ("224.0.0.1", "private"),
        ("::1", "private"),
        ("fd00::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("64:ff9b::a00:1", "private"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", "private"),
        ("::10.0.0.1", "private"),
        ("fd00:ec2::254", "link-local"),
        ("100.100.100.200", "link-local"),
        ("no address", "private"),
    ],
)
def test_addresses_are_classified(address, kind):
    assert address_kind(address) == kind


@pytest.mark.parametrize(
    ("reference", "absolute"),
    [("../x.yaml", False), ("x.yaml", False), ("/x.yaml", True), ("file:///x.yaml", True), ("C:\\x.yaml", True)],
)
def test_absolute_references_are_recognized(reference, absolute):
    assert rules.is_absolute(reference) is absolute


# ------------------------------------------------------------------ a real server


PAGES = {
    "/api.yaml": Reply(200, b"openapi: 3.1.0"),
    "/moved": Reply(302, headers=[("Location", "/api.yaml")]),
    "/away": Reply(302, headers=[("Location", "http://169.254.169.254/latest")]),
    "/round": Reply(302, headers=[("Location", "/round")]),
    "/big": Reply(200, b"x" * 4096),
}


@pytest.fixture(scope="module")
def server():
    with serving(lambda request: PAGES.get(request.target, Reply(404, b"the secret page"))) as running:
        yield running


def url(server, path, host="127.0.0.1"):
    return f"http://{host}:{server.port}{path}"


def test_document_is_fetched_and_same_server_redirects_are_followed(server):
    local = Policy("/")
    assert download(url(server, "/api.yaml"), "file:///a.yaml", local) == b"openapi: 3.1.0"
    assert download(url(server, "/moved"), "file:///a.yaml", local) == b"openapi: 3.1.0"


def test_the_checked_address_is_connected_to_with_the_original_host_name(server):
    address = url(server, "/api.yaml", host="localhost")
    assert make_fetch("file:///a.yaml")(address) == b"openapi: 3.1.0"
    last = server.received[-1]
    assert (last.target, last.headers["Host"]) == ("/api.yaml", f"localhost:{server.port}")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/away", "redirects to another server", id="a redirect elsewhere"),
        pytest.param("/round", "redirects too often", id="a redirect round in a circle"),
        pytest.param("/gone", "answers with status 404", id="another status"),
        pytest.param("/big", "more than 1,000 bytes", id="too large"),
    ],
)
def test_a_response_that_is_not_a_document_is_reported(server, path, message):
    with pytest.raises(FetchError, match=message) as caught:
        download(url(server, path), "file:///a.yaml", Policy("/", max_bytes=1000))
    assert "secret" not in caught.value.message


def test_remote_document_cannot_refer_to_this_machine(server):
    fetch = make_fetch(REMOTE)
    with pytest.raises(FetchError, match="private or loopback"):
        fetch(url(server, "/api.yaml"))
    assert make_fetch(REMOTE, allow_hosts=["127.0.0.1"])(url(server, "/api.yaml")) == b"openapi: 3.1.0"


def test_unreachable_server_is_reported_without_the_password():
    with pytest.raises(FetchError, match="cannot be fetched") as caught:
        make_fetch("file:///a.yaml")("http://me:hush@127.0.0.1:1/a.yaml")
    assert "hush" not in caught.value.message


# ------------------------------------------------------------------ proxies


@pytest.fixture
def proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = ProxyServer()
    monkeypatch.setenv("http_proxy", f"http://{made.address}")
    yield made
    made.close()


def test_a_document_comes_through_the_proxy_of_the_environment(server, proxy):
    address = url(server, "/api.yaml", "no-such-host.invalid")
    assert download(address, "file:///a.yaml", Policy("/")) == b"openapi: 3.1.0"
    assert proxy.seen == [f"GET {address}"]


def test_a_document_on_loopback_comes_past_the_proxy(server, proxy):
    assert download(url(server, "/api.yaml"), "file:///a.yaml", Policy("/")) == b"openapi: 3.1.0"
    assert proxy.seen == []


def test_an_unknown_http_library_fetches_nothing(server, monkeypatch):
    monkeypatch.setenv("ARAZZO_HTTP", "curl")
    before = len(server.received)
    with pytest.raises(FetchError, match="ARAZZO_HTTP is one of httpx, httpx2"):
        download(url(server, "/api.yaml"), "file:///a.yaml", Policy("/"))
    assert len(server.received) == before


# ------------------------------------------------------------------ URIs


def test_uris_and_paths_go_both_ways(tmp_path):
    path = str(tmp_path / "a b#c.yaml")
    assert path_of(uri_of_path(path)) == path
    assert path_of("https://x/a") == ""
    assert path_of("file://elsewhere/a") == ""
    assert uri_of_path("file:///x") == "file:///x"
    assert is_remote("HTTPS://x")


@pytest.mark.parametrize(
    ("base", "reference", "expected"),
    [
        ("https://a.test/b/c.yaml", "../d.yaml", "https://a.test/d.yaml"),
        ("https://a.test/b/c.yaml", "//e.test/d", "https://e.test/d"),
        ("file:///x/a.yaml", "b c.yaml", "file:///x/b%20c.yaml"),
        ("file:///x/a.yaml", "http://[", "http://["),
    ],
)
def test_references_are_joined(base, reference, expected):
    assert join(base, reference) == expected


def test_origins_and_userinfo():
    assert origin("https://API.test/x") == ("https", "api.test", 443)
    assert origin("http://h:99999/") is None
    assert without_userinfo("https://u:p@h.test/a@b") == "https://h.test/a@b"


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no /proc")
def test_a_file_whose_size_is_not_known_before_is_read_whole():
    assert read_file("/proc/self/status", 1_000_000).startswith(b"Name:")
    with pytest.raises(FetchError, match="more than 9 bytes"):
        read_file("/proc/self/status", 9)
