"""Running recorded observations through the real pipeline, on the clock of the recording.

Nothing is sent and nothing waits. What differs from a live run is only who looks: a `Recording` stands where a source's fetch would,
and the source's own reader makes facts of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from monitor.domain import checklist
from monitor.domain.configuration import Configuration
from monitor.domain.model import Body, FailureReason, Known, Observation, PollFailure, Unchanged
from monitor.domain.registry import Entry, Status
from monitor.pipeline.operate import Operator
from monitor.pipeline.poll import Poller
from monitor.pipeline.ports import Refused, Source, Store
from monitor.pipeline.tend import Tender

ACTOR = "replay"
PATIENCE = 3
"""A source is blind in a replay after this many of its own usual gaps, if that is longer than the configured limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded look: the body as received, or why there is none."""

    at: datetime
    body: Body | None = None
    failure: FailureReason | None = None
    detail: str = ""


class Recorded:
    """A source that shows what was recorded instead of fetching."""

    def __init__(self, source: Source) -> None:
        self.spec = source.spec
        self.extractor = source.extractor
        self._source = source
        self.shown: Recording | None = None

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Read the recording that is shown now."""
        shown = self.shown
        if shown is None or shown.body is None:
            reason = shown.failure if shown is not None and shown.failure else FailureReason.UNREACHABLE
            return PollFailure(
                source=self.spec.key, at=now, reason=reason, detail=shown.detail if shown else "nothing is recorded"
            )
        if (
            known is not None
            and known.sha256 == shown.body.sha256
            and (known.valid_until is None or now < known.valid_until)
        ):
            return Unchanged(source=self.spec.key, at=now)
        return self._source.extract(shown.body, now)

    def extract(self, body: Body, at: datetime) -> Observation:
        """As the source itself does."""
        return self._source.extract(body, at)


def carried(recordings: Sequence[Recording], every: timedelta | None) -> Iterator[Recording]:
    """The recordings in order; with `every`, the last one is repeated at that interval until the next."""
    for recording, following in zip(recordings, [*recordings[1:], None], strict=True):
        yield recording
        if every is None or following is None:
            continue
        at = recording.at + every
        while at < following.at:
            yield replace(recording, at=at)
            at += every


class Replay:
    """A replay of several recordings, merged by time; none of them is empty."""

    def __init__(
        self,
        store: Store,
        configuration: Configuration,
        sources: Mapping[str, Source],
        recordings: Mapping[str, Sequence[Recording]],
        *,
        carry: timedelta | None = None,
        activate: bool = False,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._sources = {key: Recorded(source) for key, source in sources.items()}
        self._recordings = recordings
        self._carry = carry
        self._activate = activate
        self._now = min(looks[0].at for looks in recordings.values())
        self._poller = Poller(store, configuration, self._sources.__getitem__, lambda: self._now, published=_nobody)
        self._operator = Operator(store, configuration, lambda: self._now, published=_nobody)
        cadence = {key: PATIENCE * _gap(looks) for key, looks in recordings.items() if len(looks) > 1}
        self._tender = Tender(store, configuration, published=_nobody, cadence=cadence)
        self.waived = self._waived()

    @property
    def now(self) -> datetime:
        """The time of the recording."""
        return self._now

    def clock(self) -> datetime:
        """The clock of the recording, for whoever writes into the same store."""
        return self._now

    def _waived(self) -> frozenset[str]:
        """The checks that no replayed source feeds, so that an automatic activation cannot ask for them."""
        if not self._activate:
            return frozenset()
        kinds = {self._sources[key].spec.kind for key in self._recordings}
        fed: set[str] = set()
        if "models_list" in kinds:
            fed |= {"model_id", "visibility"}
        official = {s.spec.key for s in self._sources.values() if s.spec.trust == "official"}
        if any(key in official and self._sources[key].spec.kind != "models_list" for key in self._recordings):
            fed |= {"pricing"}
        asked = {name for entry in self._configuration.entries.values() for name in entry.checks}
        return frozenset((set(checklist.DEFAULT) | asked) - fed)

    def run(self, progress: Callable[[int], None] | None = None) -> Iterator[int]:
        """Play all looks; yields the head of the log after each, so that a caller can print what was written."""
        streams = [
            ((recording.at, key, recording) for recording in carried(looks, self._carry))
            for key, looks in self._recordings.items()
        ]
        merged = heapq.merge(*streams, key=lambda item: item[:2])
        for count, (at, key, recording) in enumerate(merged, 1):
            self._now = max(at, self._now)
            self._tender.tend(self._now)
            self._sources[key].shown = recording
            self._poller.poll([key])
            if self._activate:
                self._accept()
            if progress is not None:
                progress(count)
            with self._store.read() as reader:
                yield reader.head()

    def _accept(self) -> None:
        """Activate and resume whatever may be, so that every pause shows."""
        with self._store.read() as reader:
            entries = reader.entries()
        for key, entry in entries.items():
            act = self._act(entry)
            if act is None:
                continue
            try:
                act(key, by=ACTOR, reason="accepted by the replay", via={"channel": ACTOR}, waived=self.waived)
            except Refused:
                continue  # what is missing may come with a later look

    def _act(self, entry: Entry) -> Callable[..., object] | None:
        if entry.status is Status.EVALUATING:
            return self._operator.activate
        if entry.status is Status.PAUSED and entry.since < self._now:  # a pause that came with this look stays visible
            return self._operator.resume
        return None


def _gap(looks: Sequence[Recording]) -> timedelta:
    """The usual time between two looks."""
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(looks)]
    return timedelta(seconds=median(gaps))


def _nobody() -> None:
    """Nobody reads the leases of a replay."""
