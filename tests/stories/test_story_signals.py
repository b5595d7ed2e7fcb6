"""Signals, however many and however close together: each ends in a reload or a stop, and none in a
process that hangs.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from sizes import beyond
from story_world import COMMAND, Answer, Daemon, Request, Story, heard, until

HUP, TERM, INT = signal.SIGHUP, signal.SIGTERM, signal.SIGINT


def storm(pid: int, signals: Sequence[signal.Signals], seed: int) -> None:
    """Send signals with 0 to 200 µs between them, which is less than a sleep can be."""
    chosen = random.Random(seed)
    spins = [0] * chosen.randrange(1, 400)
    for number in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        for _ in spins[: chosen.randrange(len(spins) + 1)]:
            pass


def catches(pid: int) -> bool:
    """Return whether a process handles SIGHUP by now."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return bool(mask & 1 << (HUP - 1))


@pytest.fixture
def watched(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    return story


class Slow:
    """An answer of the provider that waits until it is let go."""

    def __init__(self, story: Story) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()
        self._story = story
        story.provider.answers["GET", "/v1/models"] = self

    def __call__(self, request: Request) -> Answer:
        self.asked.set()
        self.go.wait(60)
        return Answer(200, {"object": "list", "data": [{"id": "orion-2", "object": "model"}]})


def reloads(daemon: Daemon) -> None:
    known = len(daemon.lines("reloaded"))
    daemon.signal(HUP)
    until(lambda: len(daemon.lines("reloaded")) > known, "the daemon reloads")


@pytest.mark.parametrize("seed", beyond(1, range(6)))
def test_hundreds_of_reloads_at_once_are_one_or_a_few_and_the_daemon_works_on(watched: Story, seed: int):
    with watched.daemon() as daemon:
        storm(daemon.process.pid, [HUP] * 400, seed)
        until(lambda: daemon.lines("reloaded"), "the daemon reloads")
        storm(daemon.process.pid, [HUP] * 200, seed + 100)
        reloads(daemon)
        polls = watched.provider.count("/v1/models")
        until(lambda: watched.provider.count("/v1/models") > polls + 1, "it goes on polling")
        assert daemon.stop() == 0
    assert daemon.lines("stopped")[0]["drained"] is True


@pytest.mark.parametrize("seed", beyond(2, range(20)))
def test_signals_of_every_kind_in_any_order_end_in_a_stop(watched: Story, seed: int):
    chosen = random.Random(seed)
    with watched.daemon() as daemon:
        signals = [HUP] * 60 + chosen.choices([HUP, TERM, INT], k=60) + [TERM, HUP]
        storm(daemon.process.pid, signals, seed)
        until(daemon.ended, f"the daemon ends:\n{daemon.said()[-2000:]}")
        assert daemon.process.returncode == 0
    assert len(daemon.lines("stopped")) == 1
    assert "Traceback" not in daemon.said()


@pytest.mark.parametrize("kind", [[HUP], [TERM, HUP], [INT, HUP, TERM]])
def test_signals_during_the_start_are_heard(watched: Story, kind: list[signal.Signals]):
    log = watched.folder / "start.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(COMMAND), "--config", str(watched.config), "run"],
            cwd=watched.folder,
            env=watched._environ(),
            preexec_fn=heard,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    daemon = Daemon(process, log)
    try:
        until(lambda: catches(process.pid), "it handles signals", every=0.002)
        storm(process.pid, kind * 100, 1)
        if TERM in kind:
            until(daemon.ended, f"it ends:\n{daemon.said()}")
            assert process.returncode == 0
            assert "Traceback" not in daemon.said()
        else:
            until(lambda: daemon.lines("reloaded"), f"it reloads:\n{daemon.said()}")
            assert daemon.stop() == 0
    finally:
        if not daemon.ended():
            process.kill()
            process.wait()


def test_a_storm_during_the_drain_breaks_nothing_that_is_still_written(watched: Story):
    slow = Slow(watched)
    with watched.daemon() as daemon:
        assert slow.asked.wait(60)
        daemon.signal(TERM)
        storm(daemon.process.pid, [TERM, HUP, INT] * 100, 5)
        slow.go.set()
        assert daemon.stop() == 0
    assert daemon.lines("stopped")[0]["drained"] is True
    assert "openai-models" in {event["source"] for event in watched.events("--type", "source.baseline_recorded")}


def test_a_stop_does_not_wait_for_a_reload_that_waits_for_a_poll(watched: Story):
    slow = Slow(watched)
    with watched.daemon(ACCESS_MONITOR__RUN__DRAIN="500ms") as daemon:
        assert slow.asked.wait(60)
        storm(daemon.process.pid, [HUP] * 20, 2)
        daemon.signal(TERM)
        until(daemon.ended, f"the daemon ends although a poll hangs:\n{daemon.said()[-2000:]}")
        assert daemon.process.returncode == 0
        slow.go.set()
    assert daemon.lines("stopped")[0]["drained"] is False
    assert daemon.lines("reloaded") == []


@pytest.mark.parametrize("times", [1, 30])
def test_ctrl_c_ends_a_poll_that_hangs_at_once_and_quietly(watched: Story, times: int):
    slow = Slow(watched)
    process = subprocess.Popen(
        [str(COMMAND), "--config", str(watched.config), "poll"],
        cwd=watched.folder,
        env=watched._environ(),
        preexec_fn=heard,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert slow.asked.wait(60)
    storm(process.pid, [INT] * times, times)
    try:
        _, said = process.communicate(timeout=50)  # the poll itself would take a minute
    finally:
        process.kill()
        slow.go.set()
    assert process.returncode == 130
    assert said.strip() == ""


@pytest.mark.parametrize("arguments", [("events", "--follow"), ("replay", "openai-models=list.jsonl", "--carry", "1m")])
def test_ctrl_c_ends_what_goes_on_without_a_traceback(watched: Story, arguments: tuple[str, ...]):
    watched.poll()
    body = {"object": "list", "data": [{"id": "orion-2"}]}
    lines = [{"observed_at": f"2026-0{month}-01T00:00:00Z", "status": "ok", "payload": body} for month in (1, 6)]
    (watched.folder / "list.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    process = subprocess.Popen(
        [str(COMMAND), "--config", str(watched.config), *arguments],
        cwd=watched.folder,
        env={**watched._environ(), "PYTHONUNBUFFERED": "1"},
        preexec_fn=heard,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    storm(process.pid, [INT], 1)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
