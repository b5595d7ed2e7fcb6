"""What a log kept of its own history, in a form that can be played: what each source showed and from when on, what
people did, and which configuration held.

The log has no row for a poll that changed nothing, so this is not a list of polls. It is what a poll at any time would
have shown: the confirmed facts with every later change from the first poll that showed it, an answer that was held for
as long as it stood, and bytes that no event names at the one poll which is sure to have brought them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from monitor.core import events as ev
from monitor.core.accepted_configuration import Document
from monitor.core.changes import Change, diff
from monitor.core.events import Recorded
from monitor.core.ports import Reader

ACTS = (ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED, ev.ENTRY_PAUSED, ev.ENTRY_RETIRED, ev.ENTRY_WINDOW_OPENED)
"""What people do to entries; of windows the opening is enough, which says when they end."""

STOPS = (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a source shows from a time on: one of `baseline`, `changes` and `evidence` says it.

    Attributes:
        extractor: the version that read the facts that were confirmed then.
        baseline: the whole of its facts, by the hash of their blob.
        changes: what is different from what it showed before.
        evidence: the bytes as received, by their hash, until they are over and what stood before shows again.
        until: when that is; the same time as `at` of bytes that one poll is sure to have brought.
    """

    at: datetime
    extractor: str
    baseline: str = ""
    changes: tuple[Change, ...] = ()
    evidence: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationInForce:
    """A configuration from the time at which it was loaded."""

    at: datetime
    document: Document


@dataclass(slots=True, kw_only=True)
class KeptHistory:
    """The history of a log.

    Attributes:
        sights: what each source showed, by source, in order.
        polled: the times at which each source is known to have been polled.
        outages: when each source could not be read, from and until.
        acts: what people did to entries, in order, and the prices that they let in.
        configurations: which configuration held from when on, in order.
        stops: the pauses that the policy made, with those that were added to, in order.
        left_out: why something of the history cannot be played, in sentences.
    """

    sights: dict[str, list[Sight]] = field(default_factory=lambda: defaultdict(list))
    polled: dict[str, set[datetime]] = field(default_factory=lambda: defaultdict(set))
    outages: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=lambda: defaultdict(list))
    acts: list[Recorded] = field(default_factory=list)
    configurations: list[ConfigurationInForce] = field(default_factory=list)
    stops: list[Recorded] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def kept_history(reader: Reader) -> KeptHistory:
    """Read the history that a log kept.

    Raises:
        MonitorError: facts that an event names are not in the database any more.
    """
    history, sources = KeptHistory(), _Sources(reader)
    for recorded in reader.events():
        event = recorded.event
        if event.type == ev.CONFIG_CHANGED:
            _configuration(history, recorded)
        elif event.stream.startswith("source/"):
            sources.take(recorded)
        if event.type in STOPS and "by" not in event.data:
            history.stops.append(recorded)
        elif event.type in ACTS or (event.type == ev.PRICE_CHANGED and "by" in event.data):
            history.acts.append(recorded)
    sources.finish(history)
    return history


def _configuration(history: KeptHistory, recorded: Recorded) -> None:
    document = recorded.event.data.get("document")
    if document is None:
        history.left_out.append(
            f"The configuration of position {recorded.event.position} was recorded by a version that kept only a part "
            "of it."
        )
        return
    history.configurations.append(ConfigurationInForce(at=recorded.recorded_at, document=document))


@dataclass(slots=True)
class _Confirmed:
    """What one commit made of the baseline of a source, from the first poll that showed it."""

    at: datetime
    recorded_at: datetime
    before: str
    after: str
    extractor: str


class _Sources:
    """Gathers what the events of sources say of what was shown."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._confirmed: dict[str, list[_Confirmed]] = defaultdict(list)
        self._held: dict[str, list[Sight]] = defaultdict(list)
        self._polled: dict[str, set[datetime]] = defaultdict(set)
        self._outages: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        self._named: set[str] = set()

    def take(self, recorded: Recorded) -> None:
        """Note what one event of a source says."""
        event = recorded.event
        key, data = event.stream.removeprefix("source/"), event.data
        self._named.add(event.evidence)
        self._polled[key].add(recorded.recorded_at)
        if event.type == ev.SOURCE_FAILED:
            self._outages[key].append((event.occurred_at, None))
            return
        if event.type == ev.SOURCE_RECOVERED:
            self._end_outage(key, event.occurred_at)
            self._end_hold(key, event.occurred_at)
        elif event.type == ev.SOURCE_ANOMALY and event.evidence:
            self._end_hold(key, event.occurred_at)
            extractor = self._confirmed[key][-1].extractor if self._confirmed[key] else ""
            self._held[key].append(Sight(at=event.occurred_at, evidence=event.evidence, extractor=extractor))
        elif event.type != ev.PRICE_QUARANTINED and "baseline" in data:
            self._confirm(key, recorded, data)

    def _confirm(self, key: str, recorded: Recorded, data: Mapping[str, Any]) -> None:
        event, levels = recorded.event, self._confirmed[key]
        same_commit = levels and levels[-1].recorded_at == recorded.recorded_at and levels[-1].after == data["baseline"]
        if same_commit:
            levels[-1].at = min(levels[-1].at, event.occurred_at)
            return
        begins = event.type in (ev.BASELINE_RECORDED, ev.SOURCE_RENAMED)
        self._end_hold(key, recorded.recorded_at)
        levels.append(
            _Confirmed(
                at=event.occurred_at,
                recorded_at=recorded.recorded_at,
                before="" if begins or not levels else levels[-1].after,
                after=data["baseline"],
                extractor=data.get("extractor") or (levels[-1].extractor if levels else ""),
            )
        )

    def _end_hold(self, key: str, at: datetime) -> None:
        sights = self._held[key]
        if sights and sights[-1].until is None:
            last = sights[-1]
            sights[-1] = replace(last, until=max(at, last.at))

    def _end_outage(self, key: str, at: datetime) -> None:
        outages = self._outages[key]
        if outages and outages[-1][1] is None:
            outages[-1] = (outages[-1][0], at)

    def finish(self, history: KeptHistory) -> None:
        """Put what was gathered into the history."""
        single: dict[str, list[Sight]] = defaultdict(list)
        for piece in self._reader.kept_evidence():
            levels = self._confirmed.get(piece.source, ())
            if piece.hash in self._named or not levels or piece.at <= levels[0].at:
                continue
            if piece.pruned:
                history.left_out.append(
                    f"What {piece.source} showed at {ev.rfc3339(piece.at)} and nothing confirmed was pruned."
                )
                continue
            extractor = _last(levels, piece.at).extractor
            single[piece.source].append(Sight(at=piece.at, evidence=piece.hash, extractor=extractor, until=piece.at))
        for key, levels in self._confirmed.items():
            sights = [*self._levels(levels), *self._held[key], *single[key]]
            history.sights[key] = sorted(sights, key=lambda sight: sight.at)
            history.polled[key] = self._polled[key]
            history.outages[key] = self._outages[key]

    def _levels(self, levels: Sequence[_Confirmed]) -> Iterator[Sight]:
        """Yield what showed from the first poll of each change on.

        Changes are confirmed in another order than they begin: each is applied where it began, to whatever showed then.
        """
        for level in sorted(levels, key=lambda level: (level.at, level.recorded_at)):
            if not level.before:
                yield Sight(at=level.at, baseline=level.after, extractor=level.extractor)
                continue
            changes = diff(self._reader.facts(level.before), self._reader.facts(level.after))
            yield Sight(at=level.at, changes=changes, extractor=level.extractor)


def _last(levels: Iterable[_Confirmed], at: datetime) -> _Confirmed:
    return max((level for level in levels if level.at <= at), key=lambda level: level.at)
