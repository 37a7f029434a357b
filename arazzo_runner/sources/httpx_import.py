"""The one way the HTTP library is imported: httpx without its command line, or httpx2 where ARAZZO_HTTP says so."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from types import ModuleType
from typing import Any

LIBRARIES = ("httpx", "httpx2")
VARIABLE = "ARAZZO_HTTP"
_ONE_AT_A_TIME = allocate_lock()


def httpx() -> Any:
    """Return httpx, or httpx2 (the maintained fork, same names) when the environment's ARAZZO_HTTP names it.

    Raises ImportError when the library is not installed and ValueError for a name that is none of LIBRARIES.
    """
    name = os.environ.get(VARIABLE) or "httpx"
    if name not in LIBRARIES:
        raise ValueError(f'{VARIABLE} is one of {", ".join(LIBRARIES)}, not "{name}"')
    with _ONE_AT_A_TIME:  # another thread must not see a module that is half imported
        return sys.modules.get(name) or (_httpx2() if name == "httpx2" else _httpx())


def _httpx() -> Any:
    """Import httpx, leaving out `httpx._main` (about 60 ms of a cold start).

    httpx/__init__.py imports its command line when click and rich are installed. The module
    is kept out during the import only; afterwards it can be imported as usual.
    """
    stand_in = ModuleType("httpx._main")
    stand_in.main = _no_command_line  # type: ignore[attr-defined]
    sys.modules["httpx._main"] = stand_in
    try:
        import httpx as module
    finally:
        sys.modules.pop("httpx._main", None)
    return module


def _httpx2() -> Any:
    import httpx2

    return httpx2


def _no_command_line() -> None:
    """What `httpx.main` is in a process that runs workflows."""
