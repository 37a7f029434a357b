"""Read and write files named by users, whatever they are (pipes, devices, folders), without hanging.

Errors are UnusableFile, whose text completes a sentence that begins with the name of the file.
Reading has a limit, because a device or pipe may be endless.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

Check: TypeAlias = Callable[[os.stat_result], None]
MOST_BYTES: Final = 20_000_000
PATIENCE: Final = 5.0
"""Seconds to wait for the other end of a named pipe: the shell starts both at the same time."""
_MORE: Final = 65_536
_BINARY: Final = getattr(os, "O_BINARY", 0)
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)  # else opening a pipe waits for its other end


class UnusableFile(Exception):
    """Why a file cannot be used, as the end of a sentence; `number` is the errno, if any."""

    def __init__(self, reason: str, number: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


class TooLarge(UnusableFile):
    """The file has more bytes than the limit."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it has more than {most:,} bytes")


def reason_of(problem: OSError | ValueError) -> str:
    """Return the reason of a system error, as the end of a sentence."""
    if isinstance(problem, ValueError):  # a NUL, or half a surrogate pair
        return "its name is not usable"
    return (problem.strerror or str(problem)).lower()


def check_name(path: str) -> None:
    """Raise OSError if no file can have this name."""
    try:
        os.lstat(path)
    except OSError:
        return  # opening it will say more
    except ValueError as problem:
        raise OSError(errno.EINVAL, reason_of(problem), path) from None


def is_pipe(path: str) -> bool:
    """Return whether a file gives its content only once."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


# ------------------------------------------------------------------ reading


def read_file(
    path: str,
    most: int = MOST_BYTES,
    *,
    regular: bool = False,
    check: Check | None = None,
    only_opened: bool = False,
) -> bytes:
    """Return the content of a file; `regular` refuses pipes and devices. Raises UnusableFile.

    `check` is called with the status of the opened file before it is read, and may raise. A regular file that is
    `only_opened` could be read, and is not: the result is empty.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _NONBLOCK)
    except (OSError, ValueError) as problem:
        raise _unusable(problem, path) from None
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if check is not None:
                check(status)
            if only_opened and stat.S_ISREG(status.st_mode) and status.st_size <= most:
                return b""
            return _content(file, status, most, regular=regular)
    except OSError as problem:
        raise _unusable(problem, path) from None


def read_standard_input(most: int = MOST_BYTES) -> bytes:
    """Return the content of standard input; raises UnusableFile."""
    if sys.stdin is None:
        raise UnusableFile("standard input is closed")
    raw = getattr(sys.stdin, "buffer", None)  # a replacement may be text only
    most = min(most, MOST_BYTES) if _is_device(raw) else most
    try:
        data: bytes = sys.stdin.read(most + 1).encode("utf-8", "surrogatepass") if raw is None else raw.read(most + 1)
    except (OSError, ValueError) as problem:
        raise _unusable(problem, "") from None
    return _limited(data, most)


def _is_device(file: Any) -> bool:
    """Return whether an open file is a device, which may be endless."""
    try:
        return file is not None and stat.S_ISCHR(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):  # a replacement need not be a file of the system
        return False


def read_line(most: int = 1_000_000) -> str:
    """Return the next line of standard input, "" at its end; raises UnusableFile."""
    if sys.stdin is None:
        return ""
    try:
        line = sys.stdin.readline(most)
    except (OSError, ValueError) as problem:
        raise UnusableFile("it is not text" if isinstance(problem, ValueError) else reason_of(problem)) from None
    if len(line) >= most or "\0" in line:
        raise UnusableFile("it is not lines of text")
    return line


def read_text(path: str, most: int = MOST_BYTES) -> str:
    """Return a file as text; raises UnusableFile."""
    return text_of(read_file(path, most))


def text_of(data: bytes) -> str:
    """Decode UTF-8 without a byte order mark; raises UnusableFile."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableFile("it is not UTF-8 text") from None


def read_json(path: str, most: int = MOST_BYTES) -> Any:
    """Return the JSON value in a file; raises UnusableFile."""
    return json_of(read_text(path, most))


def json_of(text: str) -> Any:
    """Return the value of a JSON text (RFC 8259, so without NaN and Infinity); raises UnusableFile."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_float)
    except json.JSONDecodeError as problem:
        reason = f"{problem.msg[:1].lower()}{problem.msg[1:]} in line {problem.lineno}, column {problem.colno}"
        raise UnusableFile(f"it is not JSON: {reason}") from None
    except RecursionError:
        raise UnusableFile("it cannot be read as JSON: it is nested too deeply") from None
    except UnusableFile:
        raise
    except ValueError:  # CPython limits the digits of an integer
        raise UnusableFile("it cannot be read as JSON: a number has too many digits") from None


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise UnusableFile(f"it cannot be read as JSON: {text[:40]} is too large a number")
    return number


def _no_number(name: str) -> NoReturn:
    raise UnusableFile(f"it is not JSON: {name} is not a JSON number")


def _unusable(problem: OSError | ValueError, path: str) -> UnusableFile:
    number = problem.errno if isinstance(problem, OSError) else None
    if number == errno.ENXIO and path:  # a socket
        return UnusableFile("it is not a file that can be read", number)
    return UnusableFile(reason_of(problem), number)


def _content(file: Any, status: os.stat_result, most: int, *, regular: bool) -> bytes:
    if stat.S_ISDIR(status.st_mode):
        raise UnusableFile("it is a directory", errno.EISDIR)
    if stat.S_ISREG(status.st_mode):
        if status.st_size > most:
            raise TooLarge(most)
        first = file.read(min(status.st_size, most) + 1)  # Python allocates that much at once
        return _limited(_all(file, first, most), most)
    if regular:
        raise UnusableFile("it is not a regular file")
    start = b""
    if stat.S_ISFIFO(status.st_mode):
        start = _start(file)
    else:
        most = min(most, MOST_BYTES)  # a device may be endless
    if hasattr(os, "set_blocking"):
        os.set_blocking(file.fileno(), True)
    return _limited(_all(file, start or file.read(_MORE), most), most)


def _all(file: Any, data: bytes, most: int) -> bytes:
    """Return `data` and the rest of the file, up to little more than `most`."""
    while len(data) <= most and (more := file.read(min(len(data), most) + _MORE)):
        data += more  # the file has grown, or the pipe is slow
    return data


def _limited(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise TooLarge(most)
    return data


def _start(pipe: Any) -> bytes:
    """Return the first bytes of a pipe, empty if none came yet; raises UnusableFile if nobody writes."""
    import select  # lazily: rarely needed

    waiting = select.poll()
    waiting.register(pipe.fileno(), select.POLLIN)
    is_ready = waiting.poll(PATIENCE * 1000)
    data: bytes | None = pipe.read(_MORE)  # None: there is a writer, but no data yet
    if data == b"" and not is_ready:
        raise UnusableFile("nobody writes into this pipe")
    return data or b""


# ------------------------------------------------------------------ writing


def write_text(path: str, text: str, *, add: bool = False) -> None:
    """Replace the content of a file, or append to it; raises OSError."""
    data = text.encode("utf-8", "backslashreplace")
    check_name(path)
    descriptor = open_pipe(path)
    with open(path if descriptor is None else descriptor, "ab" if add else "wb") as file:
        file.write(data)


def make_folders(path: str, mode: int = 0o777) -> None:
    """Create a folder and its missing parents; raises OSError."""
    try:
        os.makedirs(path, mode=mode, exist_ok=True)
    except RecursionError:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path) from None


def open_pipe(path: str) -> int | None:
    """Open a named pipe for writing and return its descriptor, None for other files; raises OSError if nobody reads it.

    Close it only when everything is written: to its reader that is the end.
    """
    try:
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            return None
    except OSError:
        return None
    latest = time.monotonic() + PATIENCE
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | _NONBLOCK)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                raise
            if time.monotonic() > latest:
                raise OSError(errno.ENXIO, "nobody reads this pipe", path) from None
            time.sleep(0.02)
        else:
            os.set_blocking(descriptor, True)
            return descriptor
