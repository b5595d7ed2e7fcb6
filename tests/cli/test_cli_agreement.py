"""The words for who agrees on a price."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.audit.agreement import PriceComparison, weigh
from monitor.audit.documents import of_agreement
from monitor.audit.queries import PriceFact
from monitor.cli.agreement import cell, lines
from monitor.core.price import Meter

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


def words(*facts: PriceFact) -> list[PriceComparison]:
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
    assert of_agreement(alone) == {
        "agreement": "alone",
        "official": None,
        "of_official": None,
        "stale": False,
        "stale_because": None,
    }


def test_scripts_read_how_many_times_the_official_amount_a_source_states() -> None:
    feed = words(fact("page", "input", "0.2", "1"), fact("feed", "input", "1"))[1]
    assert of_agreement(feed) == {
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


def test_a_feed_that_others_moved_on_from_is_frozen_also_without_an_official_price() -> None:
    frozen = fact("frozen", "input", "1")
    one, other = fact("one", "input", "0.2", "1"), fact("other", "input", "0.2", "1")
    assert [cell(word) for word in words(frozen, one, other)] == [
        "no official price, stale: frozen",
        "no official price",
        "no official price",
    ]
    assert cell(words(frozen, one)[0]) == "no official price", "of two that differ nobody knows which lags"


def test_a_feed_that_did_not_follow_another_to_the_official_price_is_frozen() -> None:
    official, frozen, other = (
        fact("page", "input", "0.2"),
        fact("frozen", "input", "1"),
        fact("other", "input", "0.2", "1"),
    )
    assert cell(words(official, frozen, other)[1]) == "+400 %, stale: frozen"


def test_a_feed_that_an_official_and_another_source_contradict_for_long_is_outvoted() -> None:
    facts = [fact("page", "input", "30"), fact("wrong", "input", "60"), fact("other", "input", "30")]
    later = NOW + timedelta(days=1)
    assert cell(words(*facts)[1]) == "+100 %", "not for long yet"
    read = [replace(one, verified_at=later) for one in facts]
    assert cell(weigh(read, fresh_since=later)[1]) == "+100 %, stale: outvoted"
    assert cell(weigh(read[:2], fresh_since=later)[1]) == "+100 %", "one against one is a disagreement"


def test_what_a_reseller_charges_contradicts_nobody() -> None:
    resold = replace(fact("reseller", "input", "0.1"), resold=True)
    official, word, _ = words(fact("page", "input", "0.2", "0.1"), resold, fact("other", "input", "0.2", "0.1"))
    assert (cell(official), cell(word), word.stale) == ("", "resold at −50 %", False)
    assert of_agreement(word)["agreement"] == "resold"
    assert cell(words(fact("page", "input", "0.1"), resold)[1]) == "agrees"


def test_only_sources_with_a_stale_word_are_named_where_that_is_asked() -> None:
    facts = [fact("page", "input", "0.2", "1"), fact("feed", "input", "1"), fact("other", "input", "0.2")]
    assert list(lines(words(*facts), overtaken=True)) == [
        "feed: 1 stale (frozen), 1 differ: standard input 1.00 (+400 %, stale: frozen)"
    ]
