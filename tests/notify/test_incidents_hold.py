"""Whatever happens to two rows of an entry and its fallback, in any order: what is told is one incident from its
beginning to its end, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pipeline_world import LUNA, VIA, World, configuration, entry_spec, listing, model, world_of

from monitor.core.configuration import Attention, Surface
from monitor.core.entry import Entry
from monitor.core.facts import FailureReason, Subject
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Refused
from monitor.notify.forms import render
from monitor.sources.catalog import source_spec

EU = Subject("eu", "gpt-luna")
ROWS = ("luna", "luna@eu", "spare")
OF_A_PAUSE = frozenset(
    {Reason.PAUSED, Reason.PAUSE_EXTENDED, Reason.UNACKNOWLEDGED, Reason.ACKNOWLEDGED, Reason.RESUMED}
)


@contextmanager
def two_rows() -> Iterator[World]:
    """Provide Luna on two surfaces, which takes two people, and its fallback."""
    conf = configuration(
        entries={
            "luna": entry_spec(surfaces={"openai": "gpt-luna", "eu": "gpt-luna"}, approvers=2, fallback="spare"),
            "spare": entry_spec("spare", "m00"),
        },
        attention=Attention(repeat=timedelta(hours=1)),
    )
    europe = Surface(key="eu", base_url="https://eu.example/v1", provider="openai", api_key="env:KEY")
    lists = source_spec(key="list-eu", kind="models_list", every=timedelta(minutes=5), surface="eu")
    conf = replace(conf, surfaces={**conf.surfaces, "eu": europe}, sources={**conf.sources, "list-eu": lists})
    with world_of(conf) as world:
        world.sources["list"].facts = listing(11, LUNA)
        world.sources["list-eu"].facts = {EU: {"listed": True}, Subject("eu", "m01"): {"listed": True}}
        prices = {"price.standard.short.input": "1", "price.standard.short.output": "6"}
        world.sources["page"].facts = {LUNA: dict(prices), model(0): dict(prices)}
        world.polls(3)
        yield world


Step = Callable[[World], object]


def _price(meter: str, amount: str, subject: Subject = LUNA) -> Step:
    def move(world: World) -> None:
        world.sources["page"].set(subject, **{meter: amount})
        world.polls(2)

    return move


def _listed(source: str, subject: Subject, there: bool) -> Step:
    def move(world: World) -> None:
        if there:
            world.sources[source].set(subject, listed=True)
        else:
            world.sources[source].drop(subject)
        world.polls(3, every=timedelta(minutes=20))

    return move


def _person(act: str, key: str, by: str) -> Step:
    def move(world: World) -> None:
        via = {**VIA, "user": by}
        if act == "ack":
            world.use_cases().attendant.acknowledge(key, by=by, via=via)
        elif act == "silence":
            world.use_cases().attendant.silence(key, until=world.now + timedelta(hours=2), by=by, reason="x", via=via)
        else:
            getattr(world.operator, act)(key, by=by, reason="because", via=via)

    return move


def _down(reason: FailureReason | None) -> Step:
    def move(world: World) -> None:
        world.sources["list"].fail = reason
        world.polls(2, every=timedelta(hours=7))
        world.tender.tend(world.now)

    return move


def _wait(world: World) -> None:
    world.now += timedelta(hours=2)
    world.poll(after=timedelta(0))
    world.tender.tend(world.now)


STEPS: dict[str, Step] = {
    **{f"input {amount}": _price("input", amount) for amount in ("1", "2", "3", "0")},
    "output 7": _price("output", "7"),
    "the price of the fallback rises": _price("input", "2", model(0)),
    **{f"{source} {there}": _listed(source, LUNA if source == "list" else EU, there)
       for source in ("list", "list-eu") for there in (True, False)},
    **{f"{by} {act} {key}": _person(act, key, by)
       for key in ROWS for act in ("activate", "pause", "resume", "ack") for by in ("ann", "bob")},
    "ann retires spare": _person("retire", "spare", "ann"),
    "bob silences luna": _person("silence", "luna", "bob"),
    "the list is down": _down(FailureReason.SERVER_ERROR),
    "the list is read": _down(None),
    "time passes": _wait,
}  # fmt: skip
BEGINNING = [f"{by} activate {key}" for key in ROWS for by in ("ann", "bob")]


def own(item: Item) -> bool:
    """Return whether an incident is named after the entry of its item or after its source."""
    return item.incident.startswith((f"{item.entry}-", f"{item.source or item.entry}-"))


@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=10))
def test_what_is_told_is_one_incident_from_its_beginning_to_its_end(steps: list[str]) -> None:
    with two_rows() as world:
        told: list[Notice] = []
        pauses: dict[tuple[str, int], str] = {}
        for name in [*BEGINNING, *steps]:
            before, known = dict(world.entries()), {notice.id for notice in world.notices()}
            with suppress(Refused):
                STEPS[name](world)
            after = dict(world.entries())
            news = [notice for notice in world.notices() if notice.id not in known]
            told += news
            items = [item for notice in news for item in notice.items]
            for item in items:
                assert item.incident, (name, item)
                assert not item.entry or own(item), (name, item)
                if item.reason in OF_A_PAUSE:
                    entry = after[item.entry] if after[item.entry].pause else before[item.entry]
                    pause = (item.entry, entry.pause or 0)
                    assert pauses.setdefault(pause, item.incident) == item.incident, (name, item)
            _requests_end(name, before, after, items, told, world.now)
        assert len(set(pauses.values())) == len(pauses), "no two pauses are one incident"
        for notice in told:
            rendered = render(notice)
            assert rendered.title
            assert rendered.text.endswith(f"Notice {notice.id}")


def _requests_end(
    name: str, before: dict[str, Entry], after: dict[str, Entry], items: list[Item], told: list[Notice], at: datetime
) -> None:
    """Check that each request for a second person that is over has its end told, in the incident that it began in."""
    for key, entry in after.items():
        request = before[key].asked if key in before else None
        silent = entry.silenced_until is not None and at < entry.silenced_until  # a person asked for silence
        if request is None or entry.asked is not None or silent:
            continue
        ends = [item for item in items if item.entry == key and item.reason is not Reason.APPROVAL]
        assert ends, (name, key, "the end of a request was not told")
        asked = [
            item.incident for notice in told for item in notice.items
            if item.reason is Reason.APPROVAL and item.entry == key
        ]  # fmt: skip
        assert not asked or any(item.incident == asked[-1] for item in ends), (name, key, asked, ends)
