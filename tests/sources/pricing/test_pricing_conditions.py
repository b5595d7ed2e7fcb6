"""Regions and hours: a price that holds there or then alone is a price of its own, with its condition."""

from __future__ import annotations

import pytest

from monitor.core.price import Meter, PriceStep, at_time, effective, midnight
from monitor.sources.extraction import facts_of
from monitor.sources.pricing_page.labels import label
from tests.support.pricing_words import BELOW, PLACES, TABLE, UNIT, rows

REGIONS = [
    ("These prices apply to requests in the EU.", "region EU"),
    ("The prices below apply in the EU only.", "region EU"),
    ("In the EU region, the following prices apply.", "region EU"),
    ("For the US region, prices are as follows:", "region US"),
    ("Prices in mainland China:", "region China"),
    ("The following rates apply in the China region.", "region China"),
    ("The prices below are valid within the European Union.", "region EU"),
    ("Between 16:30 and 00:30 UTC the following prices apply.", "hours 16:30-00:30 UTC"),
    ("Off-peak prices (16:30-00:30 UTC):", "hours 16:30-00:30 UTC"),
    ("These prices apply from 22:00 to 06:00 UTC.", "hours 22:00-06:00 UTC"),
    ("The rates below hold daily from 00:30 to 16:30 UTC.", "hours 00:30-16:30 UTC"),
]
TITLES = [
    ("EU", "region EU"),
    ("Europe region", "region Europe"),
    ("China region", "region China"),
    ("US data zone", "region US"),
    ("eu-west-1", "region eu-west-1"),
    ("Prices in the EU", "region EU"),
    ("Pricing for Japan", "region Japan"),
    ("APAC", "region Asia Pacific"),
    ("Off-peak hours (UTC 16:30-00:30)", "hours 16:30-00:30 UTC"),
    ("Standard price (UTC 00:30-16:30)", "hours 00:30-16:30 UTC"),
]


def conditions(text: str) -> set[str]:
    return {row.condition for row in rows(text) if row.model == "orion-2" and row.tier == "standard"}


@pytest.mark.parametrize(("said", "condition"), REGIONS)
@pytest.mark.parametrize("place", ["over the table", "in bold", "between tables", "html"])
def test_a_sentence_that_names_a_region_or_hours_is_the_condition_of_the_prices_after_it(
    place: str, said: str, condition: str
) -> None:
    assert conditions(PLACES[place].format(said)) == {condition}


@pytest.mark.parametrize(("said", "condition"), REGIONS)
@pytest.mark.parametrize("place", BELOW)
def test_one_below_leaves_no_plain_price(place: str, said: str, condition: str) -> None:
    assert conditions(BELOW[place].format(said)) <= {condition}


@pytest.mark.parametrize(("title", "condition"), TITLES)
@pytest.mark.parametrize("place", ["a heading", "a caption", "over the table"])
def test_a_title_that_names_a_region_or_hours_is_the_condition_of_its_prices(
    place: str, title: str, condition: str
) -> None:
    assert conditions(PLACES[place].format(title)) == {condition}


@pytest.mark.parametrize(
    "said",
    [
        "These prices apply in the EU to startups.",
        "The prices below apply in the EU and in the US.",
        "These prices apply from 22:00 to 06:00 Beijing time.",
        "The following prices apply in our Frankfurt data center.",
        "These prices apply from 22:00 to 06:00.",
    ],
)
def test_a_region_or_hours_that_are_not_understood_in_full_refuse(said: str) -> None:
    assert rows(PLACES["over the table"].format(said)) == []


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("Starting from 16:00 UTC Time on Sept 5th, 2026, prices below apply:", False),
        ("From 16:00 on 5 September 2026 the new prices apply", False),
        ("New prices from 2026-09-05 16:00 UTC:", False),
        ("Discounted prices from 16:30", True),
        ("Prices between 09:00 and 17:00 on Sept 5th, 2026", True),
        ("Half price from 16:30 to 00:30 starting October 1, 2026", True),
    ],
)
def test_a_time_of_one_day_is_no_hours_of_every_day(said: str, hours: bool) -> None:
    line = label(said)
    assert (line is not None and "at some hours alone" in line.doubt) == hours


@pytest.mark.parametrize("said", ["All prices are in US dollars.", "Prices in USD.", "All prices are in U.S. dollars."])
def test_the_currency_of_a_country_is_no_region(said: str) -> None:
    assert conditions(PLACES["over the table"].format(said)) == {""}


def test_a_row_of_a_region_under_hours_has_both() -> None:
    table = "| Model | Region | Input |\n|---|---|---|\n| orion-2 | EU | $2.00 |\n| orion-2 | US | $1.50 |\n"
    page = f"# Pricing\n\n{UNIT}\n\n## Off-peak (16:30-00:30 UTC)\n\n{table}"
    assert conditions(page) == {"hours 16:30-00:30 UTC, region EU", "hours 16:30-00:30 UTC, region US"}


def test_a_price_under_a_condition_is_a_fact_of_its_own_beside_the_plain_one() -> None:
    page = f"# Pricing\n\n{UNIT}\n\n{TABLE}\n\n## EU\n\n{TABLE.replace('1.25', '1.50')}"
    (fields,) = facts_of(rows(page)).facts.values()
    assert fields["price.standard.short.input"] == "1.25"
    assert fields["price.standard.short.input{region EU}"] == "1.5"
    assert facts_of(rows(page)).unclear == frozenset()


@pytest.mark.parametrize(
    ("cell", "change"),
    [
        ("$3.00 until 2027-02-28, then $6.00", "2027-02-28"),
        ("$3.00 (through February 28, 2027), then $6.00", "2027-03-01"),
        ("$3.00 through 28 Feb 2027 and then $6.00", "2027-03-01"),
        ("$3.00 until March 2027; then $6.00", "2027-03-01"),
    ],
)
def test_a_cell_may_state_an_amount_until_a_day_and_another_one_then(cell: str, change: str) -> None:
    found = {
        str(row.amount): (row.valid_from, row.valid_to)
        for row in rows(f"# Pricing\n\n{UNIT}\n\n{TABLE.replace('$1.25', cell)}")
        if row.meter == "input"
    }
    day = midnight(change)
    assert found == {"3.00": (None, day), "6.00": (day, None)}


@pytest.mark.parametrize("cell", ["$3.00 until further notice, then $6.00", "$3.00 until 1/2/2027, then $6.00"])
def test_a_cell_whose_day_is_not_clear_states_no_price(cell: str) -> None:
    found = rows(f"# Pricing\n\n{UNIT}\n\n{TABLE.replace('$1.25', cell)}")
    assert {row.meter for row in found} == {"output"}


@pytest.mark.parametrize(
    ("title", "meter"),
    [
        ("12h cache writes", "cache_write_12h"),
        ("Cache writes (12 hours)", "cache_write_12h"),
        ("Cache write 1h", "cache_write_1h"),
        ("5-minute cache writes", "cache_write_5m"),
        ("Cache writes", "cache_write"),
    ],
)
def test_a_lifetime_is_a_meter_of_its_own(title: str, meter: str) -> None:
    found = rows(f"# Pricing\n\n{UNIT}\n\n{TABLE.replace('Input', title)}")
    assert {row.meter for row in found} == {meter, "output"}


def test_the_field_of_a_price_under_a_condition_is_read_back() -> None:
    for meter in (
        Meter("standard", "short", "text", "input", "region EU"),
        Meter("batch", "long", "audio", "output", "hours 16:30-00:30 UTC, region us-east-1"),
        Meter("standard", "short", "text", "cache_write_12h"),
    ):
        assert Meter.of(meter.field) == meter
        assert Meter.named_in(meter.data) == meter
    assert "condition" not in Meter("standard", "short", "text", "input").data


def test_what_a_call_is_charged_goes_by_its_region() -> None:
    plain, eu = Meter("standard", "short", "text", "input"), Meter("standard", "short", "text", "input", "region EU")
    night = plain._replace(condition="hours 22:00-06:00 UTC")
    prices = {plain.field: "1", eu.field: "1.1", night.field: "0.5"}
    assert effective(prices) == {plain.field: "1"}
    assert effective(prices, "eu") == {plain.field: "1.1"}
    assert effective(prices, "us") == {plain.field: "1"}
    assert effective({eu.field: "1.1"}) == {}


def test_the_price_in_force_goes_by_its_days() -> None:
    field = Meter("standard", "short", "text", "input").field
    steps = {field: [PriceStep(midnight("2027-03-01"), "6"), PriceStep(midnight("2026-01-01"), "2")]}
    assert at_time({field: "3"}, {field: steps[field][:1]}, midnight("2027-02-28")) == {field: "3"}
    assert at_time({field: "3"}, steps, midnight("2027-03-01")) == {field: "6"}
    assert at_time({field: "3"}, steps, midnight("2026-06-01")) == {field: "2"}
    assert at_time({field: "3"}, {field: [PriceStep(midnight("2027-03-01"), None)]}, midnight("2027-03-02")) == {}
