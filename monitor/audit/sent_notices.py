"""What people were told: every notice, to whom it went, and what became of each delivery. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from monitor.audit.concerning import of_entry
from monitor.core.names import no_such
from monitor.core.notices import Notice
from monitor.core.ports import Delivery, Reader, Refused, SentMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNotice:
    """One notice with its deliveries, the first destination first, and its messages as they went out.

    What a version before 0.3.0 sent was not kept: `messages` is empty then.
    """

    notice: Notice
    deliveries: tuple[Delivery, ...]
    messages: tuple[SentMessage, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it is about: entries, else the models or sources that no entry is for."""
        return tuple(dict.fromkeys(item.entry or item.subject for item in self.notice.items))


def sent_notices(
    reader: Reader,
    limit: int | None = None,
    *,
    entry: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[SentNotice]:
    """Return the notices that were composed between two times, of everything or of an entry, the newest first; at most
    `limit` of them. Of the past, what went out later is left out.

    Raises:
        Refused: there is no such entry.
    """
    rows = of_entry(reader, entry).rows if entry else frozenset()
    notices = (
        notice
        for notice in reader.notices(since=since, until=until)
        if not rows or any(item.entry in rows for item in notice.items)
    )
    return [_sent(reader, notice, until) for notice in islice(notices, limit)]


def find_notice(reader: Reader, id: str) -> SentNotice:
    """Return one notice by its id.

    Raises:
        Refused: there is none of this id.
    """
    notice = reader.notice(id)
    if notice is None:
        ids = {row.notice for row in reader.deliveries()}
        raise Refused(no_such("notice", id, ids, "`access-monitor notices` lists them"))
    return _sent(reader, notice, None)


def _sent(reader: Reader, notice: Notice, until: datetime | None) -> SentNotice:
    return SentNotice(
        notice=notice,
        deliveries=tuple(reader.deliveries(notice=notice.id)),
        messages=tuple(
            message for message in reader.sent_messages(notice=notice.id) if until is None or message.at <= until
        ),
    )
