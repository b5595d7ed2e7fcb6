"""The tree over the log as it is kept: its leaves, the hashes above them, checkpoints, and what each leaf is of.

A commit writes one row for each leaf, and one more each time 256 leaves have become a full tile, so its cost does not
grow with the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select

from monitor.core import leaves as lf
from monitor.core import records
from monitor.core.content import canonical_json
from monitor.core.leaves import KeptCheckpoint, KeptLease, Leaf, LeafKind, LeaseRecord, StoredEvent
from monitor.core.merkle import closed_tiles
from monitor.store import blobs, codec
from monitor.store.dialects import Dialect
from monitor.store.errors import Damaged
from monitor.store.schema import blobs as blob_table
from monitor.store.schema import (
    checkpoints,
    events,
    lease_documents,
    leaves,
    log,
    notices,
    sent_messages,
    signing_keys,
    tree_nodes,
)
from monitor.store.statements import CompiledStatement, Row

_BATCH = 1000

_SIZE = CompiledStatement(select(func.coalesce(func.max(leaves.c.number) + 1, 0)))
_LEAF = CompiledStatement(select(leaves).where(leaves.c.number == bindparam("number")))
_TILE = CompiledStatement(
    select(leaves.c.hash)
    .where(leaves.c.number >= bindparam("first"), leaves.c.number < bindparam("end"))
    .order_by(leaves.c.number)
)
_NODES = CompiledStatement(
    select(tree_nodes.c.hash)
    .where(tree_nodes.c.level == bindparam("level"))
    .where(tree_nodes.c.number >= bindparam("first"), tree_nodes.c.number < bindparam("end"))
    .order_by(tree_nodes.c.number)
)
_CHECKPOINTS = CompiledStatement(select(checkpoints).order_by(checkpoints.c.size))
_LAST_CHECKPOINT = CompiledStatement(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))
_SIGNING_KEYS = CompiledStatement(select(signing_keys.c.key).order_by(signing_keys.c.at, signing_keys.c.key))
_LOG_ID = CompiledStatement(select(log.c.id))
_EVENT_ROW = CompiledStatement(select(events).where(events.c.position == bindparam("position")))
_EVIDENCE_ROW = CompiledStatement(
    select(
        blob_table.c.hash,
        blob_table.c.size,
        blob_table.c.sha256,
        blob_table.c.content_type,
        blob_table.c.url,
        blob_table.c.source,
        blob_table.c.created_at,
    ).where(blob_table.c.kind == blobs.EVIDENCE, blob_table.c.hash == bindparam("reference"))
)
_NOTICE_ROW = CompiledStatement(select(notices).where(notices.c.id == bindparam("reference")))
_MESSAGE_ROW = CompiledStatement(select(sent_messages).where(sent_messages.c.id == bindparam("id")))
_LEASE_ROW = CompiledStatement(select(lease_documents).where(lease_documents.c.id == bindparam("id")))
_KEY_ROW = CompiledStatement(select(signing_keys.c.key).where(signing_keys.c.key == bindparam("reference")))
_LAST_LEASE = CompiledStatement(
    select(*lease_documents.c, blob_table.c.content)
    .join(blob_table, lease_documents.c.document == blob_table.c.hash)
    .where(blob_table.c.kind == blobs.LEASE, lease_documents.c.environment == bindparam("environment"))
    .where(lease_documents.c.at <= bindparam("at"))
    .order_by(lease_documents.c.id.desc())
    .limit(1)
)
_NEXT_LEASE = CompiledStatement(select(func.coalesce(func.max(lease_documents.c.id), 0) + 1))

NEW_LEAVES = CompiledStatement(insert(leaves).inline())
NEW_NODES = CompiledStatement(insert(tree_nodes).inline())
NEW_CHECKPOINT = CompiledStatement(insert(checkpoints).inline())
NEW_SIGNING_KEY = CompiledStatement(insert(signing_keys).inline())
NEW_LEASE = CompiledStatement(insert(lease_documents).inline())

_REFERENCES: dict[LeafKind, Select[Any]] = {
    LeafKind.EVIDENCE: select(blob_table.c.hash).where(blob_table.c.kind == blobs.EVIDENCE),
    LeafKind.NOTICE: select(notices.c.id),
    LeafKind.MESSAGE: select(sent_messages.c.id),
    LeafKind.LEASE: select(lease_documents.c.id),
    LeafKind.KEY: select(signing_keys.c.key),
}

_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""What reading a row raises that this program did not write: text that is no JSON, no time, no number, or no text."""

_KINDS = {kind.value: kind for kind in LeafKind}
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS = records.time_text(datetime.max.replace(tzinfo=UTC))
_BASELINE = re.compile(r'"baseline":"(sha256:[0-9a-f]{64})"')
_LONG_NUMBER = re.compile(r"[0-9]{16}")
_WHOLE_SECOND = ".000000Z"
_NOTHING: Row = MappingProxyType({})


class SqlTree:
    """The port `TreeReader` on one connection."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    def _run(self, statement: CompiledStatement, row: Row = _NOTHING) -> Any:
        try:
            return statement.run(self._connection, row)
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise self._dialect.error(error) from None

    def size(self) -> int:
        """Return how many leaves the tree has."""
        return int(self._run(_SIZE).fetchone()[0])

    def tile(self, level: int, number: int, width: int) -> Sequence[bytes]:
        """Return the first `width` hashes of a tile; fewer where it has fewer."""
        first = number << 8
        bounds = {"first": first, "end": first + width}
        rows = self._run(_NODES, {"level": level, **bounds}) if level else self._run(_TILE, bounds)
        return [_bytes(hash) for (hash,) in rows.fetchall()]

    def leaves(self, first: int = 0) -> Iterator[Leaf]:
        """Yield the leaves from `first` on, in order, fetched in batches while they are read."""
        for row in self._batches(select(leaves).where(leaves.c.number >= first).order_by(leaves.c.number)):
            yield _leaf(row)

    def leaf_of(self, position: int) -> Leaf | None:
        """Return the leaf of the event at a position; None where there is none.

        Leaves are found by halving: an index by position would cost each commit more than this costs a proof.
        """
        low, high = 0, self.size()
        while low < high:
            middle = (low + high) // 2
            row = self._run(_LEAF, {"number": middle}).fetchone()
            if row is not None and row[2] < position:
                low = middle + 1
            else:
                high = middle
        while (row := self._run(_LEAF, {"number": low}).fetchone()) is not None and row[2] == position:
            if row[1] == LeafKind.EVENT:
                return _leaf(row)
            low += 1
        return None

    def content(self, leaf: Leaf) -> bytes | None:
        """Return the bytes that a leaf would be the hash of by what is stored now; None where nothing is, or what is
        there could not have been written.
        """
        try:
            return self._content(leaf)
        except (*_UNREADABLE, Damaged):
            return None

    def _content(self, leaf: Leaf) -> bytes | None:
        if leaf.kind is LeafKind.LOG:
            return lf.log_content(self._run(_LOG_ID).fetchone()[0], int(leaf.reference))
        if leaf.kind is LeafKind.EVENT:
            row = self._run(_EVENT_ROW, {"position": leaf.position}).fetchone()
            if row is None or canonical_json(json.loads(row[12])) != row[12]:
                return None
            return lf.event_content(codec.recorded_of(row))
        statement = {
            LeafKind.EVIDENCE: _EVIDENCE_ROW,
            LeafKind.NOTICE: _NOTICE_ROW,
            LeafKind.MESSAGE: _MESSAGE_ROW,
            LeafKind.LEASE: _LEASE_ROW,
            LeafKind.KEY: _KEY_ROW,
        }[leaf.kind]
        by_number = leaf.kind in (LeafKind.MESSAGE, LeafKind.LEASE)
        row = self._run(
            statement, {"id": int(leaf.reference)} if by_number else {"reference": leaf.reference}
        ).fetchone()
        return None if row is None else self._described(leaf.kind, row)

    def _described(self, kind: LeafKind, row: Sequence[Any]) -> bytes:
        if kind is LeafKind.EVIDENCE:
            names = ("hash", "size", "sha256", "content_type", "url", "source", "created_at")
            return lf.evidence_content(dict(zip(names, row, strict=True)))
        if kind is LeafKind.NOTICE:
            return lf.notice_content(*row)
        if kind is LeafKind.MESSAGE:
            return lf.message_content(codec.message_of(dict(zip(sent_messages.c.keys(), row, strict=True))))
        if kind is LeafKind.LEASE:
            return lf.lease_content(
                codec.of_columns(LeaseRecord, dict(zip(lease_documents.c.keys(), row, strict=True)))
            )
        return lf.key_content(row[0])

    def events(self) -> Iterator[StoredEvent]:
        """Yield the events as they are stored, in order, each with the bytes that its leaf should be the hash of.

        The bytes are put together from the row, whose data are canonical JSON already: that takes a third of decoding
        them and writing them anew. Where the two would differ (a number that no double holds, a very large event) the
        bytes are not those of the leaf, and `content` says which are.
        """
        for row in self._batches(select(events).order_by(events.c.position)):
            yield _stored_event(row)

    def references(self, kind: LeafKind) -> Iterator[str]:
        """Yield what is stored of a kind, by the reference that its leaf has."""
        for (reference,) in self._batches(_REFERENCES[kind]):
            yield str(reference)

    def blobs(self) -> Iterator[tuple[str, bool]]:
        """Yield every blob whose bytes are stored: its hash, and whether they are those that the hash names."""
        for hash, content in self._batches(select(blob_table.c.hash, blob_table.c.content)):
            if content == b"":  # pruned
                continue
            try:
                blobs.restore(content, hash)
            except (Damaged, TypeError):
                yield str(hash), False
            else:
                yield hash, True

    def checkpoints(self) -> Sequence[KeptCheckpoint]:
        """Return the checkpoints that are kept, the smallest tree first."""
        return [_checkpoint(row) for row in self._run(_CHECKPOINTS).fetchall()]

    def last_checkpoint(self) -> KeptCheckpoint | None:
        """Return the checkpoint of the largest tree."""
        row = self._run(_LAST_CHECKPOINT).fetchone()
        return None if row is None else _checkpoint(row)

    def signing_keys(self) -> Sequence[str]:
        """Return the public keys whose leaf is in the tree, as verifiers take them, the oldest first."""
        return [str(key) for (key,) in self._run(_SIGNING_KEYS).fetchall()]

    def last_lease(self, environment: str, at: datetime | None = None) -> KeptLease | None:
        """Return the lease document of an environment that was kept last, or last at a time."""
        until = _ALWAYS if at is None else records.time_text(at)
        row = self._run(_LAST_LEASE, {"environment": environment, "at": until}).fetchone()
        if row is None:
            return None
        *columns, content = row
        record = codec.of_columns(LeaseRecord, dict(zip(lease_documents.c.keys(), columns, strict=True)))
        return KeptLease(record, blobs.restore(content, record.document))

    def next_lease(self) -> int:
        """Return the number that the next lease document gets."""
        return int(self._run(_NEXT_LEASE).fetchone()[0])

    def _batches(self, query: Select[Any]) -> Iterator[Any]:
        cursor = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        try:
            for rows in cursor.partitions():  # row by row a cursor of SQLAlchemy takes three times as long
                yield from rows
        finally:
            cursor.close()


def rows_of_leaves(tree: SqlTree, size: int, added: Sequence[Leaf]) -> tuple[list[Row], list[Row]]:
    """Return the rows of leaves that are added to a tree of `size`, and those of the hashes that they bring above."""
    nodes = closed_tiles(size, [leaf.hash for leaf in added], tree.tile)
    return (
        [
            {
                "number": leaf.number,
                "kind": leaf.kind.value,
                "position": leaf.position,
                "reference": leaf.reference,
                "hash": leaf.hash,
            }
            for leaf in added
        ],
        [{"level": level, "number": number, "hash": hash} for level, number, hash in nodes],
    )


def _leaf(row: Sequence[Any]) -> Leaf:
    number, kind, position, reference, hash = row
    # Whoever writes a SQLite file by hand may put anything anywhere; what could be none of ours fits nothing.
    position = position if isinstance(position, int) else 0
    return Leaf(number, _KINDS.get(kind, LeafKind.LOG), position, str(reference), _bytes(hash))


def _bytes(hash: object) -> bytes:
    return bytes(hash) if isinstance(hash, bytes | bytearray | memoryview) else b""


def _checkpoint(row: Sequence[Any]) -> KeptCheckpoint:
    size, at, note = row
    try:
        time = records.time_of(at)
    except _UNREADABLE:
        time = _NO_TIME  # no signature covers it
    return KeptCheckpoint(size=size, at=time, note=str(note))


def _stored_event(row: Any) -> StoredEvent:
    (position, _, _, stream, version, _, _, _, recorded_at, _, cause, evidence, data) = row
    try:
        content, baseline = _event_bytes(row), _BASELINE.search(data)
    except (*_UNREADABLE, UnicodeError):
        content, baseline = b"", None
    return StoredEvent(
        position=position,
        stream=str(stream),
        version=version if isinstance(version, int) else 0,
        recorded_at=str(recorded_at),
        cause=cause if isinstance(cause, int) else None,
        evidence=str(evidence),
        baseline="" if baseline is None else baseline[1],
        content=content,
    )


def plain_event(row: Sequence[Any]) -> bytes | None:
    """Return the bytes of the leaf of an event from its row, in a third of the time that writing them anew takes; None
    where the row may differ from them: RFC 8785 sorts keys beyond ASCII in another order, writes whole numbers that no
    double holds as text, and a very large event stands by the hash of its data.
    """
    data = row[12]
    if not data.isascii() or _LONG_NUMBER.search(data) is not None:
        return None
    try:
        content = _event_bytes(row)
    except UnicodeError:
        return None
    return content if len(content) <= lf.LARGEST else None


def _event_bytes(row: Any) -> bytes:
    (position, id, type, stream, _, subject, source, occurred_at, recorded_at, actor, cause, evidence, data) = row
    text = encode_basestring
    return (
        f'{{"actor":{text(actor)},"cause":{"null" if cause is None else cause},"data":{data},'
        f'"evidence":{text(evidence)},"id":{text(id)},"occurred_at":{text(_public(occurred_at))},'
        f'"position":{position},"recorded_at":{text(_public(recorded_at))},"source":{text(source)},'
        f'"stream":{text(stream)},"subject":{text(subject)},"type":{text(type)}}}'
    ).encode()


def _public(time: str) -> str:
    return f"{time[:-8]}Z" if time.endswith(_WHOLE_SECOND) else time
