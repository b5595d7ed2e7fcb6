"""Reading: one consistent view of the store, within a transaction that somebody else opened. Nothing is written here.

Statements that are always the same are made once, at import, and run as `statements` explains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import eq, gt, lt
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from monitor.core import records
from monitor.core.content import PREFIX
from monitor.core.credentials import Credential
from monitor.core.entry import Entry
from monitor.core.event_types import CHECK_EVENTS, OUTAGE_ENDS, OUTAGE_EVENTS
from monitor.core.events import CHECK_VERIFIED, LAST_POSITION, SYSTEM, LogHead, Recorded
from monitor.core.facts import Alternation, Body, Fact, Facts, Measurement, PendingChange, SourceState, Subject
from monitor.core.nodes import Node, Turn
from monitor.core.notices import EarlierMessage, Notice
from monitor.core.ports import (
    Delivery,
    DeliveryState,
    EventQuery,
    KeptEvidence,
    MeasurementQuery,
    Refused,
    SentMessage,
)
from monitor.store import blobs, codec, credentials, former_keys, measures
from monitor.store.decoded import DecodedCache
from monitor.store.dialects import Dialect
from monitor.store.errors import Damaged
from monitor.store.former_keys import FormerStream, former_streams
from monitor.store.schema import (
    alternations,
    deliveries,
    entries,
    events,
    log,
    notices,
    pending_changes,
    sent_messages,
    sources,
    working_state,
)
from monitor.store.schema import blobs as blob_table
from monitor.store.schema import credentials as credential_table
from monitor.store.schema import nodes as nodes_table
from monitor.store.schema import turns as turns_table
from monitor.store.statements import CompiledStatement, Row
from monitor.store.tree import SqlTree
from monitor.store.turns import ALL_NODES, ALL_TURNS

_DELIVERY = tuple(column for column in deliveries.c if column.name not in ("claimed_by", "claimed_until"))
_BATCH = 500

_HEAD = CompiledStatement(select(func.coalesce(func.max(events.c.position), 0)))
_LOG = CompiledStatement(select(log.c.id, log.c.epoch))
_DAEMON_SEEN = CompiledStatement(select(log.c.written_at))
# By the order of its index, since `min` and `max` of the position would be sought along the positions.
_FIRST_SINCE = CompiledStatement(
    select(events.c.position)
    .where(events.c.recorded_at >= bindparam("at"))
    .order_by(events.c.recorded_at, events.c.position)
    .limit(1)
)
_LAST_UNTIL = CompiledStatement(
    select(events.c.position)
    .where(events.c.recorded_at <= bindparam("at"))
    .order_by(events.c.recorded_at.desc(), events.c.position.desc())
    .limit(1)
)
_EVENTS = select(events)
_EVENT = CompiledStatement(_EVENTS.where(events.c.position == bindparam("position")))
_EVENT_TYPES = CompiledStatement(
    select(events.c.type, func.count(), func.max(events.c.position)).group_by(events.c.type)
)
_SOURCES = CompiledStatement(select(sources).order_by(sources.c.key))
_SOURCE = CompiledStatement(select(sources).where(sources.c.key == bindparam("key")))
_ALL_STREAKS = select(pending_changes).order_by(pending_changes.c.source, pending_changes.c.ordinal)
_STREAKS = CompiledStatement(_ALL_STREAKS)
_STREAKS_OF = CompiledStatement(_ALL_STREAKS.where(pending_changes.c.source == bindparam("source")))
_ALTERNATIONS = CompiledStatement(select(alternations).where(alternations.c.source == bindparam("source")))
_ENTRIES = CompiledStatement(select(entries.c.key, entries.c.content).order_by(entries.c.key))
_FACTS = CompiledStatement(
    select(blob_table.c.content).where(blob_table.c.kind == blobs.FACTS, blob_table.c.hash == bindparam("hash"))
)
_EVIDENCE = CompiledStatement(
    select(blob_table)
    .where(blob_table.c.kind == blobs.EVIDENCE)
    .where(blob_table.c.hash >= bindparam("first"), blob_table.c.hash <= bindparam("last"))
    .order_by(blob_table.c.hash)
    .limit(2)
)
_KEPT_EVIDENCE = (
    select(
        blob_table.c.hash,
        blob_table.c.source,
        blob_table.c.created_at,
        blob_table.c.size,
        func.length(blob_table.c.content),
    )
    .where(blob_table.c.kind == blobs.EVIDENCE)
    .order_by(blob_table.c.created_at, blob_table.c.hash)
)
_NOTICE = CompiledStatement(select(notices.c.content).where(notices.c.id == bindparam("id")))
_FIRST_OF_INCIDENT = CompiledStatement(
    select(*(sent_messages.c[name] for name in ("notice", "at", "title", "thread", "incidents")))
    .where(sent_messages.c.destination == bindparam("destination"))
    .where(sent_messages.c.incidents.like(bindparam("pattern"), escape="/"))
    .order_by(sent_messages.c.id)
)
_WORKING_STATE = CompiledStatement(select(working_state.c.content).where(working_state.c.name == bindparam("name")))
_HASH = re.compile(rf"{PREFIX}[0-9a-f]{{64}}")
_WILD = re.compile(r"[/%_]")
_DELIVERIES = select(*_DELIVERY).order_by(deliveries.c.id)
_FIRST_DELIVERY = select(func.min(deliveries.c.id)).where(deliveries.c.notice == notices.c.id).scalar_subquery()
_NOTICES = select(notices.c.content).order_by(notices.c.at.desc(), _FIRST_DELIVERY.desc())

HORIZON = timedelta(days=1)
"""Nothing waits or is claimed for so long: what is dated later was dated by a clock that was ahead."""


def _over(column: Any) -> ColumnElement[bool]:
    return or_(column <= bindparam("now"), column > bindparam("horizon"))


CLAIMABLE = or_(
    and_(deliveries.c.state == DeliveryState.WAITING.value, _over(deliveries.c.retry_at)),
    and_(deliveries.c.state == DeliveryState.SENDING.value, _over(deliveries.c.claimed_until)),
)
"""A delivery that is due at `now`, or whose claim has ended by then."""
_DUE = CompiledStatement(select(deliveries.c.id).where(CLAIMABLE).limit(1))

_GIVEN = {
    "type": (eq, events.c.type),
    "subject": (eq, events.c.subject),
    "source": (eq, events.c.source),
    "stream": (eq, events.c.stream),
    "actor": (eq, events.c.actor),
    "cause": (eq, events.c.cause),
    "after": (gt, events.c.position),
    "before": (lt, events.c.position),
}
"""How the value of a key of `EventQuery` bounds the events."""


class _Shape(NamedTuple):
    """What is left of a query without its values: those of one shape are one statement.

    Patterns and the name of a check are part of it, since they go into the statement: each database writes them in its
    own way. So are names that `former` ones go with. `given` are the keys whose values are given when it is run.
    """

    type: str
    subject: str
    check: str
    acts: bool
    given: tuple[str, ...]
    newest_first: bool
    renamed: tuple[tuple[str, str], ...]
    former: tuple[FormerStream, ...]


def _parted(query: EventQuery, former: tuple[FormerStream, ...]) -> tuple[_Shape, Row]:
    """Part a query into its shape and its values; `former` is what was renamed."""
    values: dict[str, Any] = {key: getattr(query, key) for key in (*_GIVEN, "limit")}
    patterns = {key: values.pop(key) for key in ("type", "subject") if "*" in values[key] or "?" in values[key]}
    renamed = tuple(
        (key, values.pop(key))
        for key in former_keys.CONDITIONS
        if former and values.get(key) and former_keys.goes_on(key, values[key], former)
    )
    row = {
        key: records.time_text(value) if isinstance(value, datetime) else value
        for key, value in values.items()
        if value is not None and value != ""
    }
    type, subject = patterns.get("type", ""), patterns.get("subject", "")
    shape = _Shape(
        type, subject, query.check, query.acts, tuple(row), query.newest_first, renamed, former if renamed else ()
    )
    return shape, row


@lru_cache(maxsize=256)
def _search(glob: Callable[[ColumnElement[str], str], ColumnElement[bool]], shape: _Shape) -> CompiledStatement:
    """Return the statement of the queries of a shape: to put it together takes longer than to run it."""
    search = _EVENTS
    for column, pattern in ((events.c.type, shape.type), (events.c.subject, shape.subject)):
        if pattern:
            search = search.where(glob(column, pattern))
    if shape.check:
        # Found in the text of the canonical JSON: the two databases have no word for a key of one in common.
        search = search.where(events.c.data.contains(f'"check":"{shape.check}"', autoescape=True))
    if shape.acts:
        # As the index of acts says it: a value that is given when it is run would not be found to be the same.
        search = search.where(events.c.actor != literal_column(f"'{SYSTEM}'"))
    for key, name in shape.renamed:
        search = search.where(former_keys.CONDITIONS[key](name, shape.former))
    for key in shape.given:
        if key == "limit":
            search = search.limit(bindparam(key, type_=Integer()))
        else:
            compare, column = _GIVEN[key]
            search = search.where(compare(column, bindparam(key)))
    return CompiledStatement(search.order_by(events.c.position.desc() if shape.newest_first else events.c.position))


_ALL = EventQuery()
_ALL_MEASURED = MeasurementQuery()
_NOTHING: Row = MappingProxyType({})
_NO_FACTS: Facts = MappingProxyType({})


class SqlReader:
    """The port `Reader` on one connection. It is of use only inside the block that opened it."""

    def __init__(self, connection: Connection, dialect: Dialect, cache: DecodedCache) -> None:
        self._connection = connection
        self._dialect = dialect
        self._cache = cache

    def _run(self, statement: CompiledStatement, row: Row = _NOTHING) -> Any:
        """Run a statement and return the driver's cursor, whose rows are tuples."""
        try:
            return statement.run(self._connection, row)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._dialect.error(error) from None

    @property
    def tree(self) -> SqlTree:
        """The tree over the log."""
        return SqlTree(self._connection, self._dialect)

    def head(self) -> int:
        return int(self._run(_HEAD).fetchone()[0])

    def log_head(self) -> LogHead:
        row = self._run(_LOG).fetchone()
        if row is None:
            raise Damaged(f"The log in the {self._dialect.name} has lost its identity: restore it from a backup.")
        id, epoch = row
        return LogHead(id, epoch, self.head())

    def daemon_seen_at(self) -> datetime | None:
        row = self._run(_DAEMON_SEEN).fetchone()
        return None if row is None else codec.optional_time_of(row[0])

    def events(self, query: EventQuery = _ALL) -> Iterator[Recorded]:
        """Yield the events that `query` means, in order of position, fetched in batches while they are read."""
        bounded = self._by_position(query)
        if bounded is None:
            return
        shape, row = _parted(bounded, self._former)
        search = _search(self._dialect.glob, shape)
        cursor: Any
        if query.limit is not None or self._dialect.fetches_lazily:
            cursor = self._run(search, row)
        else:
            cursor = self._connection.execute(search.element, row, execution_options={"yield_per": _BATCH})
        try:
            for columns in cursor:
                yield codec.recorded_of(columns)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._dialect.error(error) from None
        finally:
            cursor.close()

    def _by_position(self, query: EventQuery) -> EventQuery | None:
        """Return a query with its times as positions, None where nothing was recorded between them.

        Events are recorded in order of position, which every index of them ends with: so a time costs no search among
        what it leaves out.
        """
        if query.since is None and query.until is None:
            return query
        after, before = query.after, query.before
        if query.since is not None:
            first = self._run(_FIRST_SINCE, {"at": records.time_text(query.since)}).fetchone()
            if first is None:
                return None
            after = max(first[0] - 1, after or 0)
        if query.until is not None:
            last = self._run(_LAST_UNTIL, {"at": records.time_text(query.until)}).fetchone()
            if last is None:
                return None
            before = last[0] + 1 if before is None else min(last[0] + 1, before)
        return replace(query, since=None, until=None, after=after, before=before)

    @cached_property
    def _former(self) -> tuple[FormerStream, ...]:
        return tuple(former_streams(self._run(former_keys.RENAMES).fetchall()))

    def event(self, position: int) -> Recorded | None:
        if position > LAST_POSITION:
            return None
        row = self._run(_EVENT, {"position": position}).fetchone()
        return None if row is None else codec.recorded_of(row)

    def events_of_checks(self, until: datetime) -> Iterator[Recorded]:
        check = self._dialect.json_text(events.c.data, "check")
        following = func.lead(events.c.type).over(partition_by=[events.c.stream, check], order_by=events.c.position)
        moves = (
            select(events.c.position, events.c.type, following.label("following"))
            .where(events.c.type.in_(CHECK_EVENTS), events.c.recorded_at <= records.time_text(until))
            .subquery()
        )
        repeated = and_(moves.c.type == CHECK_VERIFIED, func.coalesce(moves.c.following, "") == CHECK_VERIFIED)
        search = _EVENTS.join(moves, moves.c.position == events.c.position).where(not_(repeated))
        return self._streamed(search.order_by(events.c.position))

    def events_of_outages(
        self, source: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Recorded]:
        of_source = () if not source else (events.c.source == source,)
        bounds = () if until is None else (events.c.recorded_at <= records.time_text(until),)
        concerned: ColumnElement[bool] = events.c.type.in_((*OUTAGE_EVENTS, *OUTAGE_ENDS))
        if since is not None:
            before = events.c.occurred_at < records.time_text(since)
            ended = select(events.c.cause).where(
                events.c.type.in_(OUTAGE_ENDS), events.c.cause.is_not(None), before, *of_source, *bounds
            )
            begun = and_(events.c.type.in_(OUTAGE_EVENTS), events.c.position.not_in(ended))
            concerned = and_(concerned, or_(not_(before), begun))
        return self._streamed(_EVENTS.where(concerned, *of_source, *bounds).order_by(events.c.position))

    def _streamed(self, search: Select[Any]) -> Iterator[Recorded]:
        """Yield the events of a statement, fetched in batches while they are read."""
        cursor = self._connection.execute(search, execution_options={"yield_per": _BATCH})
        try:
            for columns in cursor:
                yield codec.recorded_of(columns)
        finally:
            cursor.close()

    def event_types(self) -> Mapping[str, tuple[int, int]]:
        return {type: (count, last) for type, count, last in self._run(_EVENT_TYPES).fetchall()}

    def source(self, key: str) -> SourceState | None:
        row = self._run(_SOURCE, {"key": key}).fetchone()
        return None if row is None else codec.of_columns(SourceState, _named(sources, row))

    def sources(self) -> Mapping[str, SourceState]:
        states = [codec.of_columns(SourceState, _named(sources, row)) for row in self._run(_SOURCES).fetchall()]
        return {state.key: state for state in states}

    def pending_changes(self, source: str = "") -> Sequence[PendingChange]:
        rows = self._run(_STREAKS_OF, {"source": source}) if source else self._run(_STREAKS)
        return [_streak(_named(pending_changes, row)) for row in rows.fetchall()]

    def alternations(self, source: str) -> Sequence[Alternation]:
        rows = self._run(_ALTERNATIONS, {"source": source})
        return [_alternation(_named(alternations, row)) for row in rows.fetchall()]

    def entries(self) -> Mapping[str, Entry]:
        decoded = [self._cache.entry(key, content) for key, content in self._run(_ENTRIES).fetchall()]
        return {entry.key: entry for entry in decoded}

    def facts(self, hash: str) -> Facts:
        """Return a fact blob by its hash; the empty hash is no facts.

        Raises:
            Damaged: there is no such blob, or it is not what was stored.
        """
        if not hash:
            return _NO_FACTS
        facts = self._cache.get(hash)
        if facts is None:
            row = self._run(_FACTS, {"hash": hash}).fetchone()
            if row is None:
                raise Damaged(f"The facts {hash} are not in the {self._dialect.name}: restore it from a backup.")
            content = blobs.restore(row[0], hash)
            facts = codec.facts_of(content.decode())
            self._cache.put(hash, facts, len(content))
        return facts

    def evidence(self, hash: str) -> Body | None:
        """Return stored bytes by `sha256:…` or by a prefix of at least eight digits, with or without `sha256:`.

        Raises:
            Refused: the prefix is too short, or several begin with it.
            Damaged: the bytes are not what was stored.
        """
        digits = hash.removeprefix(PREFIX).lower()
        if re.fullmatch("[0-9a-f]{8,64}", digits) is None:
            raise Refused(f"{hash!r} names no evidence: give at least the first eight hexadecimal digits of its hash.")
        bounds = {"first": PREFIX + digits.ljust(64, "0"), "last": PREFIX + digits.ljust(64, "f")}
        rows = [_named(blob_table, row) for row in self._run(_EVIDENCE, bounds).fetchall()]
        if len(rows) > 1:
            raise Refused(f"The hash of more than one piece of evidence begins with {digits}: give more digits.")
        return _body(rows[0]) if rows and rows[0]["content"] else None

    def kept_evidence(self) -> Iterator[KeptEvidence]:
        """Yield every piece of evidence without its bytes, in the order in which they were first brought, fetched in
        batches while they are read.
        """
        cursor = self._connection.execute(_KEPT_EVIDENCE, execution_options={"yield_per": _BATCH})
        try:
            for hash, source, at, size, bytes_kept in cursor:
                yield KeptEvidence(hash=hash, source=source, at=records.time_of(at), size=size, pruned=bytes_kept == 0)
        finally:
            cursor.close()

    def unreferenced_evidence(self, before: datetime) -> Sequence[KeptEvidence]:
        old = {piece.hash: piece for piece in self.kept_evidence() if piece.at < before and not piece.pruned}
        self._drop_named(old, 0)
        return tuple(old.values())

    def _drop_named(self, evidence: dict[str, KeptEvidence], after: int) -> None:
        """Take out what a source, a pending change, or an event after a position names; an event may name it in its
        data as well.
        """
        if not evidence:
            return
        for column in (sources.c.evidence, pending_changes.c.evidence):
            for (hash,) in self._connection.execute(select(column).distinct()):
                evidence.pop(hash, None)
        query = select(events.c.evidence, events.c.data).where(events.c.position > after)
        cursor = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        try:
            for named, data in cursor:
                for hash in (named, *_HASH.findall(data)):
                    evidence.pop(hash, None)
        finally:
            cursor.close()

    def credentials(self) -> Sequence[Credential]:
        rows = self._run(credentials.ALL).fetchall()
        return [codec.of_columns(Credential, _named(credential_table, row)) for row in rows]

    def notice(self, id: str) -> Notice | None:
        row = self._run(_NOTICE, {"id": id}).fetchone()
        return None if row is None else codec.decode(Notice, row[0])

    def notices(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Notice]:
        """Yield the notices that were composed between two times, the newest first, fetched while they are read."""
        query = _NOTICES
        if since is not None:
            query = query.where(notices.c.at >= records.time_text(since))
        if until is not None:
            query = query.where(notices.c.at <= records.time_text(until))
        cursor = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        try:
            for (content,) in cursor:
                yield codec.decode(Notice, content)
        finally:
            cursor.close()

    def deliveries(self, *states: DeliveryState, notice: str = "") -> Sequence[Delivery]:
        query = _DELIVERIES if not notice else _DELIVERIES.where(deliveries.c.notice == notice)
        if states:
            query = query.where(deliveries.c.state.in_([state.value for state in states]))
        return [delivery(cast(Row, row)) for row in self._connection.execute(query).mappings()]

    def first_message(self, destination: str, incident: str) -> tuple[str, EarlierMessage] | None:
        bound = {"destination": destination, "pattern": f"%|{_WILD.sub(lambda sign: '/' + sign.group(), incident)}|%"}
        for notice, at, title, thread, incidents in self._run(_FIRST_OF_INCIDENT, bound):
            if f"|{incident}|" in incidents:  # what is like it may differ by capitals, by database
                return notice, EarlierMessage(at=datetime.fromisoformat(at), title=title, thread=thread)
        return None

    def sent_messages(self, *, notice: str = "", destination: str = "", incident: str = "") -> Iterator[SentMessage]:
        """Yield what went out, oldest first, fetched in batches while it is read."""
        query = select(sent_messages).order_by(sent_messages.c.id)
        if notice:
            query = query.where(sent_messages.c.notice == notice)
        if destination:
            query = query.where(sent_messages.c.destination == destination)
        if incident:
            query = query.where(sent_messages.c.incidents.contains(f"|{incident}|", autoescape=True))
        cursor = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        try:
            for row in cursor.mappings():
                yield codec.message_of(row)
        finally:
            cursor.close()

    def measurements(self, query: MeasurementQuery = _ALL_MEASURED) -> Iterator[Measurement]:
        """Yield what calls took, oldest first, fetched in batches while they are read."""
        cursor = self._connection.execute(measures.asked(query), execution_options={"yield_per": _BATCH})
        try:
            for row in cursor.mappings():
                yield codec.of_columns(Measurement, row)
        finally:
            cursor.close()

    def spent(self, surface: str, day: date) -> Decimal:
        rows = self._run(measures.SPENT, {"day": day.isoformat(), "surface": surface}).fetchall()
        return sum((Decimal(amount) for (amount,) in rows), Decimal(0))

    def turns(self) -> Sequence[Turn]:
        return [codec.of_columns(Turn, _named(turns_table, row)) for row in self._run(ALL_TURNS).fetchall()]

    def nodes(self) -> Sequence[Node]:
        return [codec.of_columns(Node, _named(nodes_table, row)) for row in self._run(ALL_NODES).fetchall()]

    def working_state(self, name: str) -> str:
        row = self._run(_WORKING_STATE, {"name": name}).fetchone()
        return "" if row is None else str(row[0])

    def due(self, now: datetime) -> bool:
        """Return whether the outbox holds a delivery that could be claimed."""
        return self._run(_DUE, reckoned(now)).fetchone() is not None


def reckoned(now: datetime) -> dict[str, str]:
    """Return what `CLAIMABLE` asks for: the time, and that from which on a date is none."""
    return {"now": records.time_text(now), "horizon": records.time_text(now + HORIZON)}


def delivery(row: Row) -> Delivery:
    """Read a row of the outbox."""
    columns = {**row, "state": DeliveryState(row["state"])}
    return codec.of_columns(Delivery, columns)


def _named(table: Table, row: Sequence[Any]) -> Row:
    return dict(zip(table.c.keys(), row, strict=True))


def _streak(row: Row) -> PendingChange:
    value = row["value"]
    return PendingChange(
        source=row["source"],
        fact=Fact(Subject(row["scope"], row["name"]), row["field"]),
        value=None if value is None else json.loads(value),
        seen=row["seen"],
        first_at=records.time_of(row["first_at"]),
        counted_at=records.time_of(row["counted_at"]),
        before=codec.optional_time_of(row["before"]),
        evidence=row["evidence"],
        quarantine=row["quarantine"],
        anomaly=row["anomaly"],
        held_until=codec.optional_time_of(row["held_until"]),
    )


def _alternation(row: Row) -> Alternation:
    other = row["other"]
    return Alternation(
        source=row["source"],
        fact=Fact(Subject(row["scope"], row["name"]), row["field"]),
        other=None if other is None else json.loads(other),
        turns=row["turns"],
        at=records.time_of(row["at"]),
        said_at=codec.optional_time_of(row["said_at"]),
        told_at=codec.optional_time_of(row["told_at"]),
    )


def _body(row: Row) -> Body:
    return Body(
        content=blobs.restore(row["content"], row["hash"]),
        sha256=row["sha256"],
        size=row["size"],
        content_type=row["content_type"],
        url=row["url"],
    )
