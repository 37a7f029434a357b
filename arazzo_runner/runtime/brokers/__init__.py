"""Brokers: the World that sends and receives messages, and a driver for each protocol.

A driver's library is imported when the first message of its protocol is sent or waited for.
"""
