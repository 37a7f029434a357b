"""Settings of a project: `arazzo.toml`, or `[tool.arazzo]` of pyproject.toml.

`find` looks upwards for the file (a few `stat` calls; nothing is parsed when there is none), `reading`
turns it into the records of `settings`, every mistake a Diagnostic at its line. Who asks: the command
line and the pytest plugin; the Python API is told everything by arguments.

May import `document` (places in a text), `diagnostics`, `values` and `records`.
"""
