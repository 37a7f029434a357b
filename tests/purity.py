"""Watches the interpreter while it runs: a call that reaches outside raises, except from a World or a listener.

A profile function is set while the interpreter's coroutine is stepped and taken away while
`World.perform` runs or an event is delivered. It sees every call, also of functions written in C
and however they were imported. Code that is being imported is not restricted: that is loading
the program, not running it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Final

CLOCKS: Final = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.sleep", "time.localtime", "time.ctime", "time.mktime", "datetime.now", "datetime.utcnow", "datetime.today",
    "date.today",
}  # fmt: skip
"""Clocks and time zones. Not `time.thread_time`: see tests/engine/test_purity.py."""
FILES: Final = {
    "io.open", "_io.open", "io.open_code", "posix.open", "posix.stat", "posix.lstat", "posix.getcwd", "posix.listdir",
    "posix.scandir", "posix.readlink", "posix.unlink", "posix.mkdir", "posix.rename", "posix.replace", "posix.system",
    "posix.fork", "_posixsubprocess.fork_exec",
}  # fmt: skip
RANDOM: Final = {"posix.urandom", "posix.getrandom", "Random.random", "Random.getrandbits", "_uuid.generate_time_safe"}
SOCKETS: Final = {"_socket.getaddrinfo", "_socket.gethostbyname", "socket.connect", "socket.bind", "socket.send"}
FORBIDDEN: Final = frozenset(CLOCKS | FILES | RANDOM | SOCKETS)
PYTHON_FORBIDDEN: Final = {"socket.socket.__init__", "os._Environ.__getitem__", "uuid.uuid1", "uuid.uuid4"}


class ReachedOutside(BaseException):
    """The interpreter called something that only a World may call."""


def name_of(function: Any) -> str:
    """Return `module.name` of a function written in C, `class.name` of a method.

    >>> import time, datetime
    >>> name_of(time.time), name_of(datetime.datetime.now), name_of(open)
    ('time.time', 'datetime.now', '_io.open')
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):
        return f"{owner.__name__}.{function.__name__}"
    if owner is not None and type(owner).__name__ != "module":
        return f"{type(owner).__name__}.{function.__name__}"
    return f"{getattr(function, '__module__', None) or getattr(owner, '__name__', '')}.{function.__name__}"


def _is_excused(frame: FrameType | None) -> bool:
    """Return whether a module is being imported, or a test tool looks at its own clock when memory is collected."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib") or "/hypothesis/" in file:
            return True
        frame = frame.f_back
    return False


def _watch(frame: FrameType, event: str, argument: Any) -> None:
    if event == "c_call":
        name = name_of(argument)
        is_forbidden = name in FORBIDDEN
    elif event == "call":
        name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        is_forbidden = name in PYTHON_FORBIDDEN
    else:
        return
    if is_forbidden and not _is_excused(frame):
        raise ReachedOutside(f"{name}, called from {frame.f_code.co_filename}:{frame.f_lineno}")


@contextmanager
def watching(active: bool) -> Generator[None, None, None]:
    """Watch, or do not watch, this thread meanwhile."""
    before = sys.getprofile()
    sys.setprofile(_watch if active else None)
    try:
        yield
    finally:
        sys.setprofile(before)


class Stepped:
    """An awaitable that runs a coroutine, watching it or not, each time that it is stepped."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, watched: bool) -> None:
        self._coroutine = coroutine
        self._watched = watched

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                with watching(self._watched):
                    asked = step()
            except StopIteration as done:
                return done.value
            try:
                answer = yield asked
            except BaseException as error:
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, answer)


class Outside:
    """The World of a run, not watched."""

    def __init__(self, world: Any) -> None:
        self._world = world

    async def perform(self, effect: Any, /) -> Any:
        return await Stepped(self._world.perform(effect), watched=False)


def watched(run_program: Any) -> Any:
    """Return `run_program` so that it raises ReachedOutside where the interpreter is not pure."""

    async def run(program: Any, inputs: Any, world: Any, options: Any, *, emit: Any, **more: Any) -> Any:
        def emit_unwatched(event: Any, secrets: Any) -> None:
            with watching(False):
                emit(event, secrets)

        interpreter = run_program(program, inputs, Outside(world), options, emit=emit_unwatched, **more)
        return await Stepped(interpreter, watched=True)

    return run
