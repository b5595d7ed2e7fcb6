"""What a notice says, and in which order."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notices import FALLBACKS, SINCE, listed, notice, paused

from monitor.core.notices import Difference, Item, Reason, Since
from monitor.notify.headlines import FIRST_CLAUSE, STATES, first_clause, state_of
from monitor.notify.phrases import brief_change, plain, spoken_change, spoken_field, spoken_time, with_times
from monitor.notify.wording import BRIEF, FULL, compose


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


def test_a_time_is_told_to_the_minute_in_the_zone_of_the_reader_then_in_utc() -> None:
    assert spoken_time(SINCE, None) == "2026-07-30 17:34 UTC"
    assert spoken_time(SINCE, ZoneInfo("Europe/Berlin")) == "2026-07-30 19:34 Europe/Berlin (17:34 UTC)"
    assert spoken_time(SINCE, ZoneInfo("Asia/Tokyo")) == "2026-07-31 02:34 Asia/Tokyo (2026-07-30 17:34 UTC)"


def test_a_time_inside_a_sentence_is_told_as_all_others_are() -> None:
    said = with_times("unread since 2026-07-30T17:34:21.5Z; 2026-99-30T17:34Z is no time", ZoneInfo("Europe/Berlin"))
    assert said == "unread since 2026-07-30 19:34 Europe/Berlin (17:34 UTC); 2026-99-30T17:34Z is no time"


def test_a_pause_is_told_in_the_order_a_woken_person_asks() -> None:
    item = paused(
        model="gpt-5.6-luna", provider="openai", surface="openai-eu", asks=("pricing",), url="https://p.example/"
    )
    (section,) = compose(notice(item)).sections
    assert [line.label for line in section.lines] == [
        "Model",
        "What changed",
        "Since",
        "Impact",
        "Who has it",
        "To resume",
        "Run next",
        "Evidence",
        "What was done",
    ]
    labels = {line.label: line.texts for line in section.lines}
    assert labels["Model"] == ("gpt-5.6-luna (provider openai, surface openai-eu)",)
    assert labels["Evidence"][0] == "https://p.example/"


@pytest.mark.parametrize(
    ("case", "denied"),
    [("allowed", True), ("denied", True), ("none", True), ("spared", False), ("spared-by-name", False)],
)
def test_a_denied_entry_says_whether_its_fallback_is_allowed(case: str, denied: bool) -> None:
    message = compose(notice(paused(**FALLBACKS[case])))
    (section,) = message.sections
    (said,) = {line.label: line.texts for line in section.lines}["Impact"]
    assert said.startswith("Production is denied") is denied
    assert ("gpt-5.4-mini" in said) is (case != "none")
    assert ("fallback allowed" in message.title) is (case in ("allowed", "spared", "spared-by-name"))


def test_news_of_an_entry_that_was_denied_before_says_so() -> None:
    (section,) = compose(notice(paused(**FALLBACKS["denied-before"]))).sections
    assert {line.label: line.texts for line in section.lines}["Impact"][0].startswith("Production is still denied")


LUNA = {"model": "gpt-5.6-luna", "provider": "openai", "surface": "openai"}


def test_a_headline_names_state_entry_model_change_and_consequence() -> None:
    (first, _) = paused().differences
    item = paused(
        **LUNA,
        name="Luna",
        differences=(first,),
        denied=False,
        spared=("agent",),
        spared_until=SINCE + timedelta(days=3),
    )
    assert compose(notice(item)).title == (
        "PAUSED Luna (openai/gpt-5.6-luna): input −80 %; existing callers until Aug 2, fallback allowed"
    )


def test_a_model_on_another_surface_is_named_with_it() -> None:
    item = paused(**{**LUNA, "surface": "codex"}, name="Luna", differences=paused().differences[:1])
    assert first_clause([item]) == "PAUSED Luna (openai/gpt-5.6-luna on codex): input −80 %"


@given(
    st.sampled_from(list(Reason)),
    st.lists(st.text(min_size=1, max_size=120), min_size=1, max_size=6),
    st.text(max_size=120),
    st.text(max_size=200),
)
def test_the_first_clause_fits_a_lock_screen(reason: Reason, names: list[str], model: str, summary: str) -> None:
    items = [
        paused(**{**LUNA, "model": model}, reason=reason, entry=f"e{n}", name=name, summary=summary, differences=())
        for n, name in enumerate(names)
    ]
    clause = first_clause(items)
    assert len(clause) <= FIRST_CLAUSE
    assert clause.startswith(state_of(items[0]))


def test_news_of_others_is_counted_in_a_headline_and_not_named() -> None:
    lost = paused(reason=Reason.FALLBACK_LOST, entry="orion", name="Orion", denied=False)
    title = compose(notice(paused(), lost)).title
    assert "Orion" not in title
    assert title.endswith("; also 1 FALLBACK LOST")


def test_a_check_that_expired_is_a_denial_only_where_production_is_denied() -> None:
    assert state_of(paused(reason=Reason.STALE)) == "DENIED"
    assert state_of(paused(reason=Reason.STALE, denied=False, status="active")) == "REMINDER"


def test_what_happened_since_stands_before_everything_else() -> None:
    since = Since(at=SINCE + timedelta(hours=1), text="resumed by Ada L.")
    message = compose(notice(paused(since_then=since, denied=False, status="active")), ZoneInfo("Europe/Berlin"))
    assert message.title.startswith("Since then (20:34): resumed by Ada L.; earlier: PAUSED GPT-5.6 Luna")
    assert message.updates == (
        "Since then (2026-07-30 20:34 Europe/Berlin (18:34 UTC)): GPT-5.6 Luna: resumed by Ada L.",
    )


@pytest.mark.parametrize(
    ("what", "old", "new", "said"),
    [
        ("listed", "yes", None, "no longer listed"),
        ("price.batch.long.output", "1", "2", "batch output (long context) +100 %"),
        ("price.standard.short.cached_input", "1", None, "cached input gone"),
        ("limit.tpm", "200000", "100000", "limit tpm 200000 → 100000"),
        ("note", "x" * 40, "y", "note changed"),
    ],
)
def test_a_change_is_said_in_brief(what: str, old: str | None, new: str | None, said: str) -> None:
    assert brief_change(Difference(subject="m", what=what, old=old, new=new)) == said


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_it_means_for_production(reason: Reason) -> None:
    (section,) = compose(notice(Item(reason=reason, subject="s", position=1, since=SINCE))).sections
    labels = {line.label: line.texts for line in section.lines}
    assert labels["Impact"][0].endswith(".")
    assert "is denied" not in labels["Impact"][0]
    assert section.heading.startswith((STATES[reason], "REMINDER"))


def test_the_most_serious_item_leads_whatever_the_order() -> None:
    message = compose(notice(listed(1), paused()))
    assert message.title.startswith("PAUSED GPT-5.6 Luna")
    assert "model-1" not in message.title, "a headline names only what it is true of"
    assert message.sections[0].heading == "PAUSED GPT-5.6 Luna (luna)"
    assert message.serious


def test_items_seen_together_that_deny_nothing_are_one_section() -> None:
    message = compose(notice(listed(1), listed(2), listed(3, source="elsewhere")))
    assert [section.heading for section in message.sections] == ["CHANGED model-1, model-2", "CHANGED model-3"]
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
    assert first.heading == "PAUSED GPT-5.6 Luna (luna)"
    assert second.heading == "CHANGED E1, E2"
    labels = {line.label: line.texts for line in second.lines}
    assert labels["Impact"] == ("Production is still denied e1, e2 (paused); it has no fallback.",)


def test_several_entries_that_one_event_of_a_source_concerns_are_one_section() -> None:
    down = [
        paused(
            reason=Reason.BLIND,
            entry=f"e{n}",
            name=f"E{n}",
            status="active",
            denied=False,
            model=f"m{n}",
            source="list",
            brief="list not read",
            differences=(),
            denies_from=SINCE + timedelta(days=1 if n < 3 else 2),
            commands=("access-monitor sources list", f"access-monitor status e{n}"),
        )
        for n in range(1, 6)
    ]
    message = compose(notice(*down))
    (section,) = message.sections
    assert message.title.startswith("SOURCE DOWN E1, E2, E3 and 2 more: list not read")
    labels = {line.label: line.texts for line in section.lines}
    assert [text.partition(" until ")[0] for text in labels["Impact"]] == [
        "Production may use e1, e2",
        "Production may use e3, e4, e5",
    ]
    assert labels["Model"] == ("m1", "m2", "m3", "and 2 more")
    assert labels["Run next"][0] == "access-monitor sources list"
    assert len(labels["Run next"]) == 4


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
