"""The URL of a server is refused once, with the URL that is wanted, whoever gives it; so is the name of no source."""

from __future__ import annotations

import asyncio

import pytest

import arazzo_runner
from arazzo_runner import InvalidUsage, LoadOptions

NAME = "prismaticGraphqlApi"
WRONG = {
    "localhost:8080": "write http://localhost:8080",
    "127.0.0.1:8080/v1": "write http://127.0.0.1:8080/v1",
    "api.test": "write https://api.test",
    "//api.test/v1": "write https://api.test/v1",
    "http:/api.test": "write http://api.test",
    "ftp://api.test": "write https://api.test",
    "https://": "write https://host/path",
    "https://api test": "write https://host/path",
}


@pytest.mark.parametrize("url", WRONG)
def test_the_command_line(arazzo, seed, url):
    ran = arazzo("run", seed, "-i", "refreshToken=t", "--server", f"{NAME}={url}", "--dry-run")
    assert ran.code == 2
    assert ran.err.count("error[") == 1
    assert f'error[usage]: the server of source "{NAME}" must be an http(s) URL' in ran.err
    assert WRONG[url] in ran.err


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://api.test"])
def test_an_environment(arazzo, folder, seed, url):
    (folder / "arazzo.toml").write_text(f'[environments.stage.servers]\n{NAME} = "{url}"\n', encoding="utf-8")
    ran = arazzo("run", seed, "-i", "refreshToken=t", "--env", "stage", "--dry-run")
    assert ran.code == 2
    assert "arazzo.toml:2:1" in ran.err
    assert WRONG[url].removeprefix("write ") in ran.err


def test_a_name_in_an_environment_that_is_nearly_that_of_a_source(arazzo, folder, seed):
    lines = f'[environments.stage.servers]\n{NAME}s = "https://a.test"\nzzz = "https://b.test"\n'
    (folder / "arazzo.toml").write_text(lines, encoding="utf-8")
    ran = arazzo("run", seed, "-i", "refreshToken=t", "--env", "stage", "--dry-run")
    assert ran.code == 2
    assert f'there is no source "{NAME}s"' in ran.err
    assert f'did you mean "{NAME}"?' in ran.err


def run_async(*arguments, **options):
    return asyncio.run(arazzo_runner.arun(*arguments, **options))


CALLS = [arazzo_runner.run, run_async, arazzo_runner.dry_run]


@pytest.mark.parametrize("call", CALLS, ids=["blocking", "async", "dry"])
def test_python(call, seed):
    for options in ({"servers": {NAME: "localhost:8080"}}, {"load_options": LoadOptions(servers={NAME: "x:1"})}):
        with pytest.raises(InvalidUsage) as refused:
            call(seed, inputs={"refreshToken": "t"}, **options)
        (found,) = refused.value.diagnostics
        assert found.code == "usage"
        assert str(refused.value).startswith(f'error[usage]: the server of source "{NAME}" must be an http(s) URL')
    with pytest.raises(InvalidUsage, match=f'there is no source "{NAME}s" .hint: did you mean "{NAME}"'):
        call(seed, inputs={"refreshToken": "t"}, servers={f"{NAME}s": "https://api.test"})


def test_a_password_is_not_shown(arazzo, seed):
    ran = arazzo("run", seed, "-i", "refreshToken=t", "--server", f"{NAME}=ftp://me:hunter2secret@api.test")
    assert ran.code == 2
    assert "hunter2secret" not in ran.out + ran.err
