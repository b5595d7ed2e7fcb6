"""The recorded incidents that concern prices, each by its own name, with the official pages and a feed played side by
side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from replayed import HISTORIES, PAGES, SHIPPED, Played, history, time

from monitor.app.bootstrap import open_monitor
from monitor.audit import queries
from monitor.audit.agreement import PriceComparison, PriceView, weigh
from monitor.core.events import Event
from monitor.registry.transitions import replay as folded
from monitor.sources import recording

PAGE_DATES = {
    "2026-07-15T00:00:00Z": "2026-07-15_piercecohen_pricing.md",
    "2026-08-10T00:00:00Z": "2026-08-01to20_id61738398389_pricing_trimmed.md",
    "2026-08-22T00:00:00Z": "2026-08-22plus_llms-txt-archive_pricing.md",
    "2026-08-24T00:00:00Z": "2026-02-26_piercecohen_pricing.md",
    "2026-08-25T00:00:00Z": "2026-08-22plus_llms-txt-archive_pricing.md",
    "2026-08-26T00:00:00Z": "2026-08-22plus_llms-txt-archive_pricing.md",
}
"""The page of each date stood until the next one; the empty shell is put where a good page stood before and after."""

LUNA, TERRA, SOL = "gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol"
DROP = {
    (LUNA, "input"): ("1", "0.2"),
    (LUNA, "cached_input"): ("0.1", "0.02"),
    (LUNA, "cache_write"): ("1.25", "0.25"),
    (LUNA, "output"): ("6", "1.2"),
    (TERRA, "input"): ("2.5", "2"),
    (TERRA, "cached_input"): ("0.25", "0.2"),
    (TERRA, "cache_write"): ("3.125", "2.5"),
    (TERRA, "output"): ("15", "12"),
}
PROMOTION = {"input": ("5", "4"), "cached_input": ("0.5", "0.4"), "output": ("30", "20")}


@dataclass(frozen=True)
class Summer:
    """What the summer of 2026 came to, and how the sources stood to each other at its end."""

    played: Played
    words: dict[tuple[str, str, str], PriceComparison]


@pytest.fixture(scope="module")
def summer(tmp_path_factory: pytest.TempPathFactory) -> Summer:
    for folder in (HISTORIES, PAGES):
        if not folder.is_dir():
            pytest.skip(f"NO REAL HISTORIES: {folder} is absent, set ACCESS_MONITOR_SHARED")
    folder = tmp_path_factory.mktemp("summer")
    lines = [
        {"observed_at": at, "status": "ok", "payload_text": (PAGES / name).read_text(encoding="utf-8")}
        for at, name in PAGE_DATES.items()
    ]
    (folder / "pages.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    files = {"openai-pricing": folder / "pages.jsonl", "llm-prices": history("simonw_llm_prices_openai")}
    polls = {key: recording.read(file).polls for key, file in files.items()}
    with open_monitor(SHIPPED, str(folder / "replay.db"), environ={}, durable=False) as monitor:
        replay = monitor.replay(polls, carry=dict.fromkeys(polls, timedelta(hours=12)), activate=True)
        steps = list(replay.run())
        with monitor.store.read() as reader:
            log = [one.event for one in reader.events()]
            played = Played(steps, reader.entries(), folded(log), replay.waived, len(reader.deliveries()))
            facts = [
                fact
                for name in (LUNA, TERRA, SOL)
                for fact in queries.prices(
                    reader, monitor.configuration, queries.price_subjects(reader, monitor.configuration, name)
                )
            ]
    words = weigh(facts, fresh_since=time("2026-08-19T00:00:00Z"))
    return Summer(played, {(w.fact.source, w.fact.model, w.fact.meter.field): w for w in words})


def moves(events: list[Event], *subjects: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Subject and meter → old and new, of standard and short; a second event on the same price fails the test."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        data = event.data
        if event.subject in subjects and (data["tier"], data["context"]) == ("standard", "short"):
            assert (event.subject, data["meter"]) not in found
            found[event.subject, data["meter"]] = (data["old"], data["new"])
    return found


def test_price_drop_2026_07_30_is_one_change_a_price_and_one_pause_an_entry(summer: Summer) -> None:
    confirmed = summer.played.between(time("2026-08-10T00:00:00Z"), time("2026-08-21T00:00:00Z"), "price.changed")
    assert moves(confirmed, LUNA, TERRA, SOL) == DROP
    paused = summer.played.between(time("2026-08-10T00:00:00Z"), time("2026-08-21T00:00:00Z"), "entry.paused")
    assert [event.subject for event in paused] == [LUNA, TERRA]


def test_price_drop_2026_07_30_is_first_reported_by_the_feed_and_that_pauses_nobody(summer: Summer) -> None:
    reported = summer.played.events("price.reported", subject=LUNA)
    assert {event.occurred_at for event in reported} == {time("2026-07-30T17:34:21Z")}
    pauses = summer.played.events("entry.paused", subject=LUNA)
    assert all(pause.source == "openai-pricing" for pause in pauses)
    assert summer.words["llm-prices", LUNA, "price.standard.short.input"].view is PriceView.AGREES


def test_sol_promo_2026_08_21_is_an_official_change_and_invents_no_price_after_it(summer: Summer) -> None:
    changed = moves(summer.played.events("price.changed", subject=SOL), SOL)
    assert {meter: move for (_, meter), move in changed.items()}.items() >= PROMOTION.items()
    said = [text for event in summer.played.events("document.changed") for text in event.data["added"]]
    assert any("promotional pricing is available at least through November 21, 2026" in text for text in said)
    assert [event.subject for event in summer.played.events("entry.paused")].count(SOL) == 1
    assert summer.played.between(time("2026-08-23T00:00:00Z"), time("2026-09-30T00:00:00Z"), "price.") == []


def test_sol_promo_2026_08_21_leaves_the_feed_stale_and_the_feed_reverts_nothing(summer: Summer) -> None:
    for meter, (old, new) in PROMOTION.items():
        word = summer.words["llm-prices", SOL, f"price.standard.short.{meter}"]
        assert (word.fact.amount, word.official) == (old, new)
        assert (word.view, word.stale) == (PriceView.DIFFERS, True)


def test_page_empty_shell_2026_02_26_is_an_outage_and_the_last_prices_stand(summer: Summer) -> None:
    failed = summer.played.events("source.failed", source="openai-pricing")
    assert [event.data["reason"] for event in failed] == ["unreadable"]
    assert summer.played.between(time("2026-08-24T00:00:00Z"), time("2026-08-26T00:00:00Z"), "price.", "entry.") == []
    assert summer.words["openai-pricing", SOL, "price.standard.short.input"].fact.amount == "4"


def test_invalid_json_simonw_is_an_outage_of_29_seconds(summer: Summer) -> None:
    failed, recovered = summer.played.events("source.failed", "source.recovered", source="llm-prices")
    assert recovered.occurred_at - failed.occurred_at == timedelta(seconds=29)
    assert summer.played.events("price.removed", source="llm-prices") == []


def test_overwrite_then_history_is_no_second_change(summer: Summer) -> None:
    reported = summer.played.events("price.reported", source="llm-prices")
    assert len(moves(reported, LUNA, TERRA)) == 6
    assert all(event.data["new"] != "1" for event in reported if event.subject == LUNA)


def test_gpt_5_6_staged_access_is_not_told_by_a_price(summer: Summer) -> None:
    listed = summer.played.events("price.listed", subject=LUNA, source="llm-prices")
    assert min(event.occurred_at for event in listed) == time("2026-06-26T17:25:58Z")
    assert summer.played.events("access.", "model.listed", "model.unlisted") == []
