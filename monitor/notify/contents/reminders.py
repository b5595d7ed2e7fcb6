"""What an item says of a day that comes."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.entry import FALLBACK_ENDS
from monitor.core.events import Event
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry.reminders import CHECK, OVERDUE, PRICE, PROMOTION, SHUTDOWN, days_in_words


def reminder(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    days = days_in_words(data["days"])
    return Content(
        since=events[0].occurred_at,
        brief=f"{_DEADLINES.get(data['what'], '')} {days}".strip(),
        summary=f"{days}: {data['text']}",
    )


_DEADLINES = {
    SHUTDOWN: "shutdown",
    OVERDUE: "shutdown was due",
    FALLBACK_ENDS: "fallback ends",
    PRICE: "price change",
    PROMOTION: "end of a promotion",
    CHECK: "end of a check",
}
"""Kind of a reminder → what comes on its day, for a headline."""
