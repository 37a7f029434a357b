"""Credentials: schemes, what is needed, tokens, and the World that adds them."""
