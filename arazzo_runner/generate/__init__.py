"""Workflows made from what users have: descriptions, recorded traffic, collections of requests.

Each reader returns a Draft (draft.py), which writing.py prints as YAML with comments: start reading there.
"""
