"""What is in the store, read and written without running anything: through DBOS's client.

Bundles and decisions are kept by DBOS too: as the inputs of entries in queues that nobody listens
to, found again by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import sqlalchemy.exc
from dbos import DBOSClient, EnqueueOptions

from arazzo_runner.durable.codec import Codec
from arazzo_runner.durable.dbos_engine import APPLICATION, OWN_QUEUE, RUN, VERSION, database, quiet
from arazzo_runner.durable.journal import Entry
from arazzo_runner.durable.places import Store
from arazzo_runner.durable.refusal import refusal, unreachable
from arazzo_runner.values import JsonValue

_KEPT: Final = f"{OWN_QUEUE}kept"


class Rows:
    """Reads and writes the records of one store. Raises InvalidUsage when it cannot be reached."""

    def __init__(self, store: Store, codec: Codec) -> None:
        self._store = store
        quiet()
        self._database = database(store)
        try:
            self._client = DBOSClient(
                system_database_url=store.url,
                system_database_engine=self._database,
                serializer=cast(Any, codec),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
        except (sqlalchemy.exc.SQLAlchemyError, OSError) as problem:
            raise unreachable(store.shown, problem) from None

    @property
    def client(self) -> DBOSClient:
        """DBOS's own client, for queues and schedules."""
        return self._client

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        if self._database is not None:
            self._database.dispose()

    def there(self) -> bool:
        """Whether the store has DBOS's tables."""
        try:
            self._client.list_queues()
        except sqlalchemy.exc.DBAPIError:
            return False
        return True

    # ------------------------------------------------------------------ records by id

    def put(self, kind: str, name: str, value: JsonValue) -> None:
        """Keep a value under `<kind>:<name>`; what is there already stays as it is."""
        options: EnqueueOptions = {
            "workflow_name": f"arazzo_{kind}",
            "queue_name": _KEPT,
            "workflow_id": f"{kind}:{name}",
            "app_version": VERSION,
        }
        self._client.enqueue(options, value)

    def get(self, kind: str, name: str) -> Any:
        """Return a kept value, None when there is none."""
        found = self.rows([f"{kind}:{name}"], kind=f"arazzo_{kind}", load_output=False)
        return argument(found[0]) if found else None

    def drop(self, kind: str, name: str) -> None:
        """Forget a kept value."""
        self._client.delete_workflows([f"{kind}:{name}"])

    def names(self, kind: str, prefix: str = "") -> list[str]:
        """Return the names of the kept values of a kind."""
        found = self._client.list_workflows(
            name=f"arazzo_{kind}", workflow_id_prefix=f"{kind}:{prefix}", load_input=False, load_output=False
        )
        return [row.workflow_id.partition(":")[2] for row in found]

    # ------------------------------------------------------------------ runs

    def rows(
        self, ids: Sequence[str] | None = None, *, kind: str = RUN, load_output: bool = True, **filters: Any
    ) -> list[Any]:
        """Return DBOS's records of runs, the newest first."""
        given = None if ids is None else list(ids)
        found = self._client.list_workflows(
            workflow_ids=given, name=kind, sort_desc=True, load_output=load_output, **filters
        )
        return list(found)

    def entries(self, run_id: str) -> list[Entry]:
        """Return the journal of a run."""
        steps = self._client.list_workflow_steps(run_id)
        return [Entry(step["function_name"], step["output"]) for step in steps]

    def enqueue(self, run_id: str, spec: JsonValue, queue: str, priority: int | None) -> None:
        """Submit a run; nothing happens when there is one of that id."""
        options: EnqueueOptions = {
            "workflow_name": RUN,
            "queue_name": queue,
            "workflow_id": run_id,
            "app_version": VERSION,
        }
        if priority is not None:
            options["priority"] = priority
        self._client.enqueue(options, spec)

    def hand_over(self, ids: Sequence[str], queue: str) -> None:
        """Put unfinished runs back into a queue, whoever had them."""
        self._client.resume_workflows(list(ids), queue_name=queue)

    def cancel(self, run_id: str, *, by_user: bool) -> None:
        """Take a run away from whoever has it; `by_user` when it shall not go on."""
        if by_user:
            self._client.update_workflow_attributes(run_id, {"cancelled": True})
        self._client.cancel_workflow(run_id)

    def delete(self, run_id: str) -> None:
        """Forget a run, its journal and what was decided about it."""
        decisions = [f"decision:{name}" for name in self.names("decision", f"{run_id}:")]
        self._client.delete_workflows([run_id, *decisions])

    def own_queue(self, run_id: str) -> str:
        """Make the queue that only the process listens to which goes on with this run."""
        name = f"{OWN_QUEUE}{run_id}"
        self._client.register_queue(name, polling_interval_sec=0.02, application_name=APPLICATION)
        return name

    def drop_queue(self, name: str) -> None:
        """Remove a queue."""
        self._client.delete_queue(name)


def argument(row: Any) -> Any:
    """Return the one input of a record."""
    given = cast("Mapping[str, Any]", row.input)
    if not isinstance(given, Mapping):
        raise refusal(
            "the journal was written with another key",
            code="journal-key",
            hint="set ARAZZO_JOURNAL_KEY to the key it was written with",
        )
    return given["args"][0]
