"""How every page is framed and headed: one policy, one style, one set of templates.

Text of providers is untrusted everywhere: it is escaped, and no page allows inline script or style.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeAlias
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from monitor.core.events import rfc3339
from monitor.core.moments import utc
from monitor.web.access import NOBODY, AccessRefusal, FormKeys, visitor_of

Values: TypeAlias = dict[str, Any]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # With `no-referrer` a browser would send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
STATIC = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8"}

_EMPTY: Values = {
    "title": "access-monitor",
    "current": "",
    "of_now": True,
    "live": False,
    "at_text": "",
    "at_query": "",
    "at_asked": False,
    "then": None,
    "now": None,
    "head": "unknown",
    "here": "/",
    "visitor": NOBODY,
    "csrf": "",
}
"""What a page stands in where nothing was read."""


@cache
def static(name: str) -> bytes:
    """Return a file that pages load."""
    return (files("monitor.web.pages") / "static" / name).read_bytes()


@cache
def environment() -> Environment:
    """Return the templates; made when the first page is drawn."""
    templates = Environment(
        loader=PackageLoader("monitor.web.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.filters |= {"utc": _utc, "minute": _minute, "iso": _iso, "pretty": _pretty, "ticks": _ticks}
    stamp = sha256(b"".join(map(static, STATIC))).hexdigest()[:12]  # changes with the files, so that they may be kept
    templates.globals |= {"stamp": stamp, "when": when}
    return templates


def drawn(template: str, values: Values, request: Request | None = None, keys: FormKeys | None = None) -> str:
    """Return a page: a template with its values, in its frame; with a request it shows who is signed in."""
    visitor = NOBODY if request is None else visitor_of(request.scope)
    here = "/" if request is None else request.url.path
    csrf = "" if keys is None else keys.of(visitor)
    frame = {**_EMPTY, "here": here, "visitor": visitor, "csrf": csrf}
    return environment().get_template(template).render(frame | values)


def as_page(content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that a page is."""
    all_headers = {**HEADERS, "Content-Type": "text/html; charset=utf-8", **(headers or {})}
    return Response(content.encode(errors="replace"), status, all_headers)


def refused_page(request: Request, refusal: AccessRefusal) -> Response:
    """Answer a person who may not: whoever is not signed in is led to where they can."""
    if refusal.status == 401 and request.method in ("GET", "HEAD"):
        after = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Response(status_code=303, headers={**HEADERS, "Location": f"/signin?{urlencode({'next': after})}"})
    title = "Sign in first" if refusal.status == 401 else "You may not do this"
    return as_page(drawn("problem.html", {"title": title, "detail": refusal.sentence}, request), refusal.status)


@lru_cache(maxsize=4096)
def when(at: datetime | str | None, exact: bool = False) -> Markup:
    """Return a time as an element that says it to the minute, or to the second; nothing for none.

    A table of the registry has two in a row: a macro for it would be a fifth of the page.
    """
    if not at:
        return Markup("")
    shown = _utc(at) if exact else _minute(at)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(_iso(at), _utc(at), shown)


def _utc(at: datetime | str) -> str:
    if not isinstance(at, str):
        return utc(at)
    # Documents have their times as `rfc3339` writes them, in UTC; to read each would be a fifth of a long page.
    return f"{at[:10]} {at[11:19]}Z" if at.endswith("Z") else utc(datetime.fromisoformat(at))


def _minute(at: datetime | str) -> str:
    return f"{_utc(at)[:16]}Z"


def _iso(at: datetime | str) -> str:
    return at if isinstance(at, str) else rfc3339(at)


def _ticks(sentence: str) -> Markup:
    """Return a sentence with the commands that stand in it between backquotes shown as commands."""
    parts = [escape(part) for part in sentence.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _pretty(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
