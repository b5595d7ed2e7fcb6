"""That the story is true: what the page states at each date, held against dates and amounts known from elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from sandbox_clients import Clients

from monitor.sandbox import pricing_page
from monitor.sandbox.gpt_5_6 import STEPS
from monitor.sandbox.timeline import TimelineState

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED") or Path(__file__).parents[2].parent / "shared")
TRUE_PAGE = SHARED / "pages" / "openai-pricing" / "2026-08-22plus_llms-txt-archive_pricing.md"

HEADERS = [
    "Model",
    "Short context input",
    "Short context cached input",
    "Short context cache writes",
    "Short context output",
    "Long context input",
    "Long context cached input",
    "Long context cache writes",
    "Long context output",
]


def tables(page: str) -> dict[str, list[list[str]]]:
    """Section heading → rows of cells, the header row first."""
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in page.splitlines():
        if line.startswith("### "):
            rows = found.setdefault(line[4:], [])
        elif line.startswith("|") and not re.fullmatch(r"[| -]+", line):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def row(page: str, section: str, model: str) -> list[str] | None:
    return next((cells[1:] for cells in tables(page)[section] if cells[0] == model), None)


SOL, TERRA, LUNA = "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"
FIRST = {
    SOL: ["$5.00", "$0.50", "$6.25", "$30.00", "$10.00", "$1.00", "$12.50", "$45.00"],
    TERRA: ["$2.50", "$0.25", "$3.125", "$15.00", "$5.00", "$0.50", "$6.25", "$22.50"],
    LUNA: ["$1.00", "$0.10", "$1.25", "$6.00", "$2.00", "$0.20", "$2.50", "$9.00"],
}
DROPPED = {
    SOL: FIRST[SOL],
    TERRA: ["$2.00", "$0.20", "$2.50", "$12.00", "$4.00", "$0.40", "$5.00", "$18.00"],
    LUNA: ["$0.20", "$0.02", "$0.25", "$1.20", "$0.40", "$0.04", "$0.50", "$1.80"],
}
PROMOTED = {**DROPPED, SOL: ["$4.00", "$0.40", "$5.00", "$20.00", "$8.00", "$0.80", "$10.00", "$30.00"]}


@pytest.mark.parametrize(
    ("date", "listed", "stated"),
    [
        ("2026-06-25", False, {SOL: None, TERRA: None, LUNA: None}),
        ("2026-06-26", False, FIRST),
        ("2026-07-09", True, FIRST),
        ("2026-07-25", True, FIRST),
        ("2026-07-30", True, DROPPED),
        ("2026-08-21", True, PROMOTED),
    ],
)
def test_list_and_page_say_at_each_date_what_the_provider_said(
    clients: Clients, date: str, listed: bool, stated: dict[str, list[str] | None]
) -> None:
    clients.go_to(date)
    ids = {model["id"] for model in clients.list().json()["data"]}
    page = clients.page().text
    for model, cells in stated.items():
        assert (model in ids) is listed
        assert row(page, "Standard pricing data", model) == cells


def test_the_page_has_the_form_of_the_providers_own(clients: Clients) -> None:
    answer = clients.page()
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "\nPrices per 1M tokens.\n" in answer.text
    found = tables(answer.text)
    assert list(found) == [f"{tier} pricing data" for tier in ("Standard", "Batch", "Flex", "Fast")]
    assert all(rows[0] == HEADERS and {len(cells) for cells in rows} == {9} for rows in found.values())
    assert [line for line in answer.text.splitlines() if line in ("Standard", "Batch", "Flex", "Fast mode")] == [
        "Standard",
        "Batch",
        "Flex",
        "Fast mode",
    ]


def test_on_2026_07_25_the_list_answers_500_for_several_polls_and_then_as_before(clients: Clients) -> None:
    clients.go_to("2026-07-09")
    before = clients.list()
    clients.sandbox.advance()
    statuses = []
    while clients.sandbox.timeline.index == 3:
        failed = clients.list(If_None_Match=before.headers["etag"])
        statuses.append(failed.status_code)
        assert failed.json()["error"]["type"] == "server_error"
        assert clients.page().status_code == 200
    assert statuses == [500] * 6
    after = clients.list()
    assert (after.status_code, after.content) == (200, before.content)


def test_no_step_takes_a_fifth_of_the_list_away() -> None:
    before = TimelineState()
    for step in STEPS:
        state = step.follow(before)
        gone = {model.id for model in before.models} - {model.id for model in state.models}
        assert len(state.models) >= 12
        assert not gone
        assert {model.id for model in state.models} <= state.prices.keys(), "whatever is listed is priced"
        before = state


def test_cache_writes_cost_a_quarter_more_than_input_and_cached_reads_a_tenth() -> None:
    state = TimelineState()
    for step in STEPS:
        state = step.follow(state)
        for model in (SOL, TERRA, LUNA):
            if (price := state.prices.get(model)) is not None:
                assert price.cache_write is not None
                assert price.cached_input is not None
                assert price.cache_write * 4 == price.input * 5
                assert price.cached_input * 10 == price.input


def test_the_last_page_states_for_gpt_5_6_what_the_true_page_stated_in_every_section() -> None:
    if not TRUE_PAGE.exists():
        pytest.skip(f"real pages are not here: {TRUE_PAGE} (set ACCESS_MONITOR_SHARED)")
    state = TimelineState()
    for step in STEPS:
        state = step.follow(state)
    ours, true = pricing_page.render(state), TRUE_PAGE.read_text()
    for tier in ("Standard", "Batch", "Flex", "Fast"):
        section = f"{tier} pricing data"
        assert tables(true)[section][0] == HEADERS
        for model in (SOL, TERRA, LUNA):
            assert row(ours, section, model) == row(true, section, model)


def test_the_neighbours_cost_in_every_section_what_the_true_page_stated() -> None:
    if not TRUE_PAGE.exists():
        pytest.skip(f"real pages are not here: {TRUE_PAGE} (set ACCESS_MONITOR_SHARED)")
    ours, true = tables(pricing_page.render(STEPS[0].follow(TimelineState()))), tables(TRUE_PAGE.read_text())
    compared = 0
    for section, rows in ours.items():
        stated = {re.sub(r" \(.*", "", cells[0]): cells[1:] for cells in true[section][1:]}
        for cells in rows[1:]:
            if cells[0] in stated:
                assert cells[1:] == stated[cells[0]], (section, cells[0])
                compared += 1
    assert compared > 20
