"""What the diagnostics mean: pages/<code>.md, one for each code, printed by `arazzo explain`."""
