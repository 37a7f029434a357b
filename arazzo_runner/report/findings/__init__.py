"""Findings of `arazzo validate` as text and in machine-readable formats."""
