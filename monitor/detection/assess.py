"""What one poll means: pure stages, each of which takes what was decided so far and returns more of it.

Detection knows no entry: it says what differs, what is held, what is confirmed, and which events record that. What it
means for an entry is worked out afterwards. Everything that a stage asks for stands in the `AssessmentContext`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core import events as ev
from monitor.core import logs
from monitor.core.baselines import Baselines
from monitor.core.changes import Change, lookup, patch, same, without
from monitor.core.configuration import OFFICIAL
from monitor.core.content import facts_name
from monitor.core.events import Event, Ledger, source_stream
from monitor.core.facts import (
    ACCESS,
    ANYTHING,
    ITEMS,
    Alternation,
    Fact,
    Facts,
    PendingChange,
    PollFailure,
    Snapshot,
    SourceState,
    Subject,
    Unchanged,
)
from monitor.detection import (
    alternation,
    change_events,
    confirmation,
    corroboration,
    outages,
    renames,
    unexplained_refusals,
)
from monitor.detection.admission import (
    DROPS,
    INCONSISTENT,
    MASS_CHANGE,
    MASS_GAIN,
    SHRUNKEN,
    TOO_MANY,
    Admission,
    AdmissionVerdict,
    hold,
)
from monitor.detection.admission import admit as admission_of
from monitor.detection.change_events import ChangeEvent, ConfirmedFacts
from monitor.detection.comparison import Comparison
from monitor.detection.comparison import compare as comparison_of
from monitor.detection.confirmation import Confirmation, ConfirmedChange, CountedPoll, Hold
from monitor.detection.context import AssessmentContext, ReleaseContext
from monitor.detection.other_routes import to_poll
from monitor.detection.price_notes import remarks
from monitor.detection.routes import ALONE, Others, is_call, lost
from monitor.detection.source_state import update_source_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is decided of one poll so far.

    Attributes:
        state: what is kept of the source after it.
        baseline: what is confirmed after it.
        pending: what is pending after it.
        verdict: as `Outcome` has it; empty while the poll is still being judged.
        detail: what is to be read beside the verdict.
        why: what the last stage did, and why, in words.
        closed: whether the stages that follow have nothing to decide.
        events: what is appended to the log, in order.
        kept_facts: the facts that events name by hash.
        kept_evidence: whether the bytes of the poll are kept.
        alternations: what turned lately, to be stored; None where that is as it was.
        turned: what turned lately, by fact; None where nothing differs or is pending, so that nothing can turn.
        turning: the differences of this poll that alternate.
        trigger: the event of a baseline that was taken as a whole.
        rebased: the event of a baseline that was read anew.
        renamed: the rows that go by another id now, old → new.
        comparison: what differs from the baseline, and what of it is admitted.
        hold: what the poll asks of each absence in it, where much is missing at once.
        others: what the other routes say of the models that it misses.
        confirmed: what it made of the differences, before prices that cannot be right are parted from it.
        accepted: the confirmed changes that the baseline moves by.
        doubted: the confirmed changes that cannot be right, each with the reason.
        changes: the confirmed changes with their events.
        held: whether the poll renews nothing.
        missing: the facts that are missing from a poll that is held for it, and verifies the rest; else None.
        calm: what alternates, and hurries nobody.
        poll_again: when to poll next for what is pending.
        ask: other sources that should be polled now.
    """

    state: SourceState
    baseline: Facts
    pending: tuple[PendingChange, ...] = ()
    verdict: str = ""
    detail: str = ""
    why: str = ""
    closed: bool = False
    events: tuple[Event, ...] = ()
    kept_facts: tuple[Facts, ...] = ()
    kept_evidence: bool = False
    alternations: tuple[Alternation, ...] | None = None
    trigger: int | None = None
    rebased: int | None = None
    renamed: Mapping[Subject, Subject] = field(default_factory=dict)
    comparison: Comparison | None = None
    turned: Mapping[Fact, Alternation] | None = None
    turning: tuple[Change, ...] = ()
    hold: Hold | None = None
    others: Others = ALONE
    confirmed: Confirmation | None = None
    accepted: tuple[ConfirmedChange, ...] = ()
    doubted: tuple[tuple[ConfirmedChange, str], ...] = ()
    changes: tuple[ChangeEvent, ...] = ()
    held: bool = False
    missing: frozenset[Fact] | None = None
    calm: frozenset[Fact] = frozenset()
    poll_again: datetime | None = None
    ask: tuple[str, ...] = ()

    @property
    def flooded(self) -> bool:
        """Whether what is new is held, in an answer of which the rest is judged."""
        return not self.closed and self.comparison is not None and self.comparison.admission.floods

    @property
    def suspects(self) -> int:
        """How many differences wait to be confirmed."""
        return sum(bool(change.seen) and change.quarantine is None for change in self.pending)

    @property
    def verifies(self) -> bool:
        """Whether the poll dates checks: not one that is held whole."""
        return not self.held or self.missing is not None


Stage: TypeAlias = Callable[[AssessmentContext, Assessment], Assessment]


def assess(context: AssessmentContext) -> Assessment:
    """Judge one poll."""
    assessment = Assessment(state=context.state, baseline=context.baseline, pending=tuple(context.pending.values()))
    for stage in STAGES:
        if assessment.closed:
            break
        assessment = _logged(context, stage, stage(context, replace(assessment, why="")))
    return assessment if assessment.verdict else _logged(context, conclude, conclude(context, assessment))


def _logged(context: AssessmentContext, stage: Stage, assessment: Assessment) -> Assessment:
    """Say what a stage did and why, where it did anything."""
    if assessment.why:
        logs.line("assessed", level=logging.DEBUG, source=context.spec.key, stage=stage.__name__, did=assessment.why)
    return assessment


# -- the stages, in the order of STAGES ----------------------------------------


def drop_late(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Drop a poll whole that was overtaken by one that is recorded already."""
    if not context.overtaken:
        return so_far
    return replace(
        so_far, closed=True, verdict="late", detail=context.overtaken, why=f"dropped it: {context.overtaken}"
    )


def record_failure(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Make a failure to poll visible; it moves nothing."""
    failure = context.observation
    if not isinstance(failure, PollFailure):
        return so_far
    ledger = _ledger(context, so_far)
    if failure.swollen:
        state = _swollen(context, ledger, failure)
        verdict, detail = "held", f"{state.anomaly}: {failure.detail}"
    else:
        state = outages.failed(ledger, context.spec, so_far.state, failure, context.evidence, context.incident)
        verdict, detail = "failed", f"{failure.reason}: {failure.detail}"
    why = f"recorded the failure {failure.reason}" if ledger.events else "the failure is known"
    return _written(
        replace(so_far, closed=True, state=state, verdict=verdict, detail=detail, kept_evidence=True, why=why), ledger
    )


def count_refusal(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count a call that was refused for no reason that is understood; where every call is, access by it is lost."""
    failure, spec, subject = context.observation, context.spec, Subject(context.spec.surface, context.spec.model)
    if not (isinstance(failure, PollFailure) and failure.refusal and is_call(spec.route)):
        return so_far
    fact = Fact(subject, ACCESS + spec.route)
    pending = unexplained_refusals.count(
        fact,
        failure,
        context.pending.get(fact),
        rules=context.rules,
        evidence=context.evidence,
        good_at=so_far.state.good_at,
    )
    verdict = unexplained_refusals.judge(pending, context.calls, context.baseline, rules=context.rules, at=context.at)
    so_far = replace(
        so_far,
        pending=(
            *(change for change in context.pending.values() if change.fact != fact),
            *(() if verdict.pending is None else (verdict.pending,)),
        ),
        others=Others(signals=context.signals, own=spec.route),
        poll_again=verdict.poll_again,
    )
    return _lose_call(context, so_far, verdict.confirmed) if verdict.confirmed else so_far


def _lose_call(context: AssessmentContext, so_far: Assessment, confirmed: tuple[ConfirmedChange, ...]) -> Assessment:
    """Move the baseline of a call route whose refusals are confirmed, and write the event of it."""
    after = patch(context.baseline, [item.change for item in confirmed])
    ledger = _ledger(context, so_far)
    name = facts_name(after)
    changes = change_events.claim(
        ledger, context.spec, confirmed, after=ConfirmedFacts(baseline=name, extractor=so_far.state.extractor)
    )
    lost_call = replace(
        so_far,
        state=replace(so_far.state, baseline=name, subjects=len(after)),
        baseline=after,
        accepted=confirmed,
        changes=tuple(changes),
        kept_facts=(*so_far.kept_facts, after),
        why="every call is refused",
    )
    return _written(lost_call, ledger)


def end_outage(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Record that the source can be read again, if it could not."""
    ledger = _ledger(context, so_far)
    state = outages.recovered(ledger, context.spec, so_far.state, context.at)
    if state.anomaly_since is not None and state.anomaly_since > context.at:  # the clock was set back
        state = replace(state, anomaly_since=context.at)
    return _written(replace(so_far, state=state, why="the outage is over" if ledger.events else ""), ledger)


def rebase(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take the baseline as this version of the extractor reads it; what was pending of the other is dropped."""
    if not context.rebased:
        return so_far
    baseline, extractor = context.baseline, so_far.state.extractor
    ledger = _ledger(context, so_far)
    name = facts_name(baseline)
    position = ledger.add(
        ev.BASELINE_RECORDED,
        source_stream(context.spec.key),
        context.spec.key,
        at=context.at,
        source=context.spec.key,
        evidence=so_far.state.evidence,
        data={
            "subjects": len(baseline),
            "baseline": name,
            "extractor": context.extractor,
            "reason": f"extractor changed from {extractor}",
        },
    )
    state = replace(so_far.state, baseline=name, subjects=len(baseline))
    rebased = replace(
        so_far,
        state=state,
        rebased=position,
        kept_facts=(*so_far.kept_facts, baseline),
        why=f"read the stored evidence anew: the extractor changed from {extractor}",
    )
    return _written(rebased, ledger)


def compare(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Compare the poll with the baseline."""
    observation = _good(context)
    size = observation.body.size if isinstance(observation, Snapshot) and context.spec.can.page else None
    renamed = {} if context.partial else renames.renames(context.baseline, context.facts)
    comparison = comparison_of(
        so_far.state, observation, context.baseline, context.facts, body_size=size, renamed=renamed.keys()
    )
    reason = comparison.admission.reason
    why = f"{len(comparison.changes)} facts differ" + (f"; held: {reason}" if reason else "")
    return replace(so_far, renamed=renamed, comparison=comparison, why=why)


def admit(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take or hold an answer whole: a first one, one beyond all bounds, one that moves too much at once or stood."""
    comparison, state = _compared(so_far), so_far.state
    admission = comparison.admission
    is_held = admission.verdict is AdmissionVerdict.HELD
    if is_held and (not state.baseline or admission.reason == TOO_MANY):
        return _held_whole(_begin_hold(context, so_far))
    if not state.baseline:
        return _take_first(context, so_far)
    as_one = admission.reason in (MASS_GAIN, MASS_CHANGE) and state.anomaly == admission.reason
    if as_one and _lasted(context, state, admission):
        return _take_as_one(context, so_far)
    if admission.reason == MASS_CHANGE:
        changed = frozenset(change.fact.subject for change in comparison.changes)
        return _held_whole(_begin_hold(context, so_far, moved=changed))
    return replace(so_far, why="compared fact by fact")


def notice_alternation(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say once a day, or once of what merely informs, that the source contradicts itself; hold a mass drop that is more
    than a turn of that.
    """
    comparison, admission = _compared(so_far), _compared(so_far).admission
    idle = not (comparison.changes or context.pending or so_far.state.anomaly)
    rows = {} if idle else alternation.fresh(context.alternations, context.at, every=context.spec.every)
    repeated = alternation.repeats(rows, admission, so_far.state, context.baseline, comparison.facts)
    turning = alternation.alternating(
        rows, context.pending, comparison.changes, turns=1 if repeated else alternation.TURNS
    )
    if admission.verdict is AdmissionVerdict.HELD and not repeated:
        so_far = _begin_hold(context, so_far)
    calm = frozenset(change.fact for change in turning)
    so_far = replace(so_far, turned=None if idle else rows, turning=tuple(turning), calm=calm)
    return _say_alternation(context, so_far) if turning else so_far


def confirm(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count the poll for each difference; what was seen often enough, for long enough, is confirmed."""
    comparison, before = _compared(so_far), context.pending
    admission = comparison.admission
    hold = None
    if admission.holds_absences:
        hold = Hold(span=_span(context, admission), anomaly=so_far.state.anomaly_position)
    news = any(
        change.fact not in before or not same(change.fact.field, before[change.fact].value, change.new)
        for change in comparison.changes
    )
    gone = {change.fact.subject for change in comparison.changes if lost(change.fact, change.new)}
    others = Others(
        signals={subject: context.signals[subject] for subject in gone if subject in context.signals},
        own=context.spec.route,
    )
    confirmed = confirmation.confirm(
        before,
        comparison.changes,
        poll=CountedPoll(
            source=context.spec.key,
            at=context.at,
            before=so_far.state.good_at,
            evidence=context.evidence if news else "",
            unspoken=[fact for fact in before if fact in comparison.unknown or fact.field in comparison.silent],
            renamed=so_far.renamed.keys(),
        ),
        rules=context.rules,
        hold=hold,
        others=others,
        turns=alternation.polls_more(so_far.turned or {}, so_far.turning),
    )
    return replace(
        so_far,
        hold=hold,
        others=others,
        confirmed=confirmed,
        kept_evidence=so_far.kept_evidence or news,
        why=f"confirmed {len(confirmed.confirmed)}, pending {len(confirmed.pending)}",
    )


def corroborate(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Part what is accepted from prices that cannot be right, and write the events of what is accepted."""
    confirmed, baseline = _confirmed(so_far), context.baseline
    accepted, doubted = corroboration.sift(
        confirmed.confirmed, confirmed.pending, baseline, context.other_prices.agree, _compared(so_far).facts
    )
    after = patch(baseline, [item.change for item in accepted]) if accepted else baseline
    let_in = {item.change.fact for item in accepted}
    ledger = _ledger(context, so_far)
    changes = change_events.claim(
        ledger,
        context.spec,
        accepted,
        after=ConfirmedFacts(
            baseline=facts_name(after) if accepted else so_far.state.baseline, extractor=context.extractor
        ),
        renamed=renames.confirmed(so_far.renamed, baseline, let_in),
        remarks=remarks(
            context.spec,
            accepted,
            baseline,
            after,
            others=context.other_prices,
            listings=context.listings,
            within=context.rules.correction,
        ),
    )
    corroborated = replace(
        so_far,
        accepted=tuple(accepted),
        doubted=tuple(doubted),
        changes=tuple(changes),
        baseline=after,
        pending=tuple(change for change in confirmed.pending if change.fact not in let_in),
        kept_facts=(*so_far.kept_facts, after) if accepted else so_far.kept_facts,
        why=f"accepted {len(accepted)}, doubted {len(doubted)}",
    )
    return _written(corroborated, ledger)


def count_turns(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count what came back at this poll, so that what alternates is known."""
    if so_far.turned is None:
        return so_far
    pending = [*so_far.pending, *(item.pending_change for item, _ in so_far.doubted)]
    turned = alternation.advance(
        so_far.turned, context.pending, pending, so_far.accepted, source=context.spec.key, at=context.at
    )
    differs = turned != {row.fact: row for row in context.alternations}
    return replace(
        so_far,
        turned=turned,
        alternations=tuple(turned.values()) if differs else None,
        why="kept what turned" if differs else "",
    )


def end_anomaly(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say whether the poll is still held for what is missing from it; end the anomaly that it shows no more."""
    comparison, state = _compared(so_far), so_far.state
    admission = comparison.admission
    lasts = admission.holds_absences and (
        any(change.seen and change.value is None for change in so_far.pending)
        or admission_of(state, so_far.baseline, comparison.facts, body_size=None).dropped
        or (admission.reason == SHRUNKEN and not _lasted(context, state, admission))
    )
    going_on = any(row.turns >= alternation.TURNS for row in (so_far.turned or {}).values())
    ledger = _ledger(context, so_far)
    if not (lasts or admission.floods or (state.anomaly == INCONSISTENT and going_on)):
        stood = any(
            item.pending_change.anomaly == state.anomaly_position
            for item in so_far.accepted
            if item.pending_change.held_until
        )
        state = outages.settled(ledger, context.spec, state, context.at, stood=stood)
    over = so_far.state.anomaly if so_far.state.anomaly != state.anomaly else ""
    if so_far.accepted:
        state = replace(state, baseline=facts_name(so_far.baseline))
    state = replace(state, subjects=len(so_far.baseline))
    why = "held for what is missing" if lasts else f"{over} is over" if over else ""
    return _written(replace(so_far, state=state, held=lasts, why=why), ledger)


def quarantine(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Hold back what cannot be right, and say which confirmed prices are still spoken of and can no longer be read."""
    pending = [
        *so_far.pending,
        *confirmation.unstated(
            context.baseline,
            _compared(so_far).unknown - context.pending.keys(),
            source=context.spec.key,
            at=context.at,
            before=so_far.state.good_at,
        ),
    ]
    doubted = list(so_far.doubted)
    if not so_far.held and not context.partial:
        unread = confirmation.unread(pending, context.at, context.rules)
        doubted += [(item, corroboration.UNREADABLE) for item in unread]
    ledger = _ledger(context, so_far)
    positions = {
        item.pending_change.fact: corroboration.quarantine(ledger, context.spec, item, reason, so_far.state.baseline)
        for item, reason in doubted
    }
    after = (
        *(change for change in pending if change.fact not in positions),
        *(replace(item.pending_change, quarantine=positions[item.pending_change.fact]) for item, _ in doubted),
    )
    missing = frozenset(change.fact for change in after if change.value is None) if so_far.held else None
    still = {*(change.fact for change in after), *(item.change.fact for item in so_far.accepted)}
    for change in context.pending.values():
        if change.quarantine is not None and change.fact not in still:
            corroboration.end_quarantine(ledger, context.spec, change, lookup(so_far.baseline, change.fact), context.at)
    why = f"held {len(positions)} prices back" if positions else ""
    return _written(replace(so_far, pending=after, missing=missing, why=why), ledger)


def say_refusals(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say once that parts which were read are no longer understood. What they stated is pending as unread from then on,
    so that it is said anew only after they were read again, and at most once a day.
    """
    observation = _good(context)
    if not isinstance(observation, Snapshot) or not observation.refused or context.partial:
        return so_far
    unread = {change.fact for change in so_far.pending if not change.seen and change.fact not in context.pending}
    about = {fact.subject.name for fact in unread} - context.refused_lately
    parts = [part for part in observation.refused if about & set(part.about) or (about and ANYTHING in part.about)]
    if not parts:
        return so_far
    ledger = _ledger(context, so_far)
    outages.refused(
        ledger, context.spec, parts, unread, at=context.at, evidence=context.evidence, relied=context.relied.on
    )
    return _written(replace(so_far, kept_evidence=True, why=f"{len(parts)} parts are no longer understood"), ledger)


STAGES: tuple[Stage, ...] = (
    drop_late,
    count_refusal,
    record_failure,
    end_outage,
    rebase,
    compare,
    admit,
    notice_alternation,
    confirm,
    corroborate,
    count_turns,
    end_anomaly,
    quarantine,
    say_refusals,
)
"""What is done with a poll; a stage that closes it ends the row."""


def conclude(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Date the source, and say what the poll came to: the end of every good poll, whichever stage closed it."""
    observation = _good(context)
    changed = bool(so_far.changes) or so_far.trigger is not None
    suspects = so_far.flooded or any(change.seen for change in so_far.pending)
    state = update_source_state(
        so_far.state,
        observation,
        extractor=context.extractor,
        held=so_far.held,
        suspects=suspects,
        moved=changed,
        evidence=context.evidence,
    )
    if so_far.state.stale_position is not None and state.stale_position is None:
        ledger = _ledger(context, so_far)
        outages.read_again(ledger, context.spec, so_far.state, context.at)
        so_far = _written(so_far, ledger)
    attention = so_far.held or so_far.flooded or bool(so_far.pending) or not state.baseline
    verdicts = {
        "held": so_far.held or so_far.flooded,
        "baseline": so_far.trigger is not None,
        "changed": bool(so_far.changes),
        "suspect": bool(so_far.suspects),
    }
    verdict = next((name for name, is_so in verdicts.items() if is_so), "unchanged")
    return replace(
        so_far,
        state=replace(state, attention=attention),
        verdict=verdict,
        detail=state.anomaly,
        kept_evidence=so_far.kept_evidence or (not suspects and (changed or not so_far.state.evidence)),
        poll_again=confirmation.next_poll(
            so_far.pending, context.rules, context.at, hold=so_far.hold, others=so_far.others, calm=so_far.calm
        ),
        ask=_ask(context, so_far),
        why=verdict,
    )


def let_in(context: ReleaseContext, by: Mapping[str, object]) -> Assessment:
    """Confirm a price that was held back, on the word of a person; `by` says who, why and from where."""
    state, released, baseline = context.state, context.released, context.baseline
    change = Change(fact=released.fact, old=lookup(baseline, released.fact), new=released.value)
    after = patch(baseline, [change])
    accepted = [ConfirmedChange(change=change, pending_change=released)]
    ledger = Ledger(context.head)
    changes = change_events.claim(
        ledger,
        context.spec,
        accepted,
        after=ConfirmedFacts(baseline=facts_name(after), extractor=state.extractor),
        by=by,
        remarks=remarks(
            context.spec,
            accepted,
            baseline,
            after,
            others=context.other_prices,
            listings=context.listings,
            within=context.within,
        ),
    )
    return Assessment(
        # The stored bytes are those of the old baseline: read anew, they would take back what was let in.
        state=replace(state, baseline=facts_name(after), subjects=len(after), evidence="", attention=True),
        baseline=after,
        pending=tuple(change for change in context.pending if change.fact != released.fact),
        events=tuple(ledger.events),
        kept_facts=(after,),
        changes=tuple(changes),
        trigger=released.quarantine,
        held=True,  # a person's word dates no check
        verdict="changed",
    )


# -- what stages have in common ------------------------------------------------


def _ledger(context: AssessmentContext, so_far: Assessment) -> Ledger:
    """Open a ledger that goes on where the events of the poll end."""
    return Ledger(context.head + len(so_far.events))


def _written(so_far: Assessment, ledger: Ledger) -> Assessment:
    return replace(so_far, events=(*so_far.events, *ledger.events))


def _good(context: AssessmentContext) -> Snapshot | Unchanged:
    assert not isinstance(context.observation, PollFailure), "a failure is closed by its own stage"
    return context.observation


def _compared(so_far: Assessment) -> Comparison:
    assert so_far.comparison is not None, "`compare` comes first"
    return so_far.comparison


def _confirmed(so_far: Assessment) -> Confirmation:
    assert so_far.confirmed is not None, "`confirm` comes first"
    return so_far.confirmed


def _swollen(context: AssessmentContext, ledger: Ledger, failure: PollFailure) -> SourceState:
    """Say once that an answer has more items than a source may have. It is held for good: no time lets it in."""
    state = replace(context.state, looked_at=failure.at)
    if state.anomaly == TOO_MANY:
        return state
    data = {
        "known": state.subjects,
        "limit": ITEMS,
        "detail": failure.detail,
        **outages.quoted(context.incident),
    }
    return outages.anomaly(ledger, context.spec, state, TOO_MANY, failure.at, data=data)


def _span(context: AssessmentContext, admission: Admission) -> timedelta:
    """Return how long what is held has to stand; longer for a mass drop where others of this source were reversed
    lately.
    """
    base = context.rules.hold
    return hold(base, context.reversals) if admission.dropped else base


def _lasted(context: AssessmentContext, state: SourceState, admission: Admission) -> bool:
    """Return whether the anomaly of a source is as old as its hold is long."""
    since = state.anomaly_since
    return since is not None and context.at - since >= _span(context, admission)


def _begin_hold(
    context: AssessmentContext, so_far: Assessment, *, moved: frozenset[Subject] = frozenset()
) -> Assessment:
    """Say once that an answer is held; `moved` are the subjects that would change, where not an absence is held."""
    comparison, state = _compared(so_far), so_far.state
    admission, before = comparison.admission, so_far.state.anomaly
    if before == admission.reason or (before in DROPS and admission.dropped):
        return replace(so_far, why=f"still held: {before}")
    ledger = _ledger(context, so_far)
    if before in DROPS or (before == MASS_GAIN and not admission.floods):  # that is over, whatever came instead
        state = outages.settled(ledger, context.spec, state, context.at, stood=False)
    baseline_size, span = len(context.baseline), _span(context, admission)
    concerned = moved | set(admission.missing)
    bound = {"limit": ITEMS} if admission.reason == TOO_MANY else {"until": ev.rfc3339(context.at + span)}
    data = {
        **outages.of_admission(admission, known=baseline_size, seen=comparison.seen),
        **({"moved_count": len(concerned)} if moved else {}),
        **bound,
        **outages.of_concern(subjects=concerned & context.relied.subjects),
        **outages.quoted(context.incident),
    }
    state = outages.anomaly(
        ledger, context.spec, state, admission.reason, context.at, data=data, evidence=context.evidence
    )
    why = f"held it: {admission.reason}"
    return _written(replace(so_far, state=state, kept_evidence=True, why=why), ledger)


def _held_whole(so_far: Assessment) -> Assessment:
    """Hold a whole answer: nothing of it is compared, and what is pending stays so."""
    return replace(so_far, closed=True, held=True)


def _take_first(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take the first accepted poll as the baseline at once, less the prices that cannot be right."""
    spec, at, evidence = context.spec, context.at, context.evidence
    doubtful = corroboration.doubtful(context.facts)
    baseline = without(context.facts, doubtful)
    name = facts_name(baseline)
    ledger = _ledger(context, so_far)
    data = {"subjects": len(baseline), "baseline": name, "extractor": context.extractor, "held": len(doubtful)}
    position = ledger.add(
        ev.BASELINE_RECORDED, source_stream(spec.key), spec.key, at=at, source=spec.key, evidence=evidence, data=data
    )
    pending: list[PendingChange] = []
    for fact, reason in doubtful.items():
        value = lookup(context.facts, fact)
        back = PendingChange(
            source=spec.key,
            fact=fact,
            value=value,
            seen=1,
            first_at=at,
            counted_at=at,
            evidence=evidence,
            quarantine=position,
        )
        if spec.trust == OFFICIAL:  # an aggregator's are counted in its baseline, not told one by one
            item = ConfirmedChange(change=Change(fact=fact, old=None, new=value), pending_change=back)
            back = replace(back, quarantine=corroboration.quarantine(ledger, spec, item, reason, name))
        pending.append(back)
    first = replace(
        so_far,
        closed=True,
        state=replace(so_far.state, baseline=name, subjects=len(baseline)),
        baseline=baseline,
        pending=tuple(pending),
        trigger=position,
        kept_facts=(*so_far.kept_facts, baseline),
        kept_evidence=True,
        why="took the first answer as the baseline",
    )
    return _written(first, ledger)


def _take_as_one(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Make what stood long enough the baseline, in one event and not in one for each difference.

    Prices that cannot be right stay out.
    """
    spec, comparison, state = context.spec, _compared(so_far), so_far.state
    floods = comparison.admission.floods
    new = {s: context.facts[s] for s in context.facts.keys() - context.baseline.keys()} if floods else {}
    changes = () if floods else comparison.changes
    facts: Facts = {**patch(context.baseline, changes), **new}
    facts = without(facts, corroboration.doubtful(facts))
    name = facts_name(facts)
    ledger = _ledger(context, so_far)
    position = ledger.add(
        ev.BASELINE_RECORDED,
        source_stream(spec.key),
        spec.key,
        at=context.at,
        source=spec.key,
        cause=state.anomaly_position,
        evidence=context.evidence,
        data={
            "subjects": len(facts),
            "baseline": name,
            "extractor": context.extractor,
            "reason": f"{state.anomaly} outlasted its hold",
        },
    )
    changed = {change.fact for change in changes}
    accepted = replace(
        so_far,
        closed=True,
        state=replace(outages.settled(ledger, spec, state, context.at, stood=True), baseline=name, subjects=len(facts)),
        baseline=facts,
        pending=tuple(other for other in so_far.pending if other.fact not in changed),
        trigger=position,
        kept_facts=(*so_far.kept_facts, facts),
        kept_evidence=True,
        why=f"took it as the baseline: {state.anomaly} outlasted its hold",
    )
    return _written(accepted, ledger)


def _say_alternation(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say that the source contradicts itself, where that was not said within a day; of what merely informs, where that
    was never said.

    Where an active entry stands on what alternates it is said when owners were not told within a day. The state is
    anomalous by it where nothing else made it so. The bytes that show it are kept whether or not it is said.
    """
    at, rows, turning = context.at, so_far.turned or {}, so_far.turning
    weighty = {change.fact for change in turning if not alternation.informs(change.fact.field)}
    unsaid = [change for change in turning if change.fact in weighty or rows[change.fact].said_at is None]
    untold = [change for change in turning if change.fact in weighty or rows[change.fact].told_at is None]
    concerned = alternation.named(change for change in untold if context.relied.on(change.fact))
    telling = bool(concerned) and alternation.due((row.told_at for row in rows.values()), at)
    if not (telling or (unsaid and alternation.due((row.said_at for row in rows.values()), at))):
        return replace(so_far, kept_evidence=True, why="it contradicts itself, which an event says already")
    turns = {fact: row.turns for fact, row in rows.items()}
    ledger = _ledger(context, so_far)
    anomalous = outages.anomaly(
        ledger,
        context.spec,
        so_far.state,
        INCONSISTENT,
        at,
        data={
            **outages.of_alternation(alternation.named(turning), turns),
            **outages.of_concern(concerned if telling else ()),
        },
        evidence=context.evidence,
    )
    noted = {
        change.fact: replace(rows[change.fact], said_at=at, told_at=at if telling else rows[change.fact].told_at)
        for change in turning
    }
    saying = replace(
        so_far,
        state=so_far.state if so_far.state.anomaly else anomalous,
        turned={**rows, **noted},
        kept_evidence=True,
        why=f"it contradicts itself about {len(turning)} facts",
    )
    return _written(saying, ledger)


def _ask(context: AssessmentContext, so_far: Assessment) -> tuple[str, ...]:
    """Name the sources to poll now: other routes to a missing model, the official page of a price that was reported."""
    if context.spec.trust == OFFICIAL:
        return tuple(sorted(to_poll(context.routes, so_far.pending, so_far.others, so_far.calm)))
    baselines = Baselines(context.sources, lambda key: None)
    providers = {event.fact.subject.scope for event in so_far.changes}
    return tuple(sorted(spec.key for provider in providers for spec in baselines.price_sources(provider)))
