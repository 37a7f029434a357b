"""Linting one document as `arazzo validate` does: by its configuration, baseline and comments."""

from __future__ import annotations

import os

from arazzo_runner.lint.baseline import read_baseline, with_baseline
from arazzo_runner.lint.levels import Choices
from arazzo_runner.lint.pipeline import Linted, Linter, LintOptions
from arazzo_runner.program.library import LoadOptions


def lint_one(path: str, *, strict: bool = False) -> Linted:
    """Lint a document; nothing remote is read. Raises InvalidUsage for mistakes in its configuration."""
    reading = LoadOptions(offline=True, unchecked=True, any_server=True, environment=os.environ)
    linter = Linter([path], LintOptions(reading=reading, choices=Choices(strict=strict)))
    linted = linter.lint(path)
    baseline = linter.settings_for(path).validate.baseline
    return linted if baseline is None else next(iter(with_baseline([linted], read_baseline(baseline))))
