"""JSON Schema: one check of a value against a schema of any OpenAPI version."""
