"""Unsayable: what a target has no words for."""

from __future__ import annotations


class Unsayable(Exception):
    """A part of a workflow that a target cannot say; the message is a sentence about it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
