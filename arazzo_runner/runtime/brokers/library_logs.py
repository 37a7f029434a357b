"""The loggers of the protocols' libraries."""

from __future__ import annotations

import logging


def silence_loggers(*names: str) -> None:
    """Let loggers without a handler print nothing: Python would write their warnings to standard error."""
    for name in names:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
