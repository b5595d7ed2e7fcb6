"""The words for who agrees on a price."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.cli.agreement import as_json, cell, lines
from monitor.domain.price import Meter
from monitor.pipeline.agreement import Word, weigh
from monitor.pipeline.audit import PriceFact

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def fact(source: str, meter: str, amount: str, *formerly: str) -> PriceFact:
    return PriceFact(
        source=source,
        trust="official" if source == "page" else "third_party",
        provider="openai",
        model="luna",
        meter=Meter("standard", "short", "text", meter),
        amount=amount,
        position=1,
        since=NOW,
        verified_at=NOW,
        evidence="",
        url="",
        formerly=formerly,
    )


def words(*facts: PriceFact) -> list[Word]:
    return weigh(facts, fresh_since=NOW)


@pytest.mark.parametrize(
    ("stated", "said"),
    [("0.2", "agrees"), ("0.3", "+50 %"), ("1", "+400 %, stale: frozen"), ("0.1", "−50 %")],
)
def test_a_word_is_said_by_how_far_it_is_from_the_official_one(stated: str, said: str) -> None:
    official, feed = words(fact("page", "input", "0.2", "1"), fact("feed", "input", stated))
    assert cell(official) == ""
    assert cell(feed) == said


def test_a_word_without_an_official_one_says_so() -> None:
    (alone,) = words(fact("feed", "input", "1"))
    assert cell(alone) == "no official price"
    assert as_json(alone) == {
        "agreement": "alone",
        "official": None,
        "of_official": None,
        "stale": False,
        "stale_because": None,
    }


def test_scripts_read_how_many_times_the_official_amount_a_source_states() -> None:
    feed = words(fact("page", "input", "0.2", "1"), fact("feed", "input", "1"))[1]
    assert as_json(feed) == {
        "agreement": "differs",
        "official": "0.2",
        "of_official": "5",
        "stale": True,
        "stale_because": "frozen",
    }


def test_under_why_each_source_has_a_line_with_what_it_states_differently() -> None:
    facts = [fact("page", meter, "1") for meter in ("input", "output", "cached_input", "cache_write")]
    feed = [fact("feed", meter, amount) for meter, amount in (("input", "1"), ("output", "2"))]
    assert list(lines(words(*facts, *feed))) == [
        "page: 4 official",
        "feed: 1 agree, 1 differ: standard output 2.00 (+100 %)",
    ]


def test_a_source_alone_is_no_agreement() -> None:
    assert list(lines(words(fact("page", "input", "1")))) == []


def test_a_source_that_differs_everywhere_is_cut_and_counted() -> None:
    meters = ("input", "output", "cached_input", "cache_write", "cache_write_1h")
    (_, line) = lines(words(*(fact("page", m, "1") for m in meters), *(fact("feed", m, "2") for m in meters)))
    assert line.startswith("feed: 5 differ: ")
    assert line.endswith("; and 2 more")
