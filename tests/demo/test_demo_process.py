"""The demo as people meet it: a process of its own, played once to its end, looked at from outside,
ended by a signal.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from preloaded import Nursery

ROOT = Path(__file__).parents[2]
LAST_LINE = "Daemon and sandbox run on until Ctrl-C: look around from another terminal."
LONGEST = 90.0


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    # Another monitor's variables and a proxy: the demo must neither write into that database nor send through that
    # host.
    environment = {
        **os.environ,
        "TMPDIR": str(folder),
        "PYTHONUNBUFFERED": "1",
        "ACCESS_MONITOR__DATABASE__URL": f"sqlite:///{folder / 'not-mine.db'}",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "monitor", "demo", *options],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def read_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    assert process.stdout is not None
    killer = threading.Timer(LONGEST, process.kill)
    killer.start()
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if wanted in line:
                return lines
    finally:
        killer.cancel()
    pytest.fail(
        f"the demo ended before it said {wanted!r}:\n"
        + "\n".join(lines)
        + (process.stderr.read() if process.stderr else "")
    )


class Played:
    """One run, looked at while it stays, and after its end."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._nursery = nursery
        process = start(folder, "--stay")
        try:
            self.lines = read_until(process, LAST_LINE)
            self.alive = process.poll() is None
            self.commands = [line.strip() for line in self.lines if "--config" in line and "monitor.toml" in line]
            self.while_it_stays = self.call(self.commands[0])
            process.send_signal(signal.SIGTERM)
            rest, self.errors = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
        self.code = process.returncode
        self.lines += rest.splitlines()
        self.folder = folder
        (self.place,) = folder.glob("access-monitor-demo-*")

    def call(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line as it was printed."""
        return subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    def ask(self, *words: str) -> Any:
        words = ("--config", str(self.place / "monitor.toml"), *words)
        done = self._nursery.run(words, cwd=ROOT, env=os.environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def events(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ask("events", "--format", "jsonl", *words).splitlines()]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Played:
    return Played(tmp_path_factory.mktemp("demo"), nursery)


def test_the_demo_says_in_its_first_line_that_it_is_a_sandbox(played: Played) -> None:
    assert played.lines[0].startswith("This is the sandbox: ")
    assert played.code == 0
    assert played.errors == ""


def test_a_run_pauses_luna_and_terra_first_and_sol_by_its_later_price(played: Played) -> None:
    pauses = played.events("--type", "entry.paused")
    assert [event["subject"] for event in pauses] == ["gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol"]
    assert [(event["data"]["pin"].split("/")[-1], event["data"]["old"], event["data"]["new"]) for event in pauses] == [
        ("price.standard.short.input", "1", "0.2"),
        ("price.standard.short.input", "2.5", "2"),
        ("price.standard.short.input", "5", "4"),
    ]
    status = {row["key"]: row["status"] for row in json.loads(played.ask("status", "--json"))}
    assert status == {
        "gpt-5.6-sol": "paused",
        "gpt-5.6-terra": "active",
        "gpt-5.6-luna": "active",
        "gpt-5.4-mini": "active",
    }


def test_every_pause_is_caused_by_official_prices_of_its_own_model(played: Played) -> None:
    prices = {event["position"]: event for event in played.events("--type", "price.changed")}
    for pause in played.events("--type", "entry.paused"):
        causes = [prices[position] for position in pause["data"]["causes"]]
        assert len(causes) == 8  # four meters in two bands of the one tier in use
        assert {(cause["subject"], cause["data"]["tier"], cause["data"]["trust"]) for cause in causes} == {
            (pause["subject"], "standard", "official")
        }


def test_the_list_that_failed_made_one_failure_one_recovery_and_no_news(played: Played) -> None:
    failed, recovered = played.events("--type", "source.*ed", "--source", "openai-models")[-2:]
    assert (failed["type"], recovered["type"]) == ("source.failed", "source.recovered")
    assert recovered["position"] == failed["position"] + 1
    assert played.events("--type", "model.unlisted") == []
    assert played.events("--type", "access.lost") == []
    assert any("1 failure and 1 recovery," in line for line in played.lines)


def test_people_activated_and_resumed_by_name(played: Played) -> None:
    acts = [
        (event["type"], event["subject"])
        for event in played.events("--subject", "gpt-5.6-*")
        if event["data"].get("by") == "you"
    ]
    assert sorted(acts) == [
        ("entry.activated", "gpt-5.6-luna"),
        ("entry.activated", "gpt-5.6-sol"),
        ("entry.activated", "gpt-5.6-terra"),
        ("entry.resumed", "gpt-5.6-luna"),
        ("entry.resumed", "gpt-5.6-terra"),
    ]


def test_every_notice_was_delivered_at_the_first_attempt(played: Played) -> None:
    delivered = played.events("--type", "notice.*")
    assert {(event["type"], event["data"]["attempts"]) for event in delivered} == {("notice.delivered", 1)}
    assert f"  {len(delivered)} messages arrived, 2 of them about pauses; 0 could not be delivered." in played.lines


def test_the_summary_agrees_with_the_log(played: Played) -> None:
    said = "\n".join(played.lines[played.lines.index("What was paused") :])
    for event, name, day in zip(
        played.events("--type", "entry.paused"),
        ("GPT-5.6 Luna", "GPT-5.6 Terra", "GPT-5.6 Sol"),
        ("2026-07-30", "2026-07-30", "2026-08-21"),
        strict=True,
    ):
        assert f"  {name} on {day}, at {event['recorded_at'][11:19]}Z\n" in said
        assert f"(event {event['position']})" in said


def test_nothing_but_the_story_is_printed(played: Played) -> None:
    assert not any("\x1b" in line or '"level"' in line for line in played.lines)
    assert '"message": "watching"' in (played.place / "daemon.log").read_text()


def test_the_printed_commands_work_while_it_stays_and_after_it_ended(played: Played) -> None:
    assert played.alive
    assert played.while_it_stays.returncode == 0
    done = {command.partition("monitor.toml ")[2].split()[0]: played.call(command) for command in played.commands}
    assert {noun: result.returncode for noun, result in done.items()} == {
        "status": 0,
        "why": 0,
        "events": 0,
        "prices": 0,
        "evidence": 0,
        "gate": 1,
    }
    assert "| gpt-5.6-luna" in done["evidence"].stdout
    assert re.search(r"^standard input +█+▂+  1\.00 → 0\.20$", done["prices"].stdout, re.MULTILINE)
    assert done["prices"].stderr.startswith("openai/gpt-5.6-luna at openai-pricing, from ")
    assert re.search(r"^denied: gpt-5\.6-sol in production", done["gate"].stdout)
    assert "fallback: gpt-5.4-mini" in done["gate"].stdout


def test_the_database_of_another_monitor_is_left_alone(played: Played) -> None:
    assert not (played.folder / "not-mine.db").exists()


def test_an_interrupted_demo_ends_cleanly_and_names_what_it_leaves(tmp_path: Path) -> None:
    process = start(tmp_path)
    try:
        read_until(process, "2026-06-25")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    (place,) = tmp_path.glob("access-monitor-demo-*")
    assert process.returncode == 130
    assert errors == ""
    assert rest.splitlines()[-1] == (
        f"Ended at 2026-06-25, before the story did. What was recorded until then is in {place}."
    )
