"""The expression language: runtime expressions, templates, simple conditions and queries (Arazzo 1.1.0).

Knows no documents, HTTP or files; may import diagnostics and values only. Start reading at
nodes.py (what there is), parser.py (the grammar) and evaluate.py (what it is worth in a
scope.Scope). selectors.py stands in front of the query languages.
"""
