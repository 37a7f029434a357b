"""Linking and compiling: names are resolved and expressions parsed before the first request.

Start with `load_program` (program/load.py): it reads the documents through a Library, links
each reachable workflow and compiles it into the frozen records of program/model.py.
May import sources, document, expressions and what lies below them.
"""
