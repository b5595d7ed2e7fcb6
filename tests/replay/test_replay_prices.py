"""Recorded prices: a feed that informs, and pages that pause."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from replayed import PAGES, Played, history, needs_histories, play, time

from monitor.core.entry import Status

DROPPED = {
    ("gpt-5.6-luna", "input"): ("1", "0.2"),
    ("gpt-5.6-luna", "cached_input"): ("0.1", "0.02"),
    ("gpt-5.6-luna", "output"): ("6", "1.2"),
    ("gpt-5.6-terra", "input"): ("2.5", "2"),
    ("gpt-5.6-terra", "cached_input"): ("0.25", "0.2"),
    ("gpt-5.6-terra", "output"): ("15", "12"),
}
OVERWRITTEN, RESTRUCTURED = time("2026-07-30T17:34:21Z"), time("2026-07-30T17:39:30Z")


@needs_histories
def test_the_drop_of_july_is_reported_once_for_each_meter_and_moves_no_entry(llm_prices: Played) -> None:
    reported = [
        event for event in llm_prices.events("price.reported") if event.subject in ("gpt-5.6-luna", "gpt-5.6-terra")
    ]
    moved = {
        (e.subject, e.data["meter"]): (e.data["old"], e.data["new"]) for e in reported if e.data["context"] == "short"
    }
    assert moved == DROPPED
    assert len([e for e in reported if e.data["context"] == "short"]) == len(DROPPED)
    assert {event.occurred_at for event in reported} == {OVERWRITTEN}
    assert llm_prices.events("price.changed", "entry.paused") == []


def test_putting_the_old_price_back_as_history_says_nothing_anew(tmp_path: Path) -> None:
    lines = [
        {
            "observed_at": at,
            "status": "ok",
            "payload": {"vendor": "openai", "models": [{"id": "luna", "name": "Luna", "price_history": rows}]},
        }
        for at, rows in (
            ("2026-07-30T16:00:00Z", [_row(1, 6)]),
            ("2026-07-30T17:34:21Z", [_row(0.2, 1.2)]),
            ("2026-07-30T17:39:30Z", [_row(1, 6, until="2026-07-30"), _row(0.2, 1.2, since="2026-07-30")]),
            ("2026-07-30T19:00:00Z", [_row(1, 6, until="2026-07-30"), _row(0.2, 1.2, since="2026-07-30")]),
        )
    ]
    file = tmp_path / "feed.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    played = play(tmp_path, {"llm-prices": file}, carry=timedelta(minutes=3))
    assert [(e.data["meter"], e.data["new"]) for e in played.events("price.")] == [("input", "0.2"), ("output", "1.2")]


def _row(input: float, output: float, *, since: str | None = None, until: str | None = None) -> dict[str, object]:
    return {"input": input, "output": output, "input_cached": None, "from_date": since, "to_date": until}


@needs_histories
def test_invalid_json_is_an_outage_of_the_feed_and_says_nothing_of_prices(llm_prices: Played) -> None:
    failed, recovered = llm_prices.events("source.failed", "source.recovered")
    assert (failed.occurred_at, failed.data["reason"]) == (time("2026-04-24T00:16:57Z"), "not_json")
    assert (recovered.occurred_at, recovered.cause) == (time("2026-04-24T00:17:26Z"), failed.position)
    assert llm_prices.between(failed.occurred_at, recovered.occurred_at, "price.", "entry.") == []
    assert llm_prices.events("price.removed") == []


@needs_histories
def test_a_feed_that_nobody_calls_official_never_makes_a_price_or_an_entry(llm_prices: Played) -> None:
    assert {event.type for event in llm_prices.events("price.")} == {"price.listed", "price.reported"}
    assert {event.type for event in llm_prices.events("entry.")} == {"entry.declared"}
    assert {entry.status for entry in llm_prices.entries.values()} == {Status.WAITING}


@needs_histories
def test_the_prompt_of_a_report_asks_nobody(llm_prices: Played) -> None:
    assert llm_prices.events(source="openai-pricing") == []


PAGE_DATES = {
    "2026-07-15T00:00:00Z": "2026-07-15_piercecohen_pricing.md",
    "2026-08-10T00:00:00Z": "2026-08-01to20_id61738398389_pricing_trimmed.md",
    "2026-08-23T00:00:00Z": "2026-08-22plus_llms-txt-archive_pricing.md",
    "2026-08-24T00:00:00Z": "2026-02-26_piercecohen_pricing.md",
    "2026-08-25T00:00:00Z": "2026-08-22plus_llms-txt-archive_pricing.md",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Real official pages, each standing until the next, and one that is an empty shell."""
    if not PAGES.is_dir():
        pytest.skip(f"NO REAL PAGES: {PAGES} is absent, set ACCESS_MONITOR_SHARED")
    folder = tmp_path_factory.mktemp("pages")
    lines = [
        {"observed_at": at, "status": "ok", "payload_text": (PAGES / name).read_text(encoding="utf-8")}
        for at, name in PAGE_DATES.items()
    ]
    (folder / "pages.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return play(folder, {"openai-pricing": folder / "pages.jsonl"}, carry=timedelta(hours=6), activate=True)


def test_an_entry_whose_list_is_not_replayed_is_taken_for_visible_and_it_is_said_by_whom(pages: Played) -> None:
    visible = pages.events("entry.visible")
    assert {event.subject for event in visible} == set(pages.entries)
    assert {event.actor for event in visible} == {"replay"}
    assert all("visibility" in waived for waived in pages.waived.values())
    assert pages.events("access.") == []


def test_a_price_that_the_official_page_moves_pauses_the_entries_that_pinned_it_and_no_other(pages: Played) -> None:
    assert [(event.type, event.subject) for event in pages.events("entry.paused", "entry.resumed")] == [
        ("entry.paused", "gpt-5.6-luna"),
        ("entry.paused", "gpt-5.6-terra"),
        ("entry.resumed", "gpt-5.6-luna"),
        ("entry.resumed", "gpt-5.6-terra"),
        ("entry.paused", "gpt-5.6-sol"),
        ("entry.resumed", "gpt-5.6-sol"),
    ]
    luna = pages.events("entry.paused", subject="gpt-5.6-luna")[0]
    causes = {event.position: event for event in pages.events("price.changed", subject="gpt-5.6-luna")}
    assert {causes[position].data["meter"] for position in luna.data["causes"]} == {
        "input",
        "cached_input",
        "cache_write",
        "output",
    }


def test_a_pause_stands_for_a_look_at_least_before_it_is_resumed(pages: Played) -> None:
    for key in ("gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol"):
        paused, resumed = (pages.events(kind, subject=key)[0] for kind in ("entry.paused", "entry.resumed"))
        assert resumed.occurred_at - paused.occurred_at == timedelta(hours=6)
        assert resumed.actor == "replay"


def test_an_empty_shell_of_a_page_is_an_outage_and_moves_nothing(pages: Played) -> None:
    failed, recovered = pages.events("source.failed", "source.recovered")[-2:]
    assert (failed.type, failed.data["reason"]) == ("source.failed", "unreadable")
    assert recovered.occurred_at == time("2026-08-25T00:00:00Z")
    assert pages.between(failed.occurred_at, recovered.occurred_at, "price.", "entry.") == []


def test_the_registry_equals_its_log_after_pauses_and_resumptions(pages: Played) -> None:
    assert pages.entries == pages.rebuilt
    assert {entry.status for entry in pages.entries.values()} == {Status.ACTIVE}


@needs_histories
def test_a_replay_is_the_same_each_time_but_for_the_ids_of_its_events(llm_prices: Played, tmp_path: Path) -> None:
    again = play(tmp_path, {"llm-prices": history("simonw_llm_prices_openai")}, carry=timedelta(hours=6))
    assert [(one.event, one.recorded_at, one.version) for one in again.log] == [
        (one.event, one.recorded_at, one.version) for one in llm_prices.log
    ]
    assert again.notices == llm_prices.notices
    assert {one.id for one in again.log}.isdisjoint(one.id for one in llm_prices.log)
