"""The query languages: JSONPath, XPath, JSON Pointer and regular expressions.

Start with query.py, which compiles and applies queries of all of them.
"""
