"""Output: functions from records (RunResult, Diagnostic, Event) to text.

May import everything below `runtime`; knows no options and no exit codes (those belong to the cli).
Start reading at findings/text.py (diagnostics), terminal/progress.py (a run in progress),
failure.py (why a run failed), json.py (machine output). terminal/console.py, runs/formats.py and
secret_file.py are the only modules that write. Everything from a run is masked (masking.py) and
has its control characters escaped (escaping.py) before it gets there, except what secret_file.py is for.
"""
