"""What a server offers: one tool for each workflow, with the program, the options and the fixed inputs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.effects import CredentialsGiven
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.mcp.reach import Reach
from arazzo_runner.program.model import Program


class Offer(Record, kw_only=True):
    """A workflow as a tool, and how its runs are performed.

    - `name`: of the tool; `spec`: the document, as the user named it.
    - `values`, `texts`: the inputs that the server's user gives, JSON and texts that the schema is still to coerce.
    - `hidden`: the inputs that a client neither sees nor may give: the secret ones, and those that the user fixed.
    - `reach`: what the operations do that a run can reach.
    - `mock`, `scenario` …: as for `arazzo_runner.run`; `bundle`: the documents, for durable runs.
    """

    _hidden_in_repr = ("values", "texts", "credentials")

    name: str
    spec: str
    program: Program
    options: RunOptions
    reach: Reach
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    credentials: CredentialsGiven = None
    credential_names: Mapping[str, str] = field(default_factory=dict)
    bundle: Any = None
    mock: Any = False
    mock_lenient: bool = False
    scenario: Any = None
    sample_inputs: bool = False

    @property
    def workflow_id(self) -> str:
        """The workflowId."""
        return self.program.workflow.workflow_id


class Policy(Record, kw_only=True):
    """What calls may do: `deny_unsafe` refuses unsafe requests, `confirm` asks the client's user before the first."""

    deny_unsafe: bool = False
    confirm: bool = False
