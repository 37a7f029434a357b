"""Fault injection: the n-th send, the n-th write and every effect fail in turn, for every n."""
