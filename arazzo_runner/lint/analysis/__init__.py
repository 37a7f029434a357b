"""Analyses of a document that several rules need."""
