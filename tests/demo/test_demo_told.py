"""What the demo says of a log: which events make a line, what the summary counts, and when it refuses to tell a
success.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.cli import demo_stage
from monitor.cli.demo_play import held
from monitor.cli.demo_stage import Stage, command_line, requirement
from monitor.cli.demo_summary import (
    DENIED,
    NEW_USAGE,
    Chapter,
    ExpectedStep,
    StoryAnswer,
    StorySummary,
    expected,
    problems,
    readable,
    summarise,
)
from monitor.cli.demo_words import narrate
from monitor.core import events as ev
from monitor.core.configuration import ConfirmationRules
from monitor.core.events import Event, Recorded
from monitor.core.price import telling_order
from monitor.sandbox import Fault, FaultKind, Target, TimelineModel, TimelinePrice, TimelineStep, WebhookMessage
from monitor.sandbox.gpt_5_6 import IMAGINED, LUNA, SOL, STEPS, TERRA

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIST = "openai-models"
PIN = f"openai/{LUNA}/price.standard.short."


def recorded(
    position: int, type: str, subject: str, *, source: str = "", evidence: str = "", **data: object
) -> Recorded:
    at = BEGIN + timedelta(seconds=position)
    event = Event(
        position=position,
        type=type,
        stream="s",
        subject=subject,
        occurred_at=at,
        source=source,
        evidence=evidence,
        data=data,
    )
    return Recorded(event=event, id=str(position), version=1, recorded_at=at)


def moved(position: int, meter: str, old: str | None, new: str, *, tier: str = "standard", page: str = "") -> Recorded:
    kind = ev.PRICE_LISTED if old is None else ev.PRICE_CHANGED
    identity = {"provider": "openai", "tier": tier, "context": "short", "modality": "text", "meter": meter}
    return recorded(
        position, kind, LUNA, source="page", evidence=page, **identity, old=old, new=new, looks=2, unit="1M tokens"
    )


def a_pause(position: int, *causes: int) -> Recorded:
    return recorded(
        position,
        ev.ENTRY_PAUSED,
        LUNA,
        source="page",
        evidence="sha256:new",
        causes=list(causes),
        since=ev.rfc3339(BEGIN + timedelta(seconds=position - 2)),
        looks=2,
        shifts=[{"pin": PIN + "output", "old": "6", "new": "1.2"}, {"pin": PIN + "input", "old": "1", "new": "0.2"}],
    )


def price(input: str) -> TimelinePrice:
    return TimelinePrice(input=Decimal(input), output=None)


CALLER = "support-agent"
CALLERS = {LUNA: (CALLER,)}
WITHOUT_END = StoryAnswer(allowed=True)
FOR_72_H = StoryAnswer(allowed=True, grace=timedelta(hours=72))

DAYS = (
    TimelineStep(
        date=date(2026, 6, 25),
        title="a",
        polls=1,
        lists=(TimelineModel(id=LUNA, created=1),),
        prices={LUNA: price("1")},
    ),
    TimelineStep(
        date=date(2026, 7, 25),
        title="b",
        polls=1,
        faults=(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500),),
    ),
    TimelineStep(date=date(2026, 7, 26), title="c", polls=1),
    TimelineStep(
        date=date(2026, 7, 30),
        title="d",
        polls=1,
        prices={LUNA: price("0.2"), "gpt-other": price("1")},
        waits_for="resume",
    ),
)
WANTED = expected(DAYS, CALLERS, list_source=LIST)
GOES_ON = {NEW_USAGE: DENIED, CALLER: WITHOUT_END}


def chapters(firsts: tuple[int, ...], answers: dict[str, StoryAnswer]) -> list[Chapter]:
    """Return the days as they were played; `answers` is what the gate said of the entry on the last one."""
    played = [Chapter(step=step, first=first, began_at=BEGIN) for step, first in zip(DAYS, firsts, strict=True)]
    played[-1].answers[LUNA] = answers
    return played


CHAPTERS = chapters((1, 6, 7, 8), GOES_ON)
LOG = [
    recorded(1, ev.ENTRY_DECLARED, LUNA, declaration={"name": "GPT-5.6 Luna"}),
    recorded(2, ev.ENTRY_VISIBLE, LUNA),
    moved(3, "input", None, "1", page="sha256:old"),
    recorded(4, ev.CHECK_VERIFIED, LUNA, check="test_call"),
    recorded(5, ev.ENTRY_ACTIVATED, LUNA, by="you", pins=[1, 2]),
    recorded(6, ev.SOURCE_FAILED, LIST, reason="server_error"),
    recorded(7, ev.SOURCE_RECOVERED, LIST, reason="server_error"),
    moved(8, "output", "6", "1.2", page="sha256:new"),
    moved(9, "input", "1", "0.2", page="sha256:new"),
    a_pause(10, 8, 9),
    recorded(11, ev.NOTICE_DELIVERED, "10.platform", owner="platform"),
    recorded(12, ev.ENTRY_RESUMED, LUNA, by="you", pins=[1, 2]),
]
TOLD = WebhookMessage(
    number=1, text="blocks", payload={"text": "PAUSED: Luna\n  Evidence  1 poll, event 10\nNotice 10.platform"}
)


def test_a_step_is_held_against_what_it_lists_prices_and_breaks() -> None:
    wanted = expected(DAYS, CALLERS, list_source=LIST)
    assert wanted == [
        ExpectedStep(events=((ev.ENTRY_VISIBLE, LUNA),), acts=((ev.ENTRY_ACTIVATED, LUNA),)),
        ExpectedStep(events=((ev.SOURCE_FAILED, LIST),)),
        ExpectedStep(events=((ev.SOURCE_RECOVERED, LIST),)),
        ExpectedStep(
            events=((ev.PRICE_CHANGED, LUNA), (ev.ENTRY_PAUSED, LUNA)),
            answers={LUNA: GOES_ON},
            acts=((ev.ENTRY_RESUMED, LUNA),),
        ),
    ]


def test_the_whole_story_has_prices_that_fall_one_that_rises_and_a_model_that_vanishes() -> None:
    steps = held((*STEPS, *IMAGINED))
    wanted = expected(steps, {SOL: (CALLER,), TERRA: (), LUNA: (CALLER,)}, list_source=LIST)
    answers = {step.date: wanted_of_it.answers for step, wanted_of_it in zip(steps, wanted, strict=True)}
    assert {day: of for day, of in answers.items() if of} == {
        date(2026, 7, 30): {LUNA: GOES_ON, TERRA: {NEW_USAGE: DENIED}},
        date(2026, 8, 21): {SOL: GOES_ON},
        date(2026, 11, 22): {SOL: {NEW_USAGE: DENIED, CALLER: FOR_72_H}},
        date(2026, 12, 1): {LUNA: {NEW_USAGE: DENIED, CALLER: DENIED}},
    }
    assert wanted[-1].events == ((ev.ACCESS_LOST, LUNA), (ev.ENTRY_PAUSED, LUNA))


def test_what_is_made_up_is_said_to_be() -> None:
    assert all(step.title.startswith("Imagined: ") for step in IMAGINED)
    assert not any("Imagined" in step.title for step in STEPS)
    assert STEPS[-1].date < IMAGINED[0].date


def test_the_summary_reads_a_pause_off_the_log() -> None:
    (pause,) = summarise(CHAPTERS, LOG, [TOLD], list_source=LIST).pauses
    assert (pause.name, pause.date, pause.position) == ("GPT-5.6 Luna", date(2026, 7, 30), 10)
    assert (pause.delay, pause.polls) == (timedelta(seconds=2), 2)
    assert (pause.evidence_before, pause.evidence) == ("sha256:old", "sha256:new")
    assert pause.answers == GOES_ON
    assert (pause.resumed_by, pause.resumed_at) == ("you", BEGIN + timedelta(seconds=12))


def test_another_source_that_fails_is_none_of_the_list() -> None:
    log = [*LOG, recorded(13, ev.SOURCE_FAILED, "openai-calls/gpt-5.6-sol/responses", reason="over_budget")]
    assert problems(summarise(CHAPTERS, log, [TOLD], list_source=LIST), CHAPTERS, WANTED) == []


def test_a_story_that_came_out_as_told_has_no_problems() -> None:
    summary = summarise(CHAPTERS, LOG, [TOLD], list_source=LIST)
    assert problems(summary, CHAPTERS, WANTED) == []
    assert (summary.outage.failures, summary.outage.recoveries, summary.outage.between) == (1, 1, 0)
    assert summary.pauses_told == [readable(TOLD)]


def without(position: int) -> list[Recorded]:
    return [one for one in LOG if one.event.position != position]


NO_MESSAGE: tuple[WebhookMessage, ...] = ()


@pytest.mark.parametrize(
    ("log", "messages", "said"),
    [
        (without(10), (TOLD,), [f"{LUNA} was not paused on 2026-07-30"]),
        (LOG, NO_MESSAGE, [f"the owner was not notified of the pause of {LUNA}"]),
        (without(2), (TOLD,), [f"no entry.visible of {LUNA} was recorded on 2026-06-25"]),
        (without(4), (TOLD,), [f"{LUNA} was activated before a call of its model was answered"]),
        (without(5), (TOLD,), [f"no entry.activated of {LUNA} was recorded on 2026-06-25"]),
        (without(12), (TOLD,), [f"no entry.resumed of {LUNA} was recorded on 2026-07-30"]),
        (without(7), (TOLD,), ["0 recoveries stood in the log instead of 1"]),
        ([*LOG, recorded(13, ev.SOURCE_FAILED, LIST)], (TOLD,), ["2 failures stood in the log instead of 1"]),
        ([*LOG, recorded(13, ev.NOTICE_DEAD, "10.platform")], (TOLD,), ["1 notice could not be delivered"]),
        (
            [*LOG[:6], recorded(6, ev.MODEL_UNLISTED, LUNA), *LOG[6:]],
            (TOLD,),
            ["1 piece of news came out of a list that nobody could read"],
        ),
    ],
)
def test_a_story_that_came_out_otherwise_is_named(
    log: list[Recorded], messages: tuple[WebhookMessage, ...], said: list[str]
) -> None:
    assert problems(summarise(CHAPTERS, log, messages, list_source=LIST), CHAPTERS, WANTED) == said


@pytest.mark.parametrize(
    ("answers", "difference"),
    [
        ({NEW_USAGE: DENIED, CALLER: DENIED}, f"{CALLER} denied for {LUNA}, and should be allowed without end"),
        (
            {NEW_USAGE: DENIED, CALLER: FOR_72_H},
            f"{CALLER} allowed for 72 h for {LUNA}, and should be allowed without end",
        ),
        (
            {NEW_USAGE: WITHOUT_END, CALLER: WITHOUT_END},
            f"new usage allowed without end for {LUNA}, and should be denied",
        ),
        ({NEW_USAGE: DENIED}, f"the gate was not asked for {LUNA}, and should be allowed without end"),
    ],
)
def test_what_production_is_answered_is_held_against_the_story(
    answers: dict[str, StoryAnswer], difference: str
) -> None:
    played = chapters((1, 6, 7, 8), answers)
    assert problems(summarise(played, LOG, [TOLD], list_source=LIST), played, WANTED) == [f"on 2026-07-30 {difference}"]


def test_a_pause_on_another_day_is_both_missing_and_unexplained() -> None:
    early = [one for one in LOG if one.event.position not in (8, 9, 12)]
    played = chapters((1, 6, 7, 11), GOES_ON)
    assert problems(summarise(played, early, [TOLD], list_source=LIST), played, WANTED) == [
        f"{LUNA} was not paused on 2026-07-30",
        f"{LUNA} was paused on 2026-07-26, and nothing of it had moved",
        f"no price.changed of {LUNA} was recorded on 2026-07-30",
        f"no entry.resumed of {LUNA} was recorded on 2026-07-30",
    ]


def test_prices_of_one_model_are_one_line_that_begins_with_what_everybody_pays() -> None:
    log = [moved(1, "input", "2", "1", tier="batch"), moved(2, "output", "6", "1.2"), moved(3, "input", "1", "0.2")]
    (line,) = narrate(log)
    assert line.word == "repriced"
    assert line.text == (
        f"{LUNA}: standard input 1.00 → 0.20 (−80 %); standard output 6.00 → 1.20 (−80 %) USD per 1M tokens; "
        "and 1 more price"
    )


def test_what_a_newcomer_does_not_need_makes_no_line() -> None:
    assert narrate([recorded(1, ev.CHECK_VERIFIED, LUNA), recorded(2, ev.CONFIG_CHANGED, "config")]) == []


def test_a_pause_is_told_by_what_moved() -> None:
    assert [(line.word, line.text) for line in narrate([a_pause(8)])] == [
        ("PAUSED", f"{LUNA}: standard input 1.00 → 0.20 (−80 %); standard output 6.00 → 1.20 (−80 %) USD per 1M tokens")
    ]


def test_a_message_is_shown_as_it_is_read_and_not_as_it_is_escaped() -> None:
    assert readable(WebhookMessage(number=1, text="*x*", payload={"text": "a &lt;b&gt; &amp; c"})) == "a <b> & c"
    assert readable(WebhookMessage(number=1, text="only blocks", payload={})) == "only blocks"


@pytest.fixture
def printed() -> StorySummary:
    return summarise(CHAPTERS, LOG, [TOLD], list_source=LIST)


def test_every_number_of_the_printed_summary_is_counted(
    printed: StorySummary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ConfirmationRules(), tmp_path, overridden=[])
    outage = replace(printed.outage, failures=7, recoveries=6, between=5)
    stage.summary(replace(printed, outage=outage, undelivered=4, messages=["m"] * 9))
    said = capsys.readouterr().out
    assert "7 failures and 6 recoveries" in said
    assert "between them 5 events" in said
    assert "9 messages arrived, 1 of them about pauses; 4 could not be delivered" in said
    assert "GPT-5.6 Luna on 2026-07-30, at 12:00:10Z" in said
    assert "    gate   new usage denied; support-agent allowed without end" in said
    assert "\x1b" not in said


def test_variables_of_another_monitor_are_taken_away_from_the_printed_commands(
    printed: StorySummary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ConfirmationRules(), tmp_path, overridden=["ACCESS_MONITOR__DATABASE__URL"])
    stage.commands(tmp_path / "a b.toml", printed, stay=False)
    rows = [row for row in capsys.readouterr().out.splitlines() if row.startswith("  ")]
    assert (
        rows[0] == f"  env -u ACCESS_MONITOR__DATABASE__URL {command_line()} --config '{tmp_path / 'a b.toml'}' status"
    )
    assert "evidence old --diff new" in rows[4]


def test_the_program_is_called_by_a_path_where_no_shell_would_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_stage.shutil, "which", lambda _name: None)
    monkeypatch.setattr(demo_stage.sys, "argv", [".venv/bin/access-monitor"])
    assert command_line().endswith("/.venv/bin/access-monitor")
    assert command_line().startswith("/")


def test_what_it_takes_to_believe_is_said_in_words() -> None:
    assert requirement(ConfirmationRules().change) == "2 polls over at least 60 s"
    assert requirement(replace(ConfirmationRules().change, span=timedelta(0))) == "2 polls, however close together"


def test_prices_are_told_with_the_tiers_in_use_first_and_what_is_no_price_before_them() -> None:
    fields = [
        "price.standard.long.input",
        "price.batch.short.cache_write",
        "price.standard.short.input",
        "price.batch.short.audio.input",
        "price.batch.short.output",
        "listed",
        "price.batch.short.input",
    ]
    assert sorted(fields, key=lambda field: telling_order(field, ("batch",))) == [
        "listed",
        "price.batch.short.input",
        "price.batch.short.output",
        "price.batch.short.cache_write",
        "price.batch.short.audio.input",
        "price.standard.short.input",
        "price.standard.long.input",
    ]
