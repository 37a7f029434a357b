"""Node's regular expressions, asked over a pipe: the oracle of ECMA-262's dialect."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

_PROGRAM = """
const answer = (pattern, flags, text) => {
  try {
    const found = new RegExp(pattern, flags).exec(text);
    return found === null ? [] : [found[0]];
  } catch (problem) { return null; }
};
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const [pattern, flags, text] = JSON.parse(line);
  console.log(JSON.stringify([answer(pattern, flags + 'u', text), answer(pattern, flags, text)]));
});
"""


def is_there() -> bool:
    """Return whether there is a Node on PATH."""
    return shutil.which("node") is not None


class Node:
    """One process of Node for as long as it is asked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "-e", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def found(self, pattern: str, text: str, flags: str = "") -> tuple[list[str] | None, bool]:
        """Return what `new RegExp(pattern, "u")` finds: [match], [], or None when it takes no such pattern; and True.

        What the flag u refuses is read without it (ECMA-262 Annex B); then the other is False.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([pattern, flags, text]) + "\n")
        self._process.stdin.flush()
        answers: list[Any] = json.loads(self._process.stdout.readline())
        return (answers[0], True) if answers[0] is not None else (answers[1], False)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
