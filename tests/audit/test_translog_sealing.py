"""Which checkpoints are signed, by which keys, and which are not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from translog_world import OTHER_SEED, SEED, Forger, LogWorld, price_changed

from monitor.audit.translog.checkpoint_comparison import OutsideCheckpoint
from monitor.audit.translog.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from monitor.audit.translog.misfits import MisfitReason
from monitor.audit.translog.notes import VerifierKey, sign, signing_key, verifier_key
from monitor.audit.translog.proving import prove
from monitor.audit.translog.sealing import Rewritten
from monitor.audit.translog.verification import Verification, verify
from monitor.core.leaves import LeafKind
from monitor.core.ports import ConfigurationError, Refused


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LogWorld]:
    made = LogWorld(tmp_path / "monitor.db")
    yield made
    made.close()


def verified(world: LogWorld, *keys: VerifierKey, outside: tuple[Checkpoint, ...] = ()) -> Verification:
    with world.store.read() as reader:
        return verify(reader, keys=keys, outside=[OutsideCheckpoint("one kept elsewhere", one) for one in outside])


def test_an_empty_log_is_signed_too(world: LogWorld) -> None:
    checkpoint = world.seal()
    assert checkpoint.size == 2  # which log it is, and who signs
    result = verified(world, verifier_key(world.key), outside=(checkpoint,))
    assert (result.fits, result.events, result.covered) == (True, 0, 2)


def test_a_checkpoint_names_the_log_and_is_made_once_while_nothing_is_added(world: LogWorld) -> None:
    world.grow(3)
    with world.store.read() as reader:
        head = reader.log_head()
    first = world.seal()
    assert first.origin == f"monitor.example.com/log/{head.log}"
    assert world.seal() == first
    world.grow(1)
    second = world.seal()
    assert second.size > first.size
    with world.store.read() as reader:
        assert [kept.size for kept in reader.tree.checkpoints()] == [first.size, second.size]
        assert [leaf.kind for leaf in reader.tree.leaves()].count(LeafKind.KEY) == 1


def test_another_process_goes_on_where_the_first_was(world: LogWorld) -> None:
    world.grow(3)
    first = world.seal()
    other = LogWorld(world.path)
    try:
        assert other.seal() == first
        other.grow(2)
        assert other.seal().size > first.size
    finally:
        other.close()
    assert verified(world).fits


def test_none_is_signed_of_a_log_that_was_changed_behind_the_last_one(world: LogWorld, tmp_path: Path) -> None:
    world.grow(30)
    world.seal()
    forger = world.copy(tmp_path / "forged.db")
    forger.run("UPDATE events SET actor = 'x' WHERE position = 7")
    forger.recompute()
    forged = LogWorld(forger.path)
    try:
        with pytest.raises(Rewritten, match="audit verify"):
            forged.seal()
        forged.grow(1)
        with pytest.raises(Rewritten):
            forged.seal()
        with forged.store.read() as reader:
            assert len(reader.tree.checkpoints()) == 1
    finally:
        forged.close()


def test_who_signs_remembers_what_was_signed_though_the_database_forgets_it(world: LogWorld) -> None:
    """The daemon runs on while somebody rewrites the log and deletes every checkpoint in the database."""
    world.grow(30)
    world.seal()
    forger = Forger(world.path)
    forger.run("UPDATE events SET actor = 'x' WHERE position = 7")
    forger.recompute()
    forger.forget_checkpoints()
    world.grow(1)
    with pytest.raises(Rewritten):
        world.seal()


def test_no_checkpoint_of_an_unreadable_one(world: LogWorld, tmp_path: Path) -> None:
    world.grow(3)
    world.seal()
    forger = world.copy(tmp_path / "forged.db")
    forger.run("UPDATE checkpoints SET note = 'nonsense'")
    forged = LogWorld(forger.path)
    try:
        with pytest.raises(Rewritten, match="restore"):
            forged.seal()
    finally:
        forged.close()


@pytest.mark.parametrize("secret", ["", "nonsense", base64.b64encode(b"short").decode()])
def test_what_is_no_key_is_refused_and_not_shown(world: LogWorld, secret: str) -> None:
    world.secrets = [secret]
    with pytest.raises(ConfigurationError) as refused:
        world.seal()
    assert "openssl rand" in str(refused.value)
    assert not secret or secret not in str(refused.value)


# -- another key ---------------------------------------------------------------


def test_a_key_that_is_trusted_vouches_for_the_next(world: LogWorld) -> None:
    """First one key, then both, then the other alone: an auditor who knows either can verify the whole."""
    world.grow(5)
    first = world.seal()
    old = verifier_key(world.key)
    world.secrets = [OTHER_SEED, SEED]
    both = world.seal()
    new = verifier_key(world.key)
    assert new.public != old.public
    assert [signature.key_id for signature in both.note.signatures] == [new.id, old.id]
    world.grow(5)
    world.secrets = [OTHER_SEED]
    last = world.seal()
    assert [signature.key_id for signature in last.note.signatures] == [new.id]
    for key in (old, new):
        result = verified(world, key, outside=(first, both, last))
        assert (result.fits, result.covered) == (True, last.size)


def test_a_key_that_nobody_vouched_for_does_not_count(world: LogWorld) -> None:
    world.grow(5)
    world.seal()
    old = verifier_key(world.key)
    world.secrets = [OTHER_SEED]  # nothing was signed by both
    world.grow(1)
    last = world.seal()
    result = verified(world, old)
    assert {misfit.reason for misfit in result.misfits} == {MisfitReason.SIGNATURE}
    assert result.covered < last.size


def test_who_trusts_nobody_in_particular_goes_by_the_keys_that_the_log_names(world: LogWorld) -> None:
    world.grow(5)
    checkpoint = world.seal()
    assert verified(world, outside=(checkpoint,)).fits
    strange = signing_key(checkpoint.origin, OTHER_SEED)
    other = read_checkpoint(str(sign(checkpoint_text(checkpoint.origin, checkpoint.size, checkpoint.root), [strange])))
    result = verified(world, outside=(other,))
    assert [misfit.reason for misfit in result.misfits] == [MisfitReason.SIGNATURE]


def test_a_log_that_is_too_old_to_name_the_key_is_compared_with_what_was_kept_all_the_same(
    world: LogWorld, tmp_path: Path
) -> None:
    world.grow(5)
    older = world.copy(tmp_path / "older.db")
    world.grow(5)
    kept = world.seal()
    store = older.reopened()
    try:
        with store.read() as reader:
            for keys, reason in ([], MisfitReason.CUT), ([verifier_key(world.key)], MisfitReason.CUT):
                result = verify(reader, outside=[OutsideCheckpoint("one kept elsewhere", kept)], keys=keys)
                assert [(misfit.position, misfit.reason) for misfit in result.misfits] == [(6, reason)]
    finally:
        store.close()


# -- set back ------------------------------------------------------------------


def test_a_log_that_was_set_back_signs_under_another_name_with_the_same_key(world: LogWorld) -> None:
    world.grow(5)
    before = world.seal()
    key = verifier_key(world.key)
    with world.store.write() as tx:
        tx.advance_epoch(4)
    after = world.seal()
    assert after.origin == f"{before.origin}/5"
    assert verified(world, key, outside=(before, after)).fits
    assert verifier_key(world.key).public == key.public


# -- proofs --------------------------------------------------------------------


def test_what_no_checkpoint_covers_is_not_proved_yet(world: LogWorld) -> None:
    world.grow(3)
    with world.store.read() as reader, pytest.raises(Refused, match="audit checkpoint"):
        prove(reader.tree, 2)
    world.seal()
    with world.store.write() as tx:
        tx.append([price_changed(4, world.now)], world.now)
    with world.store.read() as reader:
        assert prove(reader.tree, 3).holds
        with pytest.raises(Refused, match="No checkpoint covers position 4"):
            prove(reader.tree, 4)
        with pytest.raises(Refused, match="no event at position 5"):
            prove(reader.tree, 5)


def test_what_does_not_fit_is_not_proved(world: LogWorld, tmp_path: Path) -> None:
    world.grow(30)
    world.seal()
    forger = world.copy(tmp_path / "forged.db")
    forger.run("UPDATE events SET actor = 'x' WHERE position = 7")
    store = forger.reopened()
    try:
        with store.read() as reader:
            assert prove(reader.tree, 8).holds
            with pytest.raises(Refused, match="does not fit"):
                prove(reader.tree, 7)
    finally:
        store.close()
