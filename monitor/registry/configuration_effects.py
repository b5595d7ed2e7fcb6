"""What loading a configuration would take from production, and whether a person accepted that.

Our own side never moves production unannounced: a configuration that would pause, withdraw or deny what production may
use now is taken only after a named person accepted it, bound to what file and environment come to and to the position.
One that takes nothing needs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.accepted_configuration import Document, current_names, digest
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.events import CONFIG_ACCEPTED, CONFIG_CHANGED, CONFIG_STREAM, Event
from monitor.core.ports import EventQuery, GateAnswers, Reader

LEFT = "it left the configuration"
"""Why an entry is withdrawn that is declared no more."""


class Act(StrEnum):
    """What a configuration does to an entry; the value is also the key under which events and JSON list the entries."""

    PAUSES = "pauses"
    WITHDRAWS = "withdraws"
    DENIES = "denies"

    @property
    def verb(self) -> str:
        """The act after `would`."""
        return {Act.PAUSES: "pause", Act.WITHDRAWS: "withdraw", Act.DENIES: "deny"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One thing that a configuration takes from production: which entry, how, and why in words."""

    entry: str
    act: Act
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The configuration that the log recorded last, and the acceptance of another one that a person gave since.

    `document` is None where a version before 0.3 recorded it, which kept only a part. One of 0.3 is in today's names,
    as is `version`: an upgrade that only renames keys changes no configuration.
    """

    position: int
    version: str
    document: Document | None
    acceptance: Event | None


def recorded(reader: Reader) -> Recording | None:
    """Return the configuration in the log; None where none was ever loaded."""
    acceptance: Event | None = None
    for record in reader.events(EventQuery(stream=CONFIG_STREAM, newest_first=True)):
        event = record.event
        if event.type == CONFIG_CHANGED:
            version, document = event.data["version"], event.data.get("document")
            if document is not None and (renamed := current_names(document)) != document:
                version, document = digest(renamed)[: len(version)], renamed
            return Recording(position=event.position, version=version, document=document, acceptance=acceptance)
        if event.type == CONFIG_ACCEPTED and acceptance is None:  # the last one alone counts: it replaced those before
            acceptance = event
    return None


def takes(now_asked: GateAnswers, then_asked: GateAnswers) -> tuple[Take, ...]:
    """Find what a configuration takes from production: `now_asked` is the gate before it is loaded, `then_asked` as its
    loading would leave the gate.
    """
    taken: list[Take] = []
    for key, entry in now_asked.entries.items():
        moved = then_asked.entries[key]
        lost = [
            question
            for question in _asked(entry, moved)
            if now_asked.asked(*question).allowed and not then_asked.asked(*question).allowed
        ]
        used = entry.status is Status.ACTIVE or bool(lost)
        if moved.status is Status.WITHDRAWN and used and not _moved_on(key, then_asked):
            taken.append(Take(entry=key, act=Act.WITHDRAWS, reason=moved.reason or LEFT))
        elif entry.status is Status.ACTIVE and moved.status is Status.PAUSED:
            taken.append(Take(entry=key, act=Act.PAUSES, reason=moved.reason))
        elif lost:
            taken.append(Take(entry=key, act=Act.DENIES, reason=then_asked.asked(*lost[0]).reason))
    return tuple(taken)


def _moved_on(key: str, then_asked: GateAnswers) -> bool:
    """Whether a row ends only because its surface is now under another key, which production may use."""
    return then_asked.asked(key, "").allowed


def _asked(entry: Entry, moved: Entry) -> Iterator[tuple[str, str]]:
    """How production asks for an entry: by its key or a model id, and as anybody, as one whom a pause may spare, or as
    one who needs a safety review.
    """
    callers = dict.fromkeys(("", *entry.callers, *entry.spec.touches_by, *moved.spec.touches_by))
    for name in dict.fromkeys((entry.key, *filter(None, entry.spec.surfaces.values()))):
        for caller in callers:
            yield name, caller


def covers(acceptance: Event | None, taken: Iterable[Take], entries: Mapping[str, Entry]) -> bool:
    """Whether an acceptance is of all that is taken; an entry that moved after it was never in view."""
    if acceptance is None:
        return False
    position: int = acceptance.data["expect"]
    return all(
        take.entry in acceptance.data[take.act] and entries[take.entry].status_position <= position for take in taken
    )


def accepted(last: Recording, configuration: Configuration) -> Event | None:
    """Return the acceptance of this very configuration, if the last one that was given is."""
    given = last.acceptance
    return given if given is not None and given.data["sha256"] == digest(configuration.document) else None


def in_words(taken: Sequence[Take]) -> str:
    """Say what is taken in one phrase: `pause luna and sol, withdraw terra`."""
    named = {act: [take.entry for take in taken if take.act is act] for act in Act}
    return ", ".join(f"{act.verb} {' and '.join(keys)}" for act, keys in named.items() if keys)
