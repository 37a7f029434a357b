"""The one way httpx is imported: without its command line, which would pull in click and rich."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def httpx() -> Any:
    """Import and return httpx, leaving out `httpx._main` (about 60 ms of a cold start).

    httpx/__init__.py imports its command line when click and rich are installed. The module
    is kept out during the import only; afterwards it can be imported as usual.
    """
    if "httpx" in sys.modules:
        return sys.modules["httpx"]
    stand_in = ModuleType("httpx._main")
    stand_in.main = _no_command_line  # type: ignore[attr-defined]
    sys.modules["httpx._main"] = stand_in
    try:
        import httpx as module
    finally:
        sys.modules.pop("httpx._main", None)
    return module


def _no_command_line() -> None:
    """What `httpx.main` is in a process that runs workflows."""
