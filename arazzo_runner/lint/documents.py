"""Select documents: files by name, globs (shells on Windows do not expand them), folders searched by content."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from arazzo_runner.base.patterns import pattern as lazy_pattern
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import UnusableFile, read_file
from arazzo_runner.sources.uris import is_remote

STDIN: Final = "-"
_MAGIC: Final = lazy_pattern(r"[*?\[]")
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})


class Selection(Record):
    """The selected documents, each once, in order; `nothing` are the patterns and folders without any."""

    documents: tuple[str, ...]
    nothing: tuple[str, ...]


def select_documents(names: Iterable[str], exclude: Iterable[str] = (), base: str = ".") -> Selection:
    """Return the documents that files, folders, globs and URLs select.

    `exclude` (globs relative to `base`) removes documents in folders and matches of globs, never
    files that are named. Folders are searched for documents with the root field `arazzo`; hidden
    folders, virtual environments and files ignored by `.gitignore` are skipped.
    """
    excluded = tuple(exclude)
    found: dict[str, None] = {}
    nothing = []
    for name in names:
        if name == STDIN or is_remote(name) or os.path.isfile(name):
            selected: list[str] = [name]
        elif os.path.isdir(name):
            selected = [path for path in _in_folder(name) if not _is_excluded(path, excluded, base)]
        elif _MAGIC.search(name):
            selected = [path for path in _expanded(name) if not _is_excluded(path, excluded, base)]
        else:
            selected = [name]
        if not selected:
            nothing.append(name)
        found.update(dict.fromkeys(selected))
    return Selection(tuple(found), tuple(nothing))


def selects(names: Iterable[str], path: str) -> bool:
    """Return whether a file would be below one of the folders, or match one of the globs, if it existed."""
    wanted = _slashed(os.path.abspath(path))
    return any(_is_selected(name, wanted) for name in names if name != STDIN and not is_remote(name))


def _is_selected(name: str, wanted: str) -> bool:
    slashed = _slashed(os.path.abspath(name))
    if os.path.isdir(name):
        return wanted.startswith(slashed.rstrip("/") + "/")
    return _MAGIC.search(name) is not None and re.fullmatch(_translated(slashed), wanted, re.DOTALL) is not None


def is_arazzo(path: str) -> bool:
    """Return whether a file is an Arazzo document by its content: its root has a field `arazzo`."""
    try:
        data = read_file(path, regular=True)
    except UnusableFile:
        return False
    if b"arazzo" not in data:
        return False
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return re.search(rb"""^["']?arazzo["']?[ \t]*:""", data, re.MULTILINE) is not None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return re.match(rb"""\W*\{\s*["']?arazzo["']?\s*:""", data) is not None
    return isinstance(value, dict) and "arazzo" in value


def _is_excluded(path: str, patterns: Iterable[str], base: str) -> bool:
    relative = _slashed(os.path.relpath(path, base)) if _same_drive(path, base) else _slashed(path)
    return any(matches(pattern, relative) for pattern in patterns)


def _same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(os.path.abspath(one))[0] == os.path.splitdrive(os.path.abspath(other))[0]


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/")


# ------------------------------------------------------------------ globs


def matches(pattern: str, path: str) -> bool:
    """Return whether a path matches a glob, or is below a folder that does.

    `*` and `?` match within a folder, `**` across folders; a pattern without a slash matches a name in any folder.

    >>> matches("drafts/*.yml", "drafts/a.yml"), matches("drafts", "x/drafts/y/a.yml"), matches("/drafts", "x/drafts/a")
    (True, True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.replace("\\", "/").removeprefix("./")
    anywhere = "/" not in pattern.rstrip("/")
    body = _translated(pattern.strip("/"))
    return re.compile(f"(?:.*/)?{body}(?:/.*)?" if anywhere else f"{body}(?:/.*)?", re.DOTALL)


def _translated(pattern: str) -> str:
    """Return a glob as a regular expression; every part is linear in the length of the path."""
    parts, at = [], 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:[^/]+/)*")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\")
            parts.append(f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]")
            at = end + 1
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(pattern[at]) or re.escape(pattern[at]))
            at += 1
    return "".join(parts)


def _expanded(pattern: str) -> Iterator[str]:
    """Yield the files that match a glob; only the folder before its first wildcard is walked."""
    slashed = _slashed(pattern)
    magic = _MAGIC.search(slashed)
    cut = slashed.rfind("/", 0, magic.start() if magic else 0)
    start = slashed[: cut + 1] if cut >= 0 else ""
    compiled = re.compile(_translated(slashed), re.DOTALL)
    depth = None if "**" in slashed else slashed.count("/", cut + 1)
    hidden = "/." in slashed or slashed.startswith(".")
    for path in _files(start or ".", depth, hidden=hidden):
        shown = path if start else path.removeprefix("./")
        if compiled.fullmatch(shown):
            yield shown.replace("/", os.sep)


def _files(folder: str, depth: int | None, *, hidden: bool) -> Iterator[str]:
    # Iterative: folders may be nested more deeply than the recursion limit.
    open_folders = [(folder, iter(_entries(folder)))]
    while open_folders:
        above, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
            continue
        if entry.name.startswith(".") and not hidden:
            continue
        path = (above if above.endswith("/") else above + "/") + entry.name
        if _is_file(entry):
            yield path
        elif entry.is_dir(follow_symlinks=False) and (depth is None or len(open_folders) <= depth):
            open_folders.append((path, iter(_entries(path))))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder by name; none if it cannot be opened."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a circular link
        return False


# ------------------------------------------------------------------ folders


class _IgnoreRule(Record):
    """A line of a .gitignore in `folder`."""

    folder: str
    pattern: str
    negated: bool
    folders_only: bool

    def matches(self, path: str, is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        relative = _slashed(os.path.relpath(path, self.folder))
        return not relative.startswith("../") and matches(self.pattern, relative)


def _in_folder(folder: str) -> Iterator[str]:
    open_folders = [((*_rules_above(folder), *_rules_of(folder)), iter(_entries(folder)))]
    while open_folders:
        rules, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(".") or _is_ignored(entry.path, is_folder, rules):
            continue
        path = os.path.normpath(entry.path)
        if is_folder:
            if entry.name not in _SKIPPED and not os.path.exists(os.path.join(path, "pyvenv.cfg")):
                open_folders.append(((*rules, *_rules_of(path)), iter(_entries(path))))
        elif entry.name.lower().endswith(_SUFFIXES) and is_arazzo(path):
            yield path


def _is_ignored(path: str, is_folder: bool, rules: Iterable[_IgnoreRule]) -> bool:
    ignored = False
    for rule in rules:  # the last match decides (gitignore §Pattern format)
        if rule.matches(path, is_folder):
            ignored = not rule.negated
    return ignored


def _rules_above(folder: str) -> tuple[_IgnoreRule, ...]:
    """Return the rules of the folders above, up to the root of the repository."""
    current, above = os.path.abspath(folder), list[str]()
    while not os.path.exists(os.path.join(current, ".git")):
        parent = os.path.dirname(current)
        if parent == current:
            return ()  # not in a repository, so no .gitignore applies
        current = parent
        above.insert(0, current)
    return tuple(rule for each in above for rule in _rules_of(each))


def _rules_of(folder: str) -> list[_IgnoreRule]:
    try:
        lines = read_file(os.path.join(folder, ".gitignore"), regular=True).decode("utf-8", "replace").splitlines()
    except UnusableFile:
        return []
    rules = []
    for line in map(str.rstrip, lines):
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("\\")
            rules.append(_IgnoreRule(folder, pattern.rstrip("/"), line.startswith("!"), pattern.endswith("/")))
    return rules
