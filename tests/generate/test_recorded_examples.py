"""The examples of specs/ recorded and generated again: the same requests are sent, and the same values are joined."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.generate.recording.traffic import FromTraffic, from_traffic
from arazzo_runner.runtime.cassette.file import read_cassette
from arazzo_runner.runtime.cassette.world import Cassette
from tests.generate.flows import Flow, flow_of
from tests.generate.recorded import (
    HTTP_EXAMPLES,
    ROOT,
    differing,
    inputs_of,
    read_recording,
    record,
    replay,
    write,
)

# What differs, and why.
SENDS_A_COOKIE = "without cookies nobody is signed in"  # recorded with --cookies off, which is no part of a workflow
GIVES_UP = "three retries and no more"  # four equal answers: they are one request
PARALLEL = "three at the same time, then one"  # their order is another one in each run

# A constant of the payload that an earlier answer happens to have too: in traffic that looks the same.
BY_CHANCE: dict[str, Flow] = {"selected here, replaced there": frozenset({(0, "books/3/isbn", 1, "body lines/1/isbn")})}
# Numbers below 1000 under other names.
MISSED: dict[str, int] = {PARALLEL: 2}


class Example:
    """An example with its recording as a cassette and as HAR."""

    def __init__(self, name: str, arguments: str, folder: Path) -> None:
        self.path = ROOT / f"specs/arazzo/{name}.yml"
        self.folder = folder
        self.files = record(name, arguments, folder)
        self.cassette: Cassette = read_cassette(self.files.cassette)

    def generated(self, kind: str) -> tuple[FromTraffic, Path]:
        """Return what is made of one of the recordings, and the document."""
        folder = self.folder / kind
        folder.mkdir()
        source = self.files.har if kind == "har" else self.files.cassette
        made = from_traffic([read_recording(source)], stem="flow")
        return made, write(made, folder)


@pytest.mark.parametrize("kind", ["cassette", "har"])
@pytest.mark.parametrize(("title", "name", "arguments"), HTTP_EXAMPLES, ids=[each[0] for each in HTTP_EXAMPLES])
def test_a_generated_workflow_sends_what_was_recorded(
    title: str, name: str, arguments: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    example = Example(name, arguments, tmp_path)
    made, path = example.generated(kind)
    assert arazzo_runner.validate(str(path), load_options=LoadOptions(strict=True)) == ()
    replayed, recorded = replay(path, made, example.cassette)
    assert replayed.status == "succeeded"
    if title == PARALLEL:
        targets = ([each.url for each in requests] for requests in (replayed.sent, recorded))
        assert Counter(next(targets)) == Counter(next(targets))
        return
    assert len(replayed.sent) == (1 if title == GIVES_UP else len(recorded))
    found = differing(recorded, replayed.sent, masked=kind == "har")
    if title == SENDS_A_COOKIE:
        assert [each.name for _, each in found] == ["cookie"]
    else:
        assert found == []


@pytest.mark.parametrize("kind", ["cassette", "har"])
@pytest.mark.parametrize(("title", "name", "arguments"), HTTP_EXAMPLES, ids=[each[0] for each in HTTP_EXAMPLES])
def test_no_value_is_taken_from_the_wrong_answer(
    title: str, name: str, arguments: str, kind: str, tmp_path: Path
) -> None:
    example = Example(name, arguments, tmp_path)
    cassette = example.cassette
    original = flow_of(example.path, cassette.workflow_id, cassette, cassette.inputs, ROOT)
    made, path = example.generated(kind)
    generated = flow_of(path, "recorded", cassette, inputs_of(made), ROOT)
    assert generated - original == BY_CHANCE.get(title, frozenset())
    missed = original - generated
    if kind == "har":  # its secrets are masked: all are the same text
        missed = frozenset(each for each in missed if "authorization" not in each[3])
    assert len(missed) == MISSED.get(title, 0)
