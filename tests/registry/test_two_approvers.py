"""Where two people have to accept: a request that only another person, who saw the same, turns into an act."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pipeline_world import LUNA, VIA, World, configuration, entry_spec, furnish, world_of

from monitor.audit import queries
from monitor.core.entry import Status
from monitor.core.events import Event
from monitor.core.notices import Reason
from monitor.core.ports import Refused


@pytest.fixture
def two() -> Iterator[World]:
    """Provide an entry that takes two people, ready to be activated."""
    with world_of(configuration(entries={"luna": entry_spec(approvers=2)})) as world:
        furnish(world)
        yield world


def _from(by: str) -> dict[str, str]:
    """Return the account of a person: one of its own for each name, however that is written."""
    return {**VIA, "user": by.strip().lower()}


def _activate(world: World, by: str, expect: int | None = None) -> Event:
    return world.operator.activate("luna", by=by, reason="looks right", via=_from(by), expect=expect)


def test_one_person_asks_and_another_who_saw_the_same_lets_it_take_effect(two: World) -> None:
    seen = two.entry().position
    asked = _activate(two, "Ann")
    assert (asked.type, asked.data["act"], asked.data["expect"]) == (
        "entry.approval_requested",
        "entry.activated",
        seen,
    )
    assert (two.entry().status, two.entry().pins, two.published) == (Status.EVALUATING, (), two.published)
    assert two.entry().position == seen, "a request changes no mind"
    done = _activate(two, "Bob", expect=seen)
    assert (done.type, done.actor, done.cause) == ("entry.activated", "Bob", asked.position)
    assert (done.data["requested_by"], done.data["request"], done.data["pins"]) == (
        "Ann",
        asked.position,
        asked.data["pins"],
    )
    assert (two.entry().status, two.entry().asked) == (Status.ACTIVE, None)
    assert two.replayed() == dict(two.entries())


def test_the_owners_are_told_that_a_second_person_is_asked_for(two: World) -> None:
    _activate(two, "Ann")
    notice = two.notices()[-1]
    assert (notice.reason, notice.owner) == (Reason.APPROVAL, "platform")
    assert notice.items[0].summary.startswith("Ann asks to activate it: “looks right”;")
    assert notice.items[0].commands[-1].endswith(f"--expect {two.entry().position}")


@pytest.mark.parametrize("again", ["Ann", "ann", " ANN  "])
def test_the_same_person_twice_is_refused(two: World, again: str) -> None:
    _activate(two, "Ann")
    rows = two.all_rows()
    with pytest.raises(Refused, match="Ann has requested this already"):
        _activate(two, again, expect=two.entry().position)
    assert two.all_rows() == rows


@pytest.mark.parametrize("account", [VIA, {"identity": "ann@example.com", "channel": "api"}])
def test_two_names_from_one_account_are_one_person(two: World, account: dict[str, str]) -> None:
    asked = two.operator.activate("luna", by="Ann", reason="looks right", via=account)
    rows = two.all_rows()
    with pytest.raises(Refused, match=rf"requested this at position {asked.position}, as Ann: two people are two acc"):
        two.operator.activate("luna", by="Bob", reason="me, too", via=account, expect=two.entry().position)
    assert two.all_rows() == rows


@pytest.mark.parametrize(
    "other",
    [
        {**VIA, "user": "bob"},
        {**VIA, "host": "laptop"},
        {"identity": "bob@example.com", "channel": "api"},
    ],
)
def test_another_account_or_host_is_another_identity(two: World, other: dict[str, str]) -> None:
    two.operator.activate("luna", by="Ann", reason="looks right", via=VIA)
    done = two.operator.activate("luna", by="Bob", reason="me, too", via=other, expect=two.entry().position)
    assert done.type == "entry.activated"


def test_who_confirms_says_what_was_seen(two: World) -> None:
    _activate(two, "Ann")
    with pytest.raises(
        Refused, match=r"confirms it with `access-monitor activate luna --by … --reason … --expect \d+`"
    ):
        _activate(two, "Bob")
    assert two.entry().status is Status.EVALUATING


def _price(world: World) -> None:
    world.sources["page"].set(LUNA, output="7")
    world.polls(2, "page")


def _amendment(world: World) -> None:
    world.configure(configuration(version="2", entries={"luna": entry_spec(approvers=2, use="another")}))


@pytest.mark.parametrize("happening", [_price, _amendment])
def test_a_request_ends_when_anything_relevant_happens(two: World, happening: Callable[[World], None]) -> None:
    seen = two.entry().position
    _activate(two, "Ann")
    happening(two)
    assert two.entry().asked is None
    with pytest.raises(Refused, match="something happened to luna"):
        _activate(two, "Bob", expect=seen)
    assert _activate(two, "Bob", expect=two.entry().position).type == "entry.approval_requested"
    assert _activate(two, "Ann", expect=two.entry().position).type == "entry.activated"


def test_what_was_verified_meanwhile_ends_no_request(two: World) -> None:
    seen = two.entry().position
    _activate(two, "Ann")
    two.attest("evals")
    assert _activate(two, "Bob", expect=seen).type == "entry.activated"


def test_a_request_is_refused_with_what_is_missing_like_the_act_itself(two: World) -> None:
    two.configure(configuration(version="2", entries={"luna": entry_spec(approvers=2, checks=("evals",))}))
    with pytest.raises(Refused, match="evals is blank"):
        _activate(two, "Ann")


def test_a_resumption_takes_two_people_as_well_and_a_pause_takes_one(two: World) -> None:
    _activate(two, "Ann")
    _activate(two, "Bob", expect=two.entry().position)
    two.operator.pause("luna", by="Ann", reason="an incident", via=VIA)
    assert two.entry().status is Status.PAUSED
    assert two.resume().type == "entry.approval_requested"
    with two.store.read() as reader:
        (row,) = queries.status(reader, two.conf)
    assert row.approval is not None
    assert (row.approval.act, row.approval.by) == ("entry.resumed", "ann")
    done = two.operator.resume("luna", by="Bob", reason="fine", via=_from("Bob"), expect=row.approval.expect)
    assert done.data["requested_by"] == "ann"
    assert two.entry().status is Status.ACTIVE


def test_an_entry_that_takes_one_person_records_nothing_of_a_second(active: World) -> None:
    assert not {"requested_by", "request", "act"} & active.events("entry.activated")[0].data.keys()
