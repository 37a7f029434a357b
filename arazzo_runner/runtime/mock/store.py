"""The memory of a stateful mock: what a POST made is what later requests get, change, list and delete.

A path whose last segment is a variable (`/pets/{petId}`) is that of a resource, the path before it that of
its collection. What is not documented as a member of an answer is remembered, and not answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.expressions.scope import Message
from arazzo_runner.runtime.mock.answers import Asked, Draft, nearest, written
from arazzo_runner.runtime.mock.bodies import Shape, granted, value_at
from arazzo_runner.runtime.mock.request import percent_decoded, split_target
from arazzo_runner.runtime.mock.routes import Route
from arazzo_runner.runtime.mock.wants import Tokens, Want

MOST: Final = 1_000
"""How many resources of one collection are remembered; then the oldest is forgotten."""
_IDS: Final = frozenset({"id", "uuid", "guid", "gid", "sid", "key", "slug", "handle"})
_NUMBER: Final = re.compile(r"[0-9]+(?=[^0-9]*$)")


class Collection(MutableRecord):
    """The resources below one path: as they are now, and the ids of those that were deleted."""

    resources: list[dict[str, JsonValue]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    made: int = 0

    def find(self, identifier: str, variable: str) -> dict[str, JsonValue] | None:
        """Return the resource that a path names, None when none is remembered."""
        return next((each for each in self.resources if identifier in _identifiers(each, variable)), None)

    def keep(self, resource: dict[str, JsonValue], instead_of: dict[str, JsonValue] | None) -> None:
        """Remember a resource, in the place of an earlier state of it."""
        if instead_of is None:
            self.resources.append(resource)
            del self.resources[:-MOST]
        else:
            place = next(index for index, each in enumerate(self.resources) if each is instead_of)
            self.resources[place] = resource

    def delete(self, identifier: str, resource: dict[str, JsonValue] | None, variable: str) -> None:
        """Forget a resource, but for its ids."""
        self.deleted.add(identifier)
        if resource is not None:
            self.deleted.update(_identifiers(resource, variable))
            self.resources = [each for each in self.resources if each is not resource]


class Store(MutableRecord):
    """The collections of a mock, by their paths."""

    collections: dict[str, Collection] = field(default_factory=dict)

    def answer(self, route: Route, message: Message, asked: Asked) -> HttpResponse:
        """Answer a request by what is remembered, and remember what it changes."""
        path = percent_decoded(split_target(asked.url)[0], "path").rstrip("/")
        plain = route.operation.path.partition("?")[0].rstrip("/")
        last = plain.rpartition("/")[2]
        if last.startswith("{") and last.endswith("}") and last.count("{") == 1:
            above, _, identifier = path.rpartition("/")
            draft = self._of_resource(self._collection(above), identifier, last[1:-1], route, message, asked)
        elif route.operation.method == "POST":
            draft = _created(self._collection(path), route, message, asked)
        elif route.operation.method in ("GET", "HEAD") and path in self.collections:
            draft = _listed(self.collections[path], route, asked)
        else:
            draft = nearest(route.operation, route.description, asked)
        return written(draft, route.description)

    def _collection(self, path: str) -> Collection:
        return self.collections.setdefault(path, Collection())

    def _of_resource(
        self, collection: Collection, identifier: str, variable: str, route: Route, message: Message, asked: Asked
    ) -> Draft:
        method = route.operation.method
        known = collection.find(identifier, variable)
        if known is None and identifier in collection.deleted and method != "PUT":
            return nearest(route.operation, route.description, replace(asked, gone=True))
        state = {} if known is None else known
        if method in ("PUT", "PATCH", "POST"):
            state = _merged(state, message.body)

        def amend(body: JsonValue, shape: Shape) -> JsonValue:
            return _identified(_overlaid(body, state, shape), identifier, variable, state, shape)

        draft = nearest(route.operation, route.description, replace(asked, amend=amend))
        if not 200 <= draft.status < 300:
            return draft
        if method == "DELETE":
            collection.delete(identifier, known, variable)
            return draft
        collection.deleted.discard(identifier)
        own = _merged({variable: identifier} if known is None and variable.lower() in _IDS else {}, state)
        collection.keep(_merged(own, _inside(draft, state)), known)
        return draft


def _created(collection: Collection, route: Route, message: Message, asked: Asked) -> Draft:
    given = _merged({}, message.body)

    def amend(body: JsonValue, shape: Shape) -> JsonValue:
        return _distinct(_overlaid(body, given, shape), given, collection.made, shape)

    draft = nearest(route.operation, route.description, replace(asked, amend=amend))
    state = _merged(given, _inside(draft, given))
    if 200 <= draft.status < 300 and state:
        collection.made += 1
        collection.keep(state, None)
    return draft


def _listed(collection: Collection, route: Route, asked: Asked) -> Draft:
    if not (collection.resources or collection.deleted):
        return nearest(route.operation, route.description, asked)

    def amend(body: JsonValue, shape: Shape) -> JsonValue:
        place = _list_place(body)
        for index, state in enumerate(collection.resources if place is not None else ()):
            body = _overlaid(body, state, shape, (*(place or ()), str(index)))
        return _without_others(body, collection, shape)

    draft = nearest(route.operation, route.description, replace(asked, amend=amend))
    if draft.media_type is None or draft.body is MISSING:
        return draft
    # What a step reads must not bring back what was deleted.
    shape = Shape(draft.media_type, draft.context)
    return replace(draft, body=_without_others(draft.body, collection, shape))


def _without_others(body: JsonValue, collection: Collection, shape: Shape) -> JsonValue:
    """Return a body whose list holds no more than what is remembered; with nothing made, nothing that was deleted."""
    place = _list_place(body)
    if place is None:
        return body
    items = value_at(body, place)
    left = items[: len(collection.resources)] or [
        each for each in items if not _identifiers(each, "id") & collection.deleted
    ]
    return granted(body, Want(place, (left,)), shape)


# ------------------------------------------------------------------ parts of bodies


def _merged(state: Mapping[str, JsonValue], body: Any) -> dict[str, JsonValue]:
    """Return a state changed by the members of a body: mappings are merged, everything else is replaced."""
    found = dict(state)
    for name, value in body.items() if isinstance(body, dict) else ():
        known = found.get(name)
        found[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found


def _overlaid(body: JsonValue, state: Mapping[str, JsonValue], shape: Shape, place: Tokens | None = None) -> JsonValue:
    """Return a body with the members of a resource, as far as its schema has them."""
    place = _place(body, state, shape) if place is None else place
    for name, value in state.items():
        known = value_at(body, (*place, name))
        meant = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
        body = granted(body, Want((*place, name), (meant, value)), shape)
    return body


def _place(body: JsonValue, state: Mapping[str, JsonValue], shape: Shape) -> Tokens:
    """Return where a body has the members of a resource: at its root, or in one of its members, an envelope."""
    if not isinstance(body, dict):
        return ()
    inner = [(name,) for name, value in body.items() if isinstance(value, dict) and name not in state]
    places: list[Tokens] = [(), *inner]
    return max(places, key=lambda place: _closeness(value_at(body, place), place, state, shape))


def _closeness(part: JsonValue, place: Tokens, state: Mapping[str, JsonValue], shape: Shape) -> tuple[int, bool]:
    named = sum(bool(shape.below((*place, name))) for name in state)
    return named, bool(_identifiers(part, "id"))


def _inside(draft: Draft, state: Mapping[str, JsonValue]) -> JsonValue:
    """Return the resource in the body of an answer."""
    if draft.media_type is None:
        return MISSING
    shape = Shape(draft.media_type, draft.context)
    return value_at(draft.body, _place(draft.body, state, shape))


def _list_place(body: JsonValue) -> Tokens | None:
    """Return where a body has its list of resources: at its root, or in its first member that is a list."""
    if isinstance(body, list):
        return ()
    members = body.items() if isinstance(body, dict) else ()
    lists = [(name,) for name, value in members if isinstance(value, list)]
    return next((place for place in lists if any(isinstance(each, dict) for each in value_at(body, place))), None)


# ------------------------------------------------------------------ ids


def _is_identifier(name: str, variable: str) -> bool:
    plain, wanted = _plain(name), _plain(variable)
    return plain in _IDS or plain == wanted or name.endswith(("Id", "_id", "ID"))


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _identifiers(resource: JsonValue, variable: str) -> set[str]:
    """Return the values of a resource by which a path may name it, as texts."""
    members: Iterable[tuple[str, JsonValue]] = resource.items() if isinstance(resource, dict) else ()
    return {
        to_text(value)
        for name, value in members
        if _is_identifier(name, variable) and isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def _identified(
    body: JsonValue, identifier: str, variable: str, state: Mapping[str, JsonValue], shape: Shape
) -> JsonValue:
    """Return a body whose resource has the id by which it was asked for."""
    place = _place(body, state, shape)
    part = value_at(body, place)
    if not isinstance(part, dict) or identifier in _identifiers(part, variable):
        return body
    named = [name for name in part if _plain(name) == _plain(variable)]
    name = next(iter([*named, *(each for each in part if _plain(each) in _IDS)]), None)
    if name is None:
        return body
    number = (int(identifier),) if identifier.isascii() and identifier.isdigit() and len(identifier) < 16 else ()
    return granted(body, Want((*place, name), (*number, identifier)), shape)


def _distinct(body: JsonValue, given: Mapping[str, JsonValue], made: int, shape: Shape) -> JsonValue:
    """Return a body whose ids are not those of the resources that were made before."""
    place = _place(body, given, shape)
    part = value_at(body, place)
    for name, value in part.items() if made and isinstance(part, dict) else ():
        if name not in given and _is_identifier(name, "id") and isinstance(value, (str, int)):
            body = granted(body, Want((*place, name), (_next(value, made),)), shape)
    return body


def _next(value: str | int, count: int) -> JsonValue:
    """Return an id that is `count` later than another.

    >>> _next(7, 1), _next("pet-007", 2), _next("example", 1)
    (8, 'pet-009', 'example-2')
    """
    if isinstance(value, int):
        return value + count
    found = _NUMBER.search(value)
    if found is None:
        return f"{value}-{count + 1}"
    number = str(int(found[0]) + count).zfill(len(found[0]))
    return value[: found.start()] + number + value[found.end() :]
