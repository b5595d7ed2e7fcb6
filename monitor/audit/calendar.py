"""Announced ends as a calendar (RFC 5545), for whoever plans by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from monitor.audit.lifecycle import End
from monitor.core.ends import Precision

_TEXT = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})
_WIDTH = 75
"""Bytes of a line before it is folded."""

_WORDS = {Precision.FIRM: "ends", Precision.EARLIEST: "does not end before", Precision.AFTER: "ends on or after"}


def calendar(ends: Iterable[End], now: datetime) -> str:
    """Return a calendar with one event for each model and day, whoever states it; its lines end as the format asks."""
    together: dict[tuple[str, str, str, Precision], list[End]] = {}
    for end in ends:
        together.setdefault((end.provider, end.model, end.day.isoformat(), end.precision), []).append(end)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//access-monitor//lifecycle//EN", "CALSCALE:GREGORIAN"]
    for (provider, model, day, _), statements in together.items():
        lines += _event(f"{provider}/{model}/{day}", statements, now)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _folded(line))


def _event(uid: str, statements: Sequence[End], now: datetime) -> Iterator[str]:
    end = statements[0]
    what = end.model if end.kind == "model" else f"the {end.kind} {end.model}"
    day = f" {end.day}" if end.precision is not Precision.FIRM else ""
    entries = sorted({entry for other in statements for entry in other.entries})
    replacements = dict.fromkeys(other.replacement for other in statements if other.replacement)
    facts = [
        f"Stated by {', '.join(sorted({other.source for other in statements}))}.",
        *(f"Replacement: {words}." for words in replacements),
        *([f"Entries: {', '.join(entries)}."] if entries else []),
        *([f"Fallback of {', '.join(end.fallback_of)}."] if end.fallback_of else []),
        *([] if end.agrees else ["Other sources state another day."]),
    ]
    yield "BEGIN:VEVENT"
    yield f"UID:{uid.translate(_TEXT)}@access-monitor"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{end.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{end.day + timedelta(days=1):%Y%m%d}"
    yield "TRANSP:TRANSPARENT"
    yield "SUMMARY:" + f"{what} ({end.provider}) {_WORDS[end.precision]}{day}".translate(_TEXT)
    yield "DESCRIPTION:" + " ".join(facts).translate(_TEXT)
    yield "END:VEVENT"


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 bytes, of which all but the first begin with a space; no character is cut."""
    part = b""
    for character in line:
        encoded = character.encode("utf-8", "replace")
        if len(part) + len(encoded) > _WIDTH:
            yield part.decode()
            part = b" "
        part += encoded
    yield part.decode()
