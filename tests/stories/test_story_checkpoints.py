"""An administrator with write access rewrites the log; an auditor with a checkpoint, a key and a copy names the place.

Nothing but the command, a database file and files that the daemon published.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from story_world import Story, until

AUDIT = """
[audit]
every = "1s"
folder = "{folder}"
file = "{folder}/kept"
"""


def active(story: Story, *parts: str) -> None:
    """Make an entry that production may use."""
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(*parts, story.entry())
    story.poll()
    story.activate()


def database(story: Story) -> Path:
    return next(file for file in story.folder.rglob("*.db") if file.name != "old.db")


def rewrite(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as forged:
        for (name,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forged.execute(f"DROP TRIGGER {name}")
        forged.execute(sql)


def test_what_the_daemon_published_shows_who_was_renamed(story: Story, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    active(story, AUDIT.format(folder=published))
    (act,) = story.events("--type", "entry.activated")
    with story.daemon():
        until(lambda: (published / "checkpoint").exists() and (published / "kept").exists())
    key = tmp_path / "key"
    key.write_text(story.must("audit", "key").out, encoding="utf-8")
    copy = tmp_path / "copy.db"
    story.must("db", "backup", str(copy))
    shown = story.run(
        "audit", "verify", "--database", str(copy), "--checkpoint", str(published / "kept"), "--key", str(key)
    )
    assert shown.code == 0, shown.err
    rewrite(copy, f"UPDATE events SET actor = 'Somebody Else' WHERE position = {act['position']}")
    verified = story.run(
        "audit", "verify", "--database", str(copy), "--checkpoint", str(published / "kept"), "--key", str(key), "--json"
    )
    assert verified.code == 1
    assert json.loads(verified.out)["position"] == act["position"]
    assert f"position {act['position']}" in verified.err


def test_an_old_backup_in_place_of_the_database_is_noticed_by_who_watches_and_by_the_daemon(
    story: Story, tmp_path: Path
) -> None:
    active(story)
    kept, old = tmp_path / "kept", tmp_path / "old.db"
    story.must("db", "backup", str(old))
    (head,) = story.events("--newest", "--limit", "1")
    story.must("pause", "orion", "--by", "Ada L.", "--reason", "a drill")
    kept.write_text(story.must("audit", "checkpoint").out, encoding="utf-8")
    assert story.run("audit", "watch", str(kept)).code == 0
    place = database(story)
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    shutil.copy(old, place)
    noticed = story.run("audit", "watch", str(kept))
    assert noticed.code == 1
    assert f"position {head['position'] + 1}" in noticed.err
    with story.daemon() as daemon:  # the lease files show that the log was set back: a new epoch begins, and is said
        until(lambda: "the log was set back" in daemon.said())
    noticed = story.run("audit", "watch", str(kept))
    assert noticed.code == 1
    assert "set back" in noticed.err
