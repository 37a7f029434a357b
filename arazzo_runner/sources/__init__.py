"""Source descriptions: OpenAPI 2.0-3.2 as Operations, with references, servers, styles and media types.

fetch.py is the only place that opens documents. Start with operation.py (the view of an operation
that all else uses) and openapi.py (how operations are found). May import document, expressions,
errors and base.
"""
