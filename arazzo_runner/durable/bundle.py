"""The bundle of a run: the texts of its documents and how they were read, stored once under their SHA-256."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.sources.fetch import DocumentSnapshot


class Bundle(Record):
    """All that a load needs: what was `kept`, and its `reading` arguments (plain JSON)."""

    kept: DocumentSnapshot
    reading: Mapping[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as a JSON value."""
        documents: JsonValue = {
            uri: base64.b64encode(data).decode("ascii") for uri, data in sorted(self.kept.documents.items())
        }
        variables: JsonValue = dict(sorted(self.kept.variables.items()))
        return {
            "documents": documents,
            "entry": self.kept.entry,
            "folder": self.kept.folder,
            "variables": variables,
            "reading": dict(self.reading),
        }

    @property
    def sha256(self) -> str:
        """The name of these very texts, read in this very way."""
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode("utf-8")).hexdigest()

    @classmethod
    def from_json(cls, value: Any) -> Bundle:
        """Read what `to_json` gave; the documents are closed: nothing else is read any more."""
        documents = {uri: base64.b64decode(text) for uri, text in value["documents"].items()}
        kept = DocumentSnapshot(documents, value["entry"], value["folder"], value["variables"], closed=True)
        return cls(kept, value["reading"])
