"""Events as a Parquet file, for tools that read columns. The library is an extra of the installation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.core.events import Recorded
from monitor.core.ports import ConfigurationError, Refused

_ROW_GROUP = 50_000
"""Events that are held in memory at a time."""


def write_parquet(path: Path, events: Iterable[Recorded]) -> int:
    """Write events into a file that is not there yet; return how many. `data` is JSON in one column.

    Raises:
        ConfigurationError: the library is not installed.
        Refused: the file exists or cannot be written.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ModuleNotFoundError:
        raise ConfigurationError(
            "The format parquet needs a library that is not installed: pip install 'access-monitor[parquet]'."
        ) from None
    time = pyarrow.timestamp("us", tz="UTC")
    schema = pyarrow.schema(
        [
            ("position", pyarrow.int64()),
            *((name, pyarrow.string()) for name in ("id", "type", "stream", "subject", "source")),
            ("occurred_at", time),
            ("recorded_at", time),
            ("actor", pyarrow.string()),
            ("cause", pyarrow.int64()),
            ("evidence", pyarrow.string()),
            ("data", pyarrow.string()),
        ]
    )
    count = 0
    try:
        with open(path, "xb") as file, ParquetWriter(file, schema, compression="zstd") as writer:
            for rows in _groups(map(_row, events)):
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                count += len(rows)
    except FileExistsError:
        raise Refused(f"The file {path} exists: name another one.") from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Refused(f"The file {path} cannot be written ({error.strerror}): name another one.") from None
    return count


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(rows, _ROW_GROUP)):
        yield group


def _row(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    return {
        "position": event.position,
        "id": recorded.id,
        "type": event.type,
        "stream": event.stream,
        "subject": event.subject,
        "source": event.source,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor": event.actor,
        "cause": event.cause,
        "evidence": event.evidence,
        "data": json.dumps(dict(event.data), ensure_ascii=False, separators=(",", ":")),
    }
