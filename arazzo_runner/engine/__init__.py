"""The interpreter: a Program, inputs and a World give a RunResult; no clock, no socket, no file in here.

`run.run_program` is where to start; it drives `interpreter.run_workflow`, which visits steps
(`visit.py`), each of which is built (`request.py`), performed and judged (`criteria.py`).
May import program and what lies below it.
"""
