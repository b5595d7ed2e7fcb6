"""The link in a message by which its pause can be acknowledged: made for an attempt, hidden in all that is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from monitor.core.notices import PAUSING, Notice, Reason
from monitor.registry.ack_links import digest_of

PATH = "/ack/"
"""Where the page of a link is, below the public URL."""

HIDDEN = "[ack link]"
"""What stands for a link in whatever is kept."""

_TOKEN_BYTES = 32
_TELLING = PAUSING | {Reason.UNACKNOWLEDGED, Reason.FALLBACK_LOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class AckUrl:
    """A link and the digest of its token; empty where a message has none."""

    url: str = field(default="", repr=False)
    digest: str = ""

    def hidden_in(self, text: str) -> str:
        """Return a text with the link, and its token alone, hidden."""
        if not self.url:
            return text
        return text.replace(self.url, HIDDEN).replace(self.url.rpartition("/")[2], HIDDEN)


NONE = AckUrl()


def can_be_acknowledged(notice: Notice) -> bool:
    """Return whether a notice, as it is true now, tells of a running pause that nobody has in hand."""
    return any(
        item.reason in _TELLING and item.status == "paused" and item.holder is None and not item.by
        for item in notice.items
    )


def ack_url(public_url: str, notice: Notice) -> AckUrl:
    """Return a new link for a notice, below the public URL of the monitor."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    url = f"{public_url.rstrip('/')}{PATH}{quote(notice.id, safe='')}/{token}"
    return AckUrl(url=url, digest=digest_of(token))


def secrets_of(notice: Notice) -> set[str]:
    """Return what of a notice may stand in no error: half a link that was cut would not be recognised later."""
    return {notice.ack_url, notice.ack_url.rpartition("/")[2]} if notice.ack_url else set()


def with_url(notice: Notice, link: AckUrl) -> Notice:
    """Return a notice that carries a link."""
    return replace(notice, ack_url=link.url)
