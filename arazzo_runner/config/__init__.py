"""Settings of a project: `arazzo.toml`, or `[tool.arazzo]` of pyproject.toml.

`find` looks for the file, `reading` parses it into the records of `settings`; every mistake is a
Diagnostic with its line. Used by the command line, the linter and the pytest plugin; the Python API takes
arguments only.
"""
