"""What an event of a change says of facts: which one moved, from what to what, and what there is to
read beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.core import events as ev
from monitor.core import price
from monitor.core.configuration import OFFICIAL
from monitor.core.event_words import ends_in_words
from monitor.core.events import Event
from monitor.core.facts import ANNOUNCED, LISTED, PARAGRAPH, SHUTDOWN_DATE, Fact, Subject, Value, is_refusal
from monitor.core.notices import Difference
from monitor.core.text import rename_in_words, value_in_words

QUOTED = 1
"""How many paragraphs each way a notice quotes: it has one line for them."""


def scope_of(event: Event) -> str:
    """Return the surface or provider of the subject of an event; the source itself where it is about neither."""
    return str(event.data.get("surface") or event.data.get("provider") or event.source)


def fact_of(event: Event) -> Fact:
    """Return the fact whose change an event records. One of a text stands for all of its parts."""
    if event.type == ev.DOCUMENT_CHANGED:
        return Fact(Subject(event.source, event.source), PARAGRAPH)
    return Fact(Subject(scope_of(event), event.subject), _field(event))


def _field(event: Event) -> str:
    data = event.data
    if event.type in (ev.MODEL_LISTED, ev.MODEL_UNLISTED):
        return LISTED
    if is_an_end(event):
        return SHUTDOWN_DATE
    if event.type.startswith("price."):
        field = price.Meter.named_in(data).field
        return f"{ANNOUNCED}{field}@{data['date']}" if event.type == ev.PRICE_ANNOUNCED else field
    return str(data["field"])


def _values(event: Event) -> tuple[Value | None, Value | None]:
    """Return the old and the new value of a fact; None where there was or is none."""
    data = event.data
    if event.type in (ev.MODEL_LISTED, ev.MODEL_UNLISTED):
        return (None, True) if event.type == ev.MODEL_LISTED else (True, None)
    return ends_in_words(data) if is_an_end(event) else (data["old"], data["new"])


def difference_of(event: Event) -> Difference:
    old, new = _values(event)
    return difference(event.subject, _field(event), old, new)


def difference(subject: str, field: str, old: Value | None, new: Value | None) -> Difference:
    return Difference(
        subject=subject,
        what=field,
        old=None if old is None else value_in_words(old),
        new=None if new is None else value_in_words(new),
    )


def is_drift(event: Event) -> bool:
    """Return whether an event is a shift of what calls took, measured over a window, rather than another answer."""
    return "window_since" in event.data


def is_news(event: Event) -> bool:
    """Return whether a change is news to anybody: not what another source stated before, how a route words its no, or
    an announcement that came true.
    """
    if event.type == ev.DOCUMENT_CHANGED:
        return True
    if event.type == ev.PRICE_ANNOUNCED and event.data["new"] is None:
        return bool(event.data["date"] > event.occurred_at.date().isoformat())
    return not (event.data.get("corroborates") or is_drift(event) or is_refusal(_field(event)))


def is_an_end(event: Event) -> bool:
    """Return whether an event is about the announced end of a model, endpoint or feature."""
    return event.type.startswith("lifecycle.")


def is_renamed(event: Event) -> bool:
    return "renamed_to" in event.data or "renamed_from" in event.data


def note_of(event: Event) -> str:
    """Return what owners should read of a change beyond old and new."""
    data = event.data
    if event.type == ev.DOCUMENT_CHANGED:
        return "; ".join(_paragraphs(event))
    if is_renamed(event):
        old, new = data.get("renamed_from", event.subject), data.get("renamed_to", event.subject)
        return rename_in_words(event.source, old, new, official=data["trust"] == OFFICIAL)
    if is_an_end(event) and data.get("trust", OFFICIAL) != OFFICIAL:
        return f"so says {event.source}, which is no official source"
    return str(data.get("note", ""))


def _paragraphs(event: Event) -> Iterator[str]:
    """Yield what came and went in a text: the markers, the first paragraphs each way, and how many more there are."""
    data = event.data
    markers = data.get("markers", {"came": (), "went": ()})
    yield from (f"“{marker}” is in {event.source} now" for marker in markers["came"])
    yield from (f"“{marker}” is in {event.source} no longer" for marker in markers["went"])
    removed, added = data["removed"], data["added"]
    if removed:
        yield f"{event.source} no longer says: " + " ".join(f"“{text}”" for text in removed[:QUOTED])
    if added:
        yield f"{event.source} says now: " + " ".join(f"“{text}”" for text in added[:QUOTED])
    if left := max(0, len(removed) - QUOTED) + max(0, len(added) - QUOTED) + data["more"]:
        yield f"and {left} more paragraph{'s' if left > 1 else ''}"


def concerned_by(event: Event) -> list[tuple[Fact, Mapping[str, Value | None]]]:
    """Return what an anomaly holds back of that entries stand on, each with what else is said of it; the field is empty
    where it is a whole subject.
    """
    return [
        (Fact(Subject(concern["scope"], concern["subject"]), concern.get("field", "")), concern)
        for concern in event.data.get("concerns", ())
    ]
