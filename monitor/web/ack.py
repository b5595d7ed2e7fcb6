"""The page behind the link in a message: who presses its button has the pause in hand.

A GET shows the page and changes nothing, since mail scanners open every link. The token in the path is all that lets
somebody in, so the page asks for no other; it can do nothing but this.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.ports import Clock, MonitorError
from monitor.core.redaction import redact
from monitor.notify.ack_url import PATH
from monitor.notify.phrases import plain, spoken_time
from monitor.registry.ack_links import AckLink, EndedLink, UnknownLink

__all__ = ["PATH", "AckPage", "page"]

NAME_LENGTH = 80
NOTE_LENGTH = 300
PATIENCE = 10.0
"""Seconds to wait for the database."""

A_MINUTE = 60
"""How many requests a minute one address may send."""

_MINUTE = timedelta(minutes=1)
_ADDRESSES = 1024
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    # With `no-referrer` a browser would send the form with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
_STYLE = "style.css"
_FIELDS = 8

T = TypeVar("T")


class Press(Protocol):
    """Acknowledges by a link; see `Attendant.acknowledge_by_link`."""

    def __call__(self, notice: str, token: str, *, by: str, via: Mapping[str, str], note: str) -> Event: ...


@dataclass(slots=True, kw_only=True)
class AckPage:
    """The page of all links. `find` and `press` read and write the store and may block; `clock` counts for the limit.

    `public_url` is where people reach it, and empty where links are not served; `user_header` is the header in which a
    proxy names who is signed in. Both change with a reload.
    """

    find: Callable[[str, str], AckLink]
    press: Press
    clock: Clock
    public_url: str = ""
    user_header: str = ""
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
        return await _answered(lambda: _asking(self.find(notice, token), self._signed_in(request.headers)))

    async def take(self, request: Request, content: bytes) -> Response:
        """Acknowledge what a link is for, under the name that the proxy gives or that was typed."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        notice, token = request.path_params["notice"], request.path_params["token"]
        form = _form(content)
        signed_in = self._signed_in(request.headers)
        by = signed_in or _typed(form.get("by", ""), NAME_LENGTH)
        note = _typed(form.get("note", ""), NOTE_LENGTH)

        def press() -> Response:
            if not by:
                return _asking(self.find(notice, token), "", missing=True)
            via = {"header": self.user_header} if signed_in else {}
            return _done(self.press(notice, token, by=by, via=via, note=note))

        return await _answered(press)

    def style(self) -> Response:
        """Return the page's own style sheet."""
        content = (files("monitor.web") / "ack.css").read_bytes()
        headers = {"Content-Type": "text/css", "Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(content, headers=headers)

    def _signed_in(self, headers: Headers) -> str:
        """Return the name that a proxy gives; empty where none is configured, or it gives none."""
        return _typed(headers.get(self.user_header, ""), NAME_LENGTH) if self.user_header else ""

    def _refusal(self, request: Request) -> Response | None:
        if not self.public_url:
            return page(404, "Links are not served here: set web.public_url.")
        address = request.client.host if request.client is not None else ""
        if not self.limit.admit(address, self.clock()):
            return page(429, "Too many requests: wait a minute, then open the link again.", {"Retry-After": "60"})
        return None


class RateLimit:
    """Admits so many requests a minute from each address; the addresses that asked least lately are forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def admit(self, address: str, now: datetime) -> bool:
        """Count a request and return whether it is admitted."""
        began, count = self._windows.pop(address, (now, 0))
        if not timedelta(0) <= now - began < _MINUTE:
            began, count = now, 0
        self._windows[address] = (began, count + 1)
        if len(self._windows) > _ADDRESSES:
            self._windows.popitem(last=False)
        return count < self._most


def page(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page that says one thing."""
    return _page(status, "access-monitor", f"<p>{escape(sentence)}</p>", headers)


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


def _form(content: bytes) -> Mapping[str, str]:
    """Return the first value of each field of a form; nothing of one that no page of ours sends."""
    try:
        fields = parse_qs(content.decode("utf-8", "replace"), max_num_fields=_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _typed(text: str, limit: int) -> str:
    """Return what a person typed as the log keeps it: one line, without keys."""
    return plain(redact(text), limit)


def _asking(link: AckLink, signed_in: str, *, missing: bool = False) -> Response:
    """Return the page that asks whether somebody has the pauses in hand."""
    paused = "\n".join(
        f"<li><b>{escape(plain(entry.spec.name or entry.key))}</b> ({escape(plain(_place(entry.spec)))}) "
        f"is paused since {escape(spoken_time(entry.since, None))}: "
        f"{escape(plain(entry.reason))}</li>"
        for entry in link.entries
    )
    name = (
        f"<p>You are <b>{escape(signed_in)}</b>.</p>"
        if signed_in
        else f'<label>Your name <input name="by" required maxlength="{NAME_LENGTH}" autocomplete="name"></label>'
    )
    again = '<p class="missing">Type your name: the log keeps who has it.</p>' if missing else ""
    content = (
        f"<ul>{paused}</ul>\n{_in_hand(link.acknowledged)}{again}"
        f'<form method="post">{name}\n'
        f'<label>Note, if any <input name="note" maxlength="{NOTE_LENGTH}"></label>\n'
        "<button>I have it</button></form>\n"
        "<p>This stops repeated messages. It resumes nothing and allows nothing.</p>"
    )
    return _page(400 if missing else 200, "Do you have it?", content)


def _place(spec: EntrySpec) -> str:
    return f"{spec.model_id} on {spec.surface}" if spec.model_id else spec.surface


def _in_hand(acknowledged: Event | None) -> str:
    """Return who has the pauses already: two people who are woken by one message see of each other."""
    if acknowledged is None:
        return ""
    data, since = acknowledged.data, spoken_time(acknowledged.occurred_at, None)
    note = f": {data['note']}" if data.get("note") else ""
    has_it = escape(plain(f"{data['by']} has it since {since}{note}"))
    return f"<p><b>{has_it}</b></p>\n<p>Press the button only if you take it over.</p>\n"


def _done(event: Event) -> Response:
    entries = [plain(key) for key in event.data["entries"]]
    commands = "\n".join(escape(f"access-monitor status {key}") for key in entries)
    sentence = f"{plain(event.data['by'])} has it: {', '.join(entries)}."
    content = f"<p>{escape(sentence)} It stays paused until a named person resumes it.</p>\n<pre>{commands}</pre>"
    return _page(200, "Acknowledged", content)


def _page(status: int, title: str, content: str, headers: Mapping[str, str] | None = None) -> Response:
    # The page stands two steps below the style sheet, wherever a proxy puts them.
    document = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="../{_STYLE}"></head>\n'
        f"<body><main><h1>{escape(title)}</h1>\n{content}\n</main></body></html>\n"
    )
    return Response(document, status, {**_HEADERS, **(headers or {})})
