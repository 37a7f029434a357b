"""Linking: operationId and workflowId → operations, servers and workflows (semantics §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arazzo_runner.base.settings import SERVER
from arazzo_runner.document.model import Step
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location, replacing
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.library import Library, LoadedDocument, LoadOptions, NotChecked
from arazzo_runner.program.link_path import PathLinker
from arazzo_runner.program.link_sources import DocumentSources, Linked, LinkedMessage, OpenedSources
from arazzo_runner.program.model import WorkflowKey
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.operation import NoServer, server_url

if TYPE_CHECKING:
    from arazzo_runner.program.link_message import MessageLinker
    from arazzo_runner.program.link_streams import StreamLinker


class Linker:
    """Finds what the names in one document refer to; what is not found is reported and None."""

    def __init__(self, library: Library, document: LoadedDocument) -> None:
        self.library = library
        self.document = document
        self.problems = library.problems
        self._sources = DocumentSources(library, document)
        self._paths = PathLinker(self._sources)
        self._message_linker: MessageLinker | None = None
        self._stream_linker: StreamLinker | None = None

    def target(self, step: Step) -> Linked | LinkedMessage | None:
        """Find the operation or channel that a step names."""
        if step.action == "receive" and (found := self._of_openapi(step)) is not None:
            return found
        if step.operation_id is not None:
            return self._operation_by_id(step.operation_id, step.at.child("operationId"))
        if step.operation_path is not None:
            return self._operation_by_path(step.operation_path, step.at.child("operationPath"))
        if step.channel_path is not None:
            return self._messages.by_channel(step.channel_path, step.at.child("channelPath"))
        return None

    def _of_openapi(self, step: Step) -> LinkedMessage | None:
        """Find the event stream or webhook of an OpenAPI description that a step receives from (semantics §2)."""
        from arazzo_runner.program.link_streams import StreamLinker  # lazily: few documents have messages

        self._stream_linker = self._stream_linker or StreamLinker(self._sources, self._paths)
        return self._stream_linker.target(step)

    @property
    def _messages(self) -> MessageLinker:
        if self._message_linker is None:
            from arazzo_runner.program.link_message import MessageLinker  # lazily: few documents have messages

            self._message_linker = MessageLinker(self._sources, self._paths)
        return self._message_linker

    # -------------------------------------------------------------- operationId

    def _operation_by_id(self, text: str, at: Location) -> Linked | LinkedMessage | None:
        """Find `getPet` or `$sourceDescriptions.pets.getPet`."""
        named = source_reference(text, self.document.sources)
        if named is not None:
            channels = self._sources.channels(named[0])
            if channels is not None:
                return self._messages.by_id(named[0], channels, named[1], at)
            return self._sources.operation(*named, at)
        if text.startswith("$"):
            hint = "write the operationId, or $sourceDescriptions.<name>.<operationId>"
            self.problems.error("unknown-operation", f'"{text}" does not name an operation', at, hint=hint)
            return None
        return self._bare(text, at)

    def _operation_by_path(self, text: str, at: Location) -> Linked | LinkedMessage | None:
        """Find `{$sourceDescriptions.pets.url}#/paths/~1pets/get`, also in tolerated spellings."""
        reference, hash_mark, _ = text.partition("#")
        named = source_reference(text, self.document.sources)
        source = self._paths.source_of(reference)[0] if hash_mark else None if named is None else named[0]
        channels = None if source is None else self._sources.channels(source)
        if source is not None and channels is not None:
            return self._messages.by_path(source, channels, text, at)
        return self._paths.operation(text, at)

    def _bare(self, name: str, at: Location) -> Linked | LinkedMessage | None:
        sources = self._sources.opened()
        if not sources.descriptions and not sources.channels and sources.unread and "." not in name:
            # It may be in any of them; that they were not read is reported.
            if sources.with_operations > 1:
                self._unqualified(name, sources, at)
            return None
        found = [(source, description) for source, description in sources.descriptions if description.same_id(name)]
        channels = [(source, description) for source, description in sources.channels if description.same_id(name)]
        if len(found) + len(channels) == 1:
            linked = self._sources.with_id(*found[0], name, at) if found else (
                self._messages.by_id(*channels[0], name, at)
            )  # fmt: skip
            if linked is not None and sources.with_operations > 1:
                self._unqualified(name, sources, at, linked.source)
            return linked
        if found or channels:
            places = ", ".join(f"$sourceDescriptions.{source}.{name}" for source, _ in (*found, *channels))
            message = f'operationId "{name}" is in several sources'
            self.problems.error("ambiguous-operation", message, at, hint=f"write one of {places}")
            return None
        return self._slipped_name(name, sources, at)

    def _unqualified(self, name: str, sources: OpenedSources, at: Location, source: str | None = None) -> None:
        """Report a bare operationId among several sources; `source` is the one that it was found in."""
        message = f'operationId "{name}" must name its source, because there are {sources.with_operations}'
        qualified = f"$sourceDescriptions.{source or '<name>'}.{name}"
        fix = None if source is None else replacing(at, qualified)
        self.problems.tolerate("unqualified-operation", message, at, hint=f"write {qualified}", fix=fix)

    def _slipped_name(self, name: str, sources: OpenedSources, at: Location) -> Linked | LinkedMessage | None:
        qualified = f"$sourceDescriptions.{name}"
        named = source_reference(qualified, self.document.sources)
        if named is not None and "." in name and named[0] in self.document.sources:
            linked = self._operation_by_id(qualified, at)
            if linked is not None:
                message, fix = f'"{name}" does not begin with $sourceDescriptions', replacing(at, qualified)
                self.problems.tolerate("operation-reference", message, at, hint=f"write {qualified}", fix=fix)
            return linked
        if sources.unread:
            return None  # it may be in an unreadable source, which is already reported
        if any(self._sources.is_unreadable(description, "/paths") for _, description in sources.descriptions):
            return None
        if len(sources.channels) == 1 and not sources.descriptions:
            return self._messages.by_id(*sources.channels[0], name, at)
        known = [operation_id for _, description in sources.descriptions for operation_id in description.operation_ids]
        known += [operation_id for _, description in sources.channels for operation_id in description.operation_ids]
        message = f'no source has an operation "{name}"'
        self.problems.error("unknown-operation", message, at, hint=names_hint(name, known))
        return None

    # -------------------------------------------------------------- workflows

    def workflow(self, text: str, at: Location) -> WorkflowKey | None:
        """Find a workflow of this document, or `$sourceDescriptions.<name>.<workflowId>` of another."""
        document = self.document
        if not text.startswith("$"):
            if text in document.workflows:
                return WorkflowKey(document.base, text)
            hint = self._foreign_hint(text) or names_hint(text, document.workflows)
            self.problems.error("unknown-workflow", f'there is no workflow "{text}"', at, hint=hint)
            return None
        named = source_reference(text, document.sources)
        if named is not None and named[1] and "#" not in named[0] and named[0] not in document.sources:
            hint = names_hint(named[0], document.sources)
            self.problems.error("unknown-source", f'there is no source "{named[0]}"', at, hint=hint)
            return None
        if named is None or named[0] not in document.sources or not named[1]:
            message = f'"{text}" does not name a workflow'
            hint = "write the workflowId, or $sourceDescriptions.<name>.<workflowId>"
            self.problems.error("unknown-workflow", message, at, hint=hint)
            return None
        return self._foreign_workflow(*named, at)

    def _foreign_hint(self, text: str) -> str | None:
        """Return how a workflow is written that a source has: `child.pay` or `pay`; None when none has it."""
        named = [name for name, each in self.document.sources.items() if each.type in (None, "arazzo")]
        for name in named:
            source = self.library.source(self.document, name)
            plain = text.removeprefix(f"{name}.")
            if isinstance(source, LoadedDocument) and plain in source.workflows:
                return f"write $sourceDescriptions.{name}.{plain}"
        return None

    def _foreign_workflow(self, name: str, workflow_id: str, at: Location) -> WorkflowKey | None:
        source = self.library.source(self.document, name)
        match source:
            case LoadedDocument():
                if workflow_id in source.workflows:
                    return WorkflowKey(source.base, workflow_id)
                message = f'source "{name}" has no workflow "{workflow_id}"'
                self.problems.error("unknown-workflow", message, at, hint=names_hint(workflow_id, source.workflows))
            case NotChecked() | None:
                pass  # reported when it was opened
            case _:
                message = f'source "{name}" is not an Arazzo document; it has no workflows'
                self.problems.error("unknown-workflow", message, at)
        return None


def choose_server(linked: Linked, options: LoadOptions, problems: Problems, at: Location) -> str | None:
    """Return the server URL of an operation, from the options or the description; None, reported, without one."""
    override = options.servers.get(linked.source)
    is_needed = override is None and not options.any_server
    faults = [each.problem for each in linked.operation.faults if each.is_of_servers]
    # Where any server will do (a mock, a dry run, `validate`), a run goes on.
    report = problems.error if is_needed else problems.tolerate if override is None else problems.warn
    for each in faults:
        report(each.code, each.message, each.at, hint=each.hint)
    if faults and is_needed:
        return None
    try:
        return server_url(linked.operation, options.server_variables, options.environment, override)
    except NoServer as problem:
        if options.any_server and override is None:
            return "http://mock.invalid"
        hint = problem.hint or f"name one with {SERVER.of(linked.source)}"
        problems.error("no-server", f'source "{linked.source}": {problem.message}', at, hint=hint)
        return None
