"""The folder of documents in which command lines are tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.arguments.command_lines import files
from tests.arguments.place import Place, api, place
from tests.loopback import json_reply, serving


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    item = api("")["paths"]["/pets/{id}"]
    folder = tmp_path_factory.mktemp("everything")
    with place(folder) as found, serving(lambda request: json_reply(item)) as paths:
        files(found, paths.url)
        yield found


@pytest.fixture
def made(everything: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(everything.folder)
    return everything
