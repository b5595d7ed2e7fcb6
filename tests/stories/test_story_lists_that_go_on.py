"""A list that is not the whole list makes nothing vanish, and a source that contradicts itself says so once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from story_world import Answer, Request, Story, price_page

CASES = Path(os.environ.get("ACCESS_MONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"NO CASES: {CASES} is absent, set ACCESS_MONITOR_SHARED")

IDS = [f"orion-{number}" for number in range(1, 13)]
FEWER = [id for id in IDS if id not in IDS[1:5]]
BUT_ONE = [id for id in IDS if id != "orion-2"]


def page(*ids: str, **around: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": id, "object": "model"} for id in ids], **around}


def active(story: Story) -> Story:
    """Return a list of twelve models, of which one is in production."""
    story.provider.models = list(IDS)
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.activate()
    return story


def reasons(events: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (event["type"], event["data"]["reason"])
        for event in events
        if event["type"] in ("source.failed", "source.anomaly", "source.recovered")
    ]


def test_the_first_page_of_a_list_that_cannot_be_followed_is_a_failed_poll_and_moves_nothing(story: Story):
    active(story)
    before = len(story.events())
    story.provider.answers["GET", "/v1/models"] = Answer(200, page("orion-1", next="https://x.example/models?page=2"))
    for _ in range(3):
        assert story.run("poll", "openai-models").code == 1
    (failed,) = story.events()[before:]
    assert (failed["type"], failed["data"]["reason"]) == ("source.failed", "truncated")
    assert "goes on" in failed["data"]["detail"]
    assert story.gate() == 0


def test_a_list_in_pages_is_read_to_its_end(story: Story):
    active(story)
    longer = [*IDS, "orion-13"]

    def paged(request: Request) -> Answer:
        start = longer.index(request.query.partition("after=")[2]) + 1 if request.query else 0
        ids, rest = longer[start : start + 5], longer[start + 5 :]
        return Answer(200, page(*ids, has_more=bool(rest), last_id=ids[-1]))

    story.provider.answers["GET", "/v1/models"] = paged
    before = story.provider.count("/v1/models")
    story.poll(2, "openai-models")
    assert story.provider.count("/v1/models") - before == 6
    assert [event["subject"] for event in story.events("--type", "model.*")] == ["orion-13"]
    assert reasons(story.events()) == []


def test_extract_says_whether_a_list_is_whole_and_what_an_error_means(story: Story):
    def extracted(text: str) -> tuple[int, Any]:
        done = story.run("extract", "-", "--as", "models_list", "--json", config=False, input=text)
        return done.code, done.json

    code, whole = extracted(json.dumps(page("b", "a", has_more=False)))
    assert (code, whole["kind"], whole["complete"], whole["refused"]) == (0, "models_list", True, [])
    assert [row["id"] for row in whole["rows"]] == ["a", "b"]
    code, half = extracted(json.dumps(page("b", "a", nextPageToken="x")))
    assert (code, half["complete"], len(half["rows"])) == (1, False, 2)
    code, doubtful = extracted(json.dumps({"data": [{"id": "a"}, {"name": "b"}]}))
    assert (code, doubtful["complete"], doubtful["rows"]) == (0, False, [{"id": "a", "listed": True}])
    assert doubtful["refused"][0]["where"] == "data[1]"
    error = json.dumps({"error": {"message": "The model `orion-2-mini` does not exist"}})
    asked = ("extract", "-", "--as", "error", "--status", "404", "--json", "--model")
    assert story.must(*asked, "orion-2-mini", config=False, input=error).json["meaning"] == "access_lost"
    assert story.must(*asked, "orion-2", config=False, input=error).json["meaning"] == "unknown"


def test_nothing_is_missing_from_a_list_with_an_item_that_has_no_id(story: Story):
    active(story)
    answer = page(*BUT_ONE, "orion-13")
    answer["data"].append({"name": "orion-2"})
    story.provider.answers["GET", "/v1/models"] = Answer(200, answer)
    story.poll(3, "openai-models")
    assert [event["subject"] for event in story.events("--type", "model.*")] == ["orion-13"], "what stands is read"
    assert story.status()["status"] == "active"
    answer["data"].pop()
    story.poll(3, "openai-models")
    assert story.status()["status"] == "paused", "a whole list without it is another matter"


def test_replicas_that_differ_are_one_anomaly_and_one_message(story: Story):
    active(story)
    for number in range(8):
        story.provider.models = IDS if number % 2 else FEWER
        story.poll(1, "openai-models")
    assert reasons(story.events()) == [
        ("source.anomaly", "mass_drop"),
        ("source.recovered", "mass_drop"),
        ("source.anomaly", "inconsistent"),
    ]
    assert [fact["subject"] for fact in story.events()[-1]["data"]["facts"]] == sorted(IDS[1:5])
    story.deliver()
    assert len([message for message in story.messages() if "HELD FOR REVIEW" in message.title]) == 1
    assert story.gate() == 0


def test_what_was_missed_in_a_mass_keeps_its_hold_when_less_is_missing(story: Story):
    active(story)
    story.provider.models = FEWER
    story.poll(1, "openai-models")
    story.provider.models = BUT_ONE
    story.poll(4, "openai-models")
    assert reasons(story.events()) == [("source.anomaly", "mass_drop"), ("source.recovered", "mass_drop")]
    assert story.events("--type", "model.*") == []
    assert story.gate() == 0


# -- recordings ----------------------------------------------------------------

HOUR = timedelta(hours=1)
DAY = 24 * 12
"""Polls of a day, at one each five minutes."""


def replayed(story: Story, source: str, *payloads: object, every: int = 5) -> list[dict[str, Any]]:
    """Return what a replay of a recording prints; texts are pages, everything else is JSON."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    lines = [
        {
            "observed_at": (start + timedelta(minutes=every * number)).isoformat(),
            "status": "ok",
            ("payload_text" if isinstance(payload, str) else "payload"): payload,
        }
        for number, payload in enumerate(payloads)
    ]
    file = story.folder / "recording.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    shipped = {
        'absence = {polls = 2, span = "0s"}': 'absence = {polls = 3, span = "30m"}',
        'hold = "1h"': 'hold = "24h"',
    }
    story.configure(story.entry(), **shipped)
    return replay(story, story.config, source, file)


def replay(story: Story, config: Path, source: str, file: Path) -> list[dict[str, Any]]:
    done = story.must(
        "--config", str(config), "replay", f"{source}={file}", "--activate", "auto", "--format", "jsonl", config=False
    )
    return [json.loads(line) for line in done.out.splitlines()]


def prices(count: int, **moved: str) -> str:
    return price_page({f"orion-{number}": (moved.get(f"orion_{number}", "1.00"), "6.00") for number in range(1, count)})


def test_two_lists_in_turn_are_said_once_a_day(story: Story):
    turns = [page(*(IDS if number % 2 == 0 else FEWER)) for number in range(DAY + DAY // 3)]
    events = replayed(story, "openai-models", *turns)
    assert [reason for kind, reason in reasons(events) if kind == "source.anomaly"] == [
        "mass_drop",
        "inconsistent",
        "inconsistent",
    ]
    assert not [event for event in events if event["type"].startswith(("model.", "access.", "entry.paused"))]


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("openai-models", page(*IDS), page(*BUT_ONE)),
        ("openai-models", page(*IDS), page()),
        ("openai-pricing", prices(12), prices(12, orion_2="2.00")),
    ],
    ids=["a model", "everything", "a price"],
)
def test_what_comes_and_goes_is_said_once_and_moves_nothing(story: Story, source: str, one: object, other: object):
    events = replayed(story, source, *[one, other] * 20)
    assert [reason for _, reason in reasons(events)].count("inconsistent") == 1
    assert len(reasons(events)) <= 3
    assert not [event for event in events if event["type"].startswith(("model.", "price.", "access."))]


def test_a_price_that_stays_after_it_came_and_went_is_believed(story: Story):
    one, other = prices(12), prices(12, orion_2="2.00")
    events = replayed(story, "openai-pricing", *[one, other] * 4, *[other] * 12)
    assert [event["data"]["new"] for event in events if event["type"] == "price.changed"] == ["2"]


def test_what_stands_in_a_page_that_lacks_much_is_judged_at_once(story: Story):
    events = replayed(story, "openai-pricing", prices(12), *[prices(5, orion_2="2.00")] * 4, every=30)
    assert reasons(events) == [("source.anomaly", "mass_drop")]
    assert "entry.paused" in {event["type"] for event in events}
    assert "price.removed" not in {event["type"] for event in events}


def test_a_meter_that_vanishes_from_a_whole_page_is_held_for_a_day(story: Story):
    rows = "\n".join(f"| orion-{number} | $1.00 | $0.10 | $6.00 |" for number in range(1, 6))
    head = "# Pricing\n\nPrices per 1M tokens.\n\n### Standard pricing data\n\n"
    whole = f"{head}| Model | Input | Cached input | Output |\n| --- | --- | --- | --- |\n{rows}\n"
    lacking = whole.replace(" | $0.10", "").replace(" | Cached input", "").replace("| --- |\n", "|\n")
    events = replayed(story, "openai-pricing", whole, *[lacking] * 50, every=30)
    (anomaly,) = (event for event in events if event["type"] == "source.anomaly")
    assert (anomaly["data"]["reason"], anomaly["data"]["meters"]) == ("mass_drop", ["standard.short.cached_input"])
    removed = [event for event in events if event["type"] == "price.removed"]
    assert {event["cause"] for event in removed} == {anomaly["position"]}
    assert {event["recorded_at"] for event in removed} == {anomaly["data"]["until"]}


def test_a_drop_after_one_that_was_reversed_is_held_for_twice_as_long(story: Story):
    polls = [page(*IDS), *[page(*FEWER)] * 10, *[page(*IDS)] * 40, *[page(*FEWER)] * 30]
    events = replayed(story, "openai-models", *polls, every=120)
    spans = [
        datetime.fromisoformat(event["data"]["until"]) - datetime.fromisoformat(event["occurred_at"])
        for event in events
        if event["type"] == "source.anomaly"
    ]
    assert spans == [timedelta(hours=24), timedelta(hours=48)]
    gone = [event for event in events if event["type"] == "model.unlisted"]
    assert len(gone) == 4
    assert {event["recorded_at"] for event in gone} == {events_named(events, "source.anomaly")[-1]["data"]["until"]}


def events_named(events: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def test_a_drop_that_comes_back_makes_the_next_one_of_its_list_wait_twice_as_long(story: Story):
    """Three drops of ten hours, each reversed and more than a day apart, then one that stays."""
    turns = [IDS] * 3 + 3 * ([FEWER] * 2 + [IDS] * 4) + [FEWER] * 12
    events = replayed(story, "openai-models", *(page(*ids) for ids in turns), every=600)
    drops = [event for event in events_named(events, "source.anomaly") if event["data"]["reason"] == "mass_drop"]
    held = [
        (datetime.fromisoformat(event["data"]["until"]) - datetime.fromisoformat(event["occurred_at"])) / HOUR
        for event in drops
    ]
    assert held == [24, 48, 96, 96]
    gone = events_named(events, "model.unlisted")
    assert {event["subject"] for event in gone} == set(IDS) - set(FEWER)
    waited = datetime.fromisoformat(gone[0]["recorded_at"]) - datetime.fromisoformat(drops[-1]["occurred_at"])
    assert waited >= 96 * HOUR


REPLAYS = {
    "list": ("local-models", ["truncated"]),
    "nextlink": ("openai-models", ["truncated"]),
    "badids": ("openai-models", []),
    "flip1": ("openai-models", ["inconsistent"]),
    "flip3": ("openai-models", ["mass_drop", "inconsistent", "inconsistent"]),
    "flip": ("page", ["inconsistent"]),
    "held_price": ("page", ["mass_drop"]),
}
"""Recording → its source, and why it fails or is anomalous."""


@needs_cases
@pytest.mark.parametrize("case", REPLAYS)
def test_the_recordings_of_the_field_say_what_is_true(story: Story, case: str):
    source, why = REPLAYS[case]
    (file,) = (file for file in CASES.glob(f"*/{case}.jsonl") if file.parts[-2][:2] in ("03", "24", "25"))
    story.environ |= {"OPENAI_API_KEY": "sk-none", "SLACK_URL": "json://127.0.0.1:9/"}
    events = replay(story, file.with_name("monitor.toml"), source, file)
    assert [reason for kind, reason in reasons(events) if kind != "source.recovered"] == why
    kinds = {event["type"] for event in events}
    assert not kinds & {"model.unlisted", "access.lost"}
    assert ("entry.paused" in kinds) is (case == "held_price")
    if case == "held_price":
        first = events_named(events, "price.changed")[0]
        assert first["recorded_at"] < events_named(events, "source.anomaly")[0]["data"]["until"]
