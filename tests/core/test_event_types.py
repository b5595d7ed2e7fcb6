"""The table of event types: it holds every name, and what belongs to an entry changes one."""

from __future__ import annotations

from event_shapes import wrong

from monitor.core import events as ev
from monitor.core.event_types import EVENT_TYPES, Stream
from monitor.registry.transitions import FOLDS, TRANSITIONS

NAMES = {value for name, value in vars(ev).items() if name.isupper() and isinstance(value, str) and "." in value}


def test_every_name_of_an_event_has_its_type() -> None:
    assert EVENT_TYPES.keys() == NAMES
    assert all(name == one.name for name, one in EVENT_TYPES.items())


def test_every_event_of_an_entry_changes_one_and_no_other_does_but_an_acknowledgement() -> None:
    of_entries = {name for name, one in EVENT_TYPES.items() if one.stream is Stream.ENTRY}
    assert FOLDS.keys() == (of_entries - {ev.ENTRY_DECLARED, ev.ENTRY_RENAMED}) | {ev.NOTICE_ACKNOWLEDGED}
    assert TRANSITIONS.keys() <= of_entries


def test_what_an_event_holds_otherwise_than_its_type_is_found() -> None:
    data = {"reason": "timeout", "since": None}
    assert wrong(ev.SOURCE_RECOVERED, "source/page", data) == []
    assert wrong(ev.SOURCE_RECOVERED, "entry/luna", data) == ["source.recovered stands in entry/luna"]
    assert wrong(ev.SOURCE_RECOVERED, "source/page", {**data, "more": 1}) == ["source.recovered holds more"]
    assert wrong(ev.SOURCE_RECOVERED, "source/page", {"reason": "timeout"}) == ["source.recovered lacks since"]
    assert wrong(ev.SOURCE_RECOVERED, "source/page", {**data, "since": 3}) == ["source.recovered has since = 3"]
    assert wrong("source.lost", "source/page", {}) == ["source.lost is no event type"]
