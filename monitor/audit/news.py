"""What happened lately that somebody follows, as feeds have it: Atom (RFC 4287) and JSON Feed 1.1. Reading only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from monitor.audit.concerning import of_entry
from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.event_types import EVENT_TYPES, in_words
from monitor.core.events import Recorded, rfc3339
from monitor.core.ports import EventQuery, Reader

ITEMS = 50
"""How many events a feed holds."""

_ROUTINE = frozenset(
    {
        ev.BASELINE_RECORDED,
        ev.CHECK_VERIFIED,
        ev.NOTICE_DELIVERED,
        ev.NOTICE_DEAD,
        ev.GATE_DENIED,
        ev.GATE_FIRST_USED,
        ev.INCIDENT_CHANGED,
    }
)
"""What is no news: it repeats, or it is said elsewhere."""

NEWS = tuple(name for name in EVENT_TYPES if name not in _ROUTINE)

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold, in whichever spelling."""


def news(reader: Reader, entry: str = "") -> list[Recorded]:
    """Return what happened lately, of an entry or of everything, the newest first.

    Raises:
        Refused: there is no such entry.
    """
    if not entry:
        return list(islice(merged(reader, of_types(NEWS, EventQuery()), newest_first=True), ITEMS))
    concerned = of_entry(reader, entry)
    queries = [query for name in NEWS for query in concerned.queries(EventQuery(type=name))]
    chosen = (recorded for recorded in merged(reader, queries, newest_first=True) if concerned(recorded.event, reader))
    return list(islice(chosen, ITEMS))


def atom(log: str, title: str, events: Sequence[Recorded], *, base: str, address: str, home: str) -> str:
    """Return an Atom feed; `base` is the URL of the server, `address` that of the feed, `home` that of its page."""
    updated = events[0].recorded_at if events else datetime(1970, 1, 1, tzinfo=UTC)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>urn:access-monitor:{quote(log)}:{quote(address.removeprefix(base), safe='/')}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{rfc3339(updated)}</updated>",
        "<author><name>access-monitor</name></author>",
        f'<link rel="self" type="application/atom+xml" href={_value(address)}/>',
        f'<link rel="alternate" type="text/html" href={_value(home)}/>',
        *(_atom_entry(recorded, base) for recorded in events),
        "</feed>",
    ]
    return "\n".join(parts) + "\n"


def json_feed(title: str, events: Sequence[Recorded], *, base: str, address: str, home: str) -> dict[str, Any]:
    """Return a JSON Feed."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": home,
        "feed_url": address,
        "items": [
            {
                "id": f"urn:uuid:{recorded.id}",
                "url": _page(base, recorded),
                "title": _title(recorded),
                "content_text": in_words(recorded.event) or recorded.event.type,
                "date_published": rfc3339(recorded.recorded_at),
                "authors": [{"name": recorded.event.actor}],
                "tags": [recorded.event.type],
            }
            for recorded in events
        ],
    }


def _atom_entry(recorded: Recorded, base: str) -> str:
    event = recorded.event
    return (
        f"<entry><id>urn:uuid:{recorded.id}</id><title>{_text(_title(recorded))}</title>"
        f"<updated>{rfc3339(recorded.recorded_at)}</updated><author><name>{_text(event.actor)}</name></author>"
        f'<category term={_value(event.type)}/><link rel="alternate" href={_value(_page(base, recorded))}/>'
        f'<summary type="text">{_text(in_words(event) or event.type)}</summary></entry>'
    )


def _title(recorded: Recorded) -> str:
    kind, _, what = recorded.event.type.partition(".")
    return f"{recorded.event.subject}: {kind} {what.replace('_', ' ')}"


def _page(base: str, recorded: Recorded) -> str:
    return f"{base}/events/{recorded.event.position}"


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))


def _value(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))
