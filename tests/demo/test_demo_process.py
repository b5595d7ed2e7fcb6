"""The demo as people meet it: a process of its own, played once to its end, looked at from outside,
ended by a signal.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pictures
import pytest
from browsing import chromium, hold_every_page, paths_of, visiting
from documented_views import VIEWS
from preloaded import Nursery
from served_desk import served

from monitor.app.bootstrap import open_monitor
from monitor.settings import load

ROOT = Path(__file__).parents[2]
LAST_LINE = "Daemon and sandbox run on until Ctrl-C: look around from another terminal."
LONGEST = 600.0
"""Seconds until a demo has failed; on an idle machine it takes ten, on one that is busy with twenty things minutes."""


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
            rest, self.errors = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
            process.wait()
        self.code = process.returncode
        self.lines += rest.splitlines()
        self.folder = folder
        (self.place,) = folder.glob("access-monitor-demo-*")

    def call(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line as it was printed."""
        return subprocess.run(
            shlex.split(command), cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False
        )

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


def test_each_view_of_its_database_answers_with_the_columns_that_are_documented(played: Played) -> None:
    (database,) = played.place.rglob("monitor.db")
    with closing(sqlite3.connect(database)) as bare:
        for view, document in VIEWS.items():
            answer = bare.execute(f"SELECT * FROM {view}")
            assert [column[0] for column in answer.description] == list(document["columns"])
            assert answer.fetchall(), view


@pytest.mark.proof
def test_every_page_of_what_it_left_behind_fits_its_window_and_can_be_read_by_everybody(played: Played) -> None:
    config = played.place / "monitor.toml"
    with (
        chromium() as browser,
        open_monitor(config) as monitor,
        served(monitor, lambda: load(config, {})) as url,
    ):
        hold_every_page(partial(visiting, browser), paths_of(monitor.store, monitor.configuration), url)


PRICE = "price.standard.short.input"


def test_a_run_pauses_by_prices_that_fall_by_one_that_rises_and_by_a_model_that_vanishes(played: Played) -> None:
    pauses = played.events("--type", "entry.paused")
    *by_price, by_access = [
        (event["subject"], event["data"]["pin"].split("/")[-1], event["data"]["old"], event["data"]["new"])
        for event in pauses
    ]
    assert sorted(by_price[:2]) == [("gpt-5.6-luna", PRICE, "1", "0.2"), ("gpt-5.6-terra", PRICE, "2.5", "2")]
    assert by_price[2:] == [("gpt-5.6-sol", PRICE, "5", "4"), ("gpt-5.6-sol", PRICE, "4", "5")]
    assert by_access[0] == "gpt-5.6-luna"
    assert by_access[1] in ("listed", "access.retrieve", "access.responses")
    status = {row["key"]: row["status"] for row in json.loads(played.ask("status", "--json"))}
    assert status == {
        "gpt-5.6-sol": "paused",
        "gpt-5.6-terra": "active",
        "gpt-5.6-luna": "paused",
        "gpt-5.4-mini": "active",
    }


def test_a_price_leaves_the_caller_what_it_has_and_a_vanished_model_leaves_nobody_anything(played: Played) -> None:
    rows = [line.split("gate ", 1)[1].strip() for line in played.lines if re.match(r"  \d\d:\d\d:\d\dZ  gate ", line)]
    assert sorted(rows[:2]) == [
        "gpt-5.6-terra is denied to everybody; gpt-5.4-mini is allowed instead",
        "new usage of gpt-5.6-luna is denied, gpt-5.4-mini is allowed instead; support-agent is allowed without end",
    ]
    assert rows[2:] == [
        "new usage of gpt-5.6-sol is denied, gpt-5.4-mini is allowed instead; support-agent is allowed without end",
        "new usage of gpt-5.6-sol is denied, gpt-5.4-mini is allowed instead; support-agent is allowed for 72 h",
        "gpt-5.6-luna is denied to everybody, support-agent too; gpt-5.4-mini is allowed instead",
    ]


def test_every_price_pause_is_caused_by_official_prices_of_its_own_model(played: Played) -> None:
    prices = {event["position"]: event for event in played.events("--type", "price.changed")}
    for pause in played.events("--type", "entry.paused")[:-1]:
        causes = [prices[position] for position in pause["data"]["causes"]]
        assert len(causes) == 8  # four meters in two bands of the one tier in use
        assert {(cause["subject"], cause["data"]["tier"], cause["data"]["trust"]) for cause in causes} == {
            (pause["subject"], "standard", "official")
        }


def test_the_model_that_vanishes_is_lost_by_what_the_routes_say(played: Played) -> None:
    pause = played.events("--type", "entry.paused")[-1]
    lost = {event["position"]: event for event in played.events("--type", "access.lost")}
    assert {lost[position]["subject"] for position in pause["data"]["causes"]} == {"gpt-5.6-luna"}
    (row,) = json.loads(played.ask("status", "gpt-5.6-luna", "--json"))
    assert row["access"]["state"] == "refused"
    assert {name: route["state"] for name, route in row["access"]["routes"].items()} == dict.fromkeys(
        ("list", "retrieve", "tokens", "responses"), "refused"
    )


def test_a_call_of_every_model_was_answered_before_it_was_activated(played: Played) -> None:
    tested = {
        event["subject"]: event["position"]
        for event in reversed(played.events("--type", "check.verified", "--check", "test_call"))
    }
    activated = {event["subject"]: event["position"] for event in played.events("--type", "entry.activated")}
    assert activated.keys() == {"gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.4-mini"}
    assert all(tested[key] < position for key, position in activated.items())


def test_the_list_that_failed_made_one_failure_one_recovery_and_no_news(played: Played) -> None:
    failed, recovered = played.events("--type", "source.*ed", "--source", "openai-models")[-2:]
    assert (failed["type"], recovered["type"]) == ("source.failed", "source.recovered")
    between = range(failed["position"], recovered["position"])
    news = [event["type"] for event in played.events() if event["position"] in between]
    assert not [type for type in news if type.startswith(("model.", "price.", "access.", "entry.", "lifecycle."))]
    assert {event["subject"] for event in played.events("--type", "model.unlisted")} == {"gpt-5.6-luna"}
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
        ("entry.resumed", "gpt-5.6-sol"),
        ("entry.resumed", "gpt-5.6-terra"),
    ]


def test_every_notice_was_delivered_at_the_first_attempt(played: Played) -> None:
    delivered = played.events("--type", "notice.*")
    assert {(event["type"], event["data"]["attempts"]) for event in delivered} == {("notice.delivered", 1)}
    assert f"  {len(delivered)} messages arrived, 4 of them about pauses; 0 could not be delivered." in played.lines


def test_the_summary_agrees_with_the_log(played: Played) -> None:
    said = "\n".join(played.lines[played.lines.index("What was paused") :])
    days = ("2026-07-30", "2026-07-30", "2026-08-21", "2026-11-22", "2026-12-01")
    for event, day in zip(played.events("--type", "entry.paused"), days, strict=True):
        name = event["subject"].replace("gpt-5.6-", "GPT-5.6 ").title().replace("Gpt", "GPT")
        assert f"  {name} on {day}, at {event['recorded_at'][11:19]}Z\n" in said
        assert f"(event {event['position']})" in said


def test_the_pictures_of_the_pages_show_what_this_run_prints(played: Played) -> None:
    notice = pictures.pause_of_sol(json.loads(played.ask("notices", "--json")))
    made = {"demo": pictures.drawn("access-monitor demo", pictures.chapter(played.lines))}
    for name, words in pictures.commands(notice).items():
        done = played.call(
            shlex.join([sys.executable, "-m", "monitor", "--config", f"{played.place}/monitor.toml", *words])
        )
        made[name] = pictures.of_command(words, done.stdout.splitlines())
    kept = {path.stem: pictures.shown(path.read_text(encoding="utf-8")) for path in (ROOT / "docs").glob("*.svg")}
    drawn = {name: pictures.shown(picture) for name, picture in made.items()}
    for shown in (drawn, kept):  # a message may arrive before or after the gate is asked, within one second
        shown["demo"] = sorted(shown["demo"])
    assert drawn == kept, "run `make pictures`"


def test_nothing_but_the_story_is_printed(played: Played) -> None:
    assert not any("\x1b" in line or '"level"' in line for line in played.lines)
    assert '"message": "watching"' in (played.place / "daemon.log").read_text()


def test_the_printed_commands_work_while_it_stays_and_after_it_ended(played: Played) -> None:
    assert played.alive
    assert played.while_it_stays.returncode == 0
    done = {command.partition("monitor.toml ")[2].split()[0]: played.call(command) for command in played.commands[:-1]}
    assert {noun: result.returncode for noun, result in done.items()} == {
        "status": 0,
        "why": 0,
        "events": 0,
        "prices": 0,
        "evidence": 0,
        "gate": 1,
    }
    assert played.commands[-1].endswith("gate gpt-5.6-sol --caller support-agent")
    assert played.call(played.commands[-1]).returncode == 0
    assert "| gpt-5.6-luna" in done["evidence"].stdout
    assert re.search(r"^standard input +█+▂+  1\.00 → 0\.20$", done["prices"].stdout, re.MULTILINE)
    assert done["prices"].stderr.startswith("openai/gpt-5.6-luna at openai-pricing, from ")
    assert re.search(r"^denied: gpt-5\.6-luna in production", done["gate"].stdout)
    assert "fallback: gpt-5.4-mini" in done["gate"].stdout


def test_the_database_of_another_monitor_is_left_alone(played: Played) -> None:
    assert not (played.folder / "not-mine.db").exists()


def test_an_interrupted_demo_ends_cleanly_and_names_what_it_leaves(tmp_path: Path) -> None:
    process = start(tmp_path)
    try:
        read_until(process, "2026-06-25")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=LONGEST)
    finally:
        process.kill()
        process.wait()
    (place,) = tmp_path.glob("access-monitor-demo-*")
    assert process.returncode == 130
    assert errors == ""
    assert rest.splitlines()[-1] == (
        f"Ended at 2026-06-25, before the story did. What was recorded until then is in {place}."
    )
