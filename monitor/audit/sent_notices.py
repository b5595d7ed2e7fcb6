"""What people were told: every notice, to whom it went, and what became of each delivery. Reading only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


def sent_notices(reader: Reader, limit: int | None = None) -> list[SentNotice]:
    """Return the notices, the newest first; at most `limit` of them."""
    return list(_composed(reader, limit))


def find_notice(reader: Reader, id: str) -> SentNotice:
    """Return one notice by its id.

    Raises:
        Refused: there is none of this id.
    """
    deliveries = reader.deliveries()
    notice = reader.notice(id)
    if notice is None:
        ids = {row.notice for row in deliveries}
        raise Refused(no_such("notice", id, ids, "`access-monitor notices` lists them"))
    return SentNotice(
        notice=notice,
        deliveries=tuple(row for row in deliveries if row.notice == id),
        messages=tuple(reader.sent_messages(notice=id)),
    )


def _composed(reader: Reader, limit: int | None) -> Iterable[SentNotice]:
    by_notice: dict[str, list[Delivery]] = {}
    for row in reader.deliveries():
        by_notice.setdefault(row.notice, []).append(row)
    for id in list(reversed(by_notice))[:limit]:
        if (notice := reader.notice(id)) is not None:
            messages = tuple(reader.sent_messages(notice=id))
            yield SentNotice(notice=notice, deliveries=tuple(by_notice[id]), messages=messages)
