"""Kept: every document that a load read, so that the same load can be done again, on any machine, from memory.

A run that is resumed must see the very texts it began with: the files may have changed since,
or be on another machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from arazzo_runner.base.records import MutableRecord, field


class Kept(MutableRecord):
    """What a load read and depended on.

    `documents` are bytes by URI; `entry` is the URI the load began with; `folder` was the working
    directory; `variables` are the environment's values of server variables. A `closed` one is
    complete: a load reads from it and from nowhere else, an open one is filled while loading.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    entry: str = ""
    folder: str = field(default_factory=os.getcwd)
    variables: dict[str, str] = field(default_factory=dict)
    closed: bool = False

    @classmethod
    def opened(cls, environment: Mapping[str, str]) -> Kept:
        """Return an empty one that remembers the server variables of this environment."""
        return cls(variables={k: v for k, v in environment.items() if k.startswith("ARAZZO_SERVER_VAR_")})
