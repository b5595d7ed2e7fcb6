"""What is held of an answer: when that is said, to whom, and for how long. Nothing here has access to a baseline."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Status
from monitor.core.events import source_stream
from monitor.core.facts import ITEMS, PollFailure, SourceState, Subject
from monitor.core.ports import EventQuery, Transaction
from monitor.detection import outages
from monitor.detection.admission import DROPS, MASS_CHANGE, MASS_GAIN, REVERSED, TOO_MANY, Admission, hold
from monitor.registry.transitions import RegistryTransaction


class Holding:
    """The holds of one source. `incident` says what its provider's status page says meanwhile."""

    def __init__(
        self,
        tx: Transaction,
        configuration: Configuration,
        spec: SourceSpec,
        register: RegistryTransaction,
        incident: Callable[[], str],
    ) -> None:
        self._tx = tx
        self._base = configuration.confirmation.hold
        self._spec = spec
        self._register = register
        self._incident = incident

    def span(self, admission: Admission, at: datetime) -> timedelta:
        """How long what is held has to stand; longer for a mass drop where others of this source were reversed lately."""
        if not admission.dropped:
            return self._base
        query = EventQuery(type=ev.SOURCE_RECOVERED, stream=source_stream(self._spec.key), since=at - REVERSED)
        return hold(self._base, sum(one.event.data.get("reason") in DROPS for one in self._tx.events(query)))

    def lasted(self, state: SourceState, admission: Admission, at: datetime) -> bool:
        """Whether the anomaly of a source is as old as its hold is long."""
        since = state.anomaly_since
        return since is not None and at - since >= self.span(admission, at)

    def stood(self, state: SourceState, admission: Admission, at: datetime) -> bool:
        """Whether what is held as one, so many new subjects or so many differences, stood for its hold."""
        as_one = admission.reason in (MASS_GAIN, MASS_CHANGE) and state.anomaly == admission.reason
        return as_one and self.lasted(state, admission, at)

    def begin(
        self,
        state: SourceState,
        admission: Admission,
        at: datetime,
        *,
        known: int,
        seen: int,
        keep: Callable[[], str],
        moved: AbstractSet[Subject] = frozenset(),
    ) -> SourceState:
        """Say once that an answer is held, and which models that entries stand on it misses or would move (`moved`).

        `known` and `seen` count subjects, `keep` stores the bytes of the poll and names them.
        """
        before = state.anomaly
        if before == admission.reason or (before in DROPS and admission.dropped):
            return state
        if before in DROPS or (before == MASS_GAIN and not admission.floods):  # that is over, whatever came instead
            state = outages.settled(self._register, self._spec, state, at, stood=False)
        evidence, incident, span = keep(), self._incident(), self.span(admission, at)
        concerned = moved | set(admission.missing)
        in_use = {
            subject
            for entry in self._register.entries.values()
            if entry.status is Status.ACTIVE
            for subject in entry.subjects
        }
        bound = {"limit": ITEMS} if admission.reason == TOO_MANY else {"until": ev.rfc3339(at + span)}
        return outages.anomaly(
            self._register,
            self._spec,
            state,
            admission.reason,
            at,
            data={
                **outages.of_admission(admission, known=known, seen=seen),
                **({"moved_count": len(concerned)} if moved else {}),
                **bound,
                **outages.of_concern(subjects=concerned & in_use),
                **outages.quoted(incident),
            },
            evidence=evidence,
        )

    def swollen(self, state: SourceState, failure: PollFailure) -> SourceState:
        """Say once that an answer has more items than a source may have. It is held for good: no time lets it in."""
        state = replace(state, looked_at=failure.at)
        if state.anomaly == TOO_MANY:
            return state
        return outages.anomaly(
            self._register,
            self._spec,
            state,
            TOO_MANY,
            failure.at,
            data={
                "known": state.subjects,
                "limit": ITEMS,
                "detail": failure.detail,
                **outages.quoted(self._incident()),
            },
        )
