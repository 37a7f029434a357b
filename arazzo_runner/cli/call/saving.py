"""`--save`: the step of a call is added to a workflow; the rest of the document keeps its text."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from arazzo_runner.base.json_values import JsonValue, escaped, type_name
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import MOST_BYTES, UnusableFile, check_name, read_file, reason_of
from arazzo_runner.cli.call.step import Call, Written, usual_step_id, written_step
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Diagnostic, InvalidDescription, InvalidUsage, Location, Severity
from arazzo_runner.generate.draft import Draft, DraftSource, DraftWorkflow
from arazzo_runner.generate.generated import source_url
from arazzo_runner.generate.insertion import Addition, CannotAdd, with_additions
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.sources.uris import is_remote, join, uri_of_path

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_WAIT: Final = 5.0
"""Seconds to wait for another call that saves in the same file."""


class Place(Record, kw_only=True):
    """Where a step is saved: the file, the workflow if one was named, the stepId if one was."""

    path: str
    api: str
    workflow_id: str | None = None
    step_id: str | None = None


class Saved(Record, kw_only=True):
    """The document with the step: its new text, what was in the file before (None: no file), and the step's place."""

    text: str
    before: bytes | None
    workflow_id: str
    step_id: str
    inputs: tuple[str, ...] = ()


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep other calls from saving in the same file while the block runs; raises InvalidUsage if one does for long."""
    target = os.path.realpath(path)
    lock = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:100]}.arazzo-lock")
    deadline = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                message = f"another call is saving in {path}, so nothing is added to it"
                raise _refused(message, f"remove {lock} if none is", path) from None
            time.sleep(0.02)
        except OSError as problem:
            raise _unwritable(path, problem) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(lock)


def with_step(place: Place, call: Call, outputs: Mapping[str, str]) -> Saved:
    """Return the document with the step of a call; nothing is written. Raises ArazzoError."""
    before = _content(place.path)
    if before is None:
        return _new_document(place, call, outputs)
    document = _read(place.path, before)
    return _Extension(place, call, document, before).saved(outputs)


def write(place: Place, saved: Saved) -> None:
    """Write the document, unless its file is no longer what it was; raises InvalidUsage."""
    data = saved.text.encode("utf-8", "surrogatepass")
    if saved.before is not None and saved.before.startswith(_BOM):
        data = _BOM + data
    if _content(place.path) != saved.before:
        message = f"{place.path} was changed while the call was made, so nothing is added to it"
        raise _refused(message, "call again to save the step", place.path)
    target = os.path.realpath(place.path)
    try:
        if saved.before is None:
            _create(target, data)
        else:
            _replace(target, data)
    except FileExistsError:
        message = f"{place.path} was made while the call was made, so nothing is written"
        raise _refused(message, "call again to save the step", place.path) from None
    except OSError as problem:
        raise _unwritable(place.path, problem) from None


def check_writable(path: str) -> None:
    """Raise InvalidUsage for a file that could not be written, before anything is sent."""
    folder = os.path.dirname(os.path.realpath(path)) or "."
    try:
        check_name(path)
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory", path)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".arazzo-")
        os.close(descriptor)
        os.unlink(temporary)
    except (OSError, ValueError) as problem:
        raise _unwritable(path, problem) from None


def _create(target: str, data: bytes) -> None:
    with open(target, "xb") as file:
        file.write(data)


def _replace(target: str, data: bytes) -> None:
    """Replace a file atomically: after a full disk too it has either the old content or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".arazzo-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# ------------------------------------------------------------------ reading


def _content(path: str) -> bytes | None:
    """Return the bytes of a file, None when there is none; raises InvalidUsage."""
    if not os.path.lexists(path):
        return None
    try:
        return read_file(path, MOST_BYTES, regular=True)
    except UnusableFile as problem:
        raise _refused(f"{path} cannot be read: {problem}", "name another file with --save", path) from None


def _read(path: str, data: bytes) -> Document:
    problems = Problems()
    if not data.strip():
        message = f"{path} is empty; a step is added to an Arazzo document, or a new file is written"
        raise _refused(message, "remove it first", path, code="empty-document")
    document = read(data, path, problems)
    if document is None or problems.has_errors:
        raise InvalidDescription(problems.diagnostics)
    value = document.value
    if not isinstance(value, dict) or "arazzo" not in value:
        hint = "a step is saved in a document that begins with arazzo: 1.0.1, or in a new file"
        raise InvalidDescription([_error("not-arazzo", f"{path} is no Arazzo document", document.at(), hint)])
    for name in ("sourceDescriptions", "workflows"):
        if name in value and not isinstance(value[name], list):
            message = f"{name} must be a list, found {type_name(value[name])}"
            raise InvalidDescription([_error("wrong-type", message, document.at(f"/{name}"), None)])
    return document


# ------------------------------------------------------------------ a new document


def _new_document(place: Place, call: Call, outputs: Mapping[str, str]) -> Saved:
    step_id = place.step_id or usual_step_id(call.operation)
    written = written_step(call, step_id, outputs=outputs)
    workflow_id = place.workflow_id or _workflow_name(place.path)
    source = DraftSource(name=call.source, url=relative_url(place.api, place.path))
    draft = Draft(title=_title(place.path), sources=[source], arazzo="1.1.0" if call.is_newer else "1.0.1")
    draft.workflows.append(_workflow(workflow_id, written))
    if place.path.lower().endswith(".json"):
        text = json.dumps(draft.tree(), ensure_ascii=False, indent=2) + "\n"
    else:
        text = draft_text(draft)
    return Saved(text=text, before=None, workflow_id=workflow_id, step_id=step_id, inputs=tuple(written.inputs))


def _workflow(workflow_id: str, written: Written) -> DraftWorkflow:
    workflow = DraftWorkflow(workflow_id=workflow_id, steps=[written.step])
    for name, each in written.inputs.items():
        workflow.inputs[name] = each.schema
        if "default" not in each.schema:
            workflow.required.append(name)
    return workflow


def _workflow_name(path: str) -> str:
    stem = os.path.basename(path).partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "workflow"


def _title(path: str) -> str:
    words = _workflow_name(path).replace("-", " ").replace("_", " ").split()
    return " ".join(words).capitalize() or "Workflow"


def relative_url(api: str, path: str) -> str:
    """Return the URL of a description as a document at `path` names it."""
    location = api if is_remote(api) else uri_of_path(os.path.realpath(api))
    return source_url(location, os.path.dirname(os.path.realpath(path)))


# ------------------------------------------------------------------ a document that exists


class _Extension:
    """A document that exists, about to get a step."""

    def __init__(self, place: Place, call: Call, document: Document, before: bytes) -> None:
        self._place = place
        self._call = call
        self._document = document
        self._before = before
        value: Any = document.value
        self._value: dict[str, Any] = value
        self._sources = [each for each in value.get("sourceDescriptions") or [] if isinstance(each, dict)]
        self._workflows: list[Any] = value.get("workflows") or []

    def saved(self, outputs: Mapping[str, str]) -> Saved:
        """Return the document with the step; raises ArazzoError."""
        self._check_version()
        index = self._index()
        source = known_source(self._sources, self._place)
        several = len([each for each in self._sources if each.get("type") != "arazzo"]) + (source is None) > 1
        step_id = self._step_id(index)
        known = {} if index is None else self._inputs(index)
        written = written_step(self._call, step_id, several_sources=several, known_inputs=known, outputs=outputs)
        additions = [] if source is not None else self._new_source()
        if index is None:
            workflow_id = self._place.workflow_id
            workflow_id = workflow_id or unused_name(_workflow_name(self._place.path), self._workflow_ids())
            additions += self._new_workflow(workflow_id, written)
        else:
            workflow_id = str(self._workflows[index].get("workflowId"))
            additions += self._new_inputs(index, written)
            additions.append(self._appended(f"/workflows/{index}", "steps", written.step.tree()))
        return Saved(
            text=self._text(additions),
            before=self._before,
            workflow_id=workflow_id,
            step_id=step_id,
            inputs=tuple(name for name in written.inputs if name not in known),
        )

    def _check_version(self) -> None:
        if self._call.is_newer and str(self._value.get("arazzo")).startswith("1.0."):
            message = "the step needs Arazzo 1.1, because of a parameter in: querystring"
            at = self._document.at("/arazzo")
            raise InvalidDescription([_error("newer-field", message, at, "write arazzo: 1.1.0 there first")])

    def _step_id(self, index: int | None) -> str:
        """Return the stepId, which the workflow does not have yet."""
        taken = [str(each.get("stepId")) for each in self._steps(index) if isinstance(each, dict)]
        step_id = self._place.step_id or unused_name(usual_step_id(self._call.operation), taken)
        if step_id in taken:
            message = f'there is a step "{step_id}" already'
            raise InvalidUsage([usage_error(message, hint="name another with --step-id", file=self._place.path)])
        return step_id

    def _text(self, additions: list[Addition]) -> str:
        try:
            return with_additions(self._document, additions)
        except CannotAdd as problem:
            what = problem.at.pointer or "the document"
            hint = "write the step there by hand, or save it in another file"
            raise InvalidDescription([_error("unusable-value", f"{what} {problem}", problem.at, hint)]) from None

    def _workflow_ids(self) -> list[str]:
        return [str(each.get("workflowId")) for each in self._workflows if isinstance(each, dict)]

    def _index(self) -> int | None:
        """Return which workflow gets the step, None for a new one."""
        if self._place.workflow_id is None:
            return len(self._workflows) - 1 if self._workflows else None
        ids = [each.get("workflowId") if isinstance(each, dict) else None for each in self._workflows]
        return ids.index(self._place.workflow_id) if self._place.workflow_id in ids else None

    def _steps(self, index: int | None) -> list[Any]:
        if index is None:
            return []
        workflow = self._workflows[index]
        if not isinstance(workflow, dict) or not isinstance(workflow.get("steps") or [], list):
            message = "a step can be added to a workflow that is a mapping with a list of steps"
            raise InvalidDescription([_error("wrong-type", message, self._document.at(f"/workflows/{index}"), None)])
        return workflow.get("steps") or []

    def _appended(self, pointer: str, key: str, item: Any) -> Addition:
        """Return an item at the end of a list, which is made if there is none."""
        holder: Any = self._value if not pointer else self._workflows[int(pointer.rpartition("/")[2])]
        if isinstance(holder.get(key), list):
            return Addition(f"{pointer}/{key}", item)
        if key in holder:
            at = self._document.at(f"{pointer}/{key}")
            raise InvalidDescription([_error("wrong-type", f"{key} must be a list", at, f"remove the empty {key}")])
        return Addition(pointer, [item], key)

    def _new_source(self) -> list[Addition]:
        url = relative_url(self._place.api, self._place.path)
        source = {"name": self._call.source, "url": url, "type": "openapi"}
        return [self._appended("", "sourceDescriptions", source)]

    def _new_workflow(self, workflow_id: str, written: Written) -> list[Addition]:
        return [self._appended("", "workflows", _workflow(workflow_id, written).tree())]

    # -------------------------------------------------------------- inputs

    def _inputs(self, index: int) -> Mapping[str, JsonValue]:
        """Return the inputs that a workflow declares."""
        inputs = self._workflows[index].get("inputs")
        properties = inputs.get("properties") if isinstance(inputs, dict) else None
        return properties if isinstance(properties, dict) else {}

    def _new_inputs(self, index: int, written: Written) -> list[Addition]:
        pointer, known = f"/workflows/{index}/inputs", self._inputs(index)
        new = {name: each.schema for name, each in written.inputs.items() if name not in known}
        required = [name for name, schema in new.items() if "default" not in schema]
        if not new:
            return []
        inputs = self._workflows[index].get("inputs")
        if inputs is None and "inputs" not in self._workflows[index]:
            tree = {"type": "object", **({"required": required} if required else {}), "properties": new}
            return [Addition(f"/workflows/{index}", tree, "inputs", "steps")]
        if not isinstance(inputs, dict) or "$ref" in inputs:
            names = ", ".join(new)
            message = f"the step needs the input {names}, which cannot be added to these inputs"
            hint = "declare inputs as a mapping with properties, or save the step in another workflow"
            raise InvalidDescription([_error("unusable-value", message, self._document.at(pointer), hint)])
        found = [] if "properties" in inputs else [Addition(pointer, new, "properties")]
        if "properties" in inputs:
            found = [Addition(f"{pointer}/properties", schema, escaped(name)) for name, schema in new.items()]
        if required and isinstance(inputs.get("required"), list):
            return [*found, *(Addition(f"{pointer}/required", name) for name in required)]
        return [*found, *([Addition(pointer, required, "required", "properties")] if required else [])]


def known_source(sources: list[dict[str, Any]], place: Place) -> str | None:
    """Return the name of the source that is the description, None when no source is."""
    wanted = place.api if is_remote(place.api) else uri_of_path(os.path.realpath(place.api))
    base = uri_of_path(os.path.realpath(place.path))
    for each in sources:
        url = each.get("url")
        if isinstance(url, str) and isinstance(each.get("name"), str):
            found = url if is_remote(url) else join(base, url)
            if found == wanted or unquote(found) == unquote(wanted):
                return str(each["name"])
    return None


def sources_of(path: str) -> list[dict[str, Any]]:
    """Return the source descriptions of a document, none where there is no file; raises ArazzoError."""
    data = _content(path)
    value: Any = None if data is None else _read(path, data).value
    found = value.get("sourceDescriptions") if isinstance(value, dict) else None
    return [each for each in found or [] if isinstance(each, dict)]


def _error(code: str, message: str, at: Location, hint: str | None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint)


def _unwritable(path: str, problem: OSError | ValueError) -> InvalidUsage:
    return _refused(f"{path} cannot be written: {reason_of(problem)}", "name another file with --save", path)


def _refused(message: str, hint: str, path: str, *, code: str = "cannot-write-output") -> InvalidUsage:
    return InvalidUsage([usage_error(message, code=code, hint=hint, file=path)])
