"""The recorded histories: what changed from one document to the next, as an independent script found it and as the
facts say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from feed_reading import lines, needs_histories, observed, of, time, truth

from monitor.core.changes import diff

Moved = tuple[str, str, str, Fraction, Fraction]
"""When, which model, which field, from what to what, in USD per 1M tokens."""

MILLION = 10**6


def openrouter(model: str, field: str) -> tuple[str, str, int] | None:
    meters = {"prompt": "input", "completion": "output", "input_cache_read": "cached_input",
    "input_cache_write": "cache_write",
              "input_cache_write_1h": "cache_write_1h", "audio": "audio.input", "audio_output": "audio.output",
              "image_output": "image.output"}  # fmt: skip
    if not (found := re.fullmatch(r"pricing\.(overrides\[0\]\.)?(\w+)", field)) or found[2] not in meters:
        return None
    return model, f"standard.{'long' if found[1] else 'short'}.{meters[found[2]]}", MILLION


def litellm(model: str, field: str) -> tuple[str, str, int] | None:
    meters = {"input_cost_per_token": "input", "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
              "cache_creation_input_token_cost": "cache_write", "input_cost_per_audio_token": "audio.input",
              "output_cost_per_audio_token": "audio.output",
              "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
              "cache_read_input_image_token_cost": "image.cached_input", "output_cost_per_image_token": "image.output",
              "input_cost_per_image_token": "image.input"}  # fmt: skip
    found = re.fullmatch(r"(\w+?)(_above_\d+k_tokens)?(?:_(batches|flex|priority))?", field)
    if found is None or found[1] not in meters:
        return None
    tier = {None: "standard", "batches": "batch"}.get(found[3], found[3])
    return model, f"{tier}.{'long' if found[2] else 'short'}.{meters[found[1]]}", MILLION


def genai(model: str, field: str) -> tuple[str, str, int] | None:
    meters = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
              "input_audio_mtok": "audio.input", "output_audio_mtok": "audio.output",
              "cache_audio_read_mtok": "audio.cached_input",
              "cache_write_1h_mtok": "cache_write_1h"}  # fmt: skip
    if not (found := re.fullmatch(r"prices\.(\w+?)(\.base|\.tiers\[0\]\.price)?", field)) or found[1] not in meters:
        return None
    return model, f"standard.{'long' if found[2] and 'tiers' in found[2] else 'short'}.{meters[found[1]]}", 1


def watch(model: str, field: str) -> tuple[str, str, int] | None:
    meters = {"input_per_mtok": "input", "output_per_mtok": "output", "cached_input_per_mtok": "cached_input"}
    return (f"{model.partition('-')[0]}/{model}", f"standard.short.{meters[field]}", 1) if field in meters else None


HISTORIES: dict[str, tuple[str, Callable[[str, str], tuple[str, str, int] | None]]] = {
    "mw_openrouter_models_openai_anthropic": ("openrouter", openrouter),
    "litellm_weishaw_full": ("litellm", litellm),
    "genai_prices_v1_openai_anthropic": ("genai_prices", genai),
    "genai_prices_v2_openai_anthropic": ("genai_prices", genai),
    "modelpricewatch_openai_anthropic": ("modelpricewatch", watch),
}


def told(history: str, name: Callable[[str, str], tuple[str, str, int] | None]) -> Iterator[Moved]:
    for line in truth(history):
        if line["kind"] != "price_changed" or (named := name(line["model"], line["field"])) is None:
            continue
        model, field, scale = named
        if line["old"] is None or line["new"] is None:
            continue  # a price that came or went
        old, new = (Fraction(Decimal(line[key])) * scale for key in ("old", "new"))
        if -scale in (old, new) or abs(old - new) <= abs(old) / 10**9:
            continue  # no price, and float noise
        yield line["observed_at"], model, field, old, new


def seen(history: str, form: str) -> Iterator[Moved]:
    polls = (
        (line["observed_at"], observed(form, line["payload"], time(line["observed_at"]))) for line in lines(history)
    )
    for (_, before), (at, after) in pairwise(polls):
        for change in diff(before.facts, after.facts, unclear=after.unclear):
            priced = change.fact.field.startswith("price.")
            if priced and change.old is not None and change.new is not None:
                scope, model = change.fact.subject
                bare = model if form == "litellm" else f"{scope}/{model}"
                yield (
                    at,
                    bare,
                    change.fact.field.removeprefix("price."),
                    Fraction(str(change.old)),
                    Fraction(str(change.new)),
                )


@needs_histories
@pytest.mark.parametrize("history", sorted(HISTORIES))
def test_the_changes_between_recorded_documents_are_those_that_an_independent_script_found(history: str) -> None:
    form, name = HISTORIES[history]
    expected, found = set(told(history, name)), set(seen(history, form))
    assert expected == found


@needs_histories
def test_the_drop_of_july_30_is_in_v2_and_never_in_the_frozen_v1() -> None:
    (*_, frozen), (*_, moving) = lines("genai_prices_v1_openai_anthropic"), lines("genai_prices_v2_openai_anthropic")
    at = time("2026-08-22T00:00:00Z")
    was, now = (
        of(observed("genai_prices", line["payload"], at), "openai", "gpt-5.6-luna") for line in (frozen, moving)
    )
    assert (was["standard.short.input"], was["standard.short.output"]) == ("1", "6")
    assert (now["standard.short.input"], now["standard.short.output"]) == ("0.2", "1.2")
    assert (now["standard.long.cached_input"], now["standard.short.cache_write"]) == ("0.04", "0.25")


@needs_histories
def test_turning_a_price_into_a_dated_list_is_no_change() -> None:
    by_time = {line["observed_at"]: line for line in lines("genai_prices_v2_openai_anthropic")}
    times = sorted(by_time)
    rewritten = next(at for at in times if at.startswith("2026-07-31T17:50"))
    before = times[times.index(rewritten) - 1]
    for model in ("gpt-5.6-luna", "gpt-5.6-terra"):
        one, other = (
            of(observed("genai_prices", by_time[at]["payload"], time(at)), "openai", model)
            for at in (before, rewritten)
        )
        assert one == other != {}


@needs_histories
def test_the_mass_rename_moves_ids_and_not_one_price() -> None:
    by_time = {line["observed_at"]: line for line in lines("modelpricewatch_openai_anthropic")}
    times = sorted(by_time)
    renamed = next(at for at in times if at.startswith("2026-08-01T18:42"))
    before, after = (
        observed("modelpricewatch", by_time[at]["payload"]) for at in (times[times.index(renamed) - 1], renamed)
    )
    gone, come = before.facts.keys() - after.facts.keys(), after.facts.keys() - before.facts.keys()
    assert len(gone) == len(come) == 27
    assert all(before.facts[subject] == after.facts[subject] for subject in before.facts.keys() & after.facts.keys())
    prices = sorted(sorted(before.facts[subject].items()) for subject in gone)
    assert prices == sorted(sorted(after.facts[subject].items()) for subject in come)
