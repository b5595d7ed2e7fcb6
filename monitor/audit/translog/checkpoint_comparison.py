"""The leaves of a tree against signed checkpoints: those that the database has, and those that were kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from monitor.audit.translog.checkpoints import Checkpoint, read_checkpoint
from monitor.audit.translog.leaf_walk import LeafWalk, position_at, position_from
from monitor.audit.translog.misfits import Misfit, MisfitReason
from monitor.audit.translog.notes import ForgedSignature, InvalidNote, VerifierKey, verifier_key
from monitor.core.events import LogHead
from monitor.core.leaves import Leaf
from monitor.core.merkle import WIDTH, Frontier, Tiles
from monitor.core.ports import TreeReader, VerifiedLog

UNKNOWN_KEY = "is not signed by a key that counts"
"""What is wrong with a checkpoint whose signatures nobody can check."""


@dataclass(frozen=True, slots=True)
class OutsideCheckpoint:
    """A checkpoint that was kept elsewhere: what to call it, and the tiles that were kept beside it, if any."""

    label: str
    checkpoint: Checkpoint
    tiles: Tiles | None = None


def stored_checkpoints(tree: TreeReader) -> tuple[list[OutsideCheckpoint], list[Misfit]]:
    """Return the checkpoints that the database has, and those of its rows that are none."""
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
class Trust:
    """Which keys count. Those that were given do, and so does every key whose leaf stands in a tree that a key that
    counts has signed: so a key hands over to the next.
    """

    tree: TreeReader
    walk: LeafWalk
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
class CheckpointJudgement:
    fitting: list[OutsideCheckpoint] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)


def judge_checkpoints(
    reader: VerifiedLog,
    walk: LeafWalk,
    trust: Trust,
    stored: Sequence[OutsideCheckpoint],
    outside: Sequence[OutsideCheckpoint],
) -> CheckpointJudgement:
    """Hold every checkpoint against the tree, the smallest first: what fitted narrows where another one differs."""
    judgement, head = CheckpointJudgement(), reader.log_head()
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
    reader: VerifiedLog, walk: LeafWalk, head: LogHead, given: OutsideCheckpoint, known: Callable[[], int]
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


def _set_back(walk: LeafWalk, checkpoint: Checkpoint) -> Leaf | None:
    """Return the leaf at which the log was set back, where a checkpoint covers what came after that before."""
    last = checkpoint.origin.rpartition("/")[2]
    epoch = int(last) if last.isdecimal() else 1
    later = (leaf for leaf in walk.epochs[1:] if leaf.reference.isdecimal() and int(leaf.reference) > epoch)
    return next((leaf for leaf in later if leaf.number < checkpoint.size), None)


def _cut(walk: LeafWalk, given: OutsideCheckpoint) -> Misfit:
    position = walk.events + 1
    missing = given.checkpoint.size - walk.size
    return Misfit(
        position,
        MisfitReason.CUT,
        f"position {position}: the log ends before it, and {given.label} covers {missing} leaves more; the end was cut "
        "off, or this is an older copy",
    )


def _rewritten(reader: VerifiedLog, given: OutsideCheckpoint, known: int) -> Misfit:
    """Say where a tree begins to differ from that of a checkpoint; `known` leaves fit an earlier one."""
    exact = _first_difference(reader.tree, given)
    number = known if exact is None else exact
    first = max(position_from(reader.tree, number), 1)
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
