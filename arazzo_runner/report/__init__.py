"""What a person or a machine reads: pure functions from records (RunResult, Diagnostic, Event) to text.

May import everything below `runtime`; knows no option and no exit code (those are the cli's).
Start reading at text.py (diagnostics), progress.py (a run as it happens), failure.py (why it
failed), json.py (machine output). console.py and files.py are the only places that write:
whatever they are given from a run has been masked (masking.py) and made harmless (visible.py).
"""
