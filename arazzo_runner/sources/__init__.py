"""What a source description points to: OpenAPI 2.0 to 3.2 as Operations, references, servers, styles, media types.

fetch.py is the only place that opens documents. Start reading at operation.py (our own view of
an operation) and openapi.py (how it is found). May import document and what lies below it.
"""
