"""Files that a durable run sends: the journal has their digest, a resumed run reads them again."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.fernet import Fernet

from arazzo_runner import File, LoadOptions, api, replace
from arazzo_runner.durable.codec import Codec
from arazzo_runner.durable.journal import ANSWERED, BEGUN, Entry
from arazzo_runner.durable.world import DurableWorld, JournalMismatch, Terms
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoFile, Now, Race, ReadFile, SendRequest, Sleep
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.run import drive

READ = ReadFile(key="up#1/file1", path="photo.png")
POST = SendRequest(key="other#1", safe=False, request=HttpRequest("POST", "http://server.test/"), timeout=1.0)
DOCUMENT = {
    "arazzo": "1.1.0",
    "info": {"title": "t", "version": "1"},
    "sourceDescriptions": [{"name": "api", "url": "api.json"}],
    "workflows": [
        {
            "workflowId": "w",
            "steps": [
                {
                    "stepId": each,
                    "operationId": "up",
                    "requestBody": {"payload": {"photo": {"filename": "p", "path": f"{each}.png"}}},
                }
                for each in ("one", "two")
            ],
        }
    ],
}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://server.test"}],
    "paths": {"/up": {"post": {"operationId": "up", "requestBody": {"content": {"multipart/form-data": {}}}}}},
}


class Outside:
    """A World with files, a server that always answers 200, and a clock; dies before its n-th request."""

    def __init__(self, files: dict[str, bytes], dies_at: int = 0) -> None:
        self.files = files
        self.sent: list[SendRequest] = []
        self._dies_at = dies_at

    async def perform(self, effect: Any, /) -> Any:
        match effect:
            case Race():
                return 0, await self.perform(effect.effects[0])
            case ReadFile():
                return self.files.get(effect.path, NoFile("it is not there"))
            case SendRequest():
                if len(self.sent) + 1 == self._dies_at:
                    raise RuntimeError("the process is gone")
                self.sent.append(effect)
                return HttpResponse(200)
            case Now():
                return 5.0
            case Sleep():
                return None


class ListJournal:
    interrupt: BaseException | None = None

    def __init__(self, kept: list[Entry]) -> None:
        self.entries = list(kept)
        self._kept = kept
        self._next = 0

    async def append(self, name: str, value: Any) -> Any:
        self._next += 1
        if self._next > len(self.entries):
            self._kept.append(Entry(name, json.loads(json.dumps(value))))
        return self._kept[self._next - 1].value


def durable(kept: list[Entry], outside: Outside, **terms: Any) -> DurableWorld:
    given = {"run_id": "r", "execution": "e", "decisions": lambda token: {}, "keyed": lambda effect: False, **terms}
    return DurableWorld(outside, ListJournal(kept), Terms(**given))


def perform(kept: list[Entry], files: dict[str, bytes], effect: Any, **terms: Any) -> Any:
    coroutine = durable(kept, Outside(files), **terms).perform(effect)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    return done.value.value


def test_the_journal_holds_size_and_digest_and_not_the_content() -> None:
    kept: list[Entry] = []
    assert perform(kept, {"photo.png": b"holiday"}, READ) == b"holiday"
    (entry,) = kept
    assert entry.name == f"up#1/file1 {ANSWERED}"
    assert entry.value["answers"] == [{"size": 7, "sha256": sha256(b"holiday").hexdigest()}]
    assert "holiday" not in json.dumps(entry.value)


def test_an_unchanged_file_is_read_again() -> None:
    kept: list[Entry] = []
    perform(kept, {"photo.png": b"holiday"}, READ)
    assert perform(kept, {"photo.png": b"holiday"}, READ, execution="second") == b"holiday"
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param({"photo.png": b"another"}, '"photo.png" has changed', id="other content"),
        pytest.param({}, "it is not there", id="the file is gone"),
    ],
)
def test_another_file_stops_the_run(files: dict[str, bytes], why: str) -> None:
    kept: list[Entry] = []
    perform(kept, {"photo.png": b"holiday"}, READ)
    with pytest.raises(JournalMismatch, match=why) as problem:
        durable(kept, Outside(files), execution="second").perform(READ).send(None)
    assert problem.value.hint == "restore the file, or start a new run"


def test_a_file_that_could_not_be_read_is_not_read_later() -> None:
    kept: list[Entry] = []
    assert perform(kept, {}, READ) == NoFile("it is not there")
    assert perform(kept, {"photo.png": b"late"}, READ, execution="second") == NoFile("it is not there")


def test_showing_a_run_needs_no_file() -> None:
    kept: list[Entry] = []
    perform(kept, {"photo.png": b"holiday"}, READ)
    assert b"not kept" in perform(kept, {}, READ, only_shown=True)


def test_a_file_read_while_requests_of_other_branches_are_under_way() -> None:
    kept: list[Entry] = []
    race = Race(key="race", effects=(POST, replace(POST, key="third#1")))

    def both(**terms: Any) -> Any:
        world = durable(kept, Outside({"photo.png": b"holiday"}), **terms)
        return [drive(world.perform(each)) for each in (race, READ, replace(race, effects=race.effects[1:]))]

    expected = [(0, HttpResponse(200)), b"holiday", (0, HttpResponse(200))]
    assert both() == expected
    assert [entry.kind for entry in kept] == [BEGUN, BEGUN, ANSWERED, ANSWERED, ANSWERED]
    assert both(execution="second") == expected
    with pytest.raises(JournalMismatch):
        drive(durable(kept, Outside({}), execution="third").perform(READ))


def test_a_run_that_is_resumed_with_another_file_sends_nothing(tmp_path: Any) -> None:
    (tmp_path / "api.json").write_text(json.dumps(API))
    (tmp_path / "w.json").write_text(json.dumps(DOCUMENT))
    program = api.load(tmp_path / "w.json", load_options=LoadOptions(root=str(tmp_path)))
    options = RunOptions(run_timeout=None)
    kept: list[Entry] = []
    first = Outside({"one.png": b"1", "two.png": b"2"}, dies_at=2)
    with pytest.raises(RuntimeError):
        api.run(program, world=durable(kept, first), options=options)
    assert [entry.name for entry in kept] == [
        f"one#1/file1 {ANSWERED}",
        f"one#1 {BEGUN}",
        f"one#1 {ANSWERED}",
        f"two#1/file1 {ANSWERED}",
        f"two#1 {BEGUN}",
    ]
    changed = Outside({"one.png": b"1", "two.png": b"other"})
    with pytest.raises(JournalMismatch, match=r"two\.png"):
        api.run(program, world=durable(kept, changed, execution="second", resend=True), options=options)
    assert changed.sent == []
    same = Outside({"one.png": b"1", "two.png": b"2"})
    result = api.run(program, world=durable(kept, same, execution="third", resend=True), options=options)
    assert (result.status, len(same.sent)) == ("succeeded", 1)
    assert b"\r\n2\r\n" in (same.sent[0].request.body or b"")


def test_the_store_keeps_files_as_they_are() -> None:
    codec = Codec([Fernet.generate_key().decode()])
    value = {"photo": File(b"\xff\x00", "cat.png", "image/png"), "more": [b"x", {"arazzo-file": "data"}]}
    again = codec.deserialize(codec.serialize(value))
    assert again == value
    assert (again["photo"].filename, again["photo"].content_type) == ("cat.png", "image/png")
