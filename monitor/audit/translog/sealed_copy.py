"""Sealed copies of segments of the log: what stands in one, and a reader over several that lie side by side.

A segment is JSON Lines, compressed with zstd: a line that says which log it is of, which leaves, and the signed
checkpoint that covers them; then a line for each leaf of the tree, with what the leaf is the hash of. An event stands
whole. So whoever has the copies alone can verify them, and read the log in them. They lie beside the log, never in its
place: the bytes of evidence and the words of messages are not in them, only their hashes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from re import Pattern, compile, escape
from typing import Any

from monitor.audit.translog.sealing import Rewritten
from monitor.core import zstd
from monitor.core.entry import Entry
from monitor.core.events import SYSTEM, Event, LogHead, Recorded, record
from monitor.core.leaves import KeptCheckpoint, KeptLease, Leaf, LeafKind, StoredEvent, event_content
from monitor.core.merkle import WIDTH, Tree, full_root, leaf_hash
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.core.records import time_text
from monitor.registry import transitions

FORMAT = "access-monitor-sealed/1"

LARGEST_SEGMENT = 64 * WIDTH
"""The leaves of a segment at most: so much is lost when sealing is interrupted, and so much is read at a time."""

_LEVEL = 9


class DamagedCopy(Refused):
    """A sealed copy cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHead:
    """What the first line of a segment says.

    Attributes:
        log: the id of the log; `epoch` how often it had been set back by the end of the segment.
        first: the number of its first leaf; `end` that of the first one after it.
        root: the root of the tree of the first `end` leaves.
        checkpoint: the signed note of a tree that has at least so many.
    """

    log: str
    epoch: int
    first: int
    end: int
    root: bytes
    checkpoint: str
    sealed_at: datetime


def sealed_segment(reader: Reader, first: int, end: int, checkpoint: str, now: datetime) -> bytes:
    """Return the segment of the leaves from `first` to before `end`, compressed.

    Raises:
        Rewritten: what is stored is not what a leaf is the hash of; that is never sealed.
    """
    head = reader.log_head()
    root = Tree(reader.tree.tile, end).root()
    written = {
        "format": FORMAT,
        "log": head.log,
        "epoch": head.epoch,
        "first": first,
        "end": end,
        "root": base64.b64encode(root).decode(),
        "sealed_at": time_text(now),
        "checkpoint": checkpoint,
    }
    lines = [json.dumps(written, ensure_ascii=False), *_leaf_lines(reader, first, end)]
    return zstd.compress("".join(f"{line}\n" for line in lines).encode(), level=_LEVEL)


def _leaf_lines(reader: Reader, first: int, end: int) -> Iterator[str]:
    events: Iterator[Recorded] = iter(())
    began = False
    for leaf in reader.tree.leaves(first):
        if leaf.number >= end:
            return
        line: dict[str, Any] = {"hash": base64.b64encode(leaf.hash).decode()}
        if leaf.kind is LeafKind.EVENT:
            if not began:
                events, began = reader.events(EventQuery(after=leaf.position - 1)), True
            recorded = next(events, None)
            if recorded is None or leaf_hash(event_content(recorded)) != leaf.hash:
                raise _rewritten(leaf)
            line |= {"version": recorded.version, "event": record(recorded)}
        else:
            content = reader.tree.content(leaf)
            if content is None or leaf_hash(content) != leaf.hash:
                raise _rewritten(leaf)
            line |= {
                "kind": leaf.kind.value,
                "position": leaf.position,
                "reference": leaf.reference,
                "content": content.decode(),
            }
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _rewritten(leaf: Leaf) -> Rewritten:
    return Rewritten(
        f"What leaf {leaf.number} of the tree is of was changed, so it is not sealed: `access-monitor audit verify` "
        "names the first position that does not fit."
    )


@dataclass(frozen=True, slots=True)
class SealedSegment:
    """A segment where it lies: what to call it, and how to read its bytes."""

    name: str
    read: Callable[[], bytes]

    def head(self) -> SegmentHead:
        """Read its first line.

        Raises:
            DamagedCopy: it is no segment, or a part of it is gone.
        """
        return _head(self.name, self._lines()[0])

    def content(self) -> SegmentContent:
        """Read all of it.

        Raises:
            DamagedCopy: it is no segment, or a part of it is gone.
        """
        first, *rest = self._lines()
        head = _head(self.name, first)
        if len(rest) != head.end - head.first:
            raise _damaged(self.name)
        try:
            return SegmentContent(head, [_sealed_leaf(head.first + at, line) for at, line in enumerate(rest)])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _damaged(self.name) from None

    def _lines(self) -> list[str]:
        try:
            return zstd.decompress(self.read()).decode().removesuffix("\n").split("\n")
        except (zstd.ZstdError, UnicodeDecodeError):
            raise _damaged(self.name) from None


def _damaged(name: str) -> DamagedCopy:
    return DamagedCopy(f"The sealed copy {name} cannot be read: it is damaged or none; seal the log into a new folder.")


def _head(name: str, line: str) -> SegmentHead:
    try:
        written = json.loads(line)
        if written["format"] != FORMAT:
            raise _damaged(name)
        return SegmentHead(
            log=str(written["log"]),
            epoch=int(written["epoch"]),
            first=int(written["first"]),
            end=int(written["end"]),
            root=base64.b64decode(written["root"]),
            checkpoint=str(written["checkpoint"]),
            sealed_at=datetime.fromisoformat(written["sealed_at"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(name) from None


@dataclass(frozen=True, slots=True)
class SealedLeaf:
    """A leaf as a segment has it: with what it is the hash of, and the event where it is one."""

    leaf: Leaf
    content: bytes
    event: Recorded | None


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """A segment that was read."""

    head: SegmentHead
    leaves: Sequence[SealedLeaf]


def _sealed_leaf(number: int, line: str) -> SealedLeaf:
    written = json.loads(line)
    hash = base64.b64decode(written["hash"])
    if "event" in written:
        recorded = _recorded(written["event"], written["version"])
        leaf = Leaf(number, LeafKind.EVENT, recorded.event.position, "", hash)
        return SealedLeaf(leaf, event_content(recorded), recorded)
    leaf = Leaf(number, LeafKind(written["kind"]), int(written["position"]), str(written["reference"]), hash)
    return SealedLeaf(leaf, written["content"].encode(), None)


def _recorded(written: Mapping[str, Any], version: int) -> Recorded:
    event = Event(
        position=int(written["position"]),
        type=written["type"],
        stream=written["stream"],
        subject=written["subject"],
        occurred_at=datetime.fromisoformat(written["occurred_at"]),
        source=written["source"],
        actor=written["actor"],
        cause=written["cause"],
        evidence=written["evidence"],
        data=written["data"],
    )
    recorded_at = datetime.fromisoformat(written["recorded_at"])
    return Recorded(event=event, id=written["id"], version=int(version), recorded_at=recorded_at)


class SealedTree:
    """The tree over sealed segments, as far as they have it: the port `TreeReader` over copies."""

    def __init__(self, segments: Sequence[SealedSegment]) -> None:
        self._segments = segments
        self._heads = [segment.head() for segment in segments]
        self._read = lru_cache(maxsize=2)(lambda at: self._segments[at].content())
        self._contents: Mapping[int, bytes] = {}

    @property
    def heads(self) -> Sequence[SegmentHead]:
        """The first lines of the segments, in order."""
        return self._heads

    def segment(self, at: int) -> SegmentContent:
        """Return a segment by its place among all."""
        return self._read(at)

    def size(self) -> int:
        """Return how many leaves the tree has, up to the last that is sealed."""
        return self._heads[-1].end if self._heads else 0

    def leaves(self, first: int = 0) -> Iterator[Leaf]:
        """Yield the leaves from `first` on, in order."""
        for at, head in enumerate(self._heads):
            if head.end <= first:
                continue
            leaves = self._read(at).leaves
            self._contents = {sealed.leaf.number: sealed.content for sealed in leaves}
            for sealed in leaves[max(first - head.first, 0) :]:
                yield sealed.leaf

    def leaf_of(self, position: int) -> Leaf | None:
        """Return the leaf of the event at a position; None where there is none."""
        return next((leaf for leaf in self.leaves() if leaf.kind is LeafKind.EVENT and leaf.position == position), None)

    def content(self, leaf: Leaf) -> bytes | None:
        """Return the bytes that a leaf would be the hash of by the segment that is being read."""
        return self._contents.get(leaf.number)

    def events(self) -> Iterator[StoredEvent]:
        """Yield the events in order, each with the bytes that its leaf should be the hash of."""
        for at in range(len(self._heads)):
            for sealed in self._read(at).leaves:
                if sealed.event is not None:
                    yield _stored(sealed.event, sealed.content)

    def references(self, kind: LeafKind) -> Iterator[str]:
        """Yield nothing: a segment holds nothing that has no leaf."""
        return iter(())

    def blobs(self) -> Iterator[tuple[str, bool]]:
        """Yield nothing: no bytes are sealed."""
        return iter(())

    def tile(self, level: int, number: int, width: int) -> Sequence[bytes]:
        """Return the first hashes of a tile, as the leaves make them."""
        first = number * WIDTH
        return self._hashes(level)[first : first + width]

    def _hashes(self, level: int) -> Sequence[bytes]:
        hashes: Sequence[bytes] = self._leaf_hashes
        for _ in range(level):
            hashes = [full_root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        return hashes

    @cached_property
    def _leaf_hashes(self) -> Sequence[bytes]:
        return [leaf.hash for leaf in self.leaves()]

    def checkpoints(self) -> Sequence[KeptCheckpoint]:
        """Return the checkpoints that the segments name, each once."""
        notes = {head.checkpoint: head for head in self._heads}
        return [KeptCheckpoint(size=_size(note), at=head.sealed_at, note=note) for note, head in notes.items()]

    def last_checkpoint(self) -> KeptCheckpoint | None:
        """Return the checkpoint of the largest tree."""
        return max(self.checkpoints(), key=lambda checkpoint: checkpoint.size, default=None)

    def signing_keys(self) -> Sequence[str]:
        """Return the public keys whose leaf is in the tree."""
        return [leaf.reference for leaf in self.leaves() if leaf.kind is LeafKind.KEY]

    def last_lease(self, environment: str, at: datetime | None = None) -> KeptLease | None:
        """Return nothing: no lease document is sealed."""
        return None


def _size(note: str) -> int:
    size = note.split("\n")[1] if note.count("\n") > 1 else ""
    return int(size) if size.isdecimal() and len(size) < 20 else 0


def _stored(recorded: Recorded, content: bytes) -> StoredEvent:
    event, baseline = recorded.event, recorded.event.data.get("baseline")
    return StoredEvent(
        position=event.position,
        stream=event.stream,
        version=recorded.version,
        recorded_at=time_text(recorded.recorded_at),
        cause=event.cause,
        evidence=event.evidence,
        baseline=baseline if isinstance(baseline, str) else "",
        content=content,
    )


_ALL = EventQuery()


class SealedLog:
    """A log in its sealed copies: the ports `EventReader` and `VerifiedLog`.

    Raises:
        DamagedCopy: a copy cannot be read, or they do not lie side by side.
    """

    def __init__(self, segments: Sequence[SealedSegment]) -> None:
        self.tree = SealedTree(sorted(segments, key=lambda segment: segment.head().first))
        heads = self.tree.heads
        if not heads:
            raise DamagedCopy("There is no sealed copy at that place: write one with `access-monitor audit seal`.")
        for before, after in pairwise(heads):
            if before.log != after.log or after.first < before.end:
                raise DamagedCopy(
                    f"The sealed copies are of more than one log or overlap at leaf {after.first}: keep those of one "
                    "folder by themselves."
                )

    def log_head(self) -> LogHead:
        """Return which log it is, its epoch, and its last sealed position."""
        last = self.tree.heads[-1]
        return LogHead(last.log, last.epoch, self.head())

    def head(self) -> int:
        """Return the last sealed position."""
        return max((leaf.position for leaf in self.tree.leaves(self.tree.heads[-1].first)), default=0)

    def events(self, query: EventQuery = _ALL) -> Iterator[Recorded]:
        """Yield the events that `query` means, in order of position. A key that was renamed means itself alone."""
        criteria, left = _Criteria(query), query.limit
        order = range(len(self.tree.heads))
        for at in reversed(order) if query.newest_first else order:
            leaves = self.tree.segment(at).leaves
            for sealed in reversed(leaves) if query.newest_first else leaves:
                if sealed.event is None or not criteria.means(sealed.event):
                    continue
                if left is not None and left <= 0:
                    return
                left = None if left is None else left - 1
                yield sealed.event

    def event(self, position: int) -> Recorded | None:
        """Return the event at a position; None where it is not sealed."""
        for at in range(len(self.tree.heads)):
            leaves = self.tree.segment(at).leaves
            if leaves and leaves[-1].leaf.position >= position:
                return next((leaf.event for leaf in leaves if leaf.event and leaf.leaf.position == position), None)
        return None

    def notice(self, id: str) -> None:
        """Return nothing: a segment has the hash of a notice alone."""

    def entries(self) -> Mapping[str, Entry]:
        """Return the registry as the sealed events tell it."""
        return self._entries

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        return transitions.replay(recorded.event for recorded in self.events())


class _Criteria:
    """Which events a query means, judged one at a time."""

    def __init__(self, query: EventQuery) -> None:
        self._query = query
        self._type, self._subject = _glob(query.type), _glob(query.subject)

    def means(self, recorded: Recorded) -> bool:
        query, event = self._query, recorded.event
        exact = ((query.source, event.source), (query.stream, event.stream), (query.actor, event.actor))
        return (
            all(wanted in ("", value) for wanted, value in exact)
            and (not query.type or self._type.fullmatch(event.type) is not None)
            and (not query.subject or self._subject.fullmatch(event.subject) is not None)
            and query.check in ("", event.data.get("check"))
            and (not query.acts or event.actor != SYSTEM)
            and query.cause in (None, event.cause)
            and (query.since is None or recorded.recorded_at >= query.since)
            and (query.until is None or recorded.recorded_at <= query.until)
            and (query.after is None or event.position > query.after)
            and (query.before is None or event.position < query.before)
        )


def _glob(pattern: str) -> Pattern[str]:
    """Return a pattern of `*` and `?`, every other character standing for itself."""
    return compile(escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
