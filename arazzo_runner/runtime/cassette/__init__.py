"""Conversations recorded to a file and played back."""
