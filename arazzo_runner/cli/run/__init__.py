"""Runs from the command line: prepared, performed, reported."""
