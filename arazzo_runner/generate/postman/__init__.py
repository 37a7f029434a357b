"""Postman collections (format 2.1, and 2.0 where it differs) as workflows: start reading at from_postman.py."""
