"""Half a year of OpenAI's real models list under the shipped configuration."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from replayed import (
    FACTS,
    Played,
    believed_edges,
    good_lists,
    lines,
    needs_histories,
    play,
    time,
    truth,
)

from monitor.core.entry import Status

pytestmark = needs_histories

NAME = "mw_v1models_openai"
LEAKED = ("gpt-5.4-mini-2026-03-17-batch", "ra-gpt-5.6-sol")
PLANNED = {
    "2026-03-26T17:55:06Z": 3,  # gpt-4 previews
    "2026-05-13T02:27:55Z": 2,  # dall-e
    "2026-05-18T19:27": 1,  # the audio and realtime previews, in two waves
    "2026-05-18T22:51": 9,
    "2026-08-04T01:47:07Z": 1,
}
"""When a planned removal first showed → how many models went."""


def test_every_poll_of_the_recording_is_played_and_none_is_late(openai: Played) -> None:
    polls = list(lines(NAME))
    verdicts = Counter(step.verdict for step in openai.steps if step.source)
    assert sum(verdicts.values()) == len(polls)
    assert verdicts["failed"] == sum(line["status"] != "ok" for line in polls)
    assert not verdicts["late"]


def test_models_are_listed_and_unlisted_exactly_when_enough_polls_showed_it(openai: Played) -> None:
    came, went = believed_edges(good_lists(NAME))
    assert came
    assert openai.recorded("model.listed") == came
    assert openai.recorded("model.unlisted") == went


def test_every_lasting_removal_is_found_once_and_dated_by_the_first_poll_without_it(openai: Played) -> None:
    gone = {
        line["model"]: time(line["observed_at"])
        for line in truth(NAME)
        if line["kind"] == "model_removed" and "returned_after_h" not in line
    }
    for unseen in ("test-run", LEAKED[0]):  # came and went before either was confirmed
        del gone[unseen]
    unlisted = openai.events("model.unlisted")
    assert {event.subject: event.occurred_at for event in unlisted} == gone
    assert len(unlisted) == len(gone)


def test_planned_removals_are_found_after_three_polls_over_half_an_hour(openai: Played) -> None:
    recorded = {one.event.position: one.recorded_at for one in openai.log}
    good = [at for at, _ in good_lists(NAME)]
    for first, count in PLANNED.items():
        gone = [e for e in openai.events("model.unlisted") if e.occurred_at.isoformat().startswith(first.rstrip("Z"))]
        assert len(gone) == count, first
        for event in gone:
            polls = [at for at in good if event.occurred_at <= at <= recorded[event.position]]
            assert event.data["looks"] == 3
            assert polls[0] == event.occurred_at
            assert polls[-1] - polls[0] >= timedelta(minutes=30)
            assert len(polls) == 3 or polls[-2] - polls[0] < timedelta(minutes=30), "believed later than it could be"


def test_missing_keys_and_the_500_of_july_are_outages_and_nothing_else(openai: Played) -> None:
    assert [(e.type, e.data["reason"]) for e in openai.events("source.failed", "source.recovered")] == [
        ("source.failed", "no_credential"),
        ("source.recovered", "no_credential"),
        ("source.failed", "server_error"),
        ("source.recovered", "server_error"),
    ]
    since, until = time("2026-07-25T08:55:15Z"), time("2026-07-25T10:21:16Z")
    assert [event.type for event in openai.between(since, until, *FACTS)] == []
    assert len(openai.between(since, until, "source.")) == 2


def test_gaps_in_the_recording_are_not_blindness_of_the_source(openai: Played) -> None:
    times = [time(line["observed_at"]) for line in lines(NAME)]
    assert max(after - before for before, after in pairwise(times)) > timedelta(hours=24)
    assert openai.events("source.stale", "source.anomaly") == []


def test_a_human_test_edit_of_41_seconds_leaves_no_trace(openai: Played) -> None:
    since, until = time("2026-02-19T23:40:00Z"), time("2026-02-20T23:00:00Z")
    assert [event.type for event in openai.between(since, until, *FACTS)] == []
    assert openai.events(subject="test-run") == []
    assert [event.type for event in openai.events("model.", subject="babbage-002")] == []


def test_leaked_ids_are_written_down_and_nobody_is_told(openai: Played) -> None:
    assert openai.events(subject=LEAKED[0]) == []  # gone at the poll after the next
    assert [event.type for event in openai.events(subject=LEAKED[1])] == ["model.listed", "model.unlisted"]
    told = {item.subject for notice in openai.notices for item in notice.items}
    assert told.isdisjoint(LEAKED)
    assert told == {"gpt-5.4-mini", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"}


def test_a_date_of_shutdown_is_announced_once_whatever_its_field_is_called(openai: Played) -> None:
    announced = openai.events("lifecycle.")
    first = next(line for line in lines(NAME) if line["observed_at"] == "2026-08-04T01:47:07Z")
    dated = {item["id"]: item["deprecation_date"] for item in first["payload"]["data"] if item.get("deprecation_date")}
    assert len(dated) == 50
    assert {event.type for event in announced} == {"lifecycle.announced"}
    assert {event.subject: event.data["date"] for event in announced} == dated
    assert len(announced) == len(dated)


def test_nothing_is_said_of_single_models_when_the_list_changes_its_fields(openai: Played) -> None:
    assert openai.events("model.changed") == []


def test_gpt_5_6_becomes_visible_on_the_day_this_key_could_see_it(openai: Played) -> None:
    for key in ("gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"):
        (gained,) = openai.events("access.gained", subject=key)
        (visible,) = openai.events("entry.visible", subject=key)
        assert gained.occurred_at == time("2026-07-10T18:17:29Z")
        assert visible.cause == gained.position
        assert visible.occurred_at.date().isoformat() == "2026-07-10"
        assert openai.entries[key].status is Status.ACTIVE


def test_what_no_replayed_source_feeds_is_waived_for_each_entry(openai: Played) -> None:
    assert openai.waived == {
        "gpt-5.6-sol": {"pricing", "safety_review", "evals"},
        "gpt-5.6-terra": {"pricing", "evals"},
        "gpt-5.6-luna": {"pricing", "evals"},
        "gpt-5.4-mini": {"pricing"},
    }


def test_the_registry_of_the_store_is_the_one_that_its_log_tells(openai: Played) -> None:
    assert openai.entries == openai.rebuilt


def test_no_delivery_is_ever_queued(openai: Played) -> None:
    assert openai.notices
    assert openai.deliveries == 0


def test_an_active_entry_is_paused_when_its_model_is_gone_and_stays_so(tmp_path: Path) -> None:
    config = tmp_path / "monitor.toml"
    config.write_text(
        """
[[surface]]
key = "openai"
base_url = "https://api.openai.com/v1"
[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"
[[owner]]
key = "images"
destinations = ["env:SLACK_URL"]
[[entry]]
key = "pictures"
surface = "openai"
model_id = "dall-e-3"
owners = ["images"]
""",
        encoding="utf-8",
    )
    part = tmp_path / "part.jsonl"
    around = [line for line in lines(NAME) if "2026-05-11" <= line["observed_at"] < "2026-05-16"]
    part.write_text("\n".join(json.dumps(line) for line in around), encoding="utf-8")
    played = play(tmp_path, {"openai-models": part}, config=config, activate=True)
    types = [event.type for event in played.events("entry.", "access.")]
    assert types == ["entry.declared", "entry.visible", "entry.activated", "access.lost", "entry.paused"]
    lost, paused = played.events("access.lost", "entry.paused")
    assert paused.data["causes"] == [lost.position]
    assert [notice.reason for notice in played.notices] == ["visible", "visible", "paused"]
    assert played.entries["pictures"].status is Status.PAUSED
    assert played.entries == played.rebuilt
