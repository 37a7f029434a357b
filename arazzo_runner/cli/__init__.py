"""The command `arazzo`: parses arguments, calls api, picks a report, sets the exit code.

May import everything. Start reading at main.py (help and `validate`, without click), group.py (everything
else, through click), errors.py (exit codes), then commands/, one module per command, and run/, what they share.
"""
