"""Arazzo text → typed, positioned model: what is written, checked for shape, nothing resolved.

Start with `source_map.read` (bytes → `Document`: plain JSON data plus the place of every JSON
Pointer) and `build.build` (`Document` → `model.ArazzoDescription`). Both are total: they record
Diagnostics in a `Problems` and never raise for what a document may hold.

- reading: `source_map`, `reading` (limits and refusals), `yaml_reader`, `scalars`, `json_reader`
- places: `positions`, and `places` and `scalar_places`, loaded when the first Diagnostic asks
- shape: `build` (document, workflow, step), `actions`, `parts`, on top of `fields`

May import `diagnostics`, `values` and `records` only.
"""
