"""The linter: one checked document (`checker`), then many of them (`pipeline`).

- `checker`: documents → Diagnostics, each read once
- `rules/`: what is looked for, with the catalogue of rules and a page for every code
- `analysis/`: what several rules need: the flow of steps, types of values, uses of names
- `inspection`: what a rule sees of a document
- `documents` and `globs`: which files are Arazzo documents
- `codes`, `levels`: all codes there are; their levels by presets, arazzo.toml and the command line
- `suppressions`, `baseline`: comments in a document; a file of old findings
- `edits`, `fixes`: the fixes of Diagnostics as changes of the text

May import everything below `api`.
"""
