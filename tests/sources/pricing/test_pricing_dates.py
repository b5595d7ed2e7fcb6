"""Rows of a page that hold from or until a day: read with their days, judged at every poll, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.core.facts import Body, Subject
from monitor.sources import pricing_page
from monitor.sources.extraction import Unreadable
from monitor.sources.feed import snapshot

SONNET = Subject("anthropic", "Claude Sonnet 5")
INPUT = "price.standard.short.input"


def page(*labels: str) -> str:
    rows = "".join(f"| {label} | ${2 + number} / MTok | $1{number} / MTok |\n" for number, label in enumerate(labels))
    return f"# Pricing\n\n| Model | Base Input Tokens | Output Tokens |\n|---|---|---|\n{rows}"


def seen(text: str, day: str) -> dict[str, object]:
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    body = Body(content=text.encode(), sha256="", size=len(text))
    read = pricing_page.extract(text, provider="anthropic")
    poll = snapshot("page", pricing_page.EXTRACTOR, read, body, at)
    return {"valid_until": poll.valid_until, **poll.facts.get(SONNET, {})}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Claude Sonnet 5 through August 31, 2026", "Claude Sonnet 5 starting September 1, 2026"),
        ("Claude Sonnet 5 (through Aug 31, 2026)", "Claude Sonnet 5 (from Sep 1, 2026)"),
        ("Claude Sonnet 5, through August 31 2026", "Claude Sonnet 5 – effective September 1, 2026"),
    ],
)
def test_a_row_holds_through_its_last_day_and_its_successor_is_announced_before(first: str, second: str) -> None:
    text, change = page(first, second), datetime(2026, 9, 1, tzinfo=UTC)
    before = seen(text, "2026-08-31")
    assert (before[INPUT], before[f"announced.{INPUT}@2026-09-01"], before["valid_until"]) == ("2", "3", change)
    after = seen(text, "2026-09-01")
    assert (after[INPUT], after["valid_until"]) == ("3", None)
    assert not any(str(field).startswith("announced.") for field in after)


def test_a_row_between_two_days_has_both() -> None:
    read = pricing_page.extract(
        page("Claude Sonnet 5 (from August 1, 2026) through August 31, 2026"), provider="anthropic"
    )
    days = {(row.valid_from, row.valid_to) for row in read.rows}
    assert days == {(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))}


@pytest.mark.parametrize(
    "label",
    [
        "Claude Sonnet 5 until September 1, 2026",
        "Claude Sonnet 5 through February 30, 2026",
        "Claude Sonnet 5 through fall",
    ],
)
def test_a_day_that_is_not_clear_refuses_its_row(label: str) -> None:
    with pytest.raises(Unreadable):
        pricing_page.extract(page(label), provider="anthropic")


def test_two_rows_of_one_model_that_hold_at_once_with_other_amounts_leave_it_unknown() -> None:
    text = page("Claude Sonnet 5", "Claude Sonnet 5 starting September 1, 2026", "Claude Opus 5")
    assert seen(text, "2026-08-31")[INPUT] == "2"
    assert INPUT not in seen(text, "2026-09-02")
