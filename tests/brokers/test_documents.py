"""One document on every broker, through the command line and from Python: sent, then received by correlation.

What comes for somebody else is first, the right message second, a duplicate last.
"""

from __future__ import annotations

import asyncio
import json

import pytest

import arazzo_runner
from arazzo_runner import RunOptions
from tests.brokers.documents import FLOW, KINDS, SECURED, kinds


@kinds(*KINDS, *SECURED)
def test_run_by_the_command_line(stage, arazzo, kind):
    scene = stage(kind)
    ran = arazzo("run", *scene.arguments)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == scene.outputs
    assert len(scene.shop.seen) == 1
