"""`arazzo run` tells of durable runs of the same document that stopped before they ended; a look into one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping

from arazzo_runner.base.private_files import state_folder
from arazzo_runner.sources.uris import is_remote, uri_of_path


def unfinished_note(spec: str, environment: Mapping[str, str]) -> str:
    """Return one line about unfinished runs of a document, "" when there are none. Reads no store."""
    folder = os.path.join(state_folder(), "journal.db.runs")
    if not environment.get("ARAZZO_STORE") and not _has_files(folder):
        return ""
    from arazzo_runner.durable.locks import unfinished_runs
    from arazzo_runner.durable.store import store_of
    from arazzo_runner.errors import ArazzoError  # lazily, as the next: few have unfinished runs

    try:
        found = list(unfinished_runs(store_of(None, environment).locks, spec if is_remote(spec) else uri_of_path(spec)))
    except ArazzoError:
        return ""
    if not found:
        return ""
    if len(found) > 1:
        return f"{len(found)} durable runs of this document are unfinished: arazzo runs list names them\n"
    return f"durable run {found[0]} of this document is unfinished: arazzo resume {found[0]} goes on with it\n"


def _has_files(folder: str) -> bool:
    try:
        with os.scandir(folder) as files:
            return any(True for _ in files)
    except OSError:
        return False
