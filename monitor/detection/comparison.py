"""One poll beside the baseline: what differs, what is not spoken of, and what is admitted of it. Pure."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from monitor.core.changes import Change, carried, diff, dropped, patch
from monitor.core.facts import Fact, Facts, Snapshot, SourceState, Subject, Unchanged
from monitor.detection.admission import CHANGES, MASS_CHANGE, Admission, AdmissionVerdict, admit
from monitor.detection.confirmation import unclear
from monitor.detection.corroboration import implausible


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a poll shows against the `baseline`. `facts` are those of it that are compared, `seen` counts all its
    subjects; of `unknown` facts and `silent` fields it does not speak.
    """

    admission: Admission
    facts: Facts
    seen: int
    baseline: Facts
    changes: tuple[Change, ...]
    unknown: frozenset[Fact]
    silent: frozenset[str]


def compare(
    state: SourceState,
    observation: Snapshot | Unchanged,
    baseline: Facts,
    facts: Facts,
    *,
    body_size: int | None,
    renamed: Set[Subject],
) -> Comparison:
    """Compare a poll with the baseline. What is new in an answer that is flooded is left out; more differences than one
    poll may have are held as one.

    `facts` are those of the poll, `body_size` is in bytes and given for pages only, `renamed` are the subjects that go
    by another id now.
    """
    snapshot = observation if isinstance(observation, Snapshot) else None
    unknown = frozenset() if snapshot is None else unclear(baseline, snapshot)
    admission = admit(
        state,
        baseline,
        facts,
        body_size=body_size,
        renamed=renamed,
        unclear=unknown,
        partial=snapshot is not None and snapshot.partial,
    )
    silent = dropped(baseline, facts) | (frozenset() if snapshot is None else snapshot.silent)
    shown = {subject: facts[subject] for subject in facts.keys() & baseline.keys()} if admission.floods else facts
    changes = diff(baseline, shown, silent=silent, unclear=unknown) if state.baseline else ()
    if len(changes) > CHANGES:
        admission = replace(admission, verdict=AdmissionVerdict.HELD, reason=MASS_CHANGE)
    return Comparison(
        admission=admission,
        facts=shown,
        seen=len(facts),
        baseline=baseline,
        changes=changes,
        unknown=unknown,
        silent=silent,
    )


def read_anew(baseline: Facts, again: Snapshot | None) -> Facts:
    """Read the baseline as another version of the extractor has it (`again`); as it was where that cannot be read."""
    if again is None:
        return baseline
    changes = diff(baseline, carried(baseline, again), silent=again.silent, unclear=unclear(baseline, again))
    facts = patch(baseline, changes)
    return patch(baseline, [change for change in changes if not implausible(change, facts)])
