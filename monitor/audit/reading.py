"""Reading the log by several questions at once, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge

from monitor.core.events import Recorded
from monitor.core.ports import EventQuery, EventReader


def merged(
    reader: EventReader, queries: Iterable[EventQuery], *more: Iterator[Recorded], newest_first: bool = False
) -> Iterator[Recorded]:
    """Yield the events that any of some queries means, and `more` that are in order, each once and in order of
    position, while they are read.

    Several questions that an index answers take far less than one that reads the whole log.
    """
    each = (reader.events(replace(query, newest_first=newest_first)) for query in dict.fromkeys(queries))
    last = 0
    for recorded in merge(*each, *more, key=lambda recorded: recorded.event.position, reverse=newest_first):
        if recorded.event.position != last:
            last = recorded.event.position
            yield recorded


def of_types(types: Iterable[str], base: EventQuery) -> list[EventQuery]:
    """Return the query for events of each of some types."""
    return [replace(base, type=type) for type in types]
