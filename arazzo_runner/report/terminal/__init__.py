"""Output on the terminal: the console, progress of one run and of many."""
