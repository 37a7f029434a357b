"""How requests get credentials: a seam, so that a run that needs none imports nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arazzo_runner.engine.effects import HttpRequest, SendRequest, World
from arazzo_runner.errors import Diagnostic


class CredentialSource:
    """Where credentials are looked for: `arazzo_runner.Credentials` is one, named here without its imports."""


CredentialsGiven: TypeAlias = CredentialSource | Mapping[str, Mapping[str, str | Mapping[str, str]]] | None


class Access:
    """No credentials at all: what a run has whose steps give their own."""

    missing: tuple[Diagnostic, ...] = ()
    """What operations ask for and nobody has configured."""

    def around(self, world: World) -> World:
        """Return the World that adds credentials to what it passes on."""
        return world

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request as records show it: with placeholders for what the World adds."""
        return effect.request
