"""Prices that no page states: what `prices extract` and `replay` make of pages and feeds that were made to mislead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from story_world import Result, Story

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[2].parent / "shared"))
CASES = SHARED / "cases"
AS_OF = "2026-08-21"
PROVIDERS = {"e1_google_region.md": "google", "label.md": "anthropic", "announced_above_current.html": "deepseek"}

Row = dict[str, Any]

shared = pytest.mark.skipif(not CASES.is_dir(), reason=f"NO CASES: {CASES} is absent, set ACCESS_MONITOR_SHARED")


def truth(case: str) -> dict[str, Any]:
    path = CASES / case / "truth.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def pages(*cases: str) -> Iterator[Any]:
    for case in cases:
        for name in truth(case):
            if name.endswith((".md", ".html")):
                yield pytest.param(case, name, id=name)


def read(story: Story, path: Path, *arguments: str) -> list[Row]:
    """Return the rows that `prices extract --json` prints: with exit code 0 some, with 1 none and the reason."""
    done = story.run("prices", "extract", str(path), "--json", *arguments, config=False)
    assert done.code in (0, 1), done.err
    assert bool(done.json["rows"]) == (done.code == 0) or "--at" in arguments
    assert done.code == 0 or done.json["refused"][0]["reason"]
    rows: list[Row] = done.json["rows"]
    return rows


def of_case(story: Story, case: str, name: str, *arguments: str) -> list[Row]:
    return read(story, CASES / case / name, "--provider", PROVIDERS.get(name, "openai"), *arguments)


def undated(row: Row) -> bool:
    return not (row["valid_from"] or row["valid_to"] or row["condition"])


def named(row: Row) -> str:
    return "-".join(row["model"].lower().split())


@shared
@pytest.mark.parametrize(("case", "name"), list(pages("20-currency-and-unit", "23-table-structure")))
def test_a_page_that_misleads_states_no_price_but_the_true_ones(story: Story, case: str, name: str):
    allowed = [one for one in truth(case)[name] if isinstance(one, dict)]
    for row in of_case(story, case, name):
        if name == "e1_google_region.md":
            assert row["model"] == "gemini-9-pro"
            assert row["condition"] == "region EU"
            continue
        if named(row) == "claude-haiku-4.5":
            assert row["modality"] == "audio"
            continue
        assert undated(row)
        assert any(
            one["model"] == named(row)
            and one["meter"] in ("*", row["meter"])
            and (one["amount"] == "*" or Decimal(one["amount"]) == Decimal(row["amount"]))
            and row["tier"] == one.get("tier", "standard")
            for one in allowed
        ), row


@shared
@pytest.mark.parametrize(
    ("name", "count"), [("a06_hidden.html", 2), ("b04_midheader.md", 9), ("label.md", 8), ("a05_struck.html", 4)]
)
def test_what_is_certain_on_such_a_page_is_read_all_the_same(story: Story, name: str, count: int):
    assert len(of_case(story, "23-table-structure", name)) == count


@shared
def test_prices_of_another_day_bear_it_or_are_refused(story: Story):
    said = truth("21-when-it-holds")["a20_dates.md"]
    rows = of_case(story, "21-when-it-holds", "a20_dates.md")
    assert {row["model"] for row in rows} >= {"gpt-5", "gpt-5-mini", "gpt-5-nano"}
    for row in rows:
        allowed = said[row["model"]]
        if allowed.startswith("valid_"):
            key, day = allowed.split()
            assert row[key].startswith(day), row
        elif allowed.startswith("undated"):
            assert row["valid_to"] is None
            assert row["valid_from"] is None or row["valid_from"].startswith("2024-01"), row
        else:
            assert "offer" in allowed, row
            assert row["tier"] != "standard", row
    today = of_case(story, "21-when-it-holds", "a20_dates.md", "--at", AS_OF)
    assert {row["model"] for row in today} == {"gpt-5-nano", "o3"}


@shared
@pytest.mark.parametrize("name", ["a21_tiers.md", "b01_headings.md"])
def test_an_offer_under_a_heading_that_is_not_understood_is_never_standard(story: Story, name: str):
    rows = of_case(story, "22-which-offer", name)
    assert len(rows) > 10
    assert [row for row in rows if row["tier"] == "standard" and undated(row)] == []
    assert all(row["tier"] == "standard" or re.fullmatch(r"other:[a-z0-9-]+", row["tier"]) for row in rows)


LINES = CASES / "02-announced-list" / "lines.txt"
TABLE = "| Model | Input | Output |\n|---|---|---|\n| ds-chat | $0.56 | $1.68 |\n"


@shared
@pytest.mark.parametrize("line", LINES.read_text().splitlines() if LINES.is_file() else [])
@pytest.mark.parametrize("written", ["{}", "**{}**", "## {}"])
def test_a_table_that_a_line_dates_is_never_an_undated_price(story: Story, line: str, written: str):
    page = story.folder / "page.md"
    page.write_text(f"# Pricing\n\nPrices per 1M tokens.\n\n{written.format(line)}\n\n{TABLE}")
    rows = read(story, page, "--provider", "deepseek")
    assert not [row for row in rows if undated(row)]
    if line.startswith("The current price list"):
        assert {row["valid_to"] for row in rows} == {"2027-10-01T00:00:00Z"}


@shared
def test_a_list_that_is_announced_is_not_todays(story: Story):
    rows = of_case(story, "02-announced-list", "announced_above_current.html")
    assert {row["valid_from"] for row in rows} == {"2026-09-05T16:00:00Z"}
    assert of_case(story, "02-announced-list", "announced_above_current.html", "--at", AS_OF) == []


FEEDS = {
    "litellm": ("litellm_model.json", "litellm_price.json", "litellm.json"),
    "llm_prices": ("llm_prices.json",),
    "models_dev": ("models_dev_model.json", "models_dev_provider.json", "models_dev_cost.json", "models_dev_unit.json"),
    "openrouter": ("openrouter_price.json", "openrouter.json"),
    "genai_prices": ("genai_model.json",),
}


@shared
@pytest.mark.parametrize(("form", "name"), [(form, name) for form, names in FEEDS.items() for name in names])
def test_a_feed_that_says_a_thing_twice_or_names_other_money_states_no_price_there(story: Story, form: str, name: str):
    paths = [path for case in ("09-key-twice", "12-currency-in-a-feed") if (path := CASES / case / name).is_file()]
    assert paths
    for path in paths:
        assert read(story, path, "--as", form) == []


def replayed(story: Story, config: Path, *sources: str) -> list[dict[str, Any]]:
    """Return the events of recorded answers run through the whole program."""
    story.environ.update(OPENAI_API_KEY="sk-story", SLACK_URL=story.provider.hook())
    done: Result = story.run(
        "--config", str(config), "replay", *sources, "--activate", "auto", "--format", "jsonl", config=False
    )
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def types(events: list[dict[str, Any]], *wanted: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] in wanted]


HELD = CASES / "24-quarantine-and-hold"


@shared
def test_a_list_that_is_announced_moves_nothing_before_its_day(story: Story):
    case = CASES / "02-announced-list"
    events = replayed(
        story, case / "monitor.toml", f"openai-models={case / 'list.jsonl'}", f"page={case / 'page.jsonl'}"
    )
    assert types(events, "entry.activated")
    assert types(events, "price.changed", "price.removed", "entry.paused") == []
    announced = {
        (event["subject"], event["data"]["meter"], event["data"]["new"]) for event in types(events, "price.announced")
    }
    assert ("ds-chat", "output", "1.68") in announced


@shared
def test_a_page_that_turns_to_another_currency_is_refused_and_says_so(story: Story):
    events = replayed(
        story, HELD / "monitor.toml", f"page={CASES / '20-currency-and-unit' / 'page-turns-to-cad.jsonl'}"
    )
    assert types(events, "entry.activated")
    assert types(events, "price.changed", "price.removed", "entry.paused") == []
    (failed,) = types(events, "source.failed")
    assert "Canadian dollars" in json.dumps(failed["data"])


@shared
def test_a_held_price_is_let_in_when_it_has_become_plausible(story: Story):
    events = replayed(story, HELD / "monitor.toml", f"page={HELD / 'stuck.jsonl'}")
    held = types(events, "price.quarantined")
    assert {event["data"]["meter"] for event in held} == {"input", "cached_input"}
    changed = {event["data"]["meter"]: event for event in types(events, "price.changed")}
    assert (changed["input"]["data"]["old"], changed["input"]["data"]["new"]) == ("1", "0.8")
    assert changed["input"]["cause"] in {event["position"] for event in held}
    assert changed["cached_input"]["data"]["new"] == "0.08"


@shared
def test_two_names_in_one_cell_are_no_rename(story: Story):
    events = replayed(story, HELD / "monitor.toml", f"page={HELD / 'slash.jsonl'}")
    assert "renamed" not in json.dumps(events)
    assert types(events, "price.removed", "price.changed", "price.listed", "entry.paused") == []
    assert {event["data"]["reason"] for event in types(events, "price.quarantined")} == {"unreadable"}


# -- the same kinds, on pages that need no shared files ----------------------------------------------------------------

PAGE = """# Pricing

{before}

Prices per 1M tokens.

### Standard pricing data

| Model | Input | Output |
| --- | --- | --- |
| orion-2 | ${input} | ${output} |
| orion-1 | $1.00 | $6.00 |

{after}
"""


def page(before: str = "", after: str = "", input: str = "1.00", output: str = "6.00") -> str:
    return PAGE.format(before=before, after=after, input=input, output=output)


def watched(story: Story) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.page = page()
    story.configure(story.entry())
    story.poll()
    story.activate()


@pytest.mark.parametrize(
    "changed",
    [
        page("All prices are in Canadian dollars.", input="1.37", output="8.22"),
        page(after="All amounts are quoted in euros.", input="0.92", output="5.52"),
        page("Prices are per 1K tokens.", input="0.01", output="0.06"),
        page("The following prices take effect on October 1, 2099:", input="2.00", output="12.00"),
        page("These prices are for students only.", input="0.50", output="3.00"),
    ],
)
def test_a_page_that_says_more_of_its_prices_changes_none_and_pauses_nobody(story: Story, changed: str):
    watched(story)
    story.provider.page = changed
    story.poll(3)
    assert story.events("--type", "price.changed") == []
    assert story.events("--type", "price.removed") == []
    assert story.status()["status"] == "active"


def test_a_refused_page_ends_with_1_and_the_words_that_refuse_it(story: Story):
    watched(story)
    story.provider.page = page("All prices are in Canadian dollars.", input="1.37")
    done = story.poll(1, "openai-pricing")
    assert done.code == 1
    assert "Canadian dollars" in done.out + done.err
    assert story.events("--type", "source.failed")


def test_a_price_that_was_held_back_is_let_in_and_pauses_when_the_page_is_put_right(story: Story):
    cached = "| Model | Input | Cached input | Output |\n| --- | --- | --- | --- |\n| orion-2 | ${} | ${} | $6.00 |\n"
    top = "# Pricing\n\nPrices per 1M tokens.\n\n"
    story.provider.models = ["orion-2"]
    story.provider.page = top + cached.format("1.00", "0.10")
    story.configure(story.entry())
    story.poll()
    story.activate()
    story.provider.page = top + cached.format("0.80", "0.90")
    story.poll(3)
    assert story.events("--type", "price.changed") == []
    assert len(story.events("--type", "price.quarantined")) == 2
    story.provider.page = top + cached.format("0.80", "0.08")
    story.poll(3)
    assert {event["data"]["new"] for event in story.events("--type", "price.changed")} == {"0.8", "0.08"}
    assert story.status()["status"] == "paused"


def test_the_announced_price_is_told_and_holds_from_its_day_on(story: Story):
    table = "| Model | Input | Output |\n| --- | --- | --- |\n| orion-2 | ${} | $6.00 |\n"
    text = f"# Pricing\n\nPrices per 1M tokens.\n\nPrices until October 1, 2099:\n\n{table.format('1.00')}"
    story.provider.models = ["orion-2"]
    story.provider.page = text
    story.configure(story.entry())
    story.poll()
    story.activate()
    story.provider.page = text + f"\nNew prices from October 1, 2099:\n\n{table.format('2.00')}"
    story.poll(3)
    assert story.events("--type", "price.changed") == []
    (announced,) = story.events("--type", "price.announced")
    assert announced["data"]["new"] == "2"
    assert story.status()["status"] == "active"
    saved = story.folder / "page.md"
    saved.write_text(story.provider.page)
    for day, amount in (("2099-09-30", "1"), ("2099-10-01", "2")):
        rows = read(story, saved, "--provider", "openai", "--at", day)
        assert [row["amount"] for row in rows if row["meter"] == "input"] == [amount]
