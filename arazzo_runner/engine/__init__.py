"""The interpreter: a Program, inputs and a World give a RunResult; no clock, no socket, no file in here.

Start with `run.run_program`: it calls `interpreter.run_workflow`, which visits steps. For an
operation, `attempt.py` builds the request (`request.py`, `body.py`), performs it through the World
(`effects.py`) and judges the response (`criteria.py`, `checks.py`). May import program and the
packages below it.
"""
