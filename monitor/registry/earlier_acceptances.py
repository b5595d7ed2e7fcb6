"""Entries that an earlier version of the program accepted: they keep what was accepted, and their owners are told once
what today's version would pin as well.

An upgrade is no act of a person. So it changes neither a pin nor what a pause does: `on_pause` of an entry in use stays
`deny`, which was the default when its callers were named, until the file states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor.core.baselines import Baselines
from monitor.core.configuration import Configuration
from monitor.core.entry import DENY, UNPINNED, Entry, Status
from monitor.core.entry_spec import AT, EntrySpec
from monitor.core.ports import Reader
from monitor.core.text import pin_in_words
from monitor.registry import pins
from monitor.registry.reminders import OwnerMessage

_IN_USE = (Status.ACTIVE, Status.PAUSED)


def with_its_on_pause(entry: Entry, spec: EntrySpec, configuration: Configuration) -> EntrySpec:
    """Return a declaration of an entry in use with the `on_pause` that it has, where the file leaves that out."""
    if not keeps_deny(entry, configuration) or not spec.callers:
        return spec
    return replace(spec, on_pause=DENY, grace=None)


def keeps_deny(entry: Entry, configuration: Configuration) -> bool:
    """Return whether an entry in use goes on denying everybody although the file names its callers and states no
    `on_pause`.
    """
    tables = [
        table for table in configuration.document.get("entry", ()) if table["key"] == entry.spec.key.partition(AT)[0]
    ]
    explicit = any("on_pause" in table or "grace" in table for table in tables)
    denies = entry.status in _IN_USE and entry.spec.on_pause == DENY and bool(entry.spec.callers)
    return denies and bool(tables) and not explicit


def unpinned(
    reader: Reader, configuration: Configuration, entries: Mapping[str, Entry], known: Baselines, now: datetime
) -> dict[str, OwnerMessage]:
    """List what has not been said yet of the active entries that another version accepted: what is known of each and
    not pinned.
    """
    messages: dict[str, OwnerMessage] = {}
    for key, entry in entries.items():
        reminder = f"{UNPINNED} {entry.status_position}"
        if entry.status is not Status.ACTIVE or reminder in entry.reminded:
            continue
        accepted = reader.event(entry.status_position)
        version = "" if accepted is None else accepted.event.data.get("versions", {}).get("code", "")
        if version == configuration.code:
            continue
        pinned = {pin.key for pin in entry.pins}
        more = [pin for pin in pins.pins(entry, known)[0] if pin.key not in pinned]
        if not more:
            continue
        text = (
            f"it was accepted under version {version}, and these are known now and not pinned: "
            f"{', '.join(dict.fromkeys(map(pin_in_words, more)))}; `access-monitor activate {key}` pins them without a "
            "pause"
        )
        if keeps_deny(entry, configuration):
            text += '; a pause denies its callers as well until the entry states on_pause = "deny_new"'
        messages[key] = OwnerMessage(key=reminder, what=UNPINNED, day=now.date(), text=text)
    return messages
