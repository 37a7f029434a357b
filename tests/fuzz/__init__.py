"""Fuzzing: mutations of a seed corpus (fixtures/fuzz) into every reader of foreign text; see scripts/fuzz."""
