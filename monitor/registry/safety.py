"""Uses that ask for a safety review: when one is required, what its word has to rest on, and when it covers no longer
what is done.

What a review has to look at is a matter for people; here stands only that it cannot be left out.
"""

from __future__ import annotations

from monitor.core.check_names import SAFETY_REVIEW
from monitor.core.entry import Entry
from monitor.core.entry_spec import EntrySpec


def required(entry: Entry) -> tuple[str, ...]:
    """List the checks that an entry needs for what it touches."""
    return (SAFETY_REVIEW,) if entry.spec.touches else ()


def wanting(entry: Entry, check: str, url: str) -> str:
    """Say what the word of a person lacks, as a sentence without its full stop; empty where it lacks nothing."""
    if check != SAFETY_REVIEW or not entry.spec.touches or url.startswith(("https://", "http://")):
        return ""
    return (
        f"{entry.key} touches {', '.join(entry.spec.touches)}: its safety review rests on the system card, so "
        "give --url of the version "
        f"of it that was read (https://…)"
    )


def widened(before: EntrySpec, after: EntrySpec) -> tuple[str, ...]:
    """Return what an amended declaration touches that the one before did not: no review was about it."""
    return tuple(name for name in after.touches if name not in before.touches)
