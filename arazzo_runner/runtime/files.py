"""Reading the files that request bodies send: which of them may be read, and how large they may be."""

from __future__ import annotations

import os
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.engine.effects import NoFile, ReadFile
from arazzo_runner.sources.fetch import FetchError, read_file
from arazzo_runner.sources.policy import is_below

MAX_UPLOAD_BYTES: Final = 1_000_000_000
_DEVICE: Final = pattern(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*|:.*)?")


def read_upload(effect: ReadFile) -> bytes | NoFile:
    """Return the content of a file below the working directory or a folder that the user allows, or why not."""
    return read_below((os.getcwd(), *effect.roots), effect.path)


def find_upload(roots: tuple[str, ...], path: str) -> bytes | NoFile:
    """Return nothing of a file that `read_upload` would read, or why it would not."""
    return read_below((os.getcwd(), *roots), path, only_opened=True)


def read_below(folders: tuple[str, ...], path: str, *, only_opened: bool = False) -> bytes | NoFile:
    """Return the content of a regular file below one of some folders; a relative path begins at the first.

    Links are followed before the place is checked. A hidden name below the folder (`.env`, `.git/…`)
    is refused: it may hold credentials.
    """
    unusable = unusable_name(path)
    if unusable is not None:
        return NoFile(f'the file "{path}" is not read: {unusable}')
    real = os.path.realpath(os.path.join(folders[0], path))
    own = [folder for folder in map(os.path.realpath, folders) if is_below(real, folder)]
    if not own:
        where = "it" if len(folders) == 1 else "it and the other folders that are allowed"
        message = f'the file "{path}" is outside of {folders[0]}: only files below {where} are sent'
        return NoFile(message, is_outside=True)
    if all(_is_hidden(os.path.relpath(real, folder)) for folder in own):
        return NoFile(f'the file "{path}" is hidden: such files are not sent')
    try:
        return read_file(real, MAX_UPLOAD_BYTES, only_opened=only_opened)
    except FetchError as problem:
        reason = problem.message.replace(real, "it", 1) if problem.message.startswith(real) else problem.message
        return NoFile(f'the file "{path}" cannot be sent: {reason}')


def unusable_name(path: str, *, is_windows: bool = os.name == "nt") -> str | None:
    r"""Return why a path is not even looked up, None when it is.

    On Windows looking up `\\server\share` would send the user's credentials to that server, and
    `NUL` or `COM1` are devices in every folder.

    >>> unusable_name("pictures/nul.txt", is_windows=True), unusable_name("pictures/nul.txt", is_windows=False)
    ('it is the name of a device', None)
    """
    if "\0" in path:
        return "its name is not usable"
    if not is_windows:
        return None
    plain = path.replace("/", "\\")
    if plain.startswith("\\\\"):
        return "it is on another computer, or a device"
    names = plain.split("\\")
    if any(_DEVICE.fullmatch(name.rstrip(" .")) for name in names):
        return "it is the name of a device"
    if any(":" in name for name in (names if len(names[0]) != 2 else names[1:])):
        return "it names a stream of a file, or a place relative to a drive"
    return None


def _is_hidden(inside: str) -> bool:
    return any(part.startswith(".") and part != "." for part in inside.split(os.sep))
