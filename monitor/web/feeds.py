"""What others subscribe to, of everything and of each entry: Atom and JSON feeds, announced ends as a calendar, and a
badge that says what production is answered. Each has an ETag, so that who has it already gets no body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.audit.calendar import calendar
from monitor.audit.lifecycle import ends
from monitor.audit.news import atom, json_feed, news
from monitor.core.credentials import AccessScope
from monitor.core.entry import Status
from monitor.core.ports import MonitorError, Refused
from monitor.gate.state import Production
from monitor.registry.lookup import find_row, unknown_entry
from monitor.web.access import ScopedRoute
from monitor.web.api.resources import Desk
from monitor.web.api.service import Api, refusal
from monitor.web.badge import badge
from monitor.web.ofrep import tag
from monitor.web.responses import dumped, tagged

HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAddress:
    """Of which entry a feed is (empty: of all), and the URLs of the server, of the feed and of its page."""

    entry: str
    base: str
    url: str
    home: str

    @property
    def title(self) -> str:
        """What to call it."""
        return f"access-monitor: {self.entry}" if self.entry else "access-monitor"


Write: TypeAlias = Callable[[Desk, FeedAddress], bytes]


def _atom(desk: Desk, of: FeedAddress) -> bytes:
    events = news(desk.reader, of.entry)
    log = desk.reader.log_head().log
    return atom(log, of.title, events, base=of.base, address=of.url, home=of.home).encode(errors="replace")


def _json(desk: Desk, of: FeedAddress) -> bytes:
    events = news(desk.reader, of.entry)
    return dumped(json_feed(of.title, events, base=of.base, address=of.url, home=of.home))


def _calendar(desk: Desk, of: FeedAddress) -> bytes:
    known(desk, of.entry)
    try:
        dates = ends(desk.reader, desk.configuration, desk.now, of.entry)
    except Refused:
        dates = []  # an entry of which no end is announced has an empty calendar
    # Stamped with the day, so that a calendar that says the same is the same.
    return calendar(dates, desk.now.replace(hour=0, minute=0, second=0, microsecond=0)).encode()


def _badge(desk: Desk, of: FeedAddress) -> bytes:
    row = known(desk, of.entry)
    gate = Production(desk.reader, desk.configuration, desk.now)
    entry, answer = gate.entries[row], gate.answer(row)
    callers, _ = gate.spared(row)
    if entry.status is Status.ACTIVE:
        words, colour = ("allowed", "good") if answer.allowed else (f"denied, {gate.brief(row)}", "bad")
    else:
        words, colour = f"denied, {entry.status.value}", "bad" if entry.status is Status.PAUSED else "dim"
    if callers:
        words, colour = "denied, existing callers go on", "warn"
    return badge(row, words, colour).encode(errors="replace")


def known(desk: Desk, key: str) -> str:
    """Return the row of an entry; the empty key is all.

    Raises:
        Refused: there is no such entry.
    """
    entries = desk.reader.entries()
    row = find_row(entries, key)
    if key and row not in entries:
        raise unknown_entry(row, entries)
    return row


FEEDS: Mapping[str, tuple[str, Write]] = {
    "feed.atom": ("application/atom+xml; charset=utf-8", _atom),
    "feed.json": ("application/feed+json", _json),
    "calendar.ics": ("text/calendar; charset=utf-8", _calendar),
    "badge.svg": ("image/svg+xml; charset=utf-8", _badge),
}
"""File name → its type, and what writes it; all of them below an entry, and all but the badge of everything."""


class Feeds:
    """Answers for the files, from what the API reads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        """Return their paths."""
        read = partial(ScopedRoute, needs=AccessScope.READ)
        return [
            *(read(f"/{name}", partial(self._file, name)) for name in FEEDS if name != "badge.svg"),
            *(read(f"/entries/{{key}}/{name}", partial(self._file, name)) for name in FEEDS),
        ]

    async def _file(self, name: str, request: Request) -> Response:
        type, write = FEEDS[name]
        key = request.path_params.get("key", "")
        base = str(request.base_url).rstrip("/")
        home = f"{base}/entries/{quote(key)}" if key else f"{base}/"
        address = FeedAddress(entry=key, base=base, url=f"{base}{quote(request.url.path)}", home=home)
        try:
            content = await self._api.read(lambda desk: write(desk, address))
        except MonitorError as error:
            return refusal(error)
        return tagged(request, content, tag(content), {**HEADERS, "Content-Type": type})
