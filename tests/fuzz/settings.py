"""The targets of files that say how to run: arazzo.toml and files of variables."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from arazzo_runner.cli.run.environments import environment_files, read_environment
from arazzo_runner.config.reading import load_settings
from arazzo_runner.errors import ArazzoError
from arazzo_runner.lint.rules.catalogue import codes_with_options
from arazzo_runner.report.findings.text import render_diagnostics

_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|^\s*::[a-z]", re.MULTILINE)
_FOLDER = Path(tempfile.mkdtemp(prefix="arazzo-fuzz-settings-"))


def config(data: bytes) -> None:
    """An arazzo.toml, and the same as pyproject.toml: settings that are JSON, or mistakes with a place."""
    for name in ("arazzo.toml", "pyproject.toml"):
        path = _FOLDER / name
        path.write_bytes(data)
        try:
            settings = load_settings(path=str(path), codes=codes_with_options())
        except ArazzoError as problem:
            text = render_diagnostics(problem.diagnostics)
            assert _STEERS.search(text) is None, text
        else:
            for each in settings.environments.values():
                json.dumps(dict(each.inputs), allow_nan=False)
            repr(settings)


def env(data: bytes) -> None:
    """A file of variables: they can be put into the environment, and are gone afterwards."""
    path = _FOLDER / "variables.env"
    path.write_bytes(data)
    before = dict(os.environ)
    with contextlib.suppress(ArazzoError):
        found = read_environment(str(path))
        with environment_files([str(path)]):
            assert all(name in os.environ for name in found)
    assert dict(os.environ) == before


TARGETS: dict[str, Callable[[bytes], None]] = {"config": config, "env": env}
