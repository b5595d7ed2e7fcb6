"""What an item says of a pause, of one that goes on, and of what an entry does not pin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.core import price
from monitor.core.entry import Entry, Pin
from monitor.core.events import Event, rfc3339
from monitor.core.facts import Fact, Value
from monitor.core.notices import Difference
from monitor.core.text import value_in_words
from monitor.notify.contents.shared import entry_of, time_of, void_acknowledgement
from monitor.notify.event_facts import difference
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry import losses, pins
from monitor.registry.monthly import monthly


def pinned_facts(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    for pin, _, _ in _shifts(entry, event):
        yield from pins.facts(pin, entry)


def pause(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which pins no longer hold, what that means in money, and that access was lost; how each route stands is
    said beside it.
    """
    entry, event = entry_of(to), events[0]
    shifts = _shifts(entry, event)
    lost = (
        losses.in_brief([(pin, new) for pin, _, new in shifts], commit.access(entry.key))
        if event.data["access_lost"]
        else []
    )
    parts = (
        money(entry, {pin.field: new for pin, _, new in shifts}),
        "; ".join(event.data["notes"]),
        *lost,
        void_acknowledgement(commit, entry),
    )
    return Content(
        since=time_of(event.data["since"]),
        polls=event.data["looks"],
        summary="; ".join(part for part in parts if part),
        differences=tuple(shift(pin, old, new) for pin, old, new in shifts),
    )


def shift(pin: Pin, old: Value | None, new: Value | None) -> Difference:
    """Return how a pinned value differs from what was accepted, which was something."""
    return replace(difference(pin.name, pin.field, old, new), old=value_in_words(old))


def _shifts(entry: Entry, event: Event) -> list[tuple[Pin, Value | None, Value | None]]:
    """Return the pins that no longer held at a pause, each with what was accepted and what is so
    instead (None: gone).
    """
    by_key = {pin.key: pin for pin in entry.pins}
    return [(by_key[shift["pin"]], shift["old"], shift["new"]) for shift in event.data["shifts"]]


def money(entry: Entry, moved: Mapping[str, Value | None]) -> str:
    """Return what the prices among the fields that moved mean for a month, against what was accepted; empty where no
    usage is stated or observed.
    """
    usage = entry.spec.usage or entry.observed
    if not usage or not any(field.startswith(price.PREFIX) for field in moved):
        return ""
    pinned = [
        pin for pin in entry.pins if pin.field.startswith(price.PREFIX) and pin.scope == entry.price_subject.scope
    ]
    accepted = {pin.field: str(pin.value) for pin in pinned}
    now = {
        pin.field: str(value)
        for pin in pinned
        if (value := moved.get(pin.field, entry.deviations.get(pin.key, pin.value))) is not None
    }
    region = entry.spec.region
    before, after = price.effective(accepted, region), price.effective(now, region)
    return monthly(usage, entry.spec.tiers, before, after, known="configured" if entry.spec.usage else "observed")


def repeated(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a pause goes on without anybody's acknowledgement, and what deviates from what was accepted."""
    entry = entry_of(to)
    lately = " since its fallback was lost" if entry.fallback_lost is not None else ""
    deviating = [pin for pin in entry.pins if pin.key in entry.deviations]
    pause = commit.cause(events[0])  # who hears of it only now, as by an escalation, needs what the first message said
    return Content(
        since=entry.since if pause is None else time_of(pause.data.get("since", rfc3339(entry.since))),
        polls=0 if pause is None else pause.data.get("looks", 0),
        origin=pause,
        summary=f"nobody has acknowledged the pause{lately}" + ("" if deviating else f": {entry.reason}"),
        differences=tuple(shift(pin, pin.value, entry.deviations[pin.key]) for pin in deviating),
    )


def not_pinned(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what an entry that an earlier version accepted does not pin."""
    entry = entry_of(to)
    return Content(
        since=events[0].occurred_at,
        summary=events[0].data["text"],
        commands=(
            f"access-monitor activate {entry.key} --dry-run",
            f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def denied(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    reason = events[0].data["denies"][entry_of(to).key]
    return Content(
        since=events[0].occurred_at, brief="configuration changed", summary=f"the configuration changed: {reason}"
    )
