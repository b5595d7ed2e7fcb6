"""The page behind the link in a message: who presses its button has the pause in hand.

A GET shows the page and changes nothing, since mail scanners open every link. The token in the path is all that lets
somebody in, so the page asks for no other; it can do nothing but this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.ports import Clock, MonitorError
from monitor.core.redaction import redact
from monitor.notify.ack_url import PATH
from monitor.notify.phrases import plain, spoken_time
from monitor.registry.ack_links import AckLink, EndedLink, UnknownLink
from monitor.web.access import visitor_of
from monitor.web.forms import A_MINUTE, RateLimit, form_of
from monitor.web.pages.frame import HEADERS, STATIC, Values, as_page, drawn, static

__all__ = ["PATH", "AckPage", "page"]

NAME_LENGTH = 80
NOTE_LENGTH = 300
PATIENCE = 10.0
"""Seconds to wait for the database."""

_STYLE = "app.css"
_STYLESHEET = "../style.css"
"""The page stands two steps below the style sheet, wherever a proxy puts them."""

T = TypeVar("T")


class Press(Protocol):
    """Acknowledges by a link; see `Attendant.acknowledge_by_link`."""

    def __call__(self, notice: str, token: str, *, by: str, via: Mapping[str, str], note: str) -> Event: ...


@dataclass(slots=True, kw_only=True)
class AckPage:
    """The page of all links. `find` and `press` read and write the store and may block; `clock` counts for the limit.

    `public_url` is where people reach it, and empty where links are not served; `user_header` is the header in which a
    proxy names who is signed in, and `proxied` whether proxies are named, so that the door says who came by one. They
    change with a reload.
    """

    find: Callable[[str, str], AckLink]
    press: Press
    clock: Clock
    public_url: str = ""
    user_header: str = ""
    proxied: bool = False
    limit: RateLimit = field(default_factory=lambda: RateLimit(A_MINUTE))

    @property
    def origin(self) -> str:
        """Scheme and host of the public URL, as browsers write an origin; empty where there is none."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower() if self.public_url else ""

    async def show(self, request: Request) -> Response:
        """Show what a link is for, with a button; nothing is changed."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        notice, token = request.path_params["notice"], request.path_params["token"]
        signed_in, _ = self._signed_in(request)
        return await _answered(lambda: _asking(self.find(notice, token), signed_in))

    async def take(self, request: Request, content: bytes) -> Response:
        """Acknowledge what a link is for, under the name that the proxy gives or that was typed."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        notice, token = request.path_params["notice"], request.path_params["token"]
        form = form_of(content)
        signed_in, via = self._signed_in(request)
        by = signed_in or _typed(form.get("by", ""), NAME_LENGTH)
        note = _typed(form.get("note", ""), NOTE_LENGTH)

        def press() -> Response:
            if not by:
                return _asking(self.find(notice, token), "", missing=True)
            return _done(self.press(notice, token, by=by, via=via, note=note))

        return await _answered(press)

    def style(self) -> Response:
        """Return the style sheet of pages, which is open to whoever follows a link."""
        headers = {**HEADERS, "Content-Type": STATIC[_STYLE], "Cache-Control": "max-age=3600"}
        return Response(static(_STYLE), headers=headers)

    def _signed_in(self, request: Request) -> tuple[str, dict[str, str]]:
        """Return who is signed in, or whom the header of a proxy names, and by which way; empty for nobody."""
        visitor = visitor_of(request.scope)
        if visitor.browser:
            return _typed(visitor.name, NAME_LENGTH), {"identity": visitor.identity, "sign_in": visitor.sign_in}
        header = "" if self.proxied else self.user_header
        name = _typed(request.headers.get(header, ""), NAME_LENGTH) if header else ""
        return name, {"header": header} if name else {}

    def _refusal(self, request: Request) -> Response | None:
        if not self.public_url:
            return page(404, "Links are not served here: set web.public_url.")
        address = request.client.host if request.client is not None else ""
        if not self.limit.admit(address, self.clock()):
            return page(429, "Too many requests: wait a minute, then open the link again.", {"Retry-After": "60"})
        return None


def page(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page that says one thing."""
    return _page("bare.html", {"title": "access-monitor", "sentences": [sentence]}, status, headers)


async def _answered(act: Callable[[], Response]) -> Response:
    """Do what may block in a thread; whatever is wrong with a link or the store is a page with one sentence."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(act), PATIENCE)
    except UnknownLink as error:
        return page(404, f"{error}.")
    except EndedLink as error:
        return page(410, f"{error}.")
    except (MonitorError, TimeoutError):
        return page(503, "The database does not answer: open the link again in a minute to see what it says.")


def _typed(text: str, limit: int) -> str:
    """Return what a person typed as the log keeps it: one line, without keys."""
    return plain(redact(text), limit)


def _asking(link: AckLink, signed_in: str, *, missing: bool = False) -> Response:
    """Return the page that asks whether somebody has the pauses in hand."""
    paused = [
        {
            "name": plain(entry.spec.name or entry.key),
            "place": plain(_place(entry.spec)),
            "since": spoken_time(entry.since, None),
            "reason": plain(entry.reason),
        }
        for entry in link.entries
    ]
    values = {
        "title": "Do you have it?",
        "paused": paused,
        "holder": _in_hand(link.acknowledged),
        "missing": missing,
        "signed_in": signed_in,
        "name_length": NAME_LENGTH,
        "note_length": NOTE_LENGTH,
    }
    return _page("ack.html", values, 400 if missing else 200)


def _place(spec: EntrySpec) -> str:
    return f"{spec.model_id} on {spec.surface}" if spec.model_id else spec.surface


def _in_hand(acknowledged: Event | None) -> str:
    """Return who has the pauses already: two people who are woken by one message see of each other."""
    if acknowledged is None:
        return ""
    data, since = acknowledged.data, spoken_time(acknowledged.occurred_at, None)
    note = f": {data['note']}" if data.get("note") else ""
    return plain(f"{data['by']} has it since {since}{note}")


def _done(event: Event) -> Response:
    entries = [plain(key) for key in event.data["entries"]]
    values = {
        "title": "Acknowledged",
        "sentence": f"{plain(event.data['by'])} has it: {', '.join(entries)}.",
        "commands": [f"access-monitor status {key}" for key in entries],
    }
    return _page("ack_done.html", values)


def _page(template: str, values: Values, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return as_page(drawn(template, {"stylesheet": _STYLESHEET, **values}), status, headers)
