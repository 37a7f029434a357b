"""JSON Schema: checks values against schemas of any OpenAPI version."""
