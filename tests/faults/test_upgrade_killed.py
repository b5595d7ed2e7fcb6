"""`db upgrade` of the databases of all released versions, killed at each migration; as proof at each statement."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sizes import beyond, sizes

STORED = Path(__file__).parents[1] / "store" / "databases"

PROGRAM = """
import json, os, signal, sqlite3, sys
from pathlib import Path
import alembic.command, sqlalchemy.dialects.sqlite
from sqlalchemy import Engine, event
from monitor.core import zstd
from monitor.store import open_store, upgrade
from monitor.store.migrations import HEAD

packed, folder, every = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
path = folder / "monitor.db"
content = zstd.decompress(packed.read_bytes())

def attempt(nth):
    child = os.fork()
    if child == 0:
        calls = 0
        @event.listens_for(Engine, "before_cursor_execute")
        def count(connection, cursor, statement, *_):
            global calls, of_tree
            of_tree += "leaves" in statement
            if every or "alembic_version" in statement or ("leaves" in statement and of_tree in (1, 50)):
                calls += 1
                if calls == nth:
                    os.kill(os.getpid(), signal.SIGKILL)
        upgrade(str(path))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

calls = of_tree = 0

def rows(query):
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()

kills, nth = 0, 1
while True:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.write_bytes(content)
    before = rows("SELECT position, type, data FROM events ORDER BY position")
    code = attempt(nth)
    if code == -signal.SIGKILL:
        kills += 1
        assert rows("PRAGMA integrity_check") == [("ok",)], nth
        upgrade(str(path))
    else:
        assert code == 0, (nth, code)
    assert rows("SELECT version_num FROM alembic_version") == [(HEAD,)], nth
    assert rows("SELECT position, type, data FROM events ORDER BY position") == before, nth
    store = open_store(str(path), migrate=False)
    assert store.damage(thorough=True) == [], nth
    store.close()
    if code == 0:
        break
    nth += 1
print(json.dumps(kills))
"""


@pytest.mark.parametrize("version", beyond(1, sorted(path.name for path in STORED.glob("*.db.zst"))))
@pytest.mark.parametrize("every", sizes(0, 1))
def test_an_upgrade_that_was_killed_is_gone_on_with(every: int, version: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(STORED / version), str(tmp_path), str(every)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) >= 5, "it was killed at each migration"
