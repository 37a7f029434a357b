"""Arazzo text → typed model with positions: its shape is checked, no name is resolved.

Start with `source_map.read` (bytes → `Document`: plain JSON data and the position of each JSON
Pointer) and `build.build` (`Document` → `model.ArazzoDescription`). Both are total: they record
Diagnostics in a `Problems` and raise for no document.

- reading: `source_map`, `reading` (limits and errors), `yaml_reader`, `scalars`, `json_reader`, `cache`
- positions: `positions`, `yaml_positions`, `json_positions`; computed when the first Diagnostic asks
- shape: `build` (document, workflow, step), `actions`, `parts`, all based on `fields`

May import `errors` and `base` only.
"""
