"""What a reader returns: the draft of a document, files beside it, and what could not be taken over."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.errors import Diagnostic
from arazzo_runner.generate.draft import Draft
from arazzo_runner.program.library import sniff
from arazzo_runner.sources.uris import is_remote, path_of, uri_of_path

Kind: TypeAlias = Literal["openapi", "har", "cassette", "postman", "arazzo", "asyncapi"]
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")


class Generated(Record, kw_only=True):
    """A draft; `beside` are the texts of files to be written into the folder of the document, by their names."""

    draft: Draft
    warnings: tuple[Diagnostic, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


def kind_of(value: JsonValue) -> Kind | None:
    """Return what kind of input a document is, by its root keys; None when it is unknown.

    >>> kind_of({"openapi": "3.1.0"}), kind_of({"log": {"entries": []}}), kind_of({"name": "pets"})
    ('openapi', 'har', None)
    """
    if not isinstance(value, dict):
        return None
    described = sniff(value)
    if described is not None:
        return described  # type: ignore[return-value]
    if "arazzo-cassette" in value:
        return "cassette"
    log, info = value.get("log"), value.get("info")
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        return "har"
    if isinstance(info, dict) and ("item" in value or "postman" in str(info.get("schema", ""))):
        return "postman"
    return None


def source_url(location: str, folder: str) -> str:
    """Return how a document in `folder` refers to a description: a relative path; the URL of a remote one.

    >>> source_url("https://example.com/api.yml", ".")
    'https://example.com/api.yml'
    """
    if is_remote(location):
        return location
    try:
        found = os.path.relpath(path_of(location), folder).replace(os.sep, "/")
    except ValueError:  # another drive of Windows
        return uri_of_path(path_of(location))
    return quote(found if found.startswith(".") else f"./{found}", safe="/~!$&'()*+,;=@")


def identifier(text: str, instead: str = "unnamed") -> str:
    """Return a text as a name for ids, sources and outputs: letters, digits, `_` and `-`.

    >>> identifier("list all pets"), identifier("{petId}"), identifier("日本")
    ('list-all-pets', 'petId', 'unnamed')
    """
    return re.sub("-{2,}", "-", _NOT_A_NAME.sub("-", text)).strip("-_")[:60].strip("-_") or instead
