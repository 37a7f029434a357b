"""`arazzo validate` as a linter of many documents: which, what is reported, what is forgiven, what is mended.

Start with `pipeline.Linter`. On top of `checking.Checker` (one document → Diagnostics) stand

- `documents` and `globs`: which files are Arazzo documents
- `codes`: all there are; `policy`: levels of codes by presets, arazzo.toml and the command line
- `ignores`: comments in a document; `baseline`: a file of old findings
- `edits` and `fixing`: Diagnostics' fixes as changes of the text

May import everything below the command line.
"""
