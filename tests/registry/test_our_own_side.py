"""Our own side moves too: what a changed configuration does to entries, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, listing, model, world_of

from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import CheckState, Status
from monitor.core.events import entry_stream
from monitor.core.facts import Subject
from monitor.core.notices import Reason
from monitor.core.ports import Refused

BASE = configuration(version="2")


def _surface(**changes: Any) -> Configuration:
    return replace(BASE, surfaces={"openai": replace(BASE.surfaces["openai"], **changes)})


def _entry(**changes: Any) -> Configuration:
    return replace(BASE, entries={"luna": entry_spec(**changes)})


def _page(**changes: Any) -> Configuration:
    return replace(BASE, sources={**BASE.sources, "page": replace(BASE.sources["page"], **changes)})


@pytest.mark.parametrize(
    ("changed", "pin"),
    [
        (_surface(base_url="https://eu.example/v1"), "config/openai/base_url"),
        (_surface(project="proj_2"), "config/openai/project"),
        (_entry(model_id="m00"), "config/luna/model_id@openai"),
        (_entry(price_model="m00"), "config/luna/price_model"),
        (_page(url="https://elsewhere.example/"), "config/page/url"),
        (_page(trust="third_party"), "config/page/url"),
        (
            replace(BASE, sources={key: spec for key, spec in BASE.sources.items() if key != "page"}),
            "config/page/url",
        ),
    ],
    ids=["base_url", "project", "model_id", "price_model", "source url", "source trust", "source gone"],
)
def test_a_changed_pin_of_our_own_side_pauses_an_active_entry(active: World, changed: Configuration, pin: str) -> None:
    events = active.configure(changed)
    assert [event.type for event in events][:3] == ["config.changed", "entry.amended", "entry.paused"]
    amended, paused = events[1:3]
    assert paused.cause == amended.position
    assert amended.cause == events[0].position
    assert pin in {shift["pin"] for shift in paused.data["shifts"]}
    assert active.entry().checks["pricing"].state is CheckState.STALE
    assert active.notices()[-1].reason is Reason.PAUSED


@pytest.mark.parametrize(
    "changed",
    [
        _surface(api_key="env:ANOTHER_KEY"),
        _surface(admin_key="env:ADMIN"),
        replace(BASE, sources={**BASE.sources, "feed": replace(BASE.sources["feed"], url="https://g.example/")}),
        replace(BASE, confirmation=replace(BASE.confirmation, gap=timedelta(minutes=2))),
        _page(every=timedelta(minutes=7)),
    ],
    ids=["key", "admin key", "third party", "confirmation", "interval"],
)
def test_what_no_entry_stands_on_is_one_event_and_pauses_nothing(active: World, changed: Configuration) -> None:
    entry = active.entry()
    (event,) = active.configure(changed)
    assert event.type == "config.changed"
    assert len(event.data["changed"]) == 1
    assert active.entry() == entry
    active.polls(2)
    assert active.entry().status is Status.ACTIVE


def test_after_another_key_only_facts_that_differ_pause(active: World) -> None:
    """The next poll under it is compared as usual."""
    active.configure(_surface(api_key="env:ANOTHER_KEY"))
    active.sources["list"].drop(LUNA)
    active.settle("list")
    assert active.events("entry.paused")[0].data["pin"] == "openai/gpt-luna/listed"


def test_a_configuration_that_is_recorded_already_writes_nothing(active: World) -> None:
    rows = active.all_rows()
    assert active.configure(active.conf) == ()
    assert active.all_rows() == rows


def test_a_poll_after_a_new_configuration_is_a_whole_one(active: World) -> None:
    active.configure(replace(active.conf, version="2"))
    active.poll("page")
    assert active.sources["page"].known[-1] is None


def test_an_entry_that_left_the_configuration_is_withdrawn_and_one_that_comes_back_starts_anew(active: World) -> None:
    events = active.configure(replace(active.conf, version="2", entries={}))
    assert [event.type for event in events] == ["config.changed", "entry.withdrawn"]
    at = active.head
    active.sources["page"].set(LUNA, output="7")
    active.polls(2)
    assert active.types(after=at) == ["price.changed"]
    events = active.configure(replace(active.conf, version="3", entries={"luna": entry_spec()}))
    assert [event.type for event in events] == ["config.changed", "entry.declared", "entry.visible"]
    entry = active.entry()
    assert (entry.status, entry.pins, dict(entry.checks)) == (Status.EVALUATING, (), {})
    active.poll()
    pins = {pin["field"]: pin["value"] for pin in active.activate().data["pins"]}
    assert pins["price.standard.short.output"] == "7"


def test_a_retired_entry_is_not_revived_by_a_configuration_that_still_holds_it(active: World) -> None:
    active.operator.retire("luna", by="ann", reason="over", via={})
    (event,) = active.configure(_surface(base_url="https://eu.example/v1"))
    assert event.type == "config.changed"
    assert active.entry().status is Status.RETIRED


def test_an_entry_is_visible_when_its_model_is_listed_and_hidden_when_it_is_not(world: World) -> None:
    assert world.entry().status is Status.WAITING
    world.sources["list"].facts = listing(5)
    world.poll("list")
    assert world.entry().status is Status.WAITING
    world.sources["list"].set(LUNA, listed=True)
    world.polls(2, "list")
    visible = world.events("entry.visible")[0]
    assert visible.cause == world.events("access.gained")[0].position
    assert world.notices()[-1].reason is Reason.VISIBLE
    world.sources["list"].drop(LUNA)
    world.settle("list")
    hidden = world.events("entry.hidden")[0]
    assert hidden.cause == world.events("access.lost")[0].position
    assert world.entry().status is Status.WAITING


def test_an_entry_without_a_model_id_is_told_of_each_id_that_newly_appears_on_its_surface() -> None:
    with world_of(configuration(entries={"luna": entry_spec("luna", "")})) as world:
        furnish(world)
        assert not world.notices()
        world.sources["list"].set(Subject("openai", "gpt-luna-2"), listed=True)
        world.sources["list"].set(Subject("openai", "gpt-sol"), listed=True)
        world.polls(2, "list")
        (notice,) = world.notices()
        told = [difference.subject for item in notice.items for difference in item.differences]
        assert told == ["gpt-luna-2", "gpt-sol"]
        world.sources["list"].drop(model(1))
        world.settle("list")
        assert len(world.notices()) == 1


def test_what_was_verified_about_another_model_is_stale_also_where_nobody_accepted_it_yet() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        world.attest("evals")
        events = world.configure(replace(world.conf, version="2", entries={"luna": entry_spec("luna", "m00")}))
        stale = {event.data["check"] for event in events if event.type == "check.stale"}
        assert stale == {"evals", "model_id", "visibility", "pricing"}
        world.poll()
        checks = world.entry().checks
        assert {name: check.state for name, check in checks.items()} == {
            "evals": CheckState.STALE,
            "model_id": CheckState.VERIFIED,
            "visibility": CheckState.VERIFIED,
            "pricing": CheckState.VERIFIED,
        }


def test_nothing_is_attested_of_a_model_whose_id_is_blank() -> None:
    with world_of(configuration(entries={"luna": entry_spec("luna", "", checks=("safety_review",))})) as world:
        furnish(world)
        head = world.head
        with pytest.raises(Refused, match="luna has no model id yet"):
            world.attest("safety_review")
        assert world.head == head


def test_what_was_attested_while_the_id_was_blank_expires_when_it_is_filled_in() -> None:
    with world_of(
        configuration(entries={"luna": entry_spec("luna", "", checks=("safety_review", "fallback"))})
    ) as world:
        furnish(world)
        with world.use_cases().begin() as unit:  # as version 0.2.0 recorded it
            for check, by in (("safety_review", "ann"), ("fallback", "system")):
                data = {"check": check, "url": "https://proof.example/", "by": by, "until": None}
                unit.register.add(ev.CHECK_ATTESTED, entry_stream("luna"), "luna", at=world.now, actor=by, data=data)
        filled = entry_spec(checks=("safety_review", "fallback"))
        events = world.configure(replace(world.conf, version="2", entries={"luna": filled}))
        stale = [event for event in events if event.type == "check.stale"]
        assert [event.data["check"] for event in stale] == ["safety_review"]
        assert "model id was given since" in stale[0].data["reason"]
        assert world.replayed() == world.entries()
        world.poll()
        with pytest.raises(Refused, match="safety_review is stale"):
            world.activate()


def test_another_page_takes_back_the_pricing_of_an_entry_that_is_evaluated_and_no_more() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        world.attest("evals")
        page = replace(world.conf.sources["page"], url="https://elsewhere.example/")
        events = world.configure(replace(world.conf, version="2", sources={**world.conf.sources, "page": page}))
        assert [event.data["check"] for event in events if event.type == "check.stale"] == ["pricing"]


def test_a_token_in_the_query_of_a_url_reaches_neither_the_log_nor_a_pin() -> None:
    conf = configuration()
    page = replace(conf.sources["page"], url="https://prices.example/p.md?token=hunter2&v=1")
    with world_of(replace(conf, sources={**conf.sources, "page": page})) as world:
        furnish(world)
        world.activate()
        with world.store.read() as reader:
            log = [str(recorded.event) for recorded in reader.events()]
    assert not [line for line in log if "hunter2" in line]
    assert [line for line in log if "https://prices.example/p.md?token=…&v=…" in line]


def test_a_surface_that_nothing_watches_holds_up_no_other_and_is_denied_itself() -> None:
    conf = configuration()
    codex = replace(conf.surfaces["openai"], key="codex")
    both = replace(conf.entries["luna"], surfaces={**conf.entries["luna"].surfaces, "codex": "gpt-luna"})
    conf = replace(conf, surfaces={**conf.surfaces, "codex": codex}, entries={**conf.entries, "luna": both})
    with world_of(conf) as world:
        furnish(world)
        world.activate()
        assert world.standing().access_until is not None
        rows = world.entries()
        assert {key: row.status for key, row in rows.items() if row.spec.entry == "luna"} == {
            "luna": Status.ACTIVE,
            "luna@codex": Status.WAITING,
        }


def test_a_surface_that_nothing_watches_cannot_be_the_one_the_gate_speaks_for() -> None:
    conf = configuration()
    codex = replace(conf.surfaces["openai"], key="codex")
    both = replace(conf.entries["luna"], surfaces={"codex": "gpt-luna", **conf.entries["luna"].surfaces})
    conf = replace(conf, surfaces={**conf.surfaces, "codex": codex}, entries={**conf.entries, "luna": both})
    with world_of(conf) as world:
        world.polls(3)
        assert world.entry().status is Status.WAITING
        assert world.standing().access_until is None
