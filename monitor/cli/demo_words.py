"""What the demo says of each event while the story plays: the few kinds that a newcomer needs, prices of one model as
one line.

Pure: recorded events go in, words come out. Everything else that is recorded stays in the log, where `events` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from monitor.cli.output import plural
from monitor.core import events as ev
from monitor.core.events import Event, Recorded
from monitor.core.facts import ACCESS, GRANTED, LISTED
from monitor.core.price import PREFIX, Meter, percent, spoken, telling_order

PRICES = 2
"""How many prices of a model are told; a page states dozens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing that the monitor saw or did: when, in one word what, and the rest."""

    at: datetime
    word: str
    text: str


def narrate(log: Sequence[Recorded]) -> list[StoryLine]:
    """Return the lines of a stretch of the log, in its order; events that follow each other with one type and subject
    become one line.
    """
    lines: list[StoryLine] = []
    for _, together in groupby(log, key=lambda recorded: (recorded.event.type, recorded.event.subject)):
        batch = list(together)
        narration = _told([recorded.event for recorded in batch])
        if narration is not None:
            lines.append(StoryLine(at=batch[0].recorded_at, word=narration[0], text=narration[1]))
    return lines


def _told(events: Sequence[Event]) -> tuple[str, str] | None:
    event = events[0]
    subject, data = event.subject, event.data
    match event.type:
        case ev.BASELINE_RECORDED if data["subjects"] > 1:
            return "baseline", f"{subject}: {data['subjects']} models; from now on a change is one against this"
        case ev.MODEL_LISTED | ev.MODEL_UNLISTED:
            return event.type.removeprefix("model."), f"{subject} on {data['surface']}"
        case ev.PRICE_LISTED | ev.PRICE_CHANGED:
            word = "priced" if event.type == ev.PRICE_LISTED else "repriced"
            return word, f"{subject}: {priced(events)}"
        case ev.SOURCE_FAILED:
            return "failed", f"{subject}: {data['reason'].replace('_', ' ')}; a failed poll is no news of any model"
        case ev.SOURCE_RECOVERED:
            return "recovered", subject
        case ev.ENTRY_VISIBLE:
            return "visible", f"{subject} can be activated, by a person"
        case ev.ENTRY_PAUSED | ev.ENTRY_PAUSE_EXTENDED:
            also = ", also" if event.type == ev.ENTRY_PAUSE_EXTENDED else ""
            return "PAUSED", f"{subject}{also}: {shifted(data['shifts'])}"
        case ev.ENTRY_ACTIVATED:
            return "active", f"{subject}, with {len(data['pins'])} assumptions pinned"
        case ev.ENTRY_RESUMED:
            return "active", f"{subject} again, with what is true now pinned"
    return None


def priced(events: Iterable[Event]) -> str:
    """Return the moves of one model's prices in a line, those that people ask for first."""
    moves = sorted((_field(event.data), event.data.get("old"), event.data.get("new")) for event in events)
    return _moves(moves, "price")


def shifted(shifts: Iterable[Mapping[str, str | bool | None]]) -> str:
    """Return the assumptions that fell, in a line: prices as they are spoken, anything else by its field."""
    return _moves(
        [(str(shift["pin"]).split("/")[-1], _text(shift["old"]), _text(shift["new"])) for shift in shifts],
        "assumption",
    )


def _moves(moves: Sequence[tuple[str, str | None, str | None]], noun: str) -> str:
    ordered = sorted(moves, key=lambda move: telling_order(move[0]))
    shown = "; ".join(_move(*move) for move in ordered[:PRICES])
    unit = " USD per 1M tokens" if any(field.startswith(PREFIX) for field, _, _ in ordered[:PRICES]) else ""
    rest = len(ordered) - PRICES
    return shown + unit + (f"; and {plural(rest, f'more {noun}')}" if rest > 0 else "")


def _move(field: str, old: str | None, new: str | None) -> str:
    if field == LISTED:
        return "listed" if new else "no longer listed"
    if field.startswith(ACCESS):
        return f"{field.removeprefix(ACCESS)} {'answers' if new == GRANTED else 'is refused'}"
    if not field.startswith(PREFIX):
        return f"{field} {old} → {new}"
    name = Meter.of(field).in_words
    if old is None or new is None:
        return f"{name} {spoken(new or old or '')}" + ("" if new else " is gone")
    percentage = percent(old, new)
    return f"{name} {spoken(old)} → {spoken(new)}" + (f" ({percentage})" if percentage else "")


def _text(value: str | bool | None) -> str | None:
    return None if value is None else str(value)


def _field(data: ev.Data) -> str:
    return Meter.named_in(data).field
