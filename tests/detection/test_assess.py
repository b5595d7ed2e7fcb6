"""One poll judged in stages: on what was read alone, without a store, and without an entry."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from core_facts import MINUTE, SPECS, START

from monitor.core.configuration import ConfirmationRules
from monitor.core.content import facts_name, name_of
from monitor.core.facts import (
    Body,
    Fact,
    FailureReason,
    Observation,
    PollFailure,
    Snapshot,
    SourceState,
    Subject,
    Unchanged,
    Value,
)
from monitor.detection.assess import STAGES, assess
from monitor.detection.assessment import Assessment
from monitor.detection.context import AssessmentContext, Relied

A = Subject("openai", "a")
NOBODY = Relied(subjects=frozenset(), on=lambda fact: False)
INPUT = "price.standard.short.input"
KNOWN: Mapping[Subject, Mapping[str, Value]] = {A: {INPUT: "3"}}
MODELS: Mapping[Subject, Mapping[str, Value]] = {
    Subject("openai", f"m{number}"): {"listed": True} for number in range(10)
}


def shown(facts: Mapping[Subject, Mapping[str, Value]], at: datetime, source: str = "page") -> Snapshot:
    content = repr(facts).encode()
    body = Body(content=content, sha256=name_of(content), size=1000)
    return Snapshot(source=source, at=at, facts=facts, extractor="page/1", body=body)


def context(
    observation: Observation, baseline: Mapping[Subject, Mapping[str, Value]] = KNOWN, source: str = "page", **more: Any
) -> AssessmentContext:
    state = SourceState(
        key=source,
        extractor="page/1",
        baseline=facts_name(baseline) if baseline else "",
        body_size=1000,
        accepted_at=START,
        good_at=START,
        attention=False,
    )
    base = AssessmentContext(
        spec=SPECS[source],
        sources=SPECS,
        rules=ConfirmationRules(),
        observation=observation,
        now=observation.at,
        head=7,
        state=state,
        relied=NOBODY,
        baseline=baseline,
        facts=observation.facts if isinstance(observation, Snapshot) else baseline,
    )
    return replace(base, **more)


def next_poll(before: Assessment, observation: Observation) -> AssessmentContext:
    """Return the context of the poll that follows on an assessment of the page."""
    return context(observation, before.baseline, state=before.state, pending={one.fact: one for one in before.pending})


def test_a_price_is_pending_at_the_first_poll_and_confirmed_at_the_second() -> None:
    first = assess(context(shown({A: {INPUT: "4"}}, START + MINUTE)))
    assert (first.verdict, first.suspects, first.events, first.baseline) == ("suspect", 1, (), KNOWN)
    assert first.poll_again == START + MINUTE + timedelta(seconds=90)
    second = assess(next_poll(first, shown({A: {INPUT: "4"}}, START + 3 * MINUTE)))
    assert second.verdict == "changed"
    (event,) = second.events
    assert (event.type, event.position, event.data["old"], event.data["new"]) == ("price.changed", 8, "3", "4")
    assert event.occurred_at == START + MINUTE
    assert second.state.baseline == facts_name({A: {INPUT: "4"}}) == event.data["baseline"]
    assert second.kept_facts == ({A: {INPUT: "4"}},)
    assert second.pending == ()


def test_the_same_context_is_judged_the_same_and_nothing_of_it_changes() -> None:
    seen = context(shown({A: {INPUT: "0"}}, START + MINUTE))
    before = replace(seen)
    assert assess(seen) == assess(seen)
    assert seen == before
    with pytest.raises(FrozenInstanceError):
        assess(seen).verdict = "else"  # type: ignore[misc]


def test_a_first_answer_is_the_baseline_less_what_cannot_be_right() -> None:
    first = assess(context(shown({A: {INPUT: "0"}}, START + MINUTE), {}))
    assert [event.type for event in first.events] == ["source.baseline_recorded", "price.quarantined"]
    assert [event.position for event in first.events] == [8, 9]
    assert (first.verdict, first.baseline, first.pending[0].quarantine) == ("baseline", {}, 9)


@pytest.mark.parametrize(
    ("observation", "why"),
    [
        (shown(KNOWN, START), "a later poll is recorded already"),
        (
            PollFailure(source="page", at=START, reason=FailureReason.TIMEOUT, detail=""),
            "a later poll is recorded already",
        ),
        (Unchanged(source="page", at=START + MINUTE), "another poll came between"),
    ],
)
def test_a_late_poll_is_dropped_before_anything_else_is_asked(observation: Observation, why: str) -> None:
    known = context(observation)
    if isinstance(observation, Unchanged):
        known = replace(known, state=replace(known.state, attention=True))
    dropped = assess(known)
    assert (dropped.verdict, dropped.detail, dropped.events) == ("late", why, ())
    assert dropped.state == known.state


def test_a_failure_writes_what_failed_and_leaves_the_baseline() -> None:
    failure = PollFailure(source="page", at=START + MINUTE, reason=FailureReason.TIMEOUT, detail="10 s")
    failed = assess(context(failure, incident="degraded"))
    (event,) = failed.events
    assert (event.type, event.data["reason"], event.data["incident"]) == ("source.failed", "timeout", "degraded")
    assert (failed.verdict, failed.baseline, failed.kept_facts) == ("failed", KNOWN, ())
    assert failed.state.baseline == facts_name(KNOWN)


def test_a_mass_drop_is_held_and_names_only_what_somebody_stands_on() -> None:
    left = dict(list(MODELS.items())[:4])
    gone = sorted(MODELS.keys() - left.keys())
    held = assess(
        context(
            shown(left, START + MINUTE, "list"),
            MODELS,
            "list",
            relied=replace(NOBODY, subjects=frozenset({gone[0], Subject("openai", "m0")})),
        )
    )
    (event,) = held.events
    assert (held.verdict, event.type, event.data["missing_count"]) == ("held", "source.anomaly", len(gone))
    assert event.data["concerns"] == [{"scope": "openai", "subject": gone[0].name}]
    assert held.missing == {Fact(subject, "listed") for subject in gone}
    assert all(one.anomaly == event.position and one.held_until is not None for one in held.pending)
    assert held.state.good_at == START, "what is held renews nothing"


def test_each_stage_that_did_something_says_so_at_debug_level_and_none_above(caplog: pytest.LogCaptureFixture) -> None:
    seen = context(shown({A: {INPUT: "4"}}, START + MINUTE))
    with caplog.at_level(logging.INFO, "monitor"):
        assess(seen)
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "monitor"):
        assess(seen)
    said = [getattr(record, "fields") for record in caplog.records]  # noqa: B009
    assert {record.getMessage() for record in caplog.records} == {"assessed"}
    assert [one["stage"] for one in said] == ["compare", "admit", "confirm", "corroborate", "conclude"]
    assert said[2] == {"source": "page", "stage": "confirm", "did": "confirmed 0, pending 1"}
    assert {one["stage"] for one in said[:-1]} <= {stage.__name__ for stage in STAGES}
