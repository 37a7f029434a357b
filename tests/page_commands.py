"""The commands that pages show, and a shell that runs them in a copy of the checkout as they are printed."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from unittest.mock import patch

from arazzo_runner.base.records import Record
from arazzo_runner.cli import main

ROOT = Path(__file__).parents[1]
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
_CODE = re.compile(r"exit (?:code )?(\d+)")
_COMMENT = re.compile(r"\s+#\s.*$")
_INLINE = re.compile(r"`(arazzo [^`]+)`")
_FILE = re.compile(r"(?<= )'?[\w*][^\s'=]*[./][^\s']*")
_FORM = re.compile(r"\b[A-Z]{2,}\b(?![.=_-])|…|\[")  # RUN in `arazzo resume RUN`


class Command(Record):
    """A command of a page: its text, the exit code that it shall have, and why it is not run, if so."""

    text: str
    code: int = 0
    not_run: str = ""


def commands_of(text: str) -> Iterator[Command]:
    """Return the commands of a page in their order: those of its blocks, and those in sentences that name a file."""
    not_run, kind = "", None
    block: list[str] = []
    for line in text.splitlines():
        fence = re.match(r" *```(.*)", line)
        if fence and kind is None:
            kind, block = fence[1], []
        elif fence:
            for each in _lines(str(kind), block):
                yield _command(each, str(kind), not_run)
            kind, not_run = None, ""
        elif kind is not None:
            block.append(line)
        elif line:
            reason = _NOT_RUN.search(line)
            not_run = reason[1] if reason else ""
            for sentence in _INLINE.findall(line):
                if _FILE.search(sentence) and not _FORM.search(sentence):
                    yield Command(sentence, not_run=not_run)


def _command(line: str, kind: str, not_run: str) -> Command:
    """Return a command; a comment behind it, or the kind of its block, names an exit code that is not 0."""
    comment = "" if "\n" in line else "".join(_COMMENT.findall(line))
    code = _CODE.search(comment) or _CODE.search(kind)
    return Command(line.removesuffix(comment), int(code[1]) if code else 0, not_run)


def _lines(kind: str, block: list[str]) -> list[str]:
    """Return the command lines of a block, each with its continuation or its here-document."""
    language, text = kind.partition(" ")[0], "\n".join(block).replace("\\\n", " ") + "\n"
    if language == "text" and "Usage: " in text:
        examples = re.findall(r"^ *Examples.*:\n((?: +\S.*\n)+)", text, re.MULTILINE)
        return [line.strip() for each in examples for line in each.splitlines() if line.strip()[0] != "#"]
    if language in ("sh", "console", "text") and re.search(r"^\$ ", text, re.MULTILINE):
        return re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    if language in ("sh", "console"):
        return [each[0] for each in re.findall(r"^(.*<<'(\w+)'\n(?:.*\n)*?\2|[^#\s].*)$", text, re.MULTILINE)]
    return re.findall(r"^\s*(?:- (?:run: )?)?(arazzo .*)$", text, re.MULTILINE) if language in ("yaml", "text") else []


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


class Shell:
    """Runs the commands of a page in a folder: `arazzo` alone in this process, pipes and redirections by bash."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._servers: list[subprocess.Popen[str]] = []
        self._port = _free_port()
        tools = folder.parent / "bin"
        tools.mkdir()
        (tools / "arazzo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m arazzo_runner "$@"\n', encoding="utf-8")
        (tools / "arazzo").chmod(0o755)
        self._environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **environment}

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for server in self._servers:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=30)

    def run(self, text: str) -> tuple[int, str]:
        """Run a command; returns its exit code and all that it prints. Port 8080 may be taken: it is another one."""
        text = text.replace("8080", self._port)
        export = re.match(r"export (\w+)=(\S*)$", text)
        if export:
            self._environment[export[1]] = export[2]
            return 0, ""
        if re.match(r"arazzo (mock\b|mcp .*--http|worker (?!adopt|.*--drain))", text):
            return self._serve(text)
        words = shlex.shlex(text, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        if text.startswith("arazzo ") and not any(set(word) <= set("|&;<>()") for word in words):
            return self._in_process(shlex.split(text)[1:])
        return self._bash(text)

    def _in_process(self, arguments: list[str]) -> tuple[int, str]:
        answers = b"c\n" * 20 if arguments[0] == "debug" else b""
        output, source = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(answers), "utf-8")
        with (
            contextlib.chdir(self._folder),
            patch.dict(os.environ, self._environment, clear=True),
            patch.object(sys, "stdin", source),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            code = main.run(arguments)
        output.flush()
        return code, output.buffer.getvalue().decode("utf-8")

    def _bash(self, text: str) -> tuple[int, str]:
        before, *piped = re.split(r" \| (?=[a-z]+ )", text)
        known = [each for each in piped if shutil.which(each.split()[0], path=self._environment["PATH"])]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", " | ".join([before, *known])],
            cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _serve(self, text: str) -> tuple[int, str]:
        """Start a command that runs until it is interrupted; its first lines say that it listens."""
        server = subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", *shlex.split(text)[1:]],
            cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True, encoding="utf-8",
        )  # fmt: skip
        assert server.stderr is not None
        seen = ""
        while not re.search(r"press Ctrl-C|takes runs from", seen):
            line = server.stderr.readline()
            if not line:
                return server.wait(), seen
            seen += line
        self._servers.append(server)
        return 0, seen
