"""kill -9 of the real process: nothing unsafe is sent twice without a person's word, no token is lost.

A bounded choice; scripts/crash-proof does the whole: every point, three seeds, both kinds of runs and stores.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durable.crash import Kill, Zygote, crash_and_resume
from tests.durable.postgres import Postgres

CASES = [
    pytest.param([Kill("before-send", 1), None, Kill("before-send", 1)], 2, False, id="before a send, twice"),
    pytest.param([Kill("/auth/refresh", 1)], 1, False, id="the server has acted, its answer is lost"),
    pytest.param([Kill("after-answer", 4)], 1, True, id="the answer has come and is not recorded"),
    pytest.param([Kill("during-sleep", 1)], 0, False, id="in a sleep of a retry in the sub-workflow"),
    pytest.param([Kill("random", seconds=0.4)], None, False, id="at any moment"),
]


@pytest.mark.parametrize(("kills", "doubts", "asynchronous"), CASES)
def test_killed_and_resumed(
    kills: list[Kill | None], doubts: int | None, asynchronous: bool, zygote: Zygote, tmp_path: Path
) -> None:
    verdict = crash_and_resume(zygote, tmp_path, list(kills), asynchronous=asynchronous)
    assert verdict.problems == []
    assert doubts is None or (verdict.kills, verdict.doubts) == (len([kill for kill in kills if kill]), doubts)


def test_killed_and_resumed_on_postgresql(zygote: Zygote, tmp_path: Path, database: Postgres) -> None:
    verdict = crash_and_resume(zygote, tmp_path, [Kill("/notes", 2)], store=database.new_database())
    assert (verdict.problems, verdict.kills, verdict.doubts) == ([], 1, 1)
