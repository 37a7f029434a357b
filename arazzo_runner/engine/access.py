"""The interface between a run and credentials; a run that needs none imports nothing else for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arazzo_runner.engine.effects import HttpRequest, SendRequest, World
from arazzo_runner.errors import Diagnostic


class CredentialSource:
    """A source of credentials; its one subclass is `arazzo_runner.Credentials`, which has heavier imports."""


CredentialsGiven: TypeAlias = CredentialSource | Mapping[str, Mapping[str, str | Mapping[str, str]]] | None


class Access:
    """Adds no credentials: for runs whose steps set their own; runtime/auth has the one that does."""

    missing: tuple[Diagnostic, ...] = ()
    """Credentials that operations need and that are not configured."""

    def around(self, world: World) -> World:
        """Return the World that adds credentials to what it passes on."""
        return world

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request as records show it: with placeholders for what the World adds."""
        return effect.request
