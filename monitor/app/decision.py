"""The decision about one look while it is made: admit, diff, confirm, claim, judge.

Everything in here happens under the writer's lock and touches nothing but the transaction: no network, no clock. A failure takes
the short way, which has no access to any baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from functools import partial

from monitor.core import events as ev
from monitor.core.changes import Change, carried, common, diff, lookup, patch, same, without
from monitor.core.configuration import OFFICIAL, Configuration, SourceSpec
from monitor.core.entry import Entry
from monitor.core.events import source_stream
from monitor.core.facts import Fact, Facts, PendingChange, PollFailure, Snapshot, SourceState, Subject, Unchanged
from monitor.core.ports import Transaction
from monitor.detection import change_events, conflicting_routes, corroboration, outages, renames
from monitor.detection.admission import (
    INCONSISTENT,
    MASS_CHANGE,
    SHRUNKEN,
    TOO_MANY,
    Admission,
    AdmissionVerdict,
    admit,
)
from monitor.detection.alternation import Alternating
from monitor.detection.comparison import Comparison, compare
from monitor.detection.confirmation import ConfirmedChange, Hold, confirm, next_look, unclear, unread, unstated
from monitor.detection.holding import Holding
from monitor.detection.other_routes import Routes
from monitor.detection.outages import incident
from monitor.detection.outcome import Outcome
from monitor.detection.poller import Reread
from monitor.detection.price_notes import remarks
from monitor.detection.routes import ALONE, lost
from monitor.detection.second_source import Second
from monitor.detection.source_state import update_source_state
from monitor.detection.stored_baselines import beliefs
from monitor.registry import checklist, policy
from monitor.registry.invalidate_checks import invalidate_checks
from monitor.registry.origins import Origins
from monitor.registry.transitions import RegistryTransaction

PAGES = frozenset({"pricing_page", "document"})
"""The kinds of which a body that shrank is suspicious; a deprecations page takes nothing back by what it lacks."""


class Decision:
    """The state of one decision while it is made."""

    def __init__(
        self,
        tx: Transaction,
        configuration: Configuration,
        spec: SourceSpec,
        register: RegistryTransaction,
        state: SourceState,
    ) -> None:
        self.tx = tx
        self.configuration = configuration
        self.spec = spec
        self.register = register
        self.state = state
        self.versions = {"code": configuration.code, "configuration": configuration.version}
        self.rebased: int | None = None
        self.renamed: dict[Subject, Subject] = {}
        self.routes = Routes(tx, configuration, spec)
        self.others = ALONE
        self.holding = Holding(tx, configuration, spec, register, self._incident)

    def failed(self, failure: PollFailure, now: datetime) -> Outcome:
        """Take a failure to look: it becomes visible, and moves nothing."""
        evidence = self.tx.put_evidence(failure.body, self.spec.key, now) if failure.body else ""
        if failure.swollen:
            self.state = self.holding.swollen(self.state, failure)
            return Outcome(source=self.spec.key, verdict="held", detail=f"{self.state.anomaly}: {failure.detail}")
        self.state = outages.failed(self.register, self.spec, self.state, failure, evidence, self._incident)
        return Outcome(source=self.spec.key, verdict="failed", detail=f"{failure.reason}: {failure.detail}")

    def good(self, observation: Snapshot | Unchanged, reread: Reread) -> Outcome:
        """Compare a look with the baseline and write what follows."""
        self.state = outages.recovered(self.register, self.spec, self.state, observation.at)
        baseline = self.tx.facts(self.state.baseline)
        if isinstance(observation, Unchanged):
            facts, extractor, body_size = baseline, self.state.extractor, None
        else:
            extractor = observation.extractor
            body_size = observation.body.size if self.spec.kind in PAGES else None
            if self.state.baseline and extractor != self.state.extractor:
                baseline = self._rebase(observation, baseline, reread)
            facts = carried(baseline, observation)
        self.versions["extractor"] = extractor
        if self.state.anomaly_since is not None and self.state.anomaly_since > observation.at:  # the clock was set back
            self.state = replace(self.state, anomaly_since=observation.at)
        in_part = isinstance(observation, Snapshot) and observation.partial
        self.renamed = {} if in_part else renames.renames(baseline, facts)
        comparison = compare(self.state, observation, baseline, facts, body_size=body_size, renamed=self.renamed.keys())
        admission = comparison.admission
        if admission.verdict is AdmissionVerdict.HELD and (not self.state.baseline or admission.reason == TOO_MANY):
            self._begin(observation, comparison)
            return self._leave(observation, baseline)
        if not self.state.baseline:
            return self._first(observation, facts)
        if self.holding.stood(self.state, admission, observation.at):
            new = {s: facts[s] for s in facts.keys() - baseline.keys()} if admission.floods else {}
            changes = () if admission.floods else comparison.changes
            return self._take(observation, {**patch(baseline, changes), **new}, changes=changes)
        if admission.reason == MASS_CHANGE:
            self._begin(observation, comparison, moved={change.fact.subject for change in comparison.changes})
            return self._leave(observation, baseline)
        return self._compare(observation, comparison)

    def _begin(
        self,
        observation: Snapshot | Unchanged,
        comparison: Comparison,
        *,
        moved: AbstractSet[Subject] = frozenset(),
    ) -> None:
        """Say that an answer is held, unless that was said."""
        self.state = self.holding.begin(
            self.state,
            comparison.admission,
            observation.at,
            known=len(comparison.baseline),
            seen=comparison.seen,
            keep=lambda: self._keep(observation),
            moved=moved,
        )

    def _take(self, observation: Snapshot | Unchanged, facts: Facts, *, changes: tuple[Change, ...]) -> Outcome:
        """Make what stood long enough the baseline, in one event and not in one for each difference; prices that cannot be right stay out."""
        facts = without(facts, corroboration.doubtful(facts))
        hash = self.tx.put_facts(facts)
        position = self.register.add(
            ev.BASELINE_RECORDED,
            source_stream(self.spec.key),
            self.spec.key,
            at=observation.at,
            source=self.spec.key,
            cause=self.state.anomaly_position,
            evidence=self._keep(observation),
            data={
                "subjects": len(facts),
                "baseline": hash,
                "extractor": self.versions["extractor"],
                "reason": f"{self.state.anomaly} stood for its hold",
            },
        )
        moved = {change.fact for change in changes}
        pending = tuple(
            pending_change
            for pending_change in self.tx.pending_changes(self.spec.key)
            if pending_change.fact not in moved
        )
        self.state = outages.settled(self.register, self.spec, self.state, observation.at, stood=True)
        self.state = replace(self.state, baseline=hash, subjects=len(facts))
        return self._close(observation, facts, pending=pending, trigger=position)

    def _leave(self, observation: Snapshot | Unchanged, baseline: Facts) -> Outcome:
        """Hold a whole answer: nothing of it is compared, and what is pending stays so."""
        return self._close(observation, baseline, held=True, pending=tuple(self.tx.pending_changes(self.spec.key)))

    def _incident(self) -> str:
        """What the provider's status page says meanwhile."""
        return incident(self.tx, self.configuration, self.spec)

    def _keep(self, observation: Snapshot | Unchanged) -> str:
        """Store the bytes of a look that shows something, and name them."""
        if isinstance(observation, Snapshot):
            return self.tx.put_evidence(observation.body, self.spec.key, observation.at)
        return self.state.evidence

    def _rebase(self, observation: Snapshot, baseline: Facts, reread: Reread) -> Facts:
        """Bring the baseline to the extractor's version, from the stored bytes; where there are none, the old facts stand."""
        again = reread(self.tx, self.state)
        facts = baseline
        if again is not None:
            changes = diff(baseline, carried(baseline, again), silent=again.silent, unclear=unclear(baseline, again))
            facts = patch(baseline, changes)
            facts = patch(baseline, [one for one in changes if not corroboration.implausible(one, facts)])
        hash = self.tx.put_facts(facts)
        self.rebased = self.register.add(
            ev.BASELINE_RECORDED,
            source_stream(self.spec.key),
            self.spec.key,
            at=observation.at,
            source=self.spec.key,
            evidence=self.state.evidence,
            data={
                "subjects": len(facts),
                "baseline": hash,
                "extractor": observation.extractor,
                "reason": f"extractor changed from {self.state.extractor}",
            },
        )
        self.tx.put_pending_changes(self.spec.key, ())
        self.state = replace(self.state, baseline=hash, subjects=len(facts))
        return facts

    def _first(self, observation: Snapshot | Unchanged, facts: Facts) -> Outcome:
        """Take the first accepted look as the baseline at once, less the prices that cannot be right."""
        evidence = self._keep(observation)
        doubtful = corroboration.doubtful(facts)
        baseline = without(facts, doubtful)
        hash = self.tx.put_facts(baseline)
        position = self.register.add(
            ev.BASELINE_RECORDED,
            source_stream(self.spec.key),
            self.spec.key,
            at=observation.at,
            source=self.spec.key,
            evidence=evidence,
            data={
                "subjects": len(baseline),
                "baseline": hash,
                "extractor": self.versions["extractor"],
                "held": len(doubtful),
            },
        )
        pending = []
        for fact, reason in doubtful.items():
            value = lookup(facts, fact)
            pending_change = PendingChange(
                source=self.spec.key,
                fact=fact,
                value=value,
                seen=1,
                first_at=observation.at,
                counted_at=observation.at,
                evidence=evidence,
                quarantine=position,
            )
            if self.spec.trust == OFFICIAL:  # an aggregator's are counted in its baseline, not told one by one
                doubted = ConfirmedChange(change=Change(fact=fact, old=None, new=value), pending_change=pending_change)
                pending_change = replace(pending_change, quarantine=self._quarantine(doubted, reason, hash))
            pending.append(pending_change)
        self.state = replace(self.state, baseline=hash, subjects=len(baseline))
        return self._close(observation, baseline, pending=tuple(pending), trigger=position)

    def _compare(self, observation: Snapshot | Unchanged, comparison: Comparison) -> Outcome:
        """Confirm, claim: a baseline moves here, with the events that explain the move, or not at all."""
        belief, at, admission = self.configuration.confirmation, observation.at, comparison.admission
        baseline, changes, unknown = comparison.baseline, comparison.changes, comparison.unknown
        pending_changes = {
            pending_change.fact: pending_change for pending_change in self.tx.pending_changes(self.spec.key)
        }
        alternating = Alternating(self.tx, self.spec, at, idle=not (changes or pending_changes or self.state.anomaly))
        repeated = alternating.repeats(admission, self.state, baseline, comparison.facts)
        if admission.verdict is AdmissionVerdict.HELD and not repeated:
            self._begin(observation, comparison)
        turning = alternating.differing(changes, pending_changes, repeated=repeated)
        if turning:
            self.state = alternating.say(self.register, self.state, turning, self._keep(observation))
        held_by = (
            Hold(span=self.holding.span(admission, at), anomaly=self.state.anomaly_position)
            if admission.holds_absences
            else None
        )
        news = any(
            change.fact not in pending_changes
            or not same(change.fact.field, pending_changes[change.fact].value, change.new)
            for change in changes
        )
        self.others = self.routes.others({one.fact.subject for one in changes if lost(one.fact, one.new)})
        confirmation = confirm(
            pending_changes,
            changes,
            source=self.spec.key,
            at=at,
            before=self.state.good_at,
            evidence=self._keep(observation) if news else "",
            belief=belief,
            hold=held_by,
            unspoken=[fact for fact in pending_changes if fact in unknown or fact.field in comparison.silent],
            renamed=self.renamed.keys(),
            others=self.others,
            turns=alternating.wanting(turning),
        )
        second = Second(self.tx, self.configuration, self.spec.key)
        accepted, doubted = corroboration.sift(
            confirmation.believed, confirmation.pending, baseline, second.says, comparison.facts
        )
        patched = patch(baseline, [item.change for item in accepted]) if accepted else baseline
        hash = self.tx.put_facts(patched) if accepted else self.state.baseline
        recorded_changes = change_events.claim(
            self.register,
            self.spec,
            accepted,
            baseline=hash,
            extractor=self.versions["extractor"],
            renamed=renames.believed(self.renamed, baseline, {item.change.fact for item in accepted}),
            remarks=remarks(second, self.spec, accepted, baseline, patched, belief.correction),
        )
        let_in = {item.change.fact for item in accepted}
        pending = [pending_change for pending_change in confirmation.pending if pending_change.fact not in let_in]
        alternating.close(pending_changes, [*pending, *(item.pending_change for item, _ in doubted)], accepted)
        held = admission.holds_absences and (
            any(pending_change.seen and pending_change.value is None for pending_change in pending)
            or admit(self.state, patched, comparison.facts, body_size=None).dropped
            or (admission.reason == SHRUNKEN and not self.holding.lasted(self.state, admission, at))
        )
        self._settle(observation.at, admission, alternating, held=held, accepted=accepted)
        self.state = replace(self.state, baseline=hash, subjects=len(patched))
        pending += unstated(
            baseline,
            unknown - pending_changes.keys(),
            source=self.spec.key,
            at=observation.at,
            before=self.state.good_at,
        )
        if not held and not (isinstance(observation, Snapshot) and observation.partial):
            doubted += [(item, corroboration.UNREADABLE) for item in unread(pending, observation.at, belief)]
        conflicting_routes.remind(self.register, self.spec, pending, self.others, belief, observation.at)
        said = {item.pending_change.fact: self._quarantine(item, why, hash) for item, why in doubted}
        pending = [one for one in pending if one.fact not in said]
        pending += [replace(item.pending_change, quarantine=said[item.pending_change.fact]) for item, _ in doubted]
        return self._close(
            observation,
            patched,
            held=held,
            flooded=admission.floods,
            hold=held_by,
            pending=tuple(pending),
            recorded_changes=recorded_changes,
            calm=frozenset(change.fact for change in turning),
            missing=frozenset(pending_change.fact for pending_change in pending if pending_change.value is None)
            if held
            else None,
        )

    def _settle(
        self,
        at: datetime,
        admission: Admission,
        alternating: Alternating,
        *,
        held: bool,
        accepted: list[ConfirmedChange],
    ) -> None:
        """End the anomaly that this poll shows no more."""
        if held or admission.floods or (self.state.anomaly == INCONSISTENT and alternating.going_on):
            return
        stood = any(
            item.pending_change.anomaly == self.state.anomaly_position
            for item in accepted
            if item.pending_change.held_until
        )
        self.state = outages.settled(self.register, self.spec, self.state, at, stood=stood)

    def _quarantine(self, item: ConfirmedChange, reason: str, baseline: str) -> int:
        return corroboration.quarantine(self.register, self.spec, item, reason, baseline)

    def let_in(self, pending_change: PendingChange, position: int, by: Mapping[str, object], *, now: datetime) -> None:
        """Believe a price that was held back, on the word of a person, and judge what it changes."""
        baseline = self.tx.facts(self.state.baseline)
        change = Change(fact=pending_change.fact, old=lookup(baseline, pending_change.fact), new=pending_change.value)
        patched = patch(baseline, [change])
        hash = self.tx.put_facts(patched)
        believed = [ConfirmedChange(change=change, pending_change=pending_change)]
        second = Second(self.tx, self.configuration, self.spec.key)
        recorded_changes = change_events.claim(
            self.register,
            self.spec,
            believed,
            baseline=hash,
            extractor=self.versions["extractor"],
            cause=position,
            actor=str(by["by"]),
            by=by,
            remarks=remarks(second, self.spec, believed, baseline, patched, self.configuration.confirmation.correction),
        )
        self.tx.put_pending_changes(
            self.spec.key, [one for one in self.tx.pending_changes(self.spec.key) if one.fact != pending_change.fact]
        )
        # The stored bytes are those of the old baseline: read anew, they would take back what was let in.
        self.state = replace(self.state, baseline=hash, subjects=len(patched), evidence="", attention=True)
        self._judge(now, patched, None, recorded_changes=recorded_changes, trigger=position)
        self.tx.put_source(self.state)

    def _close(
        self,
        observation: Snapshot | Unchanged,
        baseline: Facts,
        *,
        held: bool = False,
        flooded: bool = False,
        hold: Hold | None = None,
        pending: tuple[PendingChange, ...] = (),
        recorded_changes: list[change_events.ChangeEvent] | None = None,
        trigger: int | None = None,
        calm: frozenset[Fact] = frozenset(),
        missing: frozenset[Fact] | None = None,
    ) -> Outcome:
        """Judge the entries, then write down what is known of the source: the end of every good look. What is new in a `flooded` one is held;
        what alternates (`calm`) hurries nobody. An answer that is held for what is `missing` verifies the rest, one that is held whole nothing.
        """
        recorded_changes = recorded_changes or []
        self.state = update_source_state(
            self.state,
            observation,
            extractor=self.versions["extractor"],
            held=held,
            suspects=flooded or any(pending_change.seen for pending_change in pending),
            moved=bool(recorded_changes) or trigger is not None,
            keep=self._keep,
        )
        if self.state.baseline:
            verifying = None if held and missing is None else observation
            self._judge(
                observation.at,
                baseline,
                verifying,
                recorded_changes=recorded_changes,
                trigger=trigger,
                missing=missing or frozenset(),
            )
        waits = any(checklist.awaits(entry, self.spec) for entry in self._entries())
        attention = held or flooded or bool(pending) or waits or not self.state.baseline
        self.state = replace(self.state, attention=attention)
        self.tx.put_pending_changes(self.spec.key, pending)
        again = next_look(
            pending, self.configuration.confirmation, observation.at, hold=hold, others=self.others, calm=calm
        )
        if again is None and waits and self.register.events:  # what was just lost may be verified by the next look
            again = observation.at + self.configuration.confirmation.recheck
        return self._outcome(
            again,
            held=held or flooded,
            pending=pending,
            recorded_changes=recorded_changes,
            first=trigger is not None,
            calm=calm,
        )

    def _entries(self) -> list[Entry]:
        """The entries that this source can say something about."""
        return [e for e in self.register.entries.values() if e.alive and policy.depends_on(e, self.spec)]

    def _judge(
        self,
        at: datetime,
        baseline: Facts,
        verifying: Snapshot | Unchanged | None,
        *,
        recorded_changes: list[change_events.ChangeEvent],
        trigger: int | None,
        missing: frozenset[Fact] = frozenset(),
    ) -> None:
        """Judge the entries on levels. `verifying` is the poll that dates checks; None for what verifies nothing: an answer held whole, a
        person's word. A partial one verifies only what of the baseline it has seen, and none what is `missing`.
        """
        register = self.register
        registered = frozenset(subject for e in register.entries.values() if e.alive for subject in e.subjects)
        lacking = [fact for fact in missing if fact.subject in registered]
        by_fact = {one.fact: one for one in recorded_changes}
        access = change_events.access(register, self.spec, recorded_changes, registered, self.others, baseline)
        known = beliefs(self.tx, self.configuration.sources, own=self.spec.key, facts=baseline)
        cause = policy.Trigger(
            at=at,
            position=self.rebased if trigger is None else trigger,
            source=self.spec.key,
            evidence=recorded_changes[-1].believed.pending_change.evidence if recorded_changes else self.state.evidence,
            recorded_changes=by_fact,
            access=access,
            signals={fact: change_events.signals(self.spec, by_fact[fact], self.others, baseline) for fact in access},
            origin=Origins(self.tx, known, register).of,
            versions=self.versions,
        )
        dated = known
        # A call that is refused says nothing of the limits that an earlier one stated.
        if isinstance(verifying, Snapshot) and (verifying.partial or self.spec.model):
            seen = common(baseline, verifying.facts)
            dated = beliefs(self.tx, self.configuration.sources, own=self.spec.key, facts=seen)
        for entry in self._entries():
            if verifying is not None and not any(policy.matters(fact, entry) for fact in lacking):
                checklist.verify(register, entry.key, self.spec, dated, at=at, evidence=partial(self._keep, verifying))
            policy.judge(register, entry.key, known, cause)
            invalidate_checks(register, entry.key, self.spec, cause)

    def _outcome(
        self,
        again: datetime | None,
        *,
        held: bool,
        pending: tuple[PendingChange, ...],
        recorded_changes: list[change_events.ChangeEvent],
        first: bool,
        calm: frozenset[Fact],
    ) -> Outcome:
        suspects = sum(bool(pending_change.seen) and pending_change.quarantine is None for pending_change in pending)
        verdicts = {"held": held, "baseline": first, "changed": bool(recorded_changes), "suspect": bool(suspects)}
        return Outcome(
            source=self.spec.key,
            verdict=next((name for name, is_so in verdicts.items() if is_so), "unchanged"),
            detail=self.state.anomaly,
            believed=len(recorded_changes),
            suspects=suspects,
            again=again,
            ask=self._ask(recorded_changes, pending, calm),
        )

    def _ask(
        self,
        recorded_changes: list[change_events.ChangeEvent],
        pending: tuple[PendingChange, ...],
        calm: frozenset[Fact],
    ) -> tuple[str, ...]:
        """The sources to poll now: the other routes to a model that is missed, the official page of a price that an aggregator reported."""
        if self.spec.trust == OFFICIAL:
            return tuple(sorted(self.routes.asked(pending, self.others, calm)))
        known = beliefs(self.tx, self.configuration.sources)
        providers = {one.fact.subject.scope for one in recorded_changes}
        return tuple(sorted(spec.key for provider in providers for spec in known.price_sources(provider)))
