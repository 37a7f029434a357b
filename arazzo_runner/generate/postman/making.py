"""Making: what is made of a collection so far. Surroundings: what the folders around a request have."""

from __future__ import annotations

from typing import Any, Final

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.generate.description import ApiDescription
from arazzo_runner.generate.draft import DraftStep
from arazzo_runner.generate.postman.addresses import Server
from arazzo_runner.generate.postman.items import Auth, Item, Scripts, ScriptText, Variable
from arazzo_runner.generate.postman.redaction import without_literals
from arazzo_runner.generate.postman.variables import Shared

_LONGEST: Final = 300
_NOTES: Final = "Made from the requests of a Postman collection: it describes what these show, no more."


class Surroundings(Record):
    """What the folders around a request have, the outermost first."""

    auth: Auth | None = None
    scripts: tuple[Scripts, ...] = ()
    variables: tuple[tuple[Variable, ...], ...] = ()

    def within(self, folder: Item) -> Surroundings:
        """Return what a folder in these surroundings adds."""
        auth = folder.auth or self.auth
        return Surroundings(auth, (*self.scripts, folder.scripts), (*self.variables, folder.variables))


class Making(MutableRecord, kw_only=True):
    """What is made of a collection so far, by the servers that it calls; `listed` are the lines that are reported."""

    document: Document
    title: str
    shared: Shared
    descriptions: dict[Server, ApiDescription] = field(default_factory=dict)
    steps: dict[Server, list[DraftStep]] = field(default_factory=dict)
    warnings: list[Diagnostic] = field(default_factory=list)
    listed: set[tuple[str, int]] = field(default_factory=set)

    def clean(self, text: str) -> str:
        """Return a text for people on one line, without secrets and markup."""
        shown = "".join(char if char.isprintable() else " " for char in self.shared.secrets.mask(text))
        line = " ".join(shown.replace("<", " ").replace(">", " ").split())
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

    def warn(self, message: str, pointer: str, hint: str | None = None) -> None:
        """Report what the workflows do not have of the collection."""
        at = self.document.at(pointer)
        found = Diagnostic(code="not-translated", severity=Severity.WARNING, message=message, at=at, hint=hint)
        self.warnings.append(found)

    def description(self, server: Server) -> ApiDescription:
        """Return the description of the API at a server."""
        if server not in self.descriptions:
            title = self.clean(self.title)
            self.descriptions[server] = ApiDescription(title=title, servers=[server.tree()], notes=[_NOTES])
            self.steps[server] = []
        return self.descriptions[server]

    def scheme(self, server: Server, wanted: str, scheme: dict[str, Any]) -> str:
        """Return the name of a security scheme in the description of a server."""
        known = self.description(server).security_schemes
        for name, each in known.items():
            if each == scheme:
                return name
        name = unused_name(wanted, known)
        known[name] = scheme
        return name

    def list_lines(self, script: ScriptText, lines: list[int], step: DraftStep) -> None:
        """Report lines of a script, once each, and write them into the comments of a step."""
        new = [each for each in lines if (script.pointer, each) not in self.listed]
        for number in new:
            self.listed.add((script.pointer, number))
            line = self.clean(without_literals(script.lines[number - 1]))
            if not any(char.isalnum() for char in line):
                continue  # a bracket
            step.notes.append(f"not translated: {line}")
            pointer = f"{script.pointer}/{number - 1}" if script.is_list else script.pointer
            self.warn(f"a line of a script is not translated: {line}", pointer)
