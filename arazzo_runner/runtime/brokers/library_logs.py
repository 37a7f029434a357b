"""What the libraries of protocols log: only where the program that runs this has asked for it."""

from __future__ import annotations

import logging


def kept_off_the_screen(*names: str) -> None:
    """Let loggers without a handler print nothing: Python would write their warnings to standard error."""
    for name in names:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
