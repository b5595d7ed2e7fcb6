"""What alternates at one source: read when a poll differs or something is pending, said once a day at most, and kept for a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.domain import outage, policy, tell
from monitor.domain.admission import INCONSISTENT, Admission, Verdict, admit
from monitor.domain.alternation import DAY, TURNS, advance, alternating, fresh, named
from monitor.domain.configuration import SourceSpec
from monitor.domain.confirm import Believed
from monitor.domain.diff import Change
from monitor.domain.model import Fact, Facts, SourceState, Streak
from monitor.domain.registry import Register, Status
from monitor.pipeline.ports import Transaction


class Alternating:
    """The facts of one source that turn, for one poll at `at`; an `idle` poll, at which nothing turns, reads none."""

    def __init__(self, tx: Transaction, spec: SourceSpec, at: datetime, *, idle: bool) -> None:
        self._tx = tx
        self._spec = spec
        self._at = at
        self._stored = {} if idle else {row.fact: row for row in tx.alternations(spec.key)}
        self._rows = fresh(self._stored.values(), at)

    @property
    def going_on(self) -> bool:
        """Whether anything alternates still."""
        return any(row.turns >= TURNS for row in self._rows.values())

    def repeats(self, admission: Admission, state: SourceState, baseline: Facts, facts: Facts) -> bool:
        """Whether a mass drop is one that was reversed within a day: without what came back since, nothing is missing in a mass."""
        turned = {fact.subject for fact, row in self._rows.items() if row.turns}
        if not admission.dropped or not turned:
            return False
        rest = {subject: fields for subject, fields in baseline.items() if subject not in turned}
        return admit(state, rest, facts, body_size=None).verdict is Verdict.ACCEPTED

    def differing(self, changes: Collection[Change], streaks: Mapping[Fact, Streak], *, repeated: bool) -> list[Change]:
        """The differences of this poll that are turns of what alternates; at a `repeated` mass drop one return is enough."""
        return alternating(self._rows, streaks, changes, turns=1 if repeated else TURNS)

    def wanting(self, changes: Iterable[Change]) -> dict[Fact, int]:
        """How many polls more what alternates takes to be confirmed: one for each return beyond the first ones."""
        return {change.fact: max(0, self._rows[change.fact].turns - TURNS + 1) for change in changes}

    def say(
        self, register: Register, state: SourceState, changes: list[Change], evidence: str
    ) -> tuple[SourceState, list[tell.Told]]:
        """Say that the source contradicts itself, where that was not said within a day; its owners are told once a day at most.

        The state is anomalous by it where nothing else made it so.
        """
        concerned = {
            key: mine
            for key, entry in register.entries.items()
            if entry.status is Status.ACTIVE
            and (mine := [change for change in changes if policy.matters(change.fact, entry)])
        }
        telling = bool(concerned) and self._due(row.told_at for row in self._rows.values())
        if not changes or not (telling or self._due(row.said_at for row in self._rows.values())):
            return state, []
        anomalous = outage.anomaly(
            register,
            self._spec,
            state,
            INCONSISTENT,
            self._at,
            data=outage.of_alternation(named(changes), {fact: row.turns for fact, row in self._rows.items()}),
            evidence=evidence,
        )
        told = [
            item
            for key, mine in (concerned.items() if telling else ())
            for item in tell.held(
                register,
                [key],
                tell.contradiction(named(mine), source=self._spec.key),
                position=anomalous.anomaly_position or 0,
                since=self._at,
                source=self._spec.key,
                evidence=evidence,
            )
        ]
        for change in changes:
            row = self._rows[change.fact]
            self._rows[change.fact] = replace(row, said_at=self._at, told_at=self._at if telling else row.told_at)
        return state if state.anomaly else anomalous, told

    def _due(self, times: Iterable[datetime | None]) -> bool:
        last = max((time for time in times if time is not None), default=None)
        return last is None or self._at - last >= DAY

    def close(self, streaks: Mapping[Fact, Streak], pending: Iterable[Streak], accepted: Iterable[Believed]) -> None:
        """Count the turns of this poll, and keep them."""
        self._rows = advance(self._rows, streaks, pending, accepted, source=self._spec.key, at=self._at)
        if self._rows != self._stored:
            self._tx.put_alternations(self._spec.key, self._rows.values())
