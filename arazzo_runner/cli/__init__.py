"""The command `arazzo`: parses arguments, calls api, picks a report, sets the exit code.

May import everything. Start reading at main.py (top-level help, without importing anything
heavy), commands.py (the group and what happens to errors), then one file per command.
"""
