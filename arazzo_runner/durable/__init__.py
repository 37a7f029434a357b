"""Durable runs: each response is persisted before it is used; a killed run resumes where it stopped.

DBOS persists and queues (SQLite on one machine, PostgreSQL for many workers). Only dbos_engine,
dbos_guard, rows and queues import it, and only when a durable run is asked for, which costs about a
second. Start reading at `world.py` (what is recorded, and when), then `runtime.py`. May import
everything below `api`.
"""
