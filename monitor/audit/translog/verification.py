"""The verification of a log: every row against its leaf, every leaf against signed checkpoints, every blob against its
name. Reading only, and nothing but the database and what the caller kept elsewhere is asked.

What a misfit means depends on who can write where. A row that does not fit its leaf was changed by somebody who left
the tree alone. A tree that does not fit a checkpoint was computed anew by somebody who has no key. What fits the
checkpoints in the database alone proves nothing against who holds the keys: for that a checkpoint has to have left the
machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.audit.translog.checkpoint_comparison import (
    OutsideCheckpoint,
    Trust,
    judge_checkpoints,
    stored_checkpoints,
)
from monitor.audit.translog.leaf_walk import LeafWalk
from monitor.audit.translog.misfits import Misfit, MisfitReason
from monitor.audit.translog.notes import VerifierKey
from monitor.core.ports import TreeReader, VerifiedLog


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
    reader: VerifiedLog,
    *,
    outside: Sequence[OutsideCheckpoint] = (),
    keys: Sequence[VerifierKey] = (),
    bytes_too: bool = True,
) -> Verification:
    """Verify all that a reader sees; the bytes of evidence where `bytes_too` says that it has them.

    Without `keys`, the keys are those that the log itself names.
    """
    stored, misfits = stored_checkpoints(reader.tree)
    outside = sorted(outside, key=lambda given: given.checkpoint.size)
    walk = LeafWalk(reader, {given.checkpoint.size for given in (*stored, *outside)})
    walk.run()
    trust = Trust(reader.tree, walk, keys)
    trust.grow([given.checkpoint for given in (*stored, *outside)])
    judged = judge_checkpoints(reader, walk, trust, stored, outside)
    misfits += [*walk.misfits, *(_blobs(reader.tree, walk) if bytes_too else ()), *judged.misfits]
    return Verification(
        events=walk.events,
        leaves=walk.size,
        covered=max((given.checkpoint.size for given in judged.fitting), default=0),
        checkpoints=len(judged.fitting),
        misfits=tuple(sorted(dict.fromkeys(misfits), key=lambda misfit: misfit.position)),
    )


def _blobs(tree: TreeReader, walk: LeafWalk) -> Iterator[Misfit]:
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
