"""Lease files that cannot be written, a log that was set back, a disk that takes no more: said at once, and never a
permission that outlives its truth.
"""

from __future__ import annotations

import json
import resource
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from story_world import Answer, Daemon, Request, Story, until


def active(story: Story, *parts: str, **replaced: str) -> None:
    """Make an entry that production may use."""
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(*parts, story.entry(), **replaced)
    story.poll()
    story.activate()
    assert story.gate() == 0


def asked(daemon: Daemon, path: str) -> tuple[int, str]:
    """Status and body of a GET at the daemon's HTTP server."""
    root = daemon.lines("watching")[0]["http"]
    try:
        with urllib.request.urlopen(root + path, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def ready(daemon: Daemon) -> dict[str, Any]:
    status, body = asked(daemon, "/readyz")
    state: dict[str, Any] = json.loads(body)
    assert (status == 200) is state["ready"]
    return state


def lease(story: Story) -> Path:
    return story.folder / "lease" / "production.json"


def obstruct(story: Story) -> Path:
    """Keep the lease file from being replaced, also by root: its temporary name is taken by a folder. The old file
    stays readable.
    """
    obstacle = lease(story).with_name(".production.json.tmp")
    obstacle.mkdir()
    return obstacle


def test_invariant_9_no_message_says_denied_where_a_lease_file_that_cannot_be_written_still_allows(story: Story):
    active(story)
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        obstacle = obstruct(story)
        story.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: not ready(daemon)["publishing"], "it is not ready, since it cannot publish")
        until(lambda: story.messages("PAUSED"), "the pause is told")
        assert story.gate() == 0, "the file could not be replaced, so it still allows"
        paused = story.messages("PAUSED")[0].whole
        assert "lease files cannot be written and still allow it until" in paused
        assert "is denied in production now" not in paused
        assert 'access_monitor_able{ability="publishing"} 0' in asked(daemon, "/metrics")[1]
        until(lambda: story.messages("MONITOR IN TROUBLE"), "the trouble is told")
        trouble = story.messages("MONITOR IN TROUBLE")[0].whole
        assert str(lease(story)) in trouble
        obstacle.rmdir()
        until(lambda: story.gate() == 1, "the lease file says what the gate says")
        until(lambda: ready(daemon)["ready"], "the daemon is ready again")
        until(lambda: story.messages("RECOVERED"), "the end is told")
        assert len(story.messages("MONITOR IN TROUBLE")) == 1
        assert len(story.messages("RECOVERED")) == 1


def test_a_restored_backup_leaves_no_old_permission_standing(story: Story):
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.must("db", "backup", str(story.folder / "backup.db"))
    story.activate()
    assert story.gate() == 0
    for end in ("", "-wal", "-shm"):
        (story.folder / f"monitor.db{end}").unlink(missing_ok=True)
    shutil.copy(story.folder / "backup.db", story.folder / "monitor.db")
    with story.daemon() as daemon:
        assert story.gate() == 1, "nobody activated it in this log"
        assert daemon.lines(
            "the log was set back, as by a restored backup: lease files written later than it are replaced"
        )
    before = json.loads(lease(story).read_text())["metadata"]
    assert before["epoch"] == 2
    story.activate()
    assert story.gate() == 0
    after = json.loads(lease(story).read_text())["metadata"]
    assert (after["log"], after["epoch"]) == (before["log"], before["epoch"])


def test_an_act_after_a_restore_reaches_the_lease_file_without_a_daemon(story: Story):
    active(story)
    story.must("db", "backup", str(story.folder / "backup.db"))
    for _ in range(3):
        story.must("pause", "orion", "--by", "Ada L.", "--reason", "a story")
        story.must("resume", "orion", "--by", "Ada L.", "--reason", "a story")
    assert story.gate() == 0
    for end in ("", "-wal", "-shm"):
        (story.folder / f"monitor.db{end}").unlink(missing_ok=True)
    shutil.copy(story.folder / "backup.db", story.folder / "monitor.db")
    story.must("pause", "orion", "--by", "Ada L.", "--reason", "after the restore")
    assert story.gate() == 1


def test_a_lease_file_of_another_log_is_replaced_whatever_its_position(story: Story):
    active(story)
    for _ in range(3):
        story.must("pause", "orion", "--by", "Ada L.", "--reason", "a story")
        story.must("resume", "orion", "--by", "Ada L.", "--reason", "a story")
    assert story.gate() == 0
    for end in ("", "-wal", "-shm"):
        (story.folder / f"monitor.db{end}").unlink(missing_ok=True)
    story.poll()  # another database, whose log is shorter
    assert story.gate() == 1
    assert story.status()["status"] == "evaluating"


def test_a_lease_file_whose_numbers_no_log_ever_reached_is_replaced(story: Story):
    active(story)
    for name, number in (("epoch", 10**30), ("epoch", float("inf")), ("version", str(10**30))):
        document = json.loads(lease(story).read_text())
        document["metadata"][name] = number
        lease(story).write_text(json.dumps(document))
        story.must("pause", "orion", "--by", "Ada L.", "--reason", "a story")
        assert story.gate() == 1
        assert json.loads(lease(story).read_text())["metadata"]["epoch"] == 1
        story.must("resume", "orion", "--by", "Ada L.", "--reason", "a story")


@pytest.mark.parametrize("restored", [True, False])
def test_a_database_that_is_taken_from_under_the_daemon_is_not_written_on_for_nobody(story: Story, restored: bool):
    active(story, **{'lease_dir = "': 'lease = "2s"\nlease_dir = "'})
    story.must("db", "backup", str(story.folder / "backup.db"))
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        story.must("pause", "orion", "--by", "Ada L.", "--reason", "a story")
        story.must("resume", "orion", "--by", "Ada L.", "--reason", "a story")
        for end in ("", "-wal", "-shm"):
            (story.folder / f"monitor.db{end}").unlink(missing_ok=True)
        if restored:
            shutil.copy(story.folder / "backup.db", story.folder / "monitor.db")
            story.must("pause", "orion", "--by", "Ada L.", "--reason", "after the restore")
        until(lambda: not ready(daemon)["storing"], "it is not ready, since nothing it stores would be kept")
        until(lambda: story.messages("MONITOR IN TROUBLE"), "the owner is told")
        assert "while it was in use" in story.messages("MONITOR IN TROUBLE")[0].text
        until(lambda: story.gate() != 0, "no permission outlives its lease")
        assert (story.folder / "monitor.db").exists() is restored
        assert daemon.stop() == 0
    if restored:
        assert story.status()["status"] == "paused"
        with story.daemon() as daemon:
            until(lambda: ready(daemon)["ready"], "the next daemon goes on with what was restored")
            assert story.gate() == 1


def limit_files(daemon: Daemon, size: int) -> None:
    """Let no file of the daemon grow past a size, as a full disk would."""
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_database_that_takes_no_more_is_told_at_once_past_the_database(story: Story):
    pings: list[str] = []

    def ping(request: Request) -> Answer:
        pings.append(request.path)
        return Answer(200, "ok")

    story.provider.answers = {("GET", "/alive"): ping, ("GET", "/trouble"): ping}
    story.environ |= {"ALIVE": f"{story.provider.url}/alive", "TROUBLE": f"{story.provider.url}/trouble"}
    active(story, '\n[heartbeat]\nurl = "env:ALIVE"\nfailure_url = "env:TROUBLE"\n')
    unlimited = resource.RLIM_INFINITY
    with story.daemon() as daemon:
        until(lambda: ready(daemon)["ready"], "the daemon is ready")
        limit_files(daemon, 16 * 1024)
        until(lambda: not ready(daemon)["storing"], "it is not ready, since it cannot store")
        until(lambda: "/trouble" in pings, "the heartbeat's service is told")
        until(lambda: story.messages("MONITOR IN TROUBLE"), "the owner is told")
        assert "monitor.db" in story.messages("MONITOR IN TROUBLE")[0].text
        assert 'access_monitor_able{ability="storing"} 0' in asked(daemon, "/metrics")[1]
        assert story.gate() == 0, "what was true is still true"
        limit_files(daemon, unlimited)
        until(lambda: ready(daemon)["ready"], "the daemon is ready again")
        until(lambda: story.messages("RECOVERED"), "the end is told")
        story.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: story.gate() == 1, "changes are recorded again")
        assert len(story.messages("MONITOR IN TROUBLE")) == 1
