"""A notice as JSON for other programs: what people are told, as data, and in words beside it."""

from __future__ import annotations

from typing import Any

from monitor.core.events import rfc3339
from monitor.core.notices import Item
from monitor.core.records import to_plain
from monitor.notify.headlines import state_of
from monitor.notify.service import Outgoing


def notice_json(outgoing: Outgoing) -> dict[str, Any]:
    """Return a notice as plain JSON. The keys are read for good, by others as well: add, never rename."""
    notice = outgoing.notice
    record: dict[str, Any] = {
        "id": notice.id,
        "owner": notice.owner,
        "at": rfc3339(notice.at),
        "reason": notice.reason.value,
        "title": outgoing.rendered.title,
        "text": outgoing.rendered.text,
        "incidents": list(notice.incidents),
        "items": [_item(item) for item in notice.items],
    }
    if notice.digest is not None:
        record["notices"] = list(notice.digest.notices)
        record["over"] = [{**_item(row.item), "ended_at": rfc3339(row.ended_at)} for row in notice.digest.over]
        record["checkpoint"] = notice.digest.checkpoint
    return record


def _item(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(item)
    plain["polls"] = plain.pop("looks")
    return {"state": state_of(item), **plain}
