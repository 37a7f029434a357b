"""Which operations make one workflow, and in which order they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.generate.bodies import required_members
from arazzo_runner.generate.chains import Wanted, collection_of, created, linked, listed, named, normal
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.inputs import parameter_part
from arazzo_runner.generate.operations import ApiOperation, needed_parameters, variable_names
from arazzo_runner.generate.shapes import shape_of

_CREATE, _READ, _LIST, _UPDATE, _ACT, _DELETE = range(6)
_UPDATES: Final = ("PUT", "PATCH", "POST")
_READS: Final = ("GET", "HEAD")


class Plan(Record, kw_only=True):
    """The operations of one workflow, in their order."""

    workflow_id: str
    operations: tuple[ApiOperation, ...]
    summary: str = ""


class _Resource(MutableRecord):
    """The operations of a resource: those of its collection, of its items, and actions on an item."""

    collection: str
    own: list[ApiOperation] = field(default_factory=list)
    items: list[ApiOperation] = field(default_factory=list)
    actions: list[ApiOperation] = field(default_factory=list)

    @property
    def creator(self) -> ApiOperation | None:
        """The operation that makes an item: POST to the collection, else a PUT that may answer 201."""
        if not self.items:
            return None
        posts = [each for each in self.own if each.method == "POST"]
        return next(iter(posts), next((each for each in self.items if _puts_new(each)), None))

    @property
    def deletes_created(self) -> bool:
        """Whether what is deleted is what was created before."""
        creator = self.creator
        if creator is None or creator.method == "PUT":
            return creator is not None
        return all(_takes_from(each, creator) for each in self.items if each.method == "DELETE")


def _puts_new(operation: ApiOperation) -> bool:
    """Return whether a PUT may create what it names."""
    return operation.method == "PUT" and "201" in operation.operation.responses


def crud_plans(operations: Sequence[ApiOperation]) -> list[Plan]:
    """Return a plan per resource: create, read, list, update, delete.

    A resource has two of these or more; if there is none, each collection counts.
    """
    resources = list(_resources(operations).values())
    plans = [(_plan(each, _crud(each), operations)) for each in resources]
    several = [each for each in plans if len(each.operations) > 1]
    return several or [each for each in plans if each.operations]


def chain_plans(operations: Sequence[ApiOperation]) -> list[Plan]:
    """Return a plan per resource, with actions on its items; every operation is in one plan."""
    resources = _resources(operations)
    _adopt_actions(resources)
    found: list[Plan] = []
    for resource in resources.values():
        together, alone = _chain(resource)
        if together:
            found.append(_plan(resource, together, operations))
        found += [Plan(workflow_id=each.name, operations=(each,), summary=each.summary) for each in alone]
    return found


def ordered(operations: Sequence[ApiOperation]) -> list[ApiOperation]:
    """Return operations so that each follows those whose responses it needs; else in the given order, deletes last."""
    waiting = sorted(operations, key=lambda each: each.method == "DELETE")
    found: list[ApiOperation] = []
    while waiting:
        free = (each for each in waiting if not any(_needs(each, other) for other in waiting if other is not each))
        chosen = next(free, waiting[0])
        waiting.remove(chosen)
        found.append(chosen)
    return found


# ------------------------------------------------------------------ resources


def _resources(operations: Iterable[ApiOperation]) -> dict[str, _Resource]:
    found: dict[str, _Resource] = {}
    for operation in operations:
        path = normal(operation.path)
        above, _, last = path.rpartition("/")
        is_item = "{" in last
        resource = found.setdefault(above if is_item else path, _Resource(above if is_item else path))
        (resource.items if is_item else resource.own).append(operation)
    return found


def _adopt_actions(resources: dict[str, _Resource]) -> None:
    """Move what is the only operation below an item (`/pets/{petId}/feed`) to the resource of the item."""
    for collection in list(resources):
        item, _, _ = collection.rpartition("/")
        owner = resources.get(item.rpartition("/")[0]) if item.endswith("}") else None
        own = resources[collection]
        if owner is not None and owner.items and len(own.own) == 1 and not own.items and own.own[0].method != "DELETE":
            owner.actions.append(own.own[0])
            del resources[collection]


def _crud(resource: _Resource) -> list[ApiOperation]:
    if not resource.items:
        chosen = [each for each in resource.own if each.method in ("GET", "PUT", "PATCH", "POST")]
        return sorted(chosen, key=lambda each: each.method != "POST")[:3]  # what is added is in the list after it
    chosen = [each for each in (*resource.own, *resource.items) if _role(each, resource) != _ACT]
    order = (_CREATE, _READ, _LIST, _UPDATE, _DELETE) if resource.creator else (_LIST, _READ, _UPDATE, _DELETE)
    found: list[ApiOperation] = []
    for role in order:
        found += [each for each in chosen if _role(each, resource) == role and each.method != "HEAD"]
    return found


def _chain(resource: _Resource) -> tuple[list[ApiOperation], list[ApiOperation]]:
    """Return the operations that make one workflow, and those that are called alone."""
    every = [*resource.own, *resource.items, *resource.actions]
    if not resource.items:
        alone = [each for each in every if each.method in ("DELETE", "POST") and len(every) > 1]
        return sorted((each for each in every if each not in alone), key=_of_singleton), alone
    order = [_CREATE, _READ, _LIST, _UPDATE, _ACT] if resource.creator else [_LIST, _READ, _UPDATE, _ACT]
    order += [_DELETE] if resource.deletes_created else []
    is_alone = {id(each) for each in resource.own if each.method not in ("GET", "HEAD", "POST")}
    together = [each for role in order for each in every if _role(each, resource) == role and id(each) not in is_alone]
    return together, [each for each in every if each not in together]


def _of_singleton(operation: ApiOperation) -> int:
    return (
        ("GET", "HEAD", "PUT", "PATCH").index(operation.method)
        if operation.method in ("GET", "HEAD", "PUT", "PATCH")
        else 9
    )


def _role(operation: ApiOperation, resource: _Resource) -> int:
    if operation is resource.creator:
        return _CREATE
    is_item = any(operation is each for each in resource.items)
    if operation.method in _READS:
        return _ACT if any(operation is each for each in resource.actions) else _READ if is_item else _LIST
    if is_item and operation.method in _UPDATES:
        return _UPDATE
    return _DELETE if is_item and operation.method == "DELETE" else _ACT


def _plan(resource: _Resource, chosen: Sequence[ApiOperation], operations: Sequence[ApiOperation]) -> Plan:
    if len(chosen) == 1:
        return Plan(workflow_id=chosen[0].name, operations=tuple(chosen), summary=chosen[0].summary)
    every = len(_common_start(operations))
    words = [each for each in resource.collection.split("/") if each][every:]
    static = [each for each in words if "{" not in each]
    name = identifier("-".join(static)) if static else chosen[0].name if chosen else "workflow"
    return Plan(workflow_id=name, operations=tuple(chosen), summary=_summary(chosen))


def _summary(chosen: Sequence[ApiOperation]) -> str:
    return ", ".join(each.title for each in chosen[:6]) + (", …" if len(chosen) > 6 else "")


def _common_start(operations: Sequence[ApiOperation]) -> list[str]:
    """Return the segments with which every path begins, such as `api` and `v1`; the last is never among them."""
    paths = [[part for part in normal(each.path).split("/") if part][:-1] for each in operations]
    common: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) != 1 or "{" in parts[0]:
            break
        common.append(parts[0])
    return common


# ------------------------------------------------------------------ order


def _takes_from(consumer: ApiOperation, producer: ApiOperation) -> bool:
    """Return whether the last variable of a path is taken from a response."""
    names = variable_names(consumer.path)
    if not names:
        return False
    if linked(consumer, names[-1], "path", [producer]) is not None:
        return True
    return any(created(each, [producer]) is not None for each in _wanted(consumer) if each.name == names[-1])


def _needs(consumer: ApiOperation, producer: ApiOperation) -> bool:
    """Return whether a request needs a value of another operation's response."""
    earlier = [producer]
    for wanted in _wanted(consumer):
        if linked(consumer, wanted.name, wanted.location, earlier) is not None:
            return True
        if wanted.collection and (created(wanted, earlier) or (consumer.operation.safe and listed(wanted, earlier))):
            return True
        if not wanted.collection and named(wanted, earlier) is not None:
            return True
    return False


def _wanted(operation: ApiOperation) -> Iterator[Wanted]:
    for parameter in needed_parameters(operation.operation):
        shape = shape_of(parameter_part(parameter), operation.operation.schemas)
        is_path = parameter.location == "path"
        collection = collection_of(operation.operation.path, parameter.name) if is_path else ""
        yield Wanted(name=parameter.name, location=parameter.location, shape=shape, collection=collection)
    for name, member in required_members(operation.operation):
        yield Wanted(name=name, location="body", shape=member)
