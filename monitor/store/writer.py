"""Writing: the one transaction that may. It adds to what a reader can do and neither begins nor commits itself.

Every method costs as few statements as it can: a decision is one transaction, and the writer's lock is held for all of
it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import (
    Connection,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from monitor.core import leaves as lf
from monitor.core import records
from monitor.core.content import canonical_json, facts_text, name_of
from monitor.core.credentials import Credential
from monitor.core.entry import Entry
from monitor.core.events import Event, Recorded
from monitor.core.facts import Alternation, Body, Facts, Measurement, PendingChange, SourceState
from monitor.core.leaves import KeptCheckpoint, Leaf, LeafKind, LeaseRecord
from monitor.core.merkle import leaf_hash
from monitor.core.notices import Notice
from monitor.core.ports import (
    Conflict,
    Delivery,
    DeliveryState,
    KeptEvidence,
    Refused,
    Reservation,
    SeenAt,
    SentMessage,
)
from monitor.core.price import canonical
from monitor.store import blobs, codec, credentials, measures, tree
from monitor.store.decoded import DecodedCache
from monitor.store.dialects import Dialect
from monitor.store.reader import CLAIMABLE, SqlReader, delivery, reckoned
from monitor.store.schema import (
    alternations,
    deliveries,
    entries,
    events,
    log,
    measurements,
    notices,
    pending_changes,
    sent_messages,
    sources,
    working_state,
)
from monitor.store.schema import blobs as blob_table
from monitor.store.statements import CompiledStatement, Row
from monitor.store.tree import SqlTree
from monitor.store.turns import HOLD

_LAST = CompiledStatement(select(events.c.position, events.c.recorded_at).order_by(events.c.position.desc()).limit(1))
_VERSION = CompiledStatement(select(func.max(events.c.version)).where(events.c.stream == bindparam("stream")))
_APPEND = CompiledStatement(insert(events).inline())

_ADVANCE = CompiledStatement(
    update(log).values(epoch=case((log.c.epoch > bindparam("beyond"), log.c.epoch), else_=bindparam("beyond")) + 1)
)
_MARK = CompiledStatement(update(log).values(written_at=func.coalesce(bindparam("at", type_=Text()), log.c.written_at)))

# UPDATE and then, the first time only, INSERT: one statement in the ordinary case, and the same one on both databases.
_MOVE_SOURCE = CompiledStatement(
    update(sources)
    .where(sources.c.key == bindparam("b_key"))
    .values({column.name: bindparam(column.name) for column in sources.c if column.name != "key"})
)
_NEW_SOURCE = CompiledStatement(insert(sources).inline())
_MOVE_ENTRY = CompiledStatement(
    update(entries)
    .where(entries.c.key == bindparam("b_key"))
    .values(status=bindparam("status"), position=bindparam("position"), content=bindparam("content"))
)
_NEW_ENTRY = CompiledStatement(insert(entries).inline())
_DROP_ENTRIES = CompiledStatement(delete(entries))

_RENAME_SOURCE = tuple(
    CompiledStatement(
        update(column.table).where(column == bindparam("was")).values({column.name: bindparam("new_key")})
    )
    for column in (sources.c.key, pending_changes.c.source, alternations.c.source, measurements.c.source)
)

_MOVE_WORKING_STATE = CompiledStatement(
    update(working_state)
    .where(working_state.c.name == bindparam("b_name"))
    .values(content=bindparam("content"), at=bindparam("at"))
)
_NEW_WORKING_STATE = CompiledStatement(insert(working_state).inline())
_DROP_WORKING_STATE = CompiledStatement(delete(working_state).where(working_state.c.name == bindparam("name")))

_DROP_STREAKS = CompiledStatement(delete(pending_changes).where(pending_changes.c.source == bindparam("source")))
_NEW_STREAKS = CompiledStatement(insert(pending_changes).inline())

_DROP_ALTERNATIONS = CompiledStatement(delete(alternations).where(alternations.c.source == bindparam("source")))
_NEW_ALTERNATIONS = CompiledStatement(insert(alternations).inline())

_BLOB = CompiledStatement(
    select(1).where(blob_table.c.kind == bindparam("kind"), blob_table.c.hash == bindparam("hash"))
)
_NEW_BLOB = CompiledStatement(insert(blob_table).inline())

_BYTES = CompiledStatement(
    select(func.length(blob_table.c.content)).where(
        blob_table.c.kind == blobs.EVIDENCE, blob_table.c.hash == bindparam("hash")
    )
)
_SET_BYTES = CompiledStatement(
    update(blob_table)
    .where(blob_table.c.kind == blobs.EVIDENCE, blob_table.c.hash == bindparam("b_hash"))
    .values(content=bindparam("content"))
)

_HAS_NOTICE = CompiledStatement(select(1).where(notices.c.id == bindparam("id")))
_NEW_NOTICE = CompiledStatement(insert(notices).inline())
_NEW_DELIVERIES = CompiledStatement(
    insert(deliveries)
    .inline()
    .values({column.name: bindparam(column.name) for column in deliveries.c if column.name != "id"})
)

_NEW_SENT = CompiledStatement(
    insert(sent_messages)
    .inline()
    .values({column.name: bindparam(column.name) for column in sent_messages.c if column.name != "id"})
    .returning(sent_messages.c.id)
)

_DELIVERY = tuple(column.name for column in deliveries.c if column.name not in ("claimed_by", "claimed_until"))
_OF_DUE = select(*(deliveries.c[name] for name in _DELIVERY)).where(CLAIMABLE).order_by(deliveries.c.id)
_DUE = CompiledStatement(_OF_DUE.limit(bindparam("most")))
_DUE_OF_NOTICE = CompiledStatement(_OF_DUE.where(deliveries.c.notice == bindparam("notice")).limit(bindparam("most")))
_CLAIM = CompiledStatement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("b_id"))
    .values(state=DeliveryState.SENDING.value, claimed_by=bindparam("worker"), claimed_until=bindparam("until"))
)
_FREE = CompiledStatement(
    update(deliveries)
    .where(deliveries.c.state == DeliveryState.SENDING.value, deliveries.c.claimed_by == bindparam("worker"))
    .values(state=DeliveryState.WAITING.value, claimed_by="", claimed_until=null())
)
_SETTLE = CompiledStatement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("b_id"))
    .values(
        state=bindparam("state"),
        attempts=bindparam("attempts"),
        retry_at=bindparam("retry_at"),
        error=bindparam("error"),
        claimed_by="",
        claimed_until=null(),
    )
)


def _forward(column: Any) -> Any:
    return case((or_(column.is_(None), column < bindparam("at")), bindparam("at")), else_=column)


def _validator(column: Any, name: str) -> Any:
    # Only a poll that is not older than the last accepted one may bring the validator that the next one sends.
    newer = or_(sources.c.accepted_at.is_(None), sources.c.accepted_at <= bindparam("at"))
    return case((and_(newer, bindparam(name) != ""), bindparam(name)), else_=column)


_TOUCH = CompiledStatement(
    update(sources)
    .where(sources.c.key == bindparam("b_key"))
    .values(
        good_at=_forward(sources.c.good_at),
        looked_at=_forward(sources.c.looked_at),
        accepted_at=_forward(sources.c.accepted_at),
        etag=_validator(sources.c.etag, "b_etag"),
        last_modified=_validator(sources.c.last_modified, "b_last_modified"),
    )
)


_NewLeaf: TypeAlias = tuple[LeafKind, int, str, bytes]
"""A leaf before it has its number: its kind, position, reference and hash."""

_BUILT_AT_ONCE = 4096
"""The leaves that are held in memory while the tree is built over an old log."""


class SqlTransaction(SqlReader):
    """The port `Transaction`, on a connection that holds the writer's lock. `written` says whether anything was."""

    written = False
    _tip: tuple[int, datetime | None] | None = None

    def __init__(self, connection: Connection, dialect: Dialect, cache: DecodedCache) -> None:
        super().__init__(connection, dialect, cache)
        self._new_leaves: list[_NewLeaf] = []

    @property
    def tree(self) -> SqlTree:
        """The tree over the log, with all that was written so far."""
        self.write_leaves()
        return super().tree

    def write_leaves(self) -> None:
        """Write the leaves of what was written; whoever commits calls it last."""
        if not self._new_leaves:
            return
        current = super().tree
        size = current.size()
        added = [Leaf(size + index, *leaf) for index, leaf in enumerate(self._new_leaves)]
        self._new_leaves.clear()
        leaves, nodes = tree.rows_of_leaves(current, size, added)
        self._write_many(tree.NEW_LEAVES, leaves)
        if nodes:
            self._write_many(tree.NEW_NODES, nodes)

    def build_tree(self) -> int:
        """Write the tree over a log that has none yet; return how many events it holds.

        What stands beside the log comes after the events: when each was written between them is not known any more.
        """
        current, head = super().tree, self.log_head()
        begin = leaf_hash(lf.log_content(head.log, head.epoch))
        self._new_leaves.append((LeafKind.LOG, 0, str(head.epoch), begin))
        for recorded in self.events():
            self._new_leaves.append(
                (LeafKind.EVENT, recorded.event.position, "", leaf_hash(lf.event_content(recorded)))
            )
            if len(self._new_leaves) == _BUILT_AT_ONCE:
                self.write_leaves()
        for kind in (LeafKind.EVIDENCE, LeafKind.NOTICE, LeafKind.MESSAGE):
            for reference in current.references(kind):
                content = current.content(Leaf(0, kind, head.position, reference, b""))
                if content is not None:
                    self._add_leaf(kind, reference, content)
        self.write_leaves()
        return head.position

    def _add_leaf(self, kind: LeafKind, reference: str, content: bytes) -> None:
        self._new_leaves.append((kind, self.head(), reference, leaf_hash(content)))

    def _write(self, statement: CompiledStatement, row: Row) -> int:
        """Run a statement that writes; return how many rows it met."""
        self.written = True
        return int(self._run(statement, row).rowcount)

    def _write_many(self, statement: CompiledStatement, rows: Sequence[Row]) -> int:
        """Run a statement that writes once for each row; return how many rows it met in all."""
        self.written = True
        try:
            return statement.run_many(self._connection, rows)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._dialect.error(error) from None

    def append(self, events: Sequence[Event], now: datetime) -> Sequence[Recorded]:
        """Append at `head() + 1 …`, in order. What is returned is what a reader will find.

        Raises:
            Conflict: an event's position is not the next one; nothing was appended.
            TypeError: an event's data hold a float, or what JSON has no word for.
        """
        if not events:
            return ()
        position, last = self._last()
        recorded_at = now if last is None or now > last else last
        versions: dict[str, int] = {}
        rows: list[dict[str, Any]] = []
        recorded: list[Recorded] = []
        for event in events:
            position += 1
            if event.position != position:
                raise Conflict(
                    f"{event.type} was decided for position {event.position}, and the next one is {position}"
                )
            if event.stream not in versions:
                versions[event.stream] = self._run(_VERSION, {"stream": event.stream}).fetchone()[0] or 0
            versions[event.stream] += 1
            row = _event_row(event, codec.uuid7(recorded_at, position), versions[event.stream], recorded_at)
            rows.append(row)
            stored = replace(event, data=json.loads(row["data"]))
            recorded.append(Recorded(event=stored, id=row["id"], version=row["version"], recorded_at=recorded_at))
        self._write_many(_APPEND, rows)
        self._tip = (position, recorded_at)
        self._new_leaves += map(_event_leaf, recorded, rows)
        return recorded

    def head(self) -> int:
        return self._last()[0]

    def _last(self) -> tuple[int, datetime | None]:
        # Nobody else appends while this transaction is open, so once is enough.
        if self._tip is None:
            row = self._run(_LAST).fetchone()
            self._tip = (0, None) if row is None else (row[0], records.time_of(row[1]))
        return self._tip

    def advance_epoch(self, beyond: int) -> None:
        self._write(_ADVANCE, {"beyond": beyond})
        self.begin_log()

    def begin_log(self) -> None:
        """Write into the tree which log this is, and its epoch."""
        head = self.log_head()
        self._add_leaf(LeafKind.LOG, str(head.epoch), lf.log_content(head.log, head.epoch))

    def mark_written(self, at: datetime | None) -> None:
        """Write down when the daemon was alive; None leaves what stands there, and is written all the same."""
        self._write(_MARK, {"at": None if at is None else records.time_text(at)})

    def put_source(self, state: SourceState) -> None:
        row = codec.columns(state)
        if self._write(_MOVE_SOURCE, {**row, "b_key": state.key}) == 0:
            self._write(_NEW_SOURCE, row)
        self._cache.moved(state.key, state.baseline)

    def rename_source(self, was: str, key: str) -> None:
        for statement in _RENAME_SOURCE:
            self._write(statement, {"was": was, "new_key": key})

    def put_pending_changes(self, source: str, pending_changes: Iterable[PendingChange]) -> None:
        self._write(_DROP_STREAKS, {"source": source})
        rows = [_streak_row(source, ordinal, pending_change) for ordinal, pending_change in enumerate(pending_changes)]
        if rows:
            self._write_many(_NEW_STREAKS, rows)

    def put_alternations(self, source: str, rows: Iterable[Alternation]) -> None:
        self._write(_DROP_ALTERNATIONS, {"source": source})
        columns = [_alternation_row(row) for row in rows]
        if columns:
            self._write_many(_NEW_ALTERNATIONS, columns)

    def put_entry(self, entry: Entry) -> None:
        row = {"status": entry.status.value, "position": entry.position, "content": codec.encode(entry)}
        if self._write(_MOVE_ENTRY, {**row, "b_key": entry.key}) == 0:
            self._write(_NEW_ENTRY, {**row, "key": entry.key})

    def drop_entries(self) -> None:
        self._write(_DROP_ENTRIES, {})

    def put_measurements(self, measured: Iterable[Measurement]) -> None:
        rows = [codec.columns(measurement) for measurement in measured]
        if rows:
            self._write_many(measures.NEW_MEASUREMENTS, rows)

    def forget_measurements(self, before: datetime) -> int:
        self._write(measures.FORGET_SPENDING, {"day": measures.day_of(before).isoformat()})
        return self._write(measures.FORGET_MEASUREMENTS, {"before": records.time_text(before)})

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation:
        """Write down money that is set aside.

        Raises:
            ValueError: the amount is negative or no number.
        """
        row = {"surface": surface, "day": measures.day_of(at).isoformat(), "amount": _money(amount)}
        self.written = True
        return Reservation(id=self._run(measures.RESERVE, row).fetchone()[0], surface=surface, amount=amount)

    def settle_spending(self, reservation: Reservation, spent: Decimal) -> None:
        """Replace what was set aside by what was spent.

        Raises:
            ValueError: the sum is negative or no number.
            Refused: nothing is set aside under this number.
        """
        if self._write(measures.SETTLE, {"b_id": reservation.id, "amount": _money(spent)}) == 0:
            raise Refused(f"Nothing is set aside under the number {reservation.id}: it was dropped with its day.")

    def hold_turn(self, name: str, run: int, due_at: datetime) -> bool:
        """Put a turn off; False where this is not its last run any more."""
        return self._write(HOLD, {"b_name": name, "b_run": run, "due": records.time_text(due_at)}) > 0

    def put_working_state(self, name: str, content: str, at: datetime | None = None) -> None:
        """Keep a text under a name, as of a time; an empty one, which needs none, is forgotten."""
        row = {"content": content, "at": codec.optional_time_text(at)}
        if not content:
            self._write(_DROP_WORKING_STATE, {"name": name})
        elif self._write(_MOVE_WORKING_STATE, {**row, "b_name": name}) == 0:
            self._write(_NEW_WORKING_STATE, {**row, "name": name})

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return self._dialect.has_table(self._connection, name)

    def run_script(self, script: str) -> None:
        """Run statements that a library wrote."""
        self.written = True
        cursor: Any = self._connection.connection.cursor()
        try:
            cursor.execute(script)  # by the driver: without parameters, a percent sign is one
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._dialect.error(error) from None

    def put_facts(self, facts: Facts) -> str:
        text = facts_text(facts).encode()
        hash = name_of(text)
        if not self._has_blob(blobs.FACTS, hash):
            row = {"kind": blobs.FACTS, "hash": hash, "content": blobs.compress(text), "size": len(text)}
            self._write(
                _NEW_BLOB, {**row, "sha256": "", "content_type": "", "url": "", "source": "", "created_at": None}
            )
        return hash

    def put_evidence(self, body: Body, source: str, now: datetime) -> str:
        hash = name_of(body.content)
        there = self._run(_BYTES, {"hash": hash}).fetchone()
        if there is None:
            row = {
                "kind": blobs.EVIDENCE,
                "hash": hash,
                "content": blobs.compress(body.content),
                "size": body.size,
                "sha256": body.sha256,
                "content_type": body.content_type,
                "url": body.url,
                "source": source,
                "created_at": records.time_text(now),
            }
            self._write(_NEW_BLOB, row)
            self._add_leaf(LeafKind.EVIDENCE, hash, lf.evidence_content(row))
        elif there[0] == 0:  # its bytes were pruned, and are seen again
            self._write(_SET_BYTES, {"b_hash": hash, "content": blobs.compress(body.content)})
        return hash

    def prune_evidence(self, evidence: Iterable[KeptEvidence], after: int) -> Sequence[KeptEvidence]:
        unreferenced = {piece.hash: piece for piece in evidence}
        self._drop_named(unreferenced, after)
        if unreferenced:
            self._write_many(_SET_BYTES, [{"b_hash": hash, "content": b""} for hash in unreferenced])
        return tuple(unreferenced.values())

    def _has_blob(self, kind: str, hash: str) -> bool:
        return self._run(_BLOB, {"kind": kind, "hash": hash}).fetchone() is not None

    def enqueue(self, notice: Notice, destinations: Sequence[str], now: datetime) -> None:
        if self._run(_HAS_NOTICE, {"id": notice.id}).fetchone() is not None:
            return
        at = records.time_text(now)
        row = {
            "id": notice.id,
            "owner": notice.owner,
            "at": records.time_text(notice.at),
            "content": codec.encode(notice),
        }
        self._write(_NEW_NOTICE, row)
        self._add_leaf(LeafKind.NOTICE, notice.id, lf.notice_content(**row))
        rows = [
            {
                "notice": notice.id,
                "owner": notice.owner,
                "destination": destination,
                "state": DeliveryState.WAITING.value,
                "attempts": 0,
                "retry_at": at,
                "created_at": at,
                "error": "",
                "claimed_by": "",
                "claimed_until": None,
            }
            for destination in destinations
        ]
        if rows:
            self._write_many(_NEW_DELIVERIES, rows)

    def claim(
        self, now: datetime, until: datetime, limit: int, worker: str, notices: Collection[str] = ()
    ) -> Sequence[Delivery]:
        given = {**reckoned(now), "most": limit}
        if notices:
            rows = [row for notice in notices for row in self._run(_DUE_OF_NOTICE, {**given, "notice": notice})]
        else:
            rows = self._run(_DUE, given).fetchall()
        due = [dict(zip(_DELIVERY, row, strict=True)) for row in rows]
        if not due:
            return ()
        lease = {"worker": worker, "until": records.time_text(until)}
        self._write_many(_CLAIM, [{"b_id": row["id"], **lease} for row in due])
        return [replace(delivery(row), state=DeliveryState.SENDING) for row in due]

    def free_claims(self, worker: str) -> int:
        return self._write(_FREE, {"worker": worker})

    def settle(self, *deliveries: Delivery) -> None:
        """Write state, attempts, retry_at and error of deliveries, and end their claims.

        Raises:
            Refused: one of them is not there.
        """
        rows = [
            {
                "b_id": delivery.id,
                "state": delivery.state.value,
                "attempts": delivery.attempts,
                "retry_at": records.time_text(delivery.retry_at),
                "error": delivery.error,
            }
            for delivery in deliveries
        ]
        if rows and self._write_many(_SETTLE, rows) < len(rows):
            ids = ", ".join(str(delivery.id) for delivery in deliveries)
            raise Refused(f"There is no delivery {ids} in the outbox: `access-monitor outbox` lists them.")

    def keep_sent(self, message: SentMessage) -> None:
        """Keep a message as it went out; its number is given here."""
        row = {
            "notice": message.notice,
            "owner": message.owner,
            "destination": message.destination,
            "label": message.label,
            "at": records.time_text(message.at),
            "incidents": f"|{'|'.join(message.incidents)}|",
            "form": message.form,
            "thread": message.thread,
            "title": message.title,
            "body": message.body,
        }
        self.written = True
        kept = replace(message, id=self._run(_NEW_SENT, row).fetchone()[0])
        self._add_leaf(LeafKind.MESSAGE, str(kept.id), lf.message_content(kept))

    def keep_lease(self, environment: str, document: bytes, at: datetime) -> None:
        """Keep a lease document whose answers are new."""
        hash = name_of(document)
        if not self._has_blob(blobs.LEASE, hash):
            row = {"kind": blobs.LEASE, "hash": hash, "content": blobs.compress(document), "size": len(document)}
            self._write(
                _NEW_BLOB,
                {
                    **row,
                    "sha256": "",
                    "content_type": "application/json",
                    "url": "",
                    "source": "",
                    "created_at": records.time_text(at),
                },
            )
        lease = LeaseRecord(id=self.tree.next_lease(), environment=environment, at=at, document=hash)
        self._write(tree.NEW_LEASE, codec.columns(lease))
        self._add_leaf(LeafKind.LEASE, str(lease.id), lf.lease_content(lease))

    def keep_checkpoint(self, checkpoint: KeptCheckpoint) -> None:
        """Keep a signed note about the tree."""
        self._write(tree.NEW_CHECKPOINT, codec.columns(checkpoint))

    def keep_signing_key(self, key: str, at: datetime) -> None:
        """Write into the tree that a key signs from here on."""
        self._write(tree.NEW_SIGNING_KEY, {"key": key, "at": records.time_text(at)})
        self._add_leaf(LeafKind.KEY, key, lf.key_content(key))

    def put_credential(self, credential: Credential) -> None:
        self._write(credentials.NEW, codec.columns(credential))

    def revoke_token(self, name: str, at: datetime) -> bool:
        revoked = self._write(credentials.REVOKE, {"b_name": name, "at": records.time_text(at)}) > 0
        self._write(credentials.DROP_OF_TOKEN, {"token": name})
        return revoked

    def drop_credential(self, digest: str) -> bool:
        return self._write(credentials.DROP, {"digest": digest}) > 0

    def drop_ended_credentials(self, at: datetime) -> None:
        self._write(credentials.DROP_ENDED, {"at": records.time_text(at)})

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        rows = [{"b_digest": digest, "at": records.time_text(at)} for digest, at in uses.items()]
        if rows:
            self._write_many(credentials.USE, rows)

    def touch(self, polls: Sequence[SeenAt]) -> None:
        """Renew the freshness of sources that were polled and had not changed."""
        if polls:
            self._write_many(_TOUCH, [_touch_row(poll) for poll in polls])


def _event_leaf(recorded: Recorded, row: Row) -> _NewLeaf:
    content = tree.plain_event(tuple(row.values()))
    return LeafKind.EVENT, recorded.event.position, "", leaf_hash(content or lf.event_content(recorded))


def _money(amount: Decimal) -> str:
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{amount} is no sum that can be spent")
    return canonical(amount)


def _touch_row(poll: SeenAt) -> dict[str, Any]:
    return {
        "b_key": poll.source,
        "at": records.time_text(poll.at),
        "b_etag": poll.etag,
        "b_last_modified": poll.last_modified,
    }


def _event_row(event: Event, id: str, version: int, recorded_at: datetime) -> dict[str, Any]:
    return {
        "position": event.position,
        "id": id,
        "type": event.type,
        "stream": event.stream,
        "version": version,
        "subject": event.subject,
        "source": event.source,
        "occurred_at": records.time_text(event.occurred_at),
        "recorded_at": records.time_text(recorded_at),
        "actor": event.actor,
        "cause": event.cause,
        "evidence": event.evidence,
        "data": canonical_json(event.data),
    }


def _streak_row(source: str, ordinal: int, pending_change: PendingChange) -> dict[str, Any]:
    subject, field = pending_change.fact
    return {
        "source": source,
        "ordinal": ordinal,
        "scope": subject.scope,
        "name": subject.name,
        "field": field,
        "value": None if pending_change.value is None else canonical_json(pending_change.value),
        "seen": pending_change.seen,
        "first_at": records.time_text(pending_change.first_at),
        "counted_at": records.time_text(pending_change.counted_at),
        "before": codec.optional_time_text(pending_change.before),
        "evidence": pending_change.evidence,
        "quarantine": pending_change.quarantine,
        "anomaly": pending_change.anomaly,
        "held_until": codec.optional_time_text(pending_change.held_until),
    }


def _alternation_row(row: Alternation) -> dict[str, Any]:
    subject, field = row.fact
    return {
        "source": row.source,
        "scope": subject.scope,
        "name": subject.name,
        "field": field,
        "other": None if row.other is None else canonical_json(row.other),
        "turns": row.turns,
        "at": records.time_text(row.at),
        "said_at": codec.optional_time_text(row.said_at),
        "told_at": codec.optional_time_text(row.told_at),
    }
