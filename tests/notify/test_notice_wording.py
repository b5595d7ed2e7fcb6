"""What a notice says, and in which order."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from notices import FALLBACKS, SINCE, listed, notice, paused

from monitor.core.notices import Difference, Item, Reason
from monitor.notify.wording import BRIEF, FULL, compose, plain, spoken_change, spoken_field, spoken_time


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("price.standard.short.input", "standard input, short context"),
        ("price.batch.long.audio.cached_input", "batch audio cached input, long context"),
        ("price.standard.short.cache_write_12h", "standard cache write 12h, short context"),
        ("listed", "models list"),
        ("shutdown_date", "shutdown date"),
        ("base_url", "base URL"),
        ("price.odd", "price odd"),
    ],
)
def test_a_field_is_spoken(field: str, said: str) -> None:
    assert spoken_field(field) == said


@pytest.mark.parametrize(
    ("what", "old", "new", "said"),
    [
        ("price.standard.short.input", "1", "0.2", "1.00 → 0.20 USD per 1M tokens, −80 %"),
        ("price.standard.short.input", "0.2", "1", "0.20 → 1.00 USD per 1M tokens, +400 %"),
        ("price.standard.short.input", "3.125", "3.126", "3.125 → 3.126 USD per 1M tokens, +0.032 %"),
        ("price.standard.short.input", "0", "1", "0.00 → 1.00 USD per 1M tokens"),
        ("price.standard.short.input", None, "1", "no price → 1.00 USD per 1M tokens"),
        ("price.standard.short.input", "1", None, "1.00 USD per 1M tokens → no price"),
        ("price.standard.short.input", "cheap", "1", "cheap → 1"),
        ("listed", "yes", None, "listed → not listed"),
        ("listed", None, "yes", "not listed → listed"),
        ("limit.tpm", "200000", "100000", "200000 → 100000"),
        ("note", "", None, "empty → nothing"),
    ],
)
def test_a_change_is_spoken(what: str, old: str | None, new: str | None, said: str) -> None:
    assert spoken_change(Difference(subject="m", what=what, old=old, new=new)) == said


def test_the_local_time_stands_beside_utc_and_with_its_date_where_that_differs() -> None:
    assert spoken_time(SINCE, None) == "2026-07-30 17:34:21 UTC"
    assert spoken_time(SINCE, ZoneInfo("Europe/Berlin")) == "2026-07-30 17:34:21 UTC (19:34:21 Europe/Berlin)"
    assert spoken_time(SINCE, ZoneInfo("Asia/Tokyo")) == "2026-07-30 17:34:21 UTC (2026-07-31 02:34:21 Asia/Tokyo)"


def test_a_pause_is_told_in_the_order_a_woken_person_asks() -> None:
    (section,) = compose(notice()).sections
    assert [line.label for line in section.lines] == [
        "What changed",
        "Since",
        "Evidence",
        "What was done",
        "Until morning",
        "Run next",
    ]


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ("allowed", "Safe where callers use the fallback"),
        ("denied", "Not safe"),
        ("none", "Not safe"),
        ("spared", "Safe until"),
        ("spared-by-name", "Safe for existing callers until"),
        ("denied-before", "Unchanged"),
    ],
)
def test_a_denied_entry_says_whether_its_fallback_is_allowed(case: str, verdict: str) -> None:
    (section,) = compose(notice(paused(**FALLBACKS[case]))).sections
    (said,) = {line.label: line.texts for line in section.lines}["Until morning"]
    assert said.startswith(verdict)
    assert ("gpt-5.4-mini" in said) is (case not in ("none", "denied-before"))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_for_what_was_done_and_whether_it_can_wait(reason: Reason) -> None:
    item = Item(reason=reason, subject="s", position=1, since=SINCE)
    (section,) = compose(notice(item)).sections
    labels = {line.label: line.texts for line in section.lines}
    assert labels["What was done"][0].endswith(".")
    assert labels["Until morning"][0].endswith(".")
    if not item.denied:
        assert "is denied in production now" not in labels["Until morning"][0]


def test_the_most_serious_item_leads_whatever_the_order() -> None:
    message = compose(notice(listed(1), paused()))
    assert message.title == "PAUSED: GPT-5.6 Luna", "a headline names only what it is true of"
    assert message.sections[0].heading == "PAUSED: GPT-5.6 Luna (luna)"
    assert message.serious


def test_items_seen_together_that_deny_nothing_are_one_section() -> None:
    message = compose(notice(listed(1), listed(2), listed(3, source="elsewhere")))
    assert [section.heading for section in message.sections] == ["CHANGED: model-1, model-2", "CHANGED: model-3"]
    assert not message.serious


def test_a_long_list_is_cut_and_the_command_shows_every_item_left_out() -> None:
    items = [listed(number) for number in range(BRIEF + 4)]
    message = compose(notice(*items))
    left = [item.position for item in items[BRIEF:]]
    assert message.more == f"and 4 more, see `access-monitor events --after {min(left) - 1}`"


def test_denied_entries_beyond_the_limit_are_counted_too() -> None:
    items = [paused(position=number, entry=f"e{number}") for number in range(20, 20 + FULL + 2)]
    assert compose(notice(*items)).more == f"and 2 more, see `access-monitor events --after {20 + FULL - 1}`"


def test_many_differences_of_one_item_are_cut() -> None:
    differences = tuple(Difference(subject="gpt-5.6-luna", what=f"f{n}", old="1", new="2") for n in range(9))
    (section,) = compose(notice(paused(differences=differences))).sections
    assert section.lines[0].texts[-1] == "and 3 more, see `access-monitor why luna`"


def test_the_command_for_more_news_leads_to_it_and_runs_nothing_else() -> None:
    differences = tuple(Difference(subject="m", what=f"f{n}", old="1", new="2") for n in range(9))
    (section,) = compose(notice(listed(1, subject="a; rm b", differences=differences))).sections
    assert section.lines[0].texts[-1] == "and 3 more, see `access-monitor events --subject 'a; rm b'`"


def test_beside_a_pause_the_news_of_an_entry_that_is_denied_already_is_told_in_brief() -> None:
    news = [listed(n, entry=f"e{n}", name=f"E{n}", status="paused", denied=True) for n in (1, 2)]
    first, second = compose(notice(paused(), *news)).sections
    assert first.heading == "PAUSED: GPT-5.6 Luna (luna)"
    assert second.heading == "CHANGED: E1, E2"
    labels = {line.label: line.texts for line in second.lines}
    assert [
        (text.partition(":")[0], f"e{n} is paused" in text) for n, text in enumerate(labels["Until morning"], 1)
    ] == [("Unchanged", True)] * 2


def test_the_last_words_are_the_idempotency_key() -> None:
    assert compose(notice(id="abc-1")).footer == "Notice abc-1"


def test_a_provider_s_text_is_one_line_that_calls_nobody() -> None:
    hostile = "up\r\nBcc: x\u202e <!channel> @here\x00 @Everyone <@U123> mail bob@group.example"
    said = plain(hostile)
    assert "\n" not in said
    assert "\r" not in said
    assert "\u202e" not in said
    for mention in ("<!channel", "@here", "@Everyone", "<@U"):
        assert mention not in said
    assert "bob@group.example" in said
    assert "here" in said


def test_what_is_the_same_of_several_items_in_brief_is_said_once() -> None:
    same = [
        paused(reason=Reason.CHANGED, entry=key, name=key, differences=(), summary="page says now: “x”")
        for key in ("sol", "luna")
    ]
    texts = [text for section in compose(notice(*same)).sections for line in section.lines for text in line.texts]
    assert [text for text in texts if "page says now" in text] == ["sol, luna: page says now: “x”"]
