"""The linter: one checked document (`checker`), then many of them (`pipeline`).

- `checker`: documents → Diagnostics; each document is read once
- `inspection`: what rules see of a document
- `rules/`: the rules, with their catalogue and a page for every code
- `analysis/`: what several rules need: the flow of steps, types of values, uses of names
- `pages`: the page of every Diagnostic code
- `documents`: which files are Arazzo documents
- `choices`: which rules a caller of `validate` chooses
- `levels`: the levels of findings by presets, arazzo.toml and the command line
- `suppressions`, `baseline`: comments that suppress findings; a file of known findings
- `redaction`: credentials removed from findings
- `edits`, `fixes`: the fixes of Diagnostics as changes of the text
- `result_cache`, `parallel`: results of earlier runs; several processes

May import everything below `api`.
"""
