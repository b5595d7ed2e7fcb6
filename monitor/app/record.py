"""Taking one look into the log, in the one transaction of the design's T1; and letting in what a look was not believed for.

What is decided stands in `decision`; here stands what has to hold around it: late looks are dropped, and everything is written together.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.app.commit import gate_answers_changed, write
from monitor.app.decision import Decision, Reread
from monitor.core import events as ev
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import Observation, PollFailure, SourceState, Unchanged
from monitor.core.ports import Refused, Transaction
from monitor.detection.admission import late
from monitor.detection.outcome import Outcome
from monitor.registry.transitions import RegistryTransaction


def record(
    tx: Transaction,
    configuration: Configuration,
    spec: SourceSpec,
    observation: Observation,
    *,
    now: datetime,
    reread: Reread,
) -> Outcome:
    """Take one observation into the log. `now` is when it is recorded, and later than the decision.

    What its calls took is kept whatever becomes of it: a look that comes too late was paid for as well.
    """
    if not isinstance(observation, Unchanged):
        tx.put_measurements(observation.measured)
    state = tx.source(spec.key) or SourceState(key=spec.key)
    before = tx.entries()
    decision = Decision(tx, configuration, spec, RegistryTransaction(tx.head(), before), state)
    if late(state, observation.at, now):  # of a failure, too: it is over
        return Outcome(source=spec.key, verdict="late", detail="a later look is recorded already")
    if isinstance(observation, PollFailure):
        outcome = decision.failed(observation, now)
    elif isinstance(observation, Unchanged) and (state.attention or not state.baseline):
        return Outcome(source=spec.key, verdict="late", detail="another look came between")
    else:
        outcome = decision.good(observation, reread)
    tx.put_source(decision.state)  # what the gate says rests on it
    notices = write(tx, configuration, decision.register, at=now)
    return replace(
        outcome,
        moved=gate_answers_changed(decision.register, before),
        events=tuple(decision.register.events),
        notices=notices,
    )


def release(
    tx: Transaction, configuration: Configuration, position: int, *, now: datetime, by: dict[str, object]
) -> tuple[ev.Event, ...]:
    """Let in the price that the event at `position` held back, by the word of a person.

    Raises:
        Refused: no price is held back there.
    """
    pending_change = next((one for one in tx.pending_changes() if one.seen and one.quarantine == position), None)
    spec = configuration.sources.get(pending_change.source) if pending_change is not None else None
    state = tx.source(pending_change.source) if pending_change is not None else None
    if pending_change is None or spec is None or state is None:
        raise Refused(
            f"no price is held back at position {position}; see `access-monitor events --type price.quarantined`"
        )
    decision = Decision(tx, configuration, spec, RegistryTransaction(tx.head(), tx.entries()), state)
    decision.versions["extractor"] = state.extractor
    decision.let_in(pending_change, position, by, now=now)
    write(tx, configuration, decision.register, at=now)
    return tuple(decision.register.events)
