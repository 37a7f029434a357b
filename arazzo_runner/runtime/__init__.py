"""Worlds: ways to perform the interpreter's effects: HTTP (blocking and async), dry run, mock, cassette, scripted.

A World has one method, `perform` (engine/effects.py). http.py is the only place that sends
requests. May import engine and the packages below it.
"""
