"""Answers from descriptions, in process and over loopback."""
