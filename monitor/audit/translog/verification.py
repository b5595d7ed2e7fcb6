"""The verification of a log: every row against its leaf, every leaf against signed checkpoints, every blob against its
name. Reading only, and nothing but the database and what the caller kept elsewhere is asked.

What a misfit means depends on who can write where. A row that does not fit its leaf was changed by somebody who left
the tree alone. A tree that does not fit a checkpoint was computed anew by somebody who has no key. What fits the
checkpoints in the database alone proves nothing against who holds the keys: for that a checkpoint has to have left the
machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import groupby

from monitor.audit.translog.checkpoints import Checkpoint, read_checkpoint
from monitor.audit.translog.notes import ForgedSignature, InvalidNote, VerifierKey, verifier_key
from monitor.core.events import LogHead
from monitor.core.leaves import Leaf, LeafKind, StoredEvent
from monitor.core.merkle import WIDTH, Frontier, Tiles, leaf_hash
from monitor.core.ports import Reader, TreeReader

UNKNOWN_KEY = "is not signed by a key that counts"
"""What is wrong with a checkpoint whose signatures nobody can check."""


class MisfitReason(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    EVIDENCE = "evidence"
    ORDER = "order"
    HASHES = "hashes"
    SIGNATURE = "signature"
    REWRITTEN = "rewritten"
    CUT = "cut"
    SET_BACK = "set_back"
    OTHER_LOG = "other_log"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that does not fit.

    Attributes:
        position: the first position that it concerns.
        until: the last position that it may begin at, where that cannot be told exactly.
        sentence: what is wrong, in words that name the position.
    """

    position: int
    reason: MisfitReason
    sentence: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class OutsideCheckpoint:
    """A checkpoint that was kept elsewhere: what to call it, and the tiles that were kept beside it, if any."""

    label: str
    checkpoint: Checkpoint
    tiles: Tiles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of it.

    Attributes:
        events: how many events the log has.
        leaves: how many leaves the tree has.
        covered: the leaves that the largest checkpoint with a good signature covers.
        checkpoints: how many checkpoints fit.
        misfits: everything that does not fit, by position.
    """

    events: int
    leaves: int
    covered: int
    checkpoints: int
    misfits: tuple[Misfit, ...]

    @property
    def fits(self) -> bool:
        """Whether all of it fits."""
        return not self.misfits


def verify(
    reader: Reader, *, outside: Sequence[OutsideCheckpoint] = (), keys: Sequence[VerifierKey] = ()
) -> Verification:
    """Verify all that a reader sees.

    Without `keys`, the keys are those that the log itself names.
    """
    stored, misfits = _stored_checkpoints(reader.tree)
    outside = sorted(outside, key=lambda given: given.checkpoint.size)
    walk = _LeafWalk(reader, {given.checkpoint.size for given in (*stored, *outside)})
    walk.run()
    trust = _Trust(reader.tree, walk, keys)
    trust.grow([given.checkpoint for given in (*stored, *outside)])
    judged = _judge_checkpoints(reader, walk, trust, stored, outside)
    misfits += [*walk.misfits, *_blobs(reader.tree, walk), *judged.misfits]
    return Verification(
        events=walk.events,
        leaves=walk.size,
        covered=max((given.checkpoint.size for given in judged.fitting), default=0),
        checkpoints=len(judged.fitting),
        misfits=tuple(sorted(dict.fromkeys(misfits), key=lambda misfit: misfit.position)),
    )


# -- rows against leaves -------------------------------------------------------


@dataclass
class _LeafWalk:
    """One pass over the leaves and the events beside them.

    `roots` are those of the tree at the sizes that checkpoints speak of: by the leaves as they are kept, and where
    these are not what the rows make them, by the rows as well. A checkpoint that fits either tells which was changed.
    """

    reader: Reader
    sizes: set[int]
    roots: dict[int, set[bytes]] = field(default_factory=dict)
    misfits: list[Misfit] = field(default_factory=list)
    named: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    epochs: list[Leaf] = field(default_factory=list)
    events: int = 0
    size: int = 0
    whole: bool = True

    def run(self) -> None:
        self._frontier = Frontier()
        self._by_rows: Frontier | None = None
        self._references: dict[LeafKind, set[str]] = {kind: set() for kind in LeafKind}
        self._versions: dict[str, int] = {}
        self._recorded_at = ""
        self._position = 0
        self._stored = self.reader.tree.events()
        self._event = next(self._stored, None)
        self._root()
        for leaf in self.reader.tree.leaves():
            if leaf.number != self.size:
                self._leaves_missing(leaf)
            hash = self._judge(leaf)
            if hash != leaf.hash and self._by_rows is None:
                self._by_rows = self._frontier.copy()
            self._frontier.add(leaf.hash)
            if self._by_rows is not None:
                self._by_rows.add(hash)
            self.size = leaf.number + 1
            self._root()
        self._not_in_the_tree(None)
        self._identity()
        self._beside()
        if self.whole:
            self._nodes()

    def _root(self) -> None:
        if self.whole and self.size in self.sizes:
            self.roots[self.size] = {tree.root() for tree in (self._frontier, self._by_rows) if tree is not None}

    def _misfit(self, position: int, reason: MisfitReason, sentence: str) -> None:
        self.misfits.append(Misfit(max(position, 1), reason, sentence))

    def _leaves_missing(self, leaf: Leaf) -> None:
        self.whole = False
        lacking = (
            f"leaf {self.size} of the tree"
            if leaf.number == self.size + 1
            else (f"the leaves {self.size} to {leaf.number - 1} of the tree")
        )
        at = self._position + 1 if leaf.kind is not LeafKind.EVENT or leaf.position > self._position else leaf.position
        self._misfit(at, MisfitReason.REMOVED, f"position {max(at, 1)}: {lacking} were removed")

    def _judge(self, leaf: Leaf) -> bytes:
        """Report what is wrong with what a leaf is of; return the hash that it has by what is stored, or its own where
        nothing is.
        """
        if leaf.kind is LeafKind.EVENT:
            return self._judge_event(leaf)
        self._references[leaf.kind].add(leaf.reference)
        if leaf.kind is LeafKind.LOG:
            self.epochs.append(leaf)
        if leaf.kind is LeafKind.KEY:
            self.keys.setdefault(leaf.reference, leaf.number)
        content = self.reader.tree.content(leaf)
        hash = leaf.hash if content is None else leaf_hash(content)
        # Whether evidence that is gone is missed is known when all that names it was read.
        if hash == leaf.hash if content is not None else leaf.kind is LeafKind.EVIDENCE:
            return hash
        what = _named(leaf)
        removed = content is None
        reason = MisfitReason.REMOVED if removed else MisfitReason.CHANGED
        done = "is not there any more" if removed else "is not what it was"
        self._misfit(leaf.position, reason, f"position {max(leaf.position, 1)}: {what}, kept after it, {done}")
        return hash

    def _judge_event(self, leaf: Leaf) -> bytes:
        position = leaf.position
        if position != self._position + 1:
            self._misfit(
                self._position + 1,
                MisfitReason.ORDER,
                f"position {self._position + 1}: the tree goes on with position {position}",
            )
        self._not_in_the_tree(position)
        self._position = max(position, self._position)
        event = self._event
        if event is None or event.position != position:
            self._misfit(position, MisfitReason.REMOVED, f"position {position}: the event was removed")
            return leaf.hash
        hash = leaf_hash(event.content)
        if hash != leaf.hash:
            content = self.reader.tree.content(leaf)
            hash = hash if content is None else leaf_hash(content)
            if hash != leaf.hash:
                self._misfit(
                    position, MisfitReason.CHANGED, f"position {position}: the event is not the one that was recorded"
                )
        self._take(event)
        return hash

    def _not_in_the_tree(self, before: int | None) -> None:
        """Report the events before a position that have no leaf; all that are left without one."""
        while (event := self._event) is not None and (before is None or event.position < before):
            self._misfit(event.position, MisfitReason.ADDED, f"position {event.position}: the event is not in the tree")
            self._take(event)

    def _take(self, event: StoredEvent) -> None:
        """Note what an event names, see that it stands where it may, and go on to the next."""
        self.events += 1
        for hash in (event.evidence, event.baseline):
            if hash:
                self.named.setdefault(hash, event.position)
        version = self._versions.get(event.stream, 0) + 1
        self._versions[event.stream] = event.version
        wrong = (
            f"its version in the stream {event.stream} is {event.version}, and {version} is due"
            if event.version != version
            else f"it was recorded at {event.recorded_at}, before the event before it"
            if event.recorded_at < self._recorded_at
            else f"it names the later position {event.cause} as its cause"
            if event.cause is not None and event.cause >= event.position
            else ""
        )
        if wrong:
            self._misfit(event.position, MisfitReason.ORDER, f"position {event.position}: {wrong}")
        self._recorded_at = event.recorded_at
        self._event = next(self._stored, None)

    def _identity(self) -> None:
        head = self.reader.log_head()
        last = self.epochs[-1].reference if self.epochs else "none"
        if last != str(head.epoch):
            self._misfit(
                self._position,
                MisfitReason.CHANGED,
                f"position {max(self._position, 1)}: the epoch of the log is {head.epoch}, and the tree says {last}",
            )

    def _beside(self) -> None:
        """Report what is kept beside the log and has no leaf."""
        for kind in (LeafKind.EVIDENCE, LeafKind.NOTICE, LeafKind.MESSAGE, LeafKind.LEASE, LeafKind.KEY):
            for reference in self.reader.tree.references(kind):
                if reference not in self._references[kind]:
                    what = _named(Leaf(0, kind, 0, reference, b""))
                    self._misfit(
                        self._position,
                        MisfitReason.ADDED,
                        f"position {max(self._position, 1)}: {what} is not in the tree; it was put there after it or "
                        "earlier",
                    )

    def _nodes(self) -> None:
        """Compare the hashes above the leaves with those that are kept: proofs are made of them."""
        by_rows = {} if self._by_rows is None else {node[:2]: node[2] for node in self._by_rows.closed}
        for level, closed in groupby(sorted(self._frontier.closed), key=lambda node: node[0]):
            for tile, nodes in groupby(closed, key=lambda node: node[1] // WIDTH):
                expected = [(number, {hash, by_rows.get((level, number), hash)}) for _, number, hash in nodes]
                above = self.reader.tree.tile(level, tile, len(expected))
                for offset, (number, hashes) in enumerate(expected):
                    if not hashes.intersection(above[offset : offset + 1]):
                        self._node_misfit(level, number)
                        break

    def _node_misfit(self, level: int, number: int) -> None:
        at = max(_position_from(self.reader.tree, number * WIDTH**level), 1)
        self._misfit(at, MisfitReason.HASHES, f"position {at}: the hashes of level {level} over it are not its own")


def _named(leaf: Leaf) -> str:
    return {
        LeafKind.LOG: "the identity of the log",
        LeafKind.KEY: f"the signing key {leaf.reference}",
        LeafKind.EVENT: "the event",
        LeafKind.EVIDENCE: f"the description of the evidence {leaf.reference}",
        LeafKind.NOTICE: f"the notice {leaf.reference}",
        LeafKind.MESSAGE: f"the message {leaf.reference} as it was sent",
        LeafKind.LEASE: f"the lease document {leaf.reference}",
    }[leaf.kind]


def _blobs(tree: TreeReader, walk: _LeafWalk) -> Iterator[Misfit]:
    """Yield what events name and is not there, or is something else."""
    there = set()
    for hash, intact in tree.blobs():
        there.add(hash)
        if not intact:
            position = walk.named.get(hash, max(walk.events, 1))
            yield Misfit(position, MisfitReason.EVIDENCE, f"position {position}: the bytes of {hash} are others")
    for hash, position in walk.named.items():
        if hash not in there:
            yield Misfit(position, MisfitReason.EVIDENCE, f"position {position}: the bytes of {hash} are not there")


# -- leaves against checkpoints ------------------------------------------------


def _stored_checkpoints(tree: TreeReader) -> tuple[list[OutsideCheckpoint], list[Misfit]]:
    stored, misfits = [], []
    for row in tree.checkpoints():
        label = f"the checkpoint of {row.size} leaves in the database"
        try:
            checkpoint = read_checkpoint(row.note)
            if checkpoint.size != row.size:
                raise InvalidNote(f"is of {checkpoint.size}")
        except InvalidNote as error:
            position = max(position_at(tree, row.size - 1), 1)
            misfits.append(Misfit(position, MisfitReason.SIGNATURE, f"position {position}: {label} {error}"))
        else:
            stored.append(OutsideCheckpoint(label, checkpoint))
    return stored, misfits


@dataclass
class _Trust:
    """Which keys count. Those that were given do, and so does every key whose leaf stands in a tree that a key that
    counts has signed: so a key hands over to the next.
    """

    tree: TreeReader
    walk: _LeafWalk
    given: Sequence[VerifierKey]

    def grow(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Take on the keys that those that count vouch for."""
        named = [(key, number) for written, number in self.walk.keys.items() if (key := _readable(written))]
        self.public = {key.public for key in self.given or [key for key, _ in named]}
        before = -1
        while len(self.public) != before:
            before = len(self.public)
            for checkpoint in checkpoints:
                if checkpoint.root in self.walk.roots.get(checkpoint.size, ()) and not self.wrong(checkpoint):
                    self.public |= {key.public for key, number in named if number < checkpoint.size}

    def wrong(self, checkpoint: Checkpoint) -> str:
        """Return what is wrong with the signatures of a checkpoint; nothing where one is by a key that counts."""
        keys = [VerifierKey(checkpoint.origin, public) for public in self.public]
        try:
            signers = checkpoint.note.signers(keys)
        except ForgedSignature as error:
            return f"is forged: {error}"
        return "" if signers else UNKNOWN_KEY


def _readable(written: str) -> VerifierKey | None:
    try:
        return verifier_key(written)
    except InvalidNote:
        return None


@dataclass
class _Judgement:
    fitting: list[OutsideCheckpoint] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)


def _judge_checkpoints(
    reader: Reader,
    walk: _LeafWalk,
    trust: _Trust,
    stored: Sequence[OutsideCheckpoint],
    outside: Sequence[OutsideCheckpoint],
) -> _Judgement:
    """Hold every checkpoint against the tree, the smallest first: what fitted narrows where another one differs."""
    judgement, head = _Judgement(), reader.log_head()
    for given in sorted((*stored, *outside), key=lambda given: given.checkpoint.size):
        wrong = trust.wrong(given.checkpoint)
        misfit = _compared(reader, walk, head, given, partial(_known, given, stored, judgement.fitting))
        # Who kept a checkpoint trusts it by that, though the log may be too old to name the key that signed it.
        comparable = not wrong or (wrong == UNKNOWN_KEY and not trust.given and given not in stored)
        if misfit is not None and comparable:
            judgement.misfits.append(misfit)
        elif wrong:
            position = max(position_at(reader.tree, given.checkpoint.size - 1), 1)
            judgement.misfits.append(
                Misfit(position, MisfitReason.SIGNATURE, f"position {position}: {given.label} {wrong}")
            )
        elif walk.whole:
            judgement.fitting.append(given)
    return judgement


def _compared(
    reader: Reader, walk: _LeafWalk, head: LogHead, given: OutsideCheckpoint, known: Callable[[], int]
) -> Misfit | None:
    """Return how the log differs from that of a checkpoint; None where it does not. `known` says how many leaves the
    two have in common as far as smaller checkpoints show it.
    """
    checkpoint = given.checkpoint
    if not _is_of(checkpoint.origin, head):
        return Misfit(1, MisfitReason.OTHER_LOG, f"position 1: {given.label} is of the log {checkpoint.origin}")
    if (begin := _set_back(walk, checkpoint)) is not None:
        position = begin.position + 1
        return Misfit(
            position,
            MisfitReason.SET_BACK,
            f"position {position}: the log was set back here, as by a restored backup, and {given.label} was signed of "
            "what came after it before; that is lost",
        )
    if checkpoint.size > walk.size:
        return _cut(walk, given)
    if walk.whole and checkpoint.root not in walk.roots[checkpoint.size]:
        return _rewritten(reader, given, known())
    return None


def _known(given: OutsideCheckpoint, stored: Sequence[OutsideCheckpoint], fitting: Sequence[OutsideCheckpoint]) -> int:
    """Return how many leaves the log has in common with that of a checkpoint which it does not fit, as far as smaller
    checkpoints show it.

    Where there are two histories, the checkpoints in the database may be of this one alone; so they count only where
    the database has the one in question as well.
    """
    among = {(other.checkpoint.size, other.checkpoint.root) for other in stored}
    same = (given.checkpoint.size, given.checkpoint.root) in among
    return max((other.checkpoint.size for other in fitting if same or other not in stored), default=0)


def _is_of(origin: str, head: LogHead) -> bool:
    """Return whether an origin names this log, in this epoch or an earlier one."""
    before, separator, epoch = origin.rpartition("/")
    if separator and epoch == head.log:
        return True
    return before.endswith(f"/{head.log}") and epoch.isdecimal() and int(epoch) <= head.epoch


def _set_back(walk: _LeafWalk, checkpoint: Checkpoint) -> Leaf | None:
    """Return the leaf at which the log was set back, where a checkpoint covers what came after that before."""
    last = checkpoint.origin.rpartition("/")[2]
    epoch = int(last) if last.isdecimal() else 1
    later = (leaf for leaf in walk.epochs[1:] if leaf.reference.isdecimal() and int(leaf.reference) > epoch)
    return next((leaf for leaf in later if leaf.number < checkpoint.size), None)


def _cut(walk: _LeafWalk, given: OutsideCheckpoint) -> Misfit:
    position = walk.events + 1
    missing = given.checkpoint.size - walk.size
    return Misfit(
        position,
        MisfitReason.CUT,
        f"position {position}: the log ends before it, and {given.label} covers {missing} leaves more; the end was cut "
        "off, or this is an older copy",
    )


def _rewritten(reader: Reader, given: OutsideCheckpoint, known: int) -> Misfit:
    """Say where a tree begins to differ from that of a checkpoint; `known` leaves fit an earlier one."""
    exact = _first_difference(reader.tree, given)
    number = known if exact is None else exact
    first = max(_position_from(reader.tree, number), 1)
    last = max(position_at(reader.tree, given.checkpoint.size - 1), first)
    what = f"the log is not the one that {given.label} was signed of"
    if exact is not None or first == last:
        return Misfit(first, MisfitReason.REWRITTEN, f"position {first}: {what}; it begins to differ here")
    return Misfit(
        first,
        MisfitReason.REWRITTEN,
        f"position {first}: {what}; it begins to differ here or later, at position {last} at the latest",
        until=last,
    )


def _first_difference(tree: TreeReader, given: OutsideCheckpoint) -> int | None:
    """Return the first leaf that differs from the tiles kept beside a checkpoint, where they are those of the
    checkpoint; None where there are none.
    """
    if given.tiles is None:
        return None
    size, frontier, first = given.checkpoint.size, Frontier(), None
    for number in range(-(-size // WIDTH)):
        width = min(WIDTH, size - number * WIDTH)
        ours = tree.tile(0, number, width)
        for offset, hash in enumerate(given.tiles(0, number, width)):
            frontier.add(hash)
            if first is None and ours[offset : offset + 1] != [hash]:
                first = number * WIDTH + offset
    return first if frontier.root() == given.checkpoint.root else None


def position_at(tree: TreeReader, number: int) -> int:
    """Return the position of a leaf: of what is no event, the last one before it; of what is beyond the tree, the last
    one.
    """
    leaf = next(iter(tree.leaves(max(min(number, tree.size() - 1), 0))), None)
    return 0 if leaf is None else leaf.position


def _position_from(tree: TreeReader, number: int) -> int:
    """Return the position of the first event among the leaves from a number on; the last one where none follows."""
    position = 0
    for leaf in tree.leaves(number):
        position = leaf.position
        if leaf.kind is LeafKind.EVENT:
            break
    return position
