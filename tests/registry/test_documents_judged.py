"""What documents, announced ends and incidents do: they are told, they unsettle checks, they explain failures, and they
pause nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.core.configuration import SourceSpec
from monitor.core.entry import CheckState, Status
from monitor.core.facts import FailureReason, Subject
from monitor.core.notices import Reason
from monitor.gate.decision import GateQuestion, decide
from monitor.sources.catalog import source_spec

TEXT = Subject("card", "text")
INTRO = "GPT Luna is offered as a limited preview."
REST = "It answers in text."
OPEN = "It is generally available."
OLD = {"paragraph.1": INTRO, "paragraph.2": REST, "watch.limited preview": True}
NEW = {"paragraph.3": OPEN, "paragraph.2": REST, "watch.limited preview": False}
ENDS = {Subject("openai", f"old-{n}"): {"deprecation.listed": True, "shutdown_date": "2026-12-11"} for n in range(4)}
MAJOR = "major: Elevated error rates (investigating)"
ALL = Subject("status", "all")


def source(key: str, kind: str, **more: object) -> SourceSpec:
    return source_spec(key=key, kind=kind, every=timedelta(hours=1), url=f"https://{key}.example/", **more)


@pytest.fixture
def watched() -> Iterator[World]:
    """Provide an active entry that needs a safety review, with a document, a deprecations page and a status page beside
    its list and prices.
    """
    base = configuration()
    sources = (
        source("card", "document", provider="openai", options={"makes_stale": ("safety_review",)}),
        source("ends", "deprecations_page", provider="openai"),
        source("status", "status_page", surface="openai"),
    )
    conf = replace(
        base,
        sources={**base.sources, **{spec.key: spec for spec in sources}},
        entries={"luna": entry_spec(checks=("safety_review",))},
    )
    with world_of(conf) as world:
        world.sources["card"].facts = {TEXT: dict(OLD)}
        world.sources["ends"].facts = {LUNA: {"deprecation.listed": True}, **ENDS}
        world.sources["ends"].announcing = True
        world.sources["status"].facts = {ALL: {"status_page": True}}
        furnish(world)
        world.attest("safety_review")
        world.activate()
        yield world


def summaries(world: World, reason: Reason) -> list[str]:
    return [item.summary for notice in world.notices() for item in notice.items if item.reason is reason]


def test_a_rewritten_document_is_one_event_and_one_notice_with_before_and_after(watched: World) -> None:
    watched.sources["card"].facts = {TEXT: dict(NEW)}
    watched.settle()
    (event,) = watched.events("document.changed")
    assert (event.data["removed"], event.data["added"]) == ([INTRO], [OPEN])
    assert event.data["markers"] == {"came": [], "went": ["limited preview"]}
    said = f"“limited preview” is in card no longer; card no longer says: “{INTRO}”; card says now: “{OPEN}”"
    assert summaries(watched, Reason.STALE) == [
        f"the check safety_review expired: it rests on card, which changed: {said}"
    ]
    assert not summaries(watched, Reason.CHANGED), "it is told once"
    assert watched.entry().status is Status.ACTIVE


def test_a_document_that_changed_makes_the_check_stale_that_rests_on_it_and_says_so(watched: World) -> None:
    watched.sources["card"].facts = {TEXT: dict(NEW)}
    watched.settle()
    (changed,) = watched.events("document.changed")
    (stale,) = watched.events("check.stale")
    assert (stale.subject, stale.data["check"], stale.cause) == ("luna", "safety_review", changed.position)
    assert watched.entry().checks["safety_review"].state is CheckState.STALE
    (told,) = summaries(watched, Reason.STALE)
    assert "safety_review expired: it rests on card, which changed" in told
    assert watched.replayed() == watched.entries()


def test_the_notice_says_that_production_is_denied_where_it_requires_the_check(watched: World) -> None:
    published = watched.published
    watched.sources["card"].facts = {TEXT: dict(NEW)}
    watched.settle()
    rules = watched.conf.gate
    given = decide(watched.standing(), GateQuestion(rules=rules, now=watched.now))
    assert not given.allowed
    (item,) = (item for notice in watched.notices() for item in notice.items if item.reason is Reason.STALE)
    assert item.denied
    assert watched.published > published, "the leases are written anew"


def test_a_check_that_is_stale_already_is_not_made_so_again(watched: World) -> None:
    watched.sources["card"].facts = {TEXT: dict(NEW)}
    watched.settle()
    watched.sources["card"].facts = {TEXT: dict(OLD)}
    watched.settle()
    assert len(watched.events("document.changed")) == 2
    assert len(watched.events("check.stale")) == 1
    assert len(summaries(watched, Reason.STALE)) == 1
    (told,) = summaries(watched, Reason.CHANGED)
    assert told.startswith("“limited preview” is in card now; ")


def test_an_entry_whose_check_went_stale_cannot_be_resumed_before_it_is_verified_anew(watched: World) -> None:
    watched.sources["card"].facts = {TEXT: dict(NEW)}
    watched.settle()
    watched.operator.pause("luna", by="ann", reason="the card changed", via={})
    with pytest.raises(Exception, match="safety_review"):
        watched.resume()
    watched.attest("safety_review")
    watched.resume()
    assert watched.entry().status is Status.ACTIVE


def test_a_document_of_another_provider_concerns_nobody_here() -> None:
    base = configuration()
    card = source("card", "document", provider="other", options={"makes_stale": ("safety_review",)})
    conf = replace(
        base, sources={**base.sources, "card": card}, entries={"luna": entry_spec(checks=("safety_review",))}
    )
    with world_of(conf) as world:
        world.sources["card"].facts = {TEXT: dict(OLD)}
        furnish(world)
        world.attest("safety_review")
        world.activate()
        before = len(world.notices())
        world.sources["card"].facts = {TEXT: dict(NEW)}
        world.settle()
        assert world.events("document.changed")
        assert not world.events("check.stale")
        assert len(world.notices()) == before


def test_a_document_that_shrank_is_held_and_not_read_as_rewritten(watched: World) -> None:
    watched.sources["card"].facts = {TEXT: {f"paragraph.{n}": f"Paragraph {n}." for n in range(9)}}
    watched.settle()
    before = len(watched.events("document.changed"))
    watched.sources["card"].facts = {TEXT: {"paragraph.1": "Paragraph 1."}}
    watched.settle()
    assert len(watched.events("document.changed")) == before
    assert watched.events("source.anomaly")[-1].data["reason"] == "shrunken_page"


def test_a_new_row_is_one_event_that_says_all_of_it(watched: World) -> None:
    watched.sources["ends"].set(
        LUNA,
        shutdown_date="2027-01-14",
        replacement="gpt-6-luna",
        **{"deprecation.status": "deprecated", "deprecation.notice_date": "2026-07-01"},
    )
    watched.sources["ends"].set(Subject("openai", "new-1"), shutdown_date="2027-01-14", replacement="gpt-6-luna",
    **{"deprecation.listed": True, "deprecation.status": "deprecated"})  # fmt: skip
    watched.settle()
    (row,) = watched.events(subject="new-1")
    assert row.type == "lifecycle.announced"
    said = {name: row.data[name] for name in ("provider", "date", "replacement", "status")}
    assert said == {
        "provider": "openai",
        "date": "2027-01-14",
        "replacement": "gpt-6-luna",
        "status": "deprecated",
    }
    assert watched.entry().status is Status.ACTIVE
    assert summaries(watched, Reason.CHANGED) == [""], "its owners read the dates as old and new"


def test_rows_that_vanish_withdraw_nothing_and_are_not_held(watched: World) -> None:
    watched.sources["ends"].drop(*ENDS)
    watched.settle()
    assert not watched.events("lifecycle.withdrawn")
    assert not watched.events("source.anomaly")
    assert ENDS.keys() <= watched.baseline("ends").keys(), "what was announced stays announced"


def test_a_day_that_is_taken_from_a_row_that_stands_is_withdrawn(watched: World) -> None:
    gone = next(iter(ENDS))
    watched.sources["ends"].set(gone, shutdown_date=None)
    watched.settle()
    (event,) = watched.events("lifecycle.withdrawn")
    assert (event.subject, event.data["old"], event.data["date"]) == (gone.name, "2026-12-11", None)


def test_a_day_that_is_missing_from_half_a_page_is_not_withdrawn(watched: World) -> None:
    first, *others = ENDS
    watched.sources["ends"].drop(*others)
    watched.sources["ends"].set(first, shutdown_date=None)
    watched.settle()
    assert not watched.events("lifecycle.withdrawn")


def test_a_day_that_moved_is_told_with_both(watched: World) -> None:
    watched.sources["ends"].set(LUNA, shutdown_date="2027-01-14")
    watched.settle()
    watched.sources["ends"].set(LUNA, shutdown_date="2027-04-01")
    watched.settle()
    (event,) = watched.events("lifecycle.moved")
    assert (event.data["old"], event.data["date"]) == ("2027-01-14", "2027-04-01")
    last = watched.notices()[-1].items[0].differences
    assert [(one.what, one.old, one.new) for one in last] == [("shutdown_date", "2027-01-14", "2027-04-01")]


def test_after_an_upgrade_of_its_reader_what_the_page_does_not_name_stays_announced(watched: World) -> None:
    watched.sources["ends"].drop(*ENDS)
    watched.settle()
    watched.sources["ends"].extractor = "fake/2"
    watched.settle()
    assert ENDS.keys() <= watched.baseline("ends").keys()
    assert not watched.events("lifecycle.withdrawn")


def incident(world: World, said: str | None = MAJOR) -> None:
    world.sources["status"].facts = {ALL: {"status_page": True, **({"incident.01A": said} if said else {})}}
    world.polls(3, "status")


def test_an_open_incident_is_logged_and_told_to_nobody(watched: World) -> None:
    before = len(watched.notices())
    incident(watched)
    (event,) = watched.events("incident.changed")
    assert (event.subject, event.data["surface"], event.data["new"]) == ("all", "openai", MAJOR)
    assert len(watched.notices()) == before


def test_a_failure_during_an_incident_quotes_it(watched: World) -> None:
    incident(watched)
    watched.sources["list"].fail = FailureReason.SERVER_ERROR
    watched.polls(3, "list")
    (failed,) = watched.events("source.failed", source="list")
    assert failed.data["incident"] == MAJOR
    assert watched.entry().status is Status.ACTIVE


def test_a_failure_without_an_incident_quotes_none(watched: World) -> None:
    watched.sources["list"].fail = FailureReason.SERVER_ERROR
    watched.poll("list")
    assert "incident" not in watched.events("source.failed")[-1].data


def test_a_source_that_is_on_no_surface_has_no_incident(watched: World) -> None:
    incident(watched)
    watched.sources["page"].fail = FailureReason.SERVER_ERROR
    watched.poll("page")
    assert "incident" not in watched.events("source.failed", source="page")[-1].data


def test_an_incident_that_is_over_is_not_quoted(watched: World) -> None:
    incident(watched)
    watched.sources["status"].facts = {ALL: {"status_page": True}}
    watched.poll("status")
    watched.sources["list"].fail = FailureReason.SERVER_ERROR
    watched.poll("list")
    assert "incident" not in watched.events("source.failed")[-1].data, "one poll without it is enough not to quote it"
    watched.settle("status")
    assert watched.events("incident.changed")[-1].data["new"] is None


def test_a_status_page_that_cannot_be_read_is_not_quoted(watched: World) -> None:
    incident(watched)
    watched.sources["status"].fail = FailureReason.TIMEOUT
    watched.poll("status")
    watched.sources["list"].fail = FailureReason.SERVER_ERROR
    watched.poll("list")
    assert "incident" not in watched.events("source.failed", source="list")[-1].data


def test_a_mass_drop_during_an_incident_says_what_the_status_page_says(watched: World) -> None:
    incident(watched)
    watched.sources["list"].facts = {Subject("openai", "m00"): {"listed": True}}
    watched.poll("list")
    assert watched.events("source.anomaly")[-1].data["incident"] == MAJOR
    (told,) = summaries(watched, Reason.HELD)
    assert told.endswith(f"the provider's status page says: “{MAJOR}”")


def test_a_source_that_went_blind_during_an_incident_says_so(watched: World) -> None:
    incident(watched)
    watched.sources["list"].fail = FailureReason.SERVER_ERROR
    for _ in range(14):
        watched.poll("status", "list", "ends", "card", "page", after=timedelta(hours=1))
    watched.tender.tend(watched.now, ["list"])
    (stale,) = watched.events("source.stale", source="list")
    assert stale.data["incident"] == MAJOR
    (item,) = [item for notice in watched.notices() for item in notice.items if item.reason is Reason.BLIND]
    assert item.denies_from is not None, "production is denied what only it can verify"
    assert item.summary.endswith(f"“{MAJOR}”")


def test_a_document_that_cannot_be_read_denies_nothing_and_says_so(watched: World) -> None:
    watched.polls(4, "list", "page", every=timedelta(days=1))
    watched.tender.tend(watched.now, ["card"])
    (told,) = summaries(watched, Reason.BLIND)
    assert "nothing is denied for that" in told
    (item,) = [item for notice in watched.notices() for item in notice.items if item.reason is Reason.BLIND]
    assert item.denied is False


def test_a_status_page_that_cannot_be_read_wakes_nobody(watched: World) -> None:
    watched.now += timedelta(days=4)
    watched.tender.tend(watched.now, ["status"])
    assert watched.events("source.stale", source="status")
    assert not summaries(watched, Reason.BLIND)


def test_a_model_that_is_listed_past_its_end_is_told_once(watched: World) -> None:
    watched.sources["ends"].set(LUNA, shutdown_date="2026-05-01")
    watched.settle()
    for _ in range(3):
        watched.now += timedelta(hours=2)
        watched.tender.tend(watched.now, [])
    said = [event.data["text"] for event in watched.events("entry.reminded") if event.data["what"] == "overdue"]
    assert len(said) == 1
    assert "is still listed on openai" in said[0]
    assert "probe it" in said[0]


def test_two_models_that_leave_together_are_one_notice_per_owner(watched: World) -> None:
    base = watched.conf
    watched.configure(
        replace(base, entries={**base.entries, "m0": entry_spec("m0", "m00"), "m1": entry_spec("m1", "m01")})
    )
    watched.polls(2)
    before = len(watched.notices())
    watched.sources["list"].drop(Subject("openai", "m00"), Subject("openai", "m01"))
    watched.settle()
    new = watched.notices()[before:]
    assert [len(notice.items) for notice in new] == [2]


def test_a_text_that_is_newly_watched_for_did_not_come_today(watched: World) -> None:
    card = watched.sources["card"]
    card.extractor, card.read = "fake/2", lambda facts: {TEXT: {**facts[TEXT], "watch.invited": False}}
    watched.settle()
    assert not watched.events("document.changed")
    assert watched.baseline("card")[TEXT]["watch.invited"] is False
    card.read = lambda facts: {TEXT: {**facts[TEXT], "watch.invited": True}}
    card.facts = {TEXT: {**OLD, "paragraph.9": "Organisations are invited."}}
    watched.settle()
    (event,) = watched.events("document.changed")
    assert event.data["markers"] == {"came": ["invited"], "went": []}
