"""The recorded incidents at feeds and resellers, each by its own name; those at the official page stand in
`test_price_incidents`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from replayed import HISTORIES, PAGES, Played, cut, lines, needs_histories, play, time, written

from monitor.audit.agreement import PriceView, Stale
from monitor.core.events import Event
from monitor.core.price import equal

pytestmark = needs_histories

HOUR = timedelta(hours=1)
FORMATS = {
    "genai-v1": ("genai_prices", "genai_prices_v1_openai_anthropic"),
    "genai-v2": ("genai_prices", "genai_prices_v2_openai_anthropic"),
    "litellm": ("litellm", "litellm_weishaw_full"),
    "llm-prices": ("llm_prices", "simonw_llm_prices_openai"),
    "openrouter": ("openrouter", "mw_openrouter_models_openai_anthropic"),
    "watch": ("modelpricewatch", "modelpricewatch_openai_anthropic"),
}
DROP = {
    ("gpt-5.6-luna", "input"): ("1", "0.2"),
    ("gpt-5.6-luna", "cached_input"): ("0.1", "0.02"),
    ("gpt-5.6-luna", "output"): ("6", "1.2"),
    ("gpt-5.6-terra", "input"): ("2.5", "2"),
    ("gpt-5.6-terra", "cached_input"): ("0.25", "0.2"),
    ("gpt-5.6-terra", "output"): ("15", "12"),
}


def configured(folder: Path, *keys: str, models: tuple[str, ...] = (), more: str = "") -> Path:
    """Return a configuration of feeds, with an entry for each of some models."""
    parts = [
        '[[surface]]\nkey = "openai"\nbase_url = "https://api.openai.com/v1"\napi_key = "env:OPENAI_API_KEY"',
        '[[surface]]\nkey = "anthropic"\nbase_url = "https://api.anthropic.com/v1"\napi_key = "env:ANTHROPIC_API_KEY"',
        '[[owner]]\nkey = "platform"\ndestinations = ["env:SLACK_URL"]',
        more,
    ]
    for model in models:
        surface = "anthropic" if model.startswith("claude") else "openai"
        parts.append(f'[[entry]]\nkey = "{model}"\nsurface = "{surface}"\nmodel_id = "{model}"\nowners = ["platform"]')
    for key in keys:
        feed = f'key = "{key}"\nkind = "price_feed"\nformat = "{FORMATS[key][0]}"\nurl = "https://feed.example/{key}"'
        parts.append(f"[[source]]\n{feed}")
    file = folder / "monitor.toml"
    file.write_text("\n\n".join(parts), encoding="utf-8")
    return file


def replayed(
    folder: Path, key: str, since: str, until: str = "9999", *, carry: timedelta = HOUR, models: tuple[str, ...] = ()
) -> Played:
    """Return a stretch of the history of one feed, its last good poll before it being the baseline."""
    file = cut(folder, FORMATS[key][1], since, until)
    return play(folder, {key: file}, config=configured(folder, key, models=models), carry=carry)


def short(events: list[Event]) -> dict[tuple[str, str], tuple[str, str]]:
    """Model and meter → old and new, standard and short; a second event on one price fails the test."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        data = event.data
        if (data["tier"], data["context"]) == ("standard", "short"):
            assert (event.subject, data["meter"]) not in found
            found[event.subject, data["meter"]] = (data["old"], data["new"])
    return found


# -- the drop of July 30, every source that recorded it side by side --------------------------------------------------

OFFICIAL = """[[source]]
key = "page"
kind = "pricing_page"
url = "https://page.example/"
provider = "openai"
trust = "official"
"""


@pytest.fixture(scope="module")
def july(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Five feeds and the official page, from mid July to August 22; the page with the drop was first stored on August
    1.
    """
    if not PAGES.is_dir():
        pytest.skip(f"NO REAL PAGES: {PAGES} is absent, set ACCESS_MONITOR_SHARED")
    folder = tmp_path_factory.mktemp("july")
    keys = ("genai-v1", "genai-v2", "llm-prices", "openrouter", "watch")
    files = {key: cut(folder, FORMATS[key][1], "2026-07-20") for key in keys}
    before, after = ("2026-07-15_piercecohen_pricing.md", "2026-08-01to20_id61738398389_pricing_trimmed.md")
    polls = [("2026-07-20T00:00:00Z", before), ("2026-08-01T06:00:00Z", after), ("2026-08-20T00:00:00Z", after)]
    page = [
        {"observed_at": at, "status": "ok", "payload_text": (PAGES / name).read_text(encoding="utf-8")}
        for at, name in polls
    ]
    files["page"] = folder / "page.jsonl"
    files["page"].write_text("\n".join(map(json.dumps, page)), encoding="utf-8")
    models = ("gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol")
    return play(
        folder,
        files,
        config=configured(folder, *keys, models=models, more=OFFICIAL),
        carry={**dict.fromkeys(files, timedelta(hours=6)), "watch": HOUR},
        activate=True,
        at=time("2026-08-22T18:00:00Z"),
    )


def test_price_drop_2026_07_30_is_one_official_change_a_price_over_all_sources(july: Played) -> None:
    changed = july.events("price.changed")
    assert {event.source for event in changed} == {"page"}
    assert short(changed).items() >= DROP.items()
    assert not any(event.subject == "gpt-5.6-sol" for event in changed)


def test_price_drop_2026_07_30_pauses_each_entry_once(july: Played) -> None:
    paused = july.events("entry.paused")
    assert sorted(event.subject for event in paused) == ["gpt-5.6-luna", "gpt-5.6-terra"]
    assert {event.source for event in paused} == {"page"}
    assert july.events("entry.pause_extended") == []


@pytest.mark.parametrize("key", ["llm-prices", "genai-v2"])
def test_price_drop_2026_07_30_is_reported_once_by_each_feed(july: Played, key: str) -> None:
    found = short(july.events("price.reported", source=key))
    assert {price: move for price, move in found.items() if price in DROP} == DROP


def test_price_drop_2026_07_30_later_sources_corroborate_and_wake_nobody(july: Played) -> None:
    later = [
        event
        for event in july.events("price.reported", source="genai-v2")
        if event.data["meter"] in ("input", "output")
    ]
    followed = [event for event in later if event.data["context"] == "short"]
    assert followed
    assert all(event.data["corroborates"] == ["llm-prices"] for event in followed)
    told = [item for notice in july.notices for item in notice.items if item.source == "genai-v2"]
    fields = {difference.what for item in told for difference in item.differences}
    assert fields.isdisjoint({"price.standard.short.input", "price.standard.short.output"})


def test_price_drop_2026_07_30_at_the_feed_with_ids_of_its_own_joins_no_model_id(july: Played) -> None:
    found = short(july.events("price.reported", source="watch"))
    assert found["openai-gpt-56-luna", "input"] == ("1", "0.2")
    assert not any(event.subject.startswith("gpt-") for event in july.events("price.", source="watch"))


def test_frozen_feed_v1_is_shown_as_frozen_and_vetoes_nothing(july: Played) -> None:
    words = {
        (word.fact.model, word.fact.meter.meter): word
        for word in july.words
        if word.fact.source == "genai-v1" and word.fact.meter[:3] == ("standard", "short", "text")
    }
    for price, (old, new) in DROP.items():
        word = words[price]
        assert (word.fact.amount, word.official) == (old, new)
        assert (word.view, word.because) == (PriceView.DIFFERS, Stale.FROZEN)
    since = time("2026-07-30T00:00:00Z")
    assert [event for event in july.events("price.", source="genai-v1") if event.occurred_at > since] == []
    held = {event.subject for event in july.events("price.quarantined", source="page")}
    assert held.isdisjoint(model for model, _ in DROP), "a veto would be a price of the drop that is held back"


def test_frozen_feed_v1_is_also_seen_where_no_official_source_is_watched(tmp_path: Path) -> None:
    keys = ("genai-v1", "genai-v2", "llm-prices")
    files = {key: cut(tmp_path, FORMATS[key][1], "2026-07-20") for key in keys}
    config = configured(tmp_path, *keys, models=("gpt-5.6-luna", "gpt-5.6-sol"))
    at = time("2026-08-21T21:00:00Z")
    played = play(tmp_path, files, config=config, carry=timedelta(hours=6), at=at)
    because = {
        (word.fact.source, word.fact.model, word.fact.meter.meter): word.because
        for word in played.words
        if word.fact.meter.context == "short"
    }
    for meter in ("input", "cached_input", "output"):
        assert because["genai-v1", "gpt-5.6-luna", meter] is Stale.FROZEN
        assert because["genai-v2", "gpt-5.6-luna", meter] is because["genai-v1", "gpt-5.6-sol", meter] is None


# -- prices that were wrong, dated or announced ------------------------------------------------------------------------


def test_gpt_5_5_pro_wrong_price_is_told_as_a_correction_and_not_as_a_price_that_halved(tmp_path: Path) -> None:
    played = replayed(tmp_path, "litellm", "2026-04-24", "2026-05-02", models=("gpt-5.5-pro",))
    moved = played.events("price.reported", subject="gpt-5.5-pro")
    assert short(moved)["gpt-5.5-pro", "input"] == ("60", "30")
    assert short(moved)["gpt-5.5-pro", "output"] == ("360", "180")
    assert {event.data["correction"] for event in moved} == {True}
    (told,) = [item for notice in played.notices for item in notice.items if "correction" in item.summary]
    assert told.summary.endswith("; correction: first listed 5 days before")
    assert played.events("price.changed", "entry.paused") == []


def test_gpt_5_5_pro_wrong_price_makes_no_correction_of_a_true_change_near_the_first_poll(july: Played) -> None:
    assert july.events("price.reported", "price.changed")
    assert not any("correction" in event.data for event in july.events("price."))


def test_o3_80pct_is_a_change_that_pauses_and_no_rule_of_plausibility_holds_it(tmp_path: Path) -> None:
    *_, last = (line for line in lines(FORMATS["genai-v2"][1]) if line["status"] == "ok")
    days = ("2025-06-09T06:00:00Z", "2025-06-09T18:00:00Z", "2025-06-10T12:00:00Z", "2025-06-11T00:35:00Z")
    models = [("2025-06-09T05:00:00Z", {"object": "list", "data": [{"id": "o3", "object": "model"}]})]
    files = {
        "genai-v2": written(tmp_path, "feed", [(day, last["payload"]) for day in days]),
        "list": written(tmp_path, "list", [*models, (days[-1], models[0][1])]),
    }
    listed = '[[source]]\nkey = "list"\nkind = "models_list"\nsurface = "openai"\n'
    config = configured(tmp_path, "genai-v2", models=("o3",), more=listed)
    config.write_text(config.read_text(encoding="utf-8") + '\ntrust = "official"\n', encoding="utf-8")
    played = play(tmp_path, files, config=config, carry=timedelta(hours=2), activate=True)
    assert short(played.events("price.changed")) == {("o3", "input"): ("10", "2"), ("o3", "output"): ("40", "8")}
    assert {event.occurred_at.date().isoformat() for event in played.events("price.changed")} == {"2025-06-10"}
    assert [event.subject for event in played.events("entry.paused")] == ["o3"]
    assert played.events("price.quarantined") == []


def test_overwrite_then_history_of_a_scalar_that_becomes_a_list_is_no_second_change(july: Played) -> None:
    became_a_list = time("2026-07-31T17:50:00Z")
    assert [e for e in july.events("price.", source="genai-v2") if e.occurred_at >= became_a_list] == []
    assert all(
        new != "1"
        for (_, meter), (_, new) in short(july.events("price.reported", source="genai-v2")).items()
        if meter == "input"
    )


SONNETS = {
    "2026-07-01T00:00:00Z": (("through August 31, 2026", 2, 10), ("starting September 1, 2026", 3, 15)),
    "2026-08-12T01:04:00Z": (("", 2, 10),),
}
"""What the official page said of Claude Sonnet 5: a schedule, and six weeks later one row without dates."""


def sonnets(rows: tuple[tuple[str, int, int], ...]) -> str:
    drawn = [f"| Claude Sonnet 5 {dates} | ${cost} / MTok | ${output} / MTok |" for dates, cost, output in rows]
    head = "| Model | Base Input Tokens | Output Tokens |\n|---|---|---|"
    return "\n".join(
        ["# Pricing\n\n## Model pricing\n", head, *drawn, "| Claude Haiku 4.5 | $1 / MTok | $5 / MTok |", ""]
    )


def scheduled(folder: Path, pages: dict[str, tuple[tuple[str, int, int], ...]]) -> Played:
    """Return the last document of the feed and the pages of the maker, over the first of September."""
    *_, last = (line for line in lines(FORMATS["genai-v2"][1]) if line["status"] == "ok")
    days = ("2026-08-21T20:00:00Z", "2026-08-31T23:30:00Z", "2026-09-01T00:30:00Z", "2026-09-03T00:00:00Z")
    config = configured(
        folder, "genai-v2", models=("claude-sonnet-5",), more=OFFICIAL.replace('"openai"', '"anthropic"')
    )
    mapped = 'model_id = "claude-sonnet-5"\nprice_model = "Claude Sonnet 5"'
    text = config.read_text(encoding="utf-8").replace('model_id = "claude-sonnet-5"', mapped)
    config.write_text(text, encoding="utf-8")
    polls = [{"observed_at": at, "status": "ok", "payload_text": sonnets(rows)} for at, rows in pages.items()]
    (folder / "page.jsonl").write_text("\n".join(map(json.dumps, polls)), encoding="utf-8")
    files = {
        "genai-v2": written(folder, "feed", [(day, last["payload"]) for day in days]),
        "page": folder / "page.jsonl",
    }
    return play(folder, files, config=config, carry=timedelta(hours=3), activate=True)


def test_scheduled_increase_cancelled_stays_a_report_of_the_feeds_that_nobody_confirms(tmp_path: Path) -> None:
    played = scheduled(tmp_path, SONNETS)
    reported = played.events("price.reported", subject="claude-sonnet-5")
    assert (
        short(reported).items()
        >= {
            ("claude-sonnet-5", "input"): ("2", "3"),
            ("claude-sonnet-5", "output"): ("10", "15"),
        }.items()
    )
    assert {event.occurred_at for event in reported} == {time("2026-09-01T00:30:00Z")}
    assert played.events("price.changed", "price.removed", "entry.paused") == []
    withdrawn = {
        (e.data["date"], e.data["old"], e.data["new"]) for e in played.events("price.announced", source="page")
    }
    assert withdrawn == {("2026-09-01", "3", None), ("2026-09-01", "15", None)}


def test_scheduled_increase_that_the_page_still_announces_on_its_day_is_official_then_and_not_before(
    tmp_path: Path,
) -> None:
    (day, announced), _ = SONNETS.items()
    played = scheduled(tmp_path, {day: announced})
    changed = played.events("price.changed")
    assert short(changed) == {("Claude Sonnet 5", "input"): ("2", "3"), ("Claude Sonnet 5", "output"): ("10", "15")}
    assert {event.occurred_at for event in changed} == {time("2026-09-01T00:00:00Z")}


# -- ids: renamed, variants, aliases -----------------------------------------------------------------------------------


def test_mass_id_rename_is_27_renames_and_no_loss_and_no_new_price(july: Played) -> None:
    renamed = [event for event in july.events("price.removed", source="watch") if "renamed_to" in event.data]
    ids = {event.subject: event.data["renamed_to"] for event in renamed}
    assert len(ids) == 27
    assert ids["openai-gpt-56-luna"] == "openai-gpt-5-6-luna"
    listed = [event for event in july.events("price.listed", source="watch") if "renamed_from" in event.data]
    assert {(e.data["renamed_from"], e.data["meter"], e.data["new"]) for e in listed} == {
        (e.subject, e.data["meter"], e.data["old"]) for e in renamed
    }
    assert july.events("source.anomaly", source="watch") == []


@pytest.fixture(scope="module")
def resold(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """OpenRouter's list from the end of June, polled every half hour, with entries that go by the makers' prices."""
    folder = tmp_path_factory.mktemp("resold")
    models = ("gpt-5.6-luna", "gpt-5.6-sol", "claude-fable-5", "claude-sonnet-5")
    return replayed(folder, "openrouter", "2026-06-30", carry=timedelta(minutes=30), models=models)


def test_openrouter_promo_vs_list_is_the_resellers_own_offer_and_never_a_word_on_the_list_price(july: Played) -> None:
    on_august_10 = [
        event
        for event in july.events("price.reported", subject="gpt-5.6-luna", source="openrouter")
        if event.data["meter"] == "input" and event.data["context"] == "short"
    ]
    moves = [(event.data["old"], event.data["new"]) for event in on_august_10]
    assert moves == [("1", "0.5"), ("0.5", "0.1"), ("0.1", "0.2")]
    assert {event.data["trust"] for event in on_august_10} == {"third_party"}
    sol = [w for w in july.words if (w.fact.source, w.fact.model) == ("openrouter", "gpt-5.6-sol")]
    assert sol
    assert {(word.view, word.stale) for word in sol} == {(PriceView.RESOLD, False)}


def test_openrouter_promo_vs_list_a_flap_of_an_hour_between_two_polls_is_no_event(july: Played) -> None:
    moves = [
        (event.data["old"], event.data["new"])
        for event in july.events("price.reported", subject="gpt-5.6-sol-pro")
        if event.data["meter"] == "input" and event.data["context"] == "short"
    ]
    assert moves == [("5", "2.5"), ("2.5", "2")], "up at 08:25 and down again at 09:23 on August 18"


def test_sol_promo_2026_08_21_is_reported_by_the_feeds_and_reverted_by_none_that_lag(july: Played) -> None:
    watch = short([e for e in july.events("price.reported", source="watch") if "sol" in e.subject])
    assert watch == {
        ("openai-gpt-5-6-sol", "input"): ("5", "4"),
        ("openai-gpt-5-6-sol", "cached_input"): ("0.5", "0.4"),
        ("openai-gpt-5-6-sol", "output"): ("30", "20"),
    }
    assert july.events("price.changed", subject="gpt-5.6-sol") == [], (
        "the page of that day is not among those played here"
    )
    assert july.events("price.reported", subject="gpt-5.6-sol", source="genai-v2") == []


def test_openrouter_float_noise_is_no_event(resold: Played) -> None:
    cleaned = (time("2026-08-02T00:00:00Z"), time("2026-08-05T00:00:00Z"))
    assert resold.between(*cleaned, "price.reported") == []
    assert not any(equal(e.data["old"], e.data["new"]) for e in resold.events("price.reported"))
    noisy = {event.data["new"] for event in resold.events("price.reported")}
    assert "0.6000000000000001" in noisy, "the history holds the noise that this is about"


def test_openrouter_minus_one_is_no_price_and_what_went_is_gone_on_that_route_alone(resold: Played) -> None:
    hours = (time("2026-07-01T17:00:00Z"), time("2026-07-02T00:00:00Z"))
    said = resold.between(*hours, "price.")
    router = [event for event in said if event.subject == "claude-fable-latest"]
    assert not any(str(event.data[key]).startswith("-") for event in said for key in ("old", "new"))
    assert {event.type for event in router if event.data["meter"] in ("input", "output")} <= {"price.quarantined"}
    gone = [event.type for event in said if (event.subject, event.data["meter"]) == ("claude-fable-5", "input")]
    assert gone == ["price.removed", "price.listed"]
    assert resold.events("model.unlisted", "access.", "entry.hidden", "entry.paused") == []


def test_openrouter_batch_rollout_makes_variants_models_of_their_own_and_no_noise(resold: Played) -> None:
    variants = {event.subject for event in resold.events("price.listed") if event.subject.endswith(":batch")}
    assert len(variants) >= 25
    days = (time("2026-07-22T21:00:00Z"), time("2026-07-24T00:00:00Z"))
    base = [event for event in resold.between(*days, "price.") if not event.subject.endswith(":batch")]
    assert not {event.subject for event in base} & {variant.removesuffix(":batch") for variant in variants}
    told = {item.subject for notice in resold.notices for item in notice.items}
    assert not any(":" in subject for subject in told)


def test_alias_target_change_is_told_as_the_alias_and_moves_no_model(resold: Played) -> None:
    moved = [
        event
        for event in resold.events("price.reported", subject="claude-sonnet-latest")
        if event.occurred_at == time("2026-06-30T18:29:35Z")
    ]
    assert short(moved)["claude-sonnet-latest", "input"] == ("3", "2")
    for event in moved:
        assert event.data["provider"] == "~anthropic"
        assert (event.data["alias_from"], event.data["alias_to"]) == (None, None)
        assert "alias" in event.data["note"]
    sonnets = [
        e for e in resold.events("price.reported") if e.data["provider"] == "anthropic" and "sonnet" in e.subject
    ]
    assert [e for e in sonnets if e.occurred_at == time("2026-06-30T18:29:35Z")] == []


def test_alias_target_change_is_a_fact_from_the_day_on_which_it_is_stated(resold: Played) -> None:
    changed = resold.events("model.changed")
    assert {event.occurred_at for event in changed} == {time("2026-07-29T19:00:42Z")}
    assert {event.data["field"] for event in changed} == {"alias.target"}
    targets = {(e.data["provider"], e.subject): (e.data["surface"], e.data["old"], e.data["new"]) for e in changed}
    assert targets["~openai", "gpt-latest"] == (None, None, "openai/gpt-5.6-sol")
    assert targets["~anthropic", "claude-sonnet-latest"] == (None, None, "anthropic/claude-sonnet-5")
    assert len(targets) == 6


def test_alias_target_change_with_its_prices_in_one_poll_says_where_it_points_now(tmp_path: Path) -> None:
    *_, last = (line for line in lines(FORMATS["openrouter"][1]) if line["status"] == "ok")
    moved = json.loads(json.dumps(last["payload"]))
    (alias,) = [item for item in moved["data"] if item["id"] == "~openai/gpt-latest"]
    (luna,) = [item for item in moved["data"] if item["id"] == "openai/gpt-5.6-luna"]
    alias["alias_target"] = {"slug": luna["id"], "name": luna["name"]}
    alias["pricing"] = luna["pricing"]
    polls = [
        ("2026-08-23T00:00:00Z", last["payload"]),
        ("2026-08-23T01:00:00Z", moved),
        ("2026-08-23T02:00:00Z", moved),
    ]
    files = {"openrouter": written(tmp_path, "feed", polls)}
    played = play(tmp_path, files, config=configured(tmp_path, "openrouter"))
    reported = played.events("price.reported")
    assert {(e.subject, e.data["alias_from"], e.data["alias_to"]) for e in reported} == {
        ("gpt-latest", "openai/gpt-5.6-sol", "openai/gpt-5.6-luna")
    }
    assert {e.data["note"] for e in reported} == {
        "the alias points to openai/gpt-5.6-luna now (was openai/gpt-5.6-sol)"
    }
    (changed,) = played.events("model.changed")
    assert (changed.data["old"], changed.data["new"]) == ("openai/gpt-5.6-sol", "openai/gpt-5.6-luna")


def test_gpt_5_6_staged_access_is_told_by_no_feed(tmp_path: Path) -> None:
    keys = ("litellm", "llm-prices", "openrouter")
    files = {key: cut(tmp_path, FORMATS[key][1], "2026-06-20", "2026-07-12") for key in keys}
    config = configured(tmp_path, *keys, models=("gpt-5.6-luna",))
    played = play(tmp_path, files, config=config, carry=timedelta(hours=3))
    listed = {
        key: min(e.occurred_at for e in played.events("price.listed", subject="gpt-5.6-luna", source=key))
        for key in keys
    }
    assert listed["llm-prices"] == time("2026-06-26T17:25:58Z")
    assert listed["llm-prices"] < listed["litellm"] < listed["openrouter"]
    assert played.events("access.", "model.listed", "entry.visible") == []
    assert played.entries["gpt-5.6-luna"].status == "waiting"


def test_every_history_of_prices_is_played_here() -> None:
    recorded = {file.name.removesuffix(".jsonl.zst") for file in HISTORIES.glob("*.jsonl.zst")}
    assert {name for _, name in FORMATS.values()} <= recorded
