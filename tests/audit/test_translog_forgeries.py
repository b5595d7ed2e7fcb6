"""Every forgery against a copy of the database, verified offline by somebody who has the public key, an older
checkpoint and nothing else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli_world import am
from translog_world import NOW, OTHER_SEED, TABLES, Forger, LogWorld, copied, price_changed

from monitor.app.publication import Places, Publisher
from monitor.audit.translog.sealing import Sealer
from monitor.audit.translog.verification import verify
from monitor.core.ports import MonitorError
from monitor.store import open_store

OLDER, NEWER = 300, 330
"""The positions at which the checkpoint of the auditor, and the last one, were signed; a tile is full between."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Provide a log with two checkpoints, the older of which an auditor kept."""
    made = Log(tmp_path_factory.mktemp("log"))
    yield made
    made.world.close()


class Log:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = LogWorld(folder / "monitor.db")
        self.world.grow(20)
        self.world.seal()
        self.world.grow(OLDER - 20)
        self.kept = self.write("kept.checkpoint", str(self.world.seal()))
        self.world.grow(NEWER - OLDER)
        self.newest = self.write("newest.checkpoint", str(self.world.seal()))
        self.key = self.write("kept.key", f"{self.world.key}\n")

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def verified(self, forger: Forger, *more: str | Path) -> dict[str, Any]:
        """Verify a copy as an auditor does; it has to fail."""
        return self._run(forger, more, expect=1)

    def fits(self, forger: Forger, *more: str | Path) -> dict[str, Any]:
        return self._run(forger, more, expect=0)

    def _run(self, forger: Forger, more: tuple[str | Path, ...], expect: int) -> dict[str, Any]:
        kept = ("--checkpoint", self.kept, "--key", self.key)
        words = ("audit", "verify", "--database", forger.path, *kept, *more, "--json")
        result = am(*map(str, words), expect=expect)
        answer: dict[str, Any] = json.loads(result.stdout)
        if expect:
            assert f"position {answer['position']}" in result.stderr
        return answer


@pytest.fixture
def forger(log: Log, tmp_path: Path) -> Forger:
    """Provide a backup with nothing changed yet."""
    return log.world.copy(tmp_path / "copy.db")


def reasons(answer: dict[str, Any]) -> set[str]:
    return {misfit["reason"] for misfit in answer["misfits"]}


def test_what_nobody_forged_verifies_and_is_covered_whole(log: Log, forger: Forger) -> None:
    answer = log.fits(forger, "--checkpoint", log.newest)
    assert (answer["fits"], answer["position"], answer["misfits"]) == (True, None, [])
    assert answer["events"] == NEWER
    assert answer["covered"] == answer["leaves"]


EDITS = {
    "the person who acted": ("UPDATE events SET actor = 'somebody else' WHERE position = 117", 117),
    "a price": ("UPDATE events SET data = replace(data, '117.50', '117.40') WHERE position = 117", 117),
    "a day": ("UPDATE events SET occurred_at = '2020-01-01T00:00:00.000000Z' WHERE position = 310", 310),
    "its time in the log": ("UPDATE events SET recorded_at = '2026-07-30T17:34:21.000001Z' WHERE position = 1", 1),
    "its evidence": ("UPDATE events SET evidence = '' WHERE position = 8", 8),
    "its cause": ("UPDATE events SET cause = 3 WHERE position = 9", 9),
    "its subject": ("UPDATE events SET subject = 'gpt-sol' WHERE position = 1", 1),
    "its type": ("UPDATE events SET type = 'price.reported' WHERE position = 330", 330),
    "its stream": ("UPDATE events SET stream = 'source/elsewhere' WHERE position = 40", 40),
    "its version": ("UPDATE events SET version = 9999 WHERE position = 41", 41),
    "its id": ("UPDATE events SET id = 'x' WHERE position = 42", 42),
    "spaces that mean nothing": ("UPDATE events SET data = replace(data, ',', ', ') WHERE position = 50", 50),
    "a key that stands twice": (
        """UPDATE events SET data = '{"old":"0",' || substr(data, 2) WHERE position = 60""",
        60,
    ),
    "no JSON at all": ("UPDATE events SET data = 'oops' WHERE position = 61", 61),
    "a time that is none": ("UPDATE events SET occurred_at = 'oops' WHERE position = 62", 62),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row(log: Log, forger: Forger, edit: str) -> None:
    sql, position = EDITS[edit]
    forger.run(sql)
    assert log.verified(forger)["position"] == position


def test_a_removed_row(log: Log, forger: Forger) -> None:
    forger.run("DELETE FROM events WHERE position = 123")
    answer = log.verified(forger)
    assert (answer["position"], answer["misfits"][0]["reason"]) == (123, "removed")


def test_a_row_that_was_removed_with_its_leaf(log: Log, forger: Forger) -> None:
    forger.run("DELETE FROM events WHERE position = 123")
    forger.run("DELETE FROM leaves WHERE kind = 'event' AND position = 123")
    assert log.verified(forger)["position"] == 123


def test_a_row_that_was_removed_while_all_behind_it_move_up(log: Log, forger: Forger) -> None:
    """The forger closes the gap in every table and computes the tree anew."""
    with forger.database() as database:
        (number,) = database.execute("SELECT number FROM leaves WHERE kind = 'event' AND position = 123").fetchone()
        database.execute("DELETE FROM events WHERE position = 123")
        database.execute("DELETE FROM leaves WHERE number = ?", (number,))
        for table, column in (("events", "position"), ("leaves", "position")):
            database.execute(f"UPDATE {table} SET {column} = -{column} + 1 WHERE {column} > 123")
            database.execute(f"UPDATE {table} SET {column} = -{column} WHERE {column} < 0")
        database.execute("UPDATE leaves SET number = -number + 1 WHERE number > ?", (number,))
        database.execute("UPDATE leaves SET number = -number WHERE number < 0")
        database.execute("UPDATE events SET version = -position")
        database.execute("UPDATE events SET version = -version")
    forger.recompute()
    answer = log.verified(forger)
    first = answer["misfits"][0]
    assert first["reason"] == "rewritten"
    assert first["position"] <= 123 <= first["until"]


def test_a_row_that_was_put_in(log: Log, forger: Forger) -> None:
    forger.run(
        "INSERT INTO events SELECT 331, 'x', type, stream, 331, subject, source, occurred_at, recorded_at, actor, "
        "cause, evidence, data FROM events WHERE position = 330"
    )
    answer = log.verified(forger)
    assert (answer["position"], answer["misfits"][0]["reason"]) == (331, "added")


def test_a_cut_tail_of_the_rows_alone(log: Log, forger: Forger) -> None:
    forger.run("DELETE FROM events WHERE position > 297")
    assert log.verified(forger)["position"] == 298


@pytest.mark.parametrize("checkpoints", [False, True], ids=["checkpoints stay", "checkpoints are cut, too"])
def test_a_cut_tail_of_everything(log: Log, forger: Forger, checkpoints: bool) -> None:
    forger.cut(297, checkpoints=checkpoints)
    answer = log.verified(forger)
    assert (answer["position"], answer["misfits"][0]["reason"]) == (298, "cut")


def test_swapped_evidence(log: Log, forger: Forger) -> None:
    forger.swap_evidence(48)
    answer = log.verified(forger)
    assert (answer["position"], reasons(answer)) == (48, {"evidence"})


def test_removed_evidence(log: Log, forger: Forger) -> None:
    forger.run("DELETE FROM blobs WHERE hash = (SELECT evidence FROM events WHERE position = 48)")
    answer = log.verified(forger)
    assert (answer["position"], reasons(answer)) == (48, {"evidence"})


def test_evidence_that_is_said_to_come_from_elsewhere(log: Log, forger: Forger) -> None:
    forger.run(
        "UPDATE blobs SET url = 'https://example.com/' WHERE hash = (SELECT evidence FROM events WHERE position = 48)"
    )
    assert log.verified(forger)["position"] == 47  # it was stored before the event that names it


NOTICES = {
    "the text that was sent": "UPDATE sent_messages SET body = 'nothing happened' WHERE notice = 'paused-52'",
    "its headline": "UPDATE sent_messages SET title = 'RESUMED Luna' WHERE notice = 'paused-52'",
    "whom it went to": "UPDATE sent_messages SET destination = 'nobody#1' WHERE notice = 'paused-52'",
    "when it went": "UPDATE sent_messages SET at = '2020-01-01T00:00:00.000000Z' WHERE notice = 'paused-52'",
    "its message is gone": "DELETE FROM sent_messages WHERE notice = 'paused-52'",
    "what was composed": "UPDATE notices SET content = replace(content, 'luna', 'sol') WHERE id = 'paused-52'",
    "it is gone": "DELETE FROM notices WHERE id = 'paused-52'",
}


@pytest.mark.parametrize("change", NOTICES)
def test_a_changed_notice(log: Log, forger: Forger, change: str) -> None:
    forger.run(NOTICES[change])
    answer = log.verified(forger)
    assert answer["position"] == 52
    assert reasons(answer) <= {"changed", "removed"}


def test_a_message_that_was_never_sent(log: Log, forger: Forger) -> None:
    forger.run(
        "INSERT INTO sent_messages (id, notice, owner, destination, label, at, incidents, form, thread, title, body) "
        "SELECT 9999, notice, owner, destination, label, at, incidents, form, thread, title, 'we told you' "
        "FROM sent_messages WHERE notice = 'paused-52'"
    )
    answer = log.verified(forger)
    assert reasons(answer) == {"added"}
    assert "message 9999" in answer["misfits"][0]["sentence"]


def test_a_lease_document_of_another_content(log: Log, forger: Forger) -> None:
    forger.run("UPDATE lease_documents SET document = 'sha256:00' WHERE id = 3")
    answer = log.verified(forger)
    assert answer["position"] == 30
    assert "lease document 3" in answer["misfits"][0]["sentence"]


def test_another_epoch(log: Log, forger: Forger) -> None:
    forger.run("UPDATE log SET epoch = 2")
    assert not log.verified(forger)["fits"]


SIGNATURES = {
    "other bytes": lambda note: note[:-12] + ("A" if note[-12] != "A" else "B") + note[-11:],
    "another root": lambda note: note.replace(note.split("\n")[2], "A" * 43 + "="),
    "another size": lambda note: note.replace(f"\n{note.splitlines()[1]}\n", "\n7\n", 1),
}


@pytest.mark.parametrize("forged", SIGNATURES)
def test_a_forged_signature_in_the_database(log: Log, forger: Forger, forged: str) -> None:
    with forger.database() as database:
        ((size, note),) = database.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchall()
        database.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (SIGNATURES[forged](note), size))
    answer = log.verified(forger)
    assert reasons(answer) == {"signature"}
    assert answer["position"] == NEWER


@pytest.mark.parametrize("forged", SIGNATURES)
def test_a_forged_signature_of_the_kept_checkpoint(log: Log, forger: Forger, tmp_path: Path, forged: str) -> None:
    false = tmp_path / "false.checkpoint"
    false.write_text(SIGNATURES[forged](log.newest.read_text(encoding="utf-8")), encoding="utf-8")
    assert "signature" in reasons(log.verified(forger, "--checkpoint", false))


def test_a_checkpoint_by_a_key_that_the_forger_put_into_the_tree(log: Log, forger: Forger) -> None:
    """All of it fits together, but the key is one that nobody vouched for."""
    forger.run("UPDATE events SET actor = 'somebody else' WHERE position = 320")
    forger.recompute()
    forger.run("DELETE FROM checkpoints WHERE size > 400")
    sign(forger, OTHER_SEED)
    answer = log.verified(forger)
    assert reasons(answer) == {"signature"}
    assert not [misfit for misfit in answer["misfits"] if misfit["position"] <= OLDER]


def sign(forger: Forger, seed: str) -> None:
    store = open_store(str(forger.path))
    try:
        Sealer(store, lambda: NOW, "monitor.example.com/log", lambda: [seed]).seal()
    finally:
        store.close()


def test_a_rewritten_log_with_a_recomputed_tree(log: Log, forger: Forger) -> None:
    forger.run("UPDATE events SET actor = 'somebody else' WHERE position = 117")
    forger.recompute()
    answer = log.verified(forger)
    first = answer["misfits"][0]
    # It begins after what the first of the checkpoints covers, which the forger left there.
    assert (first["reason"], first["position"], first["until"]) == ("rewritten", 21, OLDER)


def test_a_rewritten_log_whose_checkpoints_are_gone(log: Log, forger: Forger) -> None:
    forger.run("UPDATE events SET actor = 'somebody else' WHERE position = 117")
    forger.recompute()
    forger.forget_checkpoints()
    first = log.verified(forger)["misfits"][0]
    assert (first["reason"], first["position"], first["until"]) == ("rewritten", 1, OLDER)


def test_the_tiles_beside_a_kept_checkpoint_show_where_a_rewritten_log_begins_to_differ(
    log: Log, forger: Forger, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publisher = Publisher(log.world.store, Places(folder=published))
    assert publisher.publish(log.world.seal()) == []
    forger.run("UPDATE events SET actor = 'somebody else' WHERE position = 117")
    forger.recompute()
    forger.forget_checkpoints()
    first = log.verified(forger, "--checkpoint", published / "checkpoint")["misfits"]
    assert ("rewritten", 117, None) in {(m["reason"], m["position"], m["until"]) for m in first}


def test_an_old_backup_passed_off_as_the_present(log: Log, tmp_path: Path) -> None:
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(30)
    world.seal()
    backup = world.copy(tmp_path / "old.db")
    world.grow(20)
    kept = log.write("later.checkpoint", str(world.seal()))
    key = log.write("later.key", world.key)
    world.close()
    words = ("audit", "verify", "--database", str(backup.path), "--key", str(key))
    assert am(*words).exit_code == 0  # on its own it is whole
    result = am(*words, "--checkpoint", str(kept), "--json", expect=1)
    answer = json.loads(result.stdout)
    assert (answer["position"], reasons(answer)) == (31, {"cut"})
    assert "older copy" in answer["misfits"][0]["sentence"]


@pytest.mark.parametrize("signed_again", [False, True], ids=["not signed again", "signed by the log's own key"])
def test_two_histories_after_one_checkpoint(log: Log, tmp_path: Path, signed_again: bool) -> None:
    """Both extend the same checkpoint; who has one of the other history sees where they part."""
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(30)
    common = log.write("common.checkpoint", str(world.seal()))
    fork = world.copy(tmp_path / "fork.db")
    world.grow(10)
    told = log.write("told.checkpoint", str(world.seal()))
    key = log.write("fork.key", world.key)
    other = LogWorld(fork.path)
    for position in range(31, 51):
        with other.store.write() as tx:
            tx.append([price_changed(position, world.now, actor_said="another history")], world.now)
    if signed_again:
        other.seal()
    other.close()
    world.close()
    words = ("audit", "verify", "--database", str(fork.path), "--key", str(key), "--json")
    assert json.loads(am(*words, "--checkpoint", str(common)).stdout)["fits"]
    answer = json.loads(am(*words, "--checkpoint", str(common), "--checkpoint", str(told), expect=1).stdout)
    assert (answer["position"], reasons(answer)) == (31, {"rewritten"})


def test_another_log_altogether(log: Log, tmp_path: Path) -> None:
    world = LogWorld(tmp_path / "other.db")
    world.grow(400)
    world.seal()
    other = world.copy(tmp_path / "copy.db")
    world.close()
    answer = log.verified(other)
    assert (answer["position"], "other_log" in reasons(answer)) == (1, True)


@pytest.mark.parametrize(
    "forge",
    [
        lambda forger: forger.run("UPDATE tree_nodes SET hash = zeroblob(32) WHERE level = 1 AND number = 0"),
        lambda forger: forger.run("DELETE FROM tree_nodes"),
    ],
    ids=["changed", "removed"],
)
def test_hashes_above_the_leaves(log: Log, forger: Forger, forge: Callable[[Forger], None]) -> None:
    forge(forger)
    assert reasons(log.verified(forger)) == {"hashes"}


def test_leaves_that_were_changed_alone(log: Log, forger: Forger) -> None:
    forger.run("UPDATE leaves SET hash = zeroblob(32) WHERE kind = 'event' AND position = 77")
    assert log.verified(forger)["position"] == 77


@pytest.mark.parametrize("edit", ["no JSON at all", "a time that is none"])
def test_a_check_names_the_row_that_cannot_be_read(log: Log, forger: Forger, edit: str) -> None:
    sql, position = EDITS[edit]
    forger.run(sql)
    assert f"position {position}" in am("db", "check", "--database", str(forger.path), expect=1).stdout


def test_a_check_changes_nothing_and_a_rebuild_adopts_no_forgery(log: Log, forger: Forger, tmp_path: Path) -> None:
    forger.run("UPDATE events SET actor = 'somebody else' WHERE position = 117")
    before = forger.path.read_bytes()
    assert "position 117" in am("db", "check", "--database", str(forger.path), expect=1).stdout
    config = tmp_path / "monitor.toml"
    config.write_text("")
    result = am("--config", str(config), "db", "rebuild", "--database", str(forger.path), expect=1)
    assert "position 117" in result.stderr
    assert forger.path.read_bytes() == before


def test_whatever_somebody_puts_into_a_column_is_a_misfit_or_an_error_in_words(tmp_path: Path) -> None:
    """SQLite takes any value in any column, so a verifier may rely on no type."""
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(12)
    world.seal()
    whole = world.copy(tmp_path / "whole.db")
    world.close()
    values = ("NULL", "'oops'", "x'00ff'", "9223372036854775807", "-1", "1.5", "'{\"a\":' || printf('%.9999c', '[')")
    with whole.database() as database:
        columns = [
            (table, column, type)
            for table in (*TABLES, "notices", "log")
            for _, column, type, *_ in database.execute(f"PRAGMA table_info({table})").fetchall()
        ]
    assert len(columns) > 50
    for table, column, _ in columns:
        for value in values:
            trial = copied(whole, tmp_path / "trial.db")
            with trial.database() as database:
                try:
                    last = f"rowid = (SELECT max(rowid) FROM {table})"
                    database.execute(f"UPDATE {table} SET {column} = {value} WHERE {last}")
                except sqlite3.Error:
                    continue  # this one the database refuses
            store = trial.reopened()
            try:
                with store.read() as reader, suppress(MonitorError):
                    verify(reader)
            finally:
                store.close()
            trial.path.unlink()


@pytest.mark.parametrize("table", [*TABLES, "notices", "log"])
def test_a_table_that_was_emptied(log: Log, forger: Forger, table: str) -> None:
    forger.run(f"DELETE FROM {table}")
    words = ("audit", "verify", "--database", str(forger.path), "--checkpoint", str(log.kept), "--key", str(log.key))
    if table == "checkpoints":
        assert am(*words).exit_code == 0  # what was signed is kept elsewhere
    else:
        assert am(*words, expect=1).stderr.count("\n") == 1
