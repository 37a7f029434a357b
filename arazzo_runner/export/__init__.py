"""Workflows written for other tools, from their Program."""
