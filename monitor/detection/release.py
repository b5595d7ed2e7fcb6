"""A price that was held back is let in, on the word of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.core.changes import Change, lookup, patch
from monitor.core.content import facts_name
from monitor.core.events import Ledger
from monitor.detection import (
    change_events,
)
from monitor.detection.assessment import Assessment
from monitor.detection.change_events import ConfirmedFacts
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.context import ReleaseContext
from monitor.detection.price_notes import remarks


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
