"""One daemon on a database, also after its lock was lost: a file that was deleted, a session that the server ended."""

from __future__ import annotations

import fcntl
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from story_world import Daemon, Story, until
from transaction_pooler import pooling

pause = threading.Event().wait
LOST = "the daemon's lock is lost; nothing is polled or sent until it is taken again"
AGAIN = "the daemon's lock is taken again"
WAITS = "another daemon has the lock; waiting for its end"


@pytest.fixture
def watched(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    return story


def readiness(daemon: Daemon) -> tuple[int, bool]:
    """Return the status of `/readyz`, and whether it says that it polls."""
    try:
        with urllib.request.urlopen(f"{daemon.lines('watching')[0]['http']}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)["polling"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["polling"]


def polls(daemon: Daemon) -> int:
    """Return how many polls of its own it has logged (with --verbose)."""
    return len(daemon.lines("polled"))


def polls_on(daemon: Daemon) -> None:
    count = polls(daemon)
    until(lambda: polls(daemon) > count + 2, "it polls")


def test_a_lock_file_that_was_deleted_is_made_again(watched: Story):
    with watched.daemon("--verbose") as daemon:
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        (watched.folder / "monitor.db.daemon").unlink()
        until(lambda: daemon.lines(AGAIN), "the lock is taken again")
        polls_on(daemon)
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        assert len(daemon.lines(LOST)) == 1
        refused = watched.run("run")
        assert refused.code == 1
        assert "Another daemon runs" in refused.err


def waits_without_polling(story: Story, daemon: Daemon) -> None:
    """Check what a daemon does whose lock another one has: nothing, and it says so once."""
    until(lambda: daemon.lines(WAITS), "it waits")
    assert readiness(daemon) == (503, False)
    # What ran already when the lock was lost may end.
    requests, seconds = -1, -1
    while requests != (requests := len(story.provider.requests)):
        pause(3)
        seconds += 1
    assert seconds < 5
    assert daemon.lines(AGAIN) == []
    assert not daemon.ended()
    assert (len(daemon.lines(LOST)), len(daemon.lines(WAITS))) == (1, 1)


def test_who_lost_the_lock_to_another_daemon_polls_nothing_until_that_ends(watched: Story):
    with watched.daemon("--verbose") as daemon:
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        with (watched.folder / "other").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            (watched.folder / "other").replace(watched.folder / "monitor.db.daemon")
            waits_without_polling(watched, daemon)
        until(lambda: daemon.lines(AGAIN), "it takes the lock again")
        polls_on(daemon)
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        assert daemon.stop() == 0


@pytest.fixture
def on_postgres(watched: Story, postgres: Callable[[], str]) -> tuple[Story, str]:
    url = postgres()
    watched.configure(watched.entry(), **{f"sqlite:///{watched.folder}/monitor.db": url})
    return watched, url


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as admin:
        return list(admin.execute(statement).fetchall())


END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    "pg_backend_pid()"
)
KEPT = (
    "SELECT DISTINCT l.pid, l.classid::bigint << 32 | l.objid::bigint FROM pg_locks l JOIN pg_stat_activity a "
    "USING (pid) WHERE locktype = 'advisory' AND granted AND state = 'idle' AND datname = current_database()"
)
"""Who holds a lock outside any transaction, and its key: the daemon."""


def ended_by_server(url: str, *, every: bool) -> None:
    until(lambda: execute(url, KEPT), "a session holds the lock")
    assert execute(url, END if every else f"{END} AND pid = {execute(url, KEPT)[0][0]}")


@pytest.mark.parametrize("every", [False, True])
def test_the_lock_of_a_session_that_the_server_ended_is_taken_again(on_postgres: tuple[Story, str], every: bool):
    story, url = on_postgres
    with story.daemon("--verbose") as daemon:
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        ended_by_server(url, every=every)
        until(lambda: daemon.lines(AGAIN), f"the lock is taken again:\n{daemon.said()[-3000:]}")
        polls_on(daemon)
        until(lambda: readiness(daemon) == (200, True), "it is ready")
        assert len(daemon.lines(LOST)) == 1
        refused = story.run("run")
        assert refused.code == 1
        assert "Another daemon runs" in refused.err
        assert all(line.startswith("{") for line in daemon.said().splitlines())
        assert daemon.stop() == 0


def test_who_lost_its_session_s_lock_waits_for_the_daemon_that_took_it(on_postgres: tuple[Story, str]):
    import psycopg

    story, url = on_postgres
    with story.daemon("--verbose") as daemon, psycopg.connect(url, autocommit=True) as other:
        until(lambda: execute(url, KEPT), "a session holds the lock")
        ((pid, key),) = execute(url, KEPT)
        # The other one stands in the queue already when the lock becomes free.
        queued = threading.Thread(target=lambda: other.execute("SELECT pg_advisory_lock(%s)", [key]))
        queued.start()
        until(lambda: execute(url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), "it waits")
        assert execute(url, f"SELECT pg_terminate_backend({pid})") == [(True,)]
        queued.join()
        waits_without_polling(story, daemon)
        other.close()
        until(lambda: daemon.lines(AGAIN), "it takes the lock again")
        polls_on(daemon)
        assert daemon.stop() == 0


def test_a_pooler_in_transaction_mode_is_refused_at_the_start_in_one_sentence(on_postgres: tuple[Story, str]):
    import psycopg

    story, url = on_postgres
    with psycopg.connect(url) as direct:
        folder, port, database = direct.info.host, direct.info.port, direct.info.dbname
    if not folder.startswith("/"):
        pytest.skip("NO LOCAL SOCKET OF POSTGRESQL: a pooler in front of it is not examined here")
    with pooling(f"{folder}/.s.PGSQL.{port}", "postgres", database) as pooled:
        through = f"postgresql://postgres@127.0.0.1:{pooled}/{database}"
        story.config.write_text(story.config.read_text().replace(url, through))
        refused = story.run("run")
    assert refused.code == 78, refused.err
    assert "transaction mode" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert story.provider.requests == []
