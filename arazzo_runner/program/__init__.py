"""Linking and compiling: every name bound, every expression parsed, before the first request.

`load_program` (program/load.py) is where to start: it reads the documents through a Library,
links each reachable workflow and compiles it into the frozen records of program/model.py.
May import sources, document, expressions and what lies below them.
"""
