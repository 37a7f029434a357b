"""Durable runs: every answer is on disk before anything uses it; a run that was killed goes on where it stopped.

DBOS is the engine (SQLite on one machine, PostgreSQL for many workers); it is imported by
`dbos_engine.py` only, and only when a durable run is asked for. Start reading at `world.py` (what
is recorded, and when), then `runtime.py`. May import everything below `api`.
"""
