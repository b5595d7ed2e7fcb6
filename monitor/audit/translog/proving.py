"""Proofs for people who have no copy of the log: that an event is in it, and that it only grew."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.audit.translog.checkpoints import Checkpoint, InclusionProof, read_checkpoint, read_proof
from monitor.audit.translog.notes import ForgedSignature, InvalidNote, VerifierKey
from monitor.core.merkle import MissingHashes, Tree, extends
from monitor.core.ports import Refused, TreeReader


def prove(tree: TreeReader, position: int) -> InclusionProof:
    """Prove that the event at a position is in the log, by the last checkpoint.

    Raises:
        Refused: there is no such event, no checkpoint covers it yet, or it does not fit the tree.
    """
    leaf = tree.leaf_of(position)
    if leaf is None:
        raise Refused(f"There is no event at position {position}: `access-monitor events` lists them.")
    last = tree.last_checkpoint()
    if last is None or last.size <= leaf.number:
        raise Refused(f"No checkpoint covers position {position} yet: sign one with `access-monitor audit checkpoint`.")
    try:
        checkpoint = read_checkpoint(last.note)
        path = Tree(tree.tile, checkpoint.size).inclusion(leaf.number)
    except (InvalidNote, MissingHashes, IndexError):
        path = None
    proof = None if path is None else InclusionProof(leaf.number, tuple(path), checkpoint, tree.content(leaf) or b"")
    if proof is None or not proof.holds:
        raise Refused(
            f"The event at position {position} does not fit the tree, so it is not proved: `access-monitor audit "
            "verify` names the first position that does not fit."
        )
    return proof


def check_proof(written: str, label: str, trusted: Sequence[VerifierKey]) -> InclusionProof:
    """Return a proof that holds, of a checkpoint that one of the keys signed.

    Raises:
        Refused: it does not hold, or it is none.
    """
    try:
        proof = read_proof(written)
    except InvalidNote as error:
        raise Refused(f"The file {label} {error}.") from None
    _check_signature(proof.checkpoint, f"the checkpoint in {label}", trusted)
    if not proof.holds:
        raise Refused(f"The proof {label} does not hold: the event in it is not the one that was recorded.")
    return proof


def check_extension(old: Checkpoint, new: Checkpoint, tree: Tree, trusted: Sequence[VerifierKey]) -> None:
    """See that a published log extends a checkpoint that was kept.

    Raises:
        Refused: it does not.
    """
    _check_signature(old, "the checkpoint that was kept", trusted)
    _check_signature(new, "the published checkpoint", trusted)
    if new.origin != old.origin:
        raise Refused(f"The published checkpoint is of the log {new.origin}, and the kept one of {old.origin}.")
    if new.size < old.size:
        raise Refused(
            f"The published log ends after {new.size} leaves, and {old.size} were signed: its end was cut off, or it "
            "is an older copy."
        )
    try:
        proven = tree.root() == new.root and extends(old.root, old.size, new.root, new.size, tree.consistency(old.size))
    except MissingHashes:
        raise Refused("The published log lacks tiles of its tree: publish it whole, then compare again.") from None
    if not proven:
        raise Refused(
            f"The published log does not extend the checkpoint of {old.size} leaves that was kept: it was rewritten, "
            "or there are two histories."
        )


def _check_signature(checkpoint: Checkpoint, label: str, trusted: Sequence[VerifierKey]) -> None:
    if not trusted:
        raise Refused(
            f"The signature of {label} cannot be verified without a key: give --key with one that you trust, as "
            "`access-monitor audit key` prints it."
        )
    # A key counts by what it is: a log that was set back signs with it under another name.
    named = [key.renamed(checkpoint.origin) for key in trusted]
    try:
        signers = checkpoint.note.signers(named)
    except ForgedSignature as error:
        raise Refused(f"The signature of {label} is forged: {error}.") from None
    if not signers:
        raise Refused(f"The signature of {label} is by no key that was given: give --key with the one that signs now.")
