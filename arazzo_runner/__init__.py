"""Run, validate and test Arazzo workflows."""

__version__ = "0.1.0"
