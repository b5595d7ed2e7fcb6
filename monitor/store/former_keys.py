"""Events are found by the key that their source or entry has now, also those written before it was renamed.

What renamed it is an event itself, so that nothing but the log says who was called what and until when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from monitor.core.entry_spec import AT
from monitor.core.events import ENTRY_RENAMED, SOURCE_RENAMED
from monitor.store.schema import events
from monitor.store.statements import CompiledStatement

_C = events.c

RENAMES = CompiledStatement(
    select(_C.position, _C.stream, _C.data)
    .where(or_(_C.type == SOURCE_RENAMED, _C.type == ENTRY_RENAMED))
    .order_by(_C.position)
)

_GATE = "gate/"


class FormerStream(NamedTuple):
    """The stream that `now` goes on from, and the event that renamed it."""

    now: str
    was: str
    until: int


def former_streams(rows: Iterable[Sequence[Any]]) -> list[FormerStream]:
    """Return what the rows of `RENAMES` rename."""
    streams = []
    for position, stream, data in rows:
        kind, _, _ = stream.partition("/")
        content = json.loads(data)
        was = content["carried"]["from"] if kind == "entry" else content["was"]
        streams.append(FormerStream(stream, f"{kind}/{was}", position))
    return streams


def of_stream(stream: str, former: Sequence[FormerStream]) -> ColumnElement[bool]:
    """Return the condition that an event is of a stream, or of one that this goes on from."""
    return or_(_C.stream == stream, *(_before(_C.stream == each.was, each) for each in _chain(stream, former)))


def of_source(key: str, former: Sequence[FormerStream]) -> ColumnElement[bool]:
    """Return the condition that a source showed an event, by this key or an earlier one."""
    chain = _chain(f"source/{key}", former)
    return or_(_C.source == key, *(_before(_C.source == _key(each.was), each) for each in chain))


def of_subject(subject: str, former: Sequence[FormerStream]) -> ColumnElement[bool]:
    """Return the condition that an event is about this subject; of a source or an entry also by an earlier key.

    A model may have the id that was the key of an entry, so the earlier key counts only in the streams of entries and
    of the gate.
    """
    earlier = []
    for stream in {each.now for each in former if _subject(each.now) == subject}:
        for each in _chain(stream, former):
            named = _C.subject == _subject(each.was)
            if each.was.startswith("source/"):
                earlier.append(_before(and_(named, _C.stream == each.was), each))
            else:
                within = or_(_C.stream == each.was, _C.stream.startswith(_GATE))
                earlier.append(_before(and_(named, within), each))
    return or_(_C.subject == subject, *earlier)


CONDITIONS: Mapping[str, Callable[[str, Sequence[FormerStream]], ColumnElement[bool]]] = {
    "subject": of_subject,
    "source": of_source,
    "stream": of_stream,
}
"""How the key of a query that names a source, an entry or a stream is held against earlier names."""


def goes_on(key: str, name: str, former: Iterable[FormerStream]) -> bool:
    """Return whether what this key of a query names had another name before."""
    if key == "subject":
        return any(_subject(each.now) == name for each in former)
    return any(each.now == (name if key == "stream" else f"source/{name}") for each in former)


def _chain(stream: str, former: Sequence[FormerStream], until: int | None = None) -> Iterator[FormerStream]:
    for each in former:
        if each.now == stream and (until is None or each.until < until):
            yield each
            yield from _chain(each.was, former, each.until)


def _before(condition: ColumnElement[bool], renamed: FormerStream) -> ColumnElement[bool]:
    return and_(condition, _C.position < renamed.until)


def _key(stream: str) -> str:
    return stream.partition("/")[2]


def _subject(stream: str) -> str:
    return _key(stream).partition(AT)[0] if stream.startswith("entry/") else _key(stream)
