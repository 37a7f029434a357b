"""Workflows from recorded traffic: HAR files and cassettes.

A file is read as exchanges (har.py, reading.py); selection.py and folding.py leave out what is no call of an API;
matching.py finds the operation of each; data_flow.py finds where the values of a request come from; drafting.py
puts the Draft together. minimal.py describes an API that has no description.
"""
