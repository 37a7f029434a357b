"""Fuzzing: mutations of a seed corpus (fixtures/fuzz) for every parser of untrusted text; see scripts/fuzz."""
