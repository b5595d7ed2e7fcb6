"""The recorder of `eventsourcing`, driven line by line: `append COUNT AT_ONCE ROWS` answers how long each commit took.

Runs in an environment of its own, which `make peers` makes; nothing of the monitor is imported here.
"""

from __future__ import annotations

import json
import sys
import time
from hashlib import sha256
from typing import Any
from uuid import uuid4, uuid5

NAMESPACE = uuid4()
"""Streams are new in each process, since versions are counted here."""


def recorder(place: str) -> Any:
    """Return a recorder over a SQLite file, or over a PostgreSQL database given as JSON of its coordinates."""
    if place.startswith("{"):
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

        made: Any = PostgresApplicationRecorder(PostgresDatastore(**json.loads(place)))
    else:
        from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

        made = SQLiteApplicationRecorder(SQLiteDatastore(place))
    made.create_table()
    return made


def main() -> None:
    from eventsourcing.persistence import StoredEvent

    kept = recorder(sys.argv[1])
    versions: dict[str, int] = {}
    chain = ""
    print("ready", flush=True)
    for line in sys.stdin:
        _, count, at_once, *states = line.rstrip("\n").split(" ", 3)
        rows = json.loads(states[0])
        times: list[float] = []
        for first in range(0, int(count), int(at_once)):
            began, stored = time.perf_counter(), []
            for stream, data in rows[first : first + int(at_once)]:
                versions[stream] = versions.get(stream, -1) + 1
                # As its mapper does, the state is serialised when the event is recorded; chained, as its predecessors
                # were: each holds the hash of the one before.
                state = json.dumps({**data, "before": chain}, sort_keys=True, separators=(",", ":")).encode()
                chain = sha256(state).hexdigest()
                stored.append(
                    StoredEvent(
                        originator_id=uuid5(NAMESPACE, stream),
                        originator_version=versions[stream],
                        topic="monitor.core.events:Event",
                        state=state,
                    )
                )
            kept.insert_events(stored)
            times.append(time.perf_counter() - began)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
