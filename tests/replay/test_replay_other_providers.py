"""Two providers whose lists repeat ids, change their order, and fail for a month."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from replayed import CARRY, FACTS, Played, believed_edges, good_lists, lines, needs_histories, play, time

from monitor.core.entry import Status

pytestmark = needs_histories

BLOCKED, BACK = time("2026-04-20T07:13:49Z"), time("2026-05-19T07:37:36Z")


def test_repeated_ids_and_another_order_add_no_coming_and_no_going(mistral: Played) -> None:
    first = next(line for line in lines("mw_v1models_mistral") if line["status"] == "ok")
    ids = Counter(item["id"] for item in first["payload"]["data"])
    assert max(ids.values()) > 1
    (baseline,) = mistral.events("source.baseline_recorded")
    assert baseline.data["subjects"] == len(ids)
    came, went = believed_edges(good_lists("mw_v1models_mistral", CARRY))
    assert mistral.recorded("model.listed") == came
    assert mistral.recorded("model.unlisted") == went


def test_the_time_of_the_answer_is_no_date_of_creation(mistral: Played) -> None:
    answers = [line["payload"]["data"] for line in lines("mw_v1models_mistral") if line["status"] == "ok"]
    assert len({item.get("created") for answer in answers for item in answer}) > 3
    assert [event for event in mistral.events("model.changed") if event.data["field"] == "created"] == []


def test_a_field_that_leaves_the_whole_list_is_no_change_of_its_models(fireworks: Played) -> None:
    answers = [line["payload"]["data"] for line in lines("mw_v1models_fireworks") if line["status"] == "ok"]
    assert [any("created" in item for item in answer) for answer in (answers[0], answers[-1])] == [True, False]
    assert [event for event in fireworks.events("model.changed") if event.data["field"] == "created"] == []


def test_29_days_of_412_are_one_failure_one_alarm_and_one_recovery(fireworks: Played) -> None:
    said = fireworks.between(BLOCKED, BACK, "source.")
    assert [event.type for event in said if event.type != "source.anomaly"] == [
        "source.failed",
        "source.stale",
        "source.recovered",
    ]
    failed, stale, recovered = said[:3]
    assert (failed.occurred_at, failed.data["reason"]) == (BLOCKED, "http_error")
    assert (stale.cause, recovered.cause) == (failed.position, failed.position)
    assert [event.type for event in fireworks.between(BLOCKED, BACK, *FACTS)] == []
    blind = [item for notice in fireworks.notices for item in notice.items if item.reason == "blind"]
    assert blind[0].position == stale.position
    # The recording has no prices, so the gate denies the entry for want of them, and not for the list that cannot be
    # read.
    assert "price" in blind[0].refusal, blind[0].refusal


def test_after_a_month_of_nothing_the_list_is_compared_with_the_last_good_one(fireworks: Played) -> None:
    lists = good_lists("mw_v1models_fireworks")
    before = [ids for at, ids in lists if at < BLOCKED][-1]
    after = next(ids for at, ids in lists if at >= BACK)
    (anomaly,) = fireworks.between(BACK, BACK, "source.anomaly")
    assert (anomaly.data["reason"], set(anomaly.data["missing"])) == ("mass_drop", before - after)
    told = [event for event in fireworks.events("model.") if event.cause == anomaly.position]
    assert {event.subject for event in told if event.type == "model.unlisted"} == before - after
    assert {event.subject for event in told if event.type == "model.listed"} >= after - before
    assert all(event.data["last_with_old"] < "2026-04-20T07:13:49Z" for event in told)


def test_what_is_believed_in_the_end_is_what_the_list_last_held(fireworks: Played) -> None:
    lists = good_lists("mw_v1models_fireworks")
    confirmed = set(lists[0][1])
    for event in fireworks.events("model.listed", "model.unlisted"):
        assert (event.subject in confirmed) == (event.type == "model.unlisted")
        confirmed ^= {event.subject}
    settled = lists[-2][1]  # the last list stood for one poll
    assert confirmed == settled


def test_a_registered_model_that_left_pauses_its_entry_and_is_never_resumed(fireworks: Played) -> None:
    assert [event.type for event in fireworks.events("entry.", subject="kimi")] == [
        "entry.declared",
        "entry.visible",
        "entry.activated",
        "entry.paused",
    ]
    (lost,) = fireworks.events("access.lost")
    assert fireworks.events("entry.paused")[0].cause == lost.position
    assert fireworks.entries["kimi"].status is Status.PAUSED


def test_the_registry_of_each_store_is_the_one_that_its_log_tells(mistral: Played, fireworks: Played) -> None:
    assert mistral.entries == mistral.rebuilt
    assert fireworks.entries == fireworks.rebuilt


def test_a_field_that_leaves_one_model_is_a_change_of_that_model(tmp_path: Path, providers: Path) -> None:
    def poll(hour: int, *context: int | None) -> str:
        items = [
            {"id": f"m{number}", "created": 7, **({"context_length": size} if size else {})}
            for number, size in enumerate(context)
        ]
        return json.dumps({"observed_at": f"2026-02-19T{hour:02}:00:00Z", "status": "ok", "payload": {"data": items}})

    file = tmp_path / "list.jsonl"
    polls = [
        poll(1, 8, 8),
        *(poll(hour, 8, None) for hour in (2, 3, 4)),
        *(poll(hour, None, None) for hour in (5, 6, 7)),
    ]
    file.write_text("\n".join(polls), encoding="utf-8")
    played = play(tmp_path, {"fireworks-models": file}, config=providers)
    assert [(e.subject, e.data["field"], e.data["new"]) for e in played.events("model.")] == [
        ("m1", "context_length", None)
    ]
