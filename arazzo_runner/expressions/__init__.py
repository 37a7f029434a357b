"""The expression language: runtime expressions, templates, simple conditions and queries (Arazzo 1.1.0).

Independent of documents, HTTP and files; imports errors and base only. Start with nodes.py (the
syntax tree), parser.py (the grammar) and evaluate.py (the value of a node in a scope.Scope).
queries/query.py is the entry to the query languages.
"""
