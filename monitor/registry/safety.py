"""Uses that ask for a safety review: when one is required, what its word has to rest on, and when it covers no longer
what is done.

What a review has to look at is a matter for people; here stands only that it cannot be left out.
"""

from __future__ import annotations

from itertools import chain

from monitor.core.check_names import SAFETY_REVIEW
from monitor.core.entry import Check, CheckState, Entry
from monitor.core.entry_spec import EntrySpec


def required(entry: Entry) -> tuple[str, ...]:
    """List the checks that an entry needs for what it touches."""
    return (SAFETY_REVIEW,) if entry.spec.touches else ()


def by_caller(entry: Entry) -> tuple[str, ...]:
    """List the callers, sorted, who alone need the safety review; none where everybody does."""
    if entry.spec.touches:
        return ()
    return tuple(sorted(caller for caller, kinds in entry.spec.touches_by.items() if caller and kinds))


def review(entry: Entry) -> Check:
    """Return how the safety review of an entry stands; one that a named person went on without counts as verified."""
    check = entry.checks.get(SAFETY_REVIEW, Check())
    return Check(state=CheckState.VERIFIED) if SAFETY_REVIEW in entry.waived else check


def touched(spec: EntrySpec) -> tuple[str, ...]:
    """List the kinds of use that ask for a safety review, whoever's they are."""
    return tuple(dict.fromkeys(chain(spec.touches, *spec.touches_by.values())))


def wanting(entry: Entry, check: str, url: str) -> str:
    """Say what the word of a person lacks, as a sentence without its full stop; empty where it lacks nothing."""
    kinds = touched(entry.spec)
    if check != SAFETY_REVIEW or not kinds or url.startswith(("https://", "http://")):
        return ""
    return (
        f"{entry.key} touches {', '.join(kinds)}: its safety review rests on the system card, so "
        "give --url of the version "
        f"of it that was read (https://…)"
    )


def widened(before: EntrySpec, after: EntrySpec) -> tuple[str, ...]:
    """Return what an amended declaration touches that the one before did not: no review was about it."""
    reviewed = touched(before)
    return tuple(name for name in touched(after) if name not in reviewed)
