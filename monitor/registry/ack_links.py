"""Links in messages by which a pause is acknowledged: what one may still do, and why not.

A link names its notice and carries a token. The log has the token's digest alone, in the `notice.delivered` of the
message that the link stands in, so that nobody who reads the log can press it. It takes on what its notice tells of,
once, and changes nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.events import Event, notice_stream
from monitor.core.notices import Notice
from monitor.core.ports import EventQuery, Reader, Refused

LASTS = timedelta(days=7)
"""How long after its message a link may be used."""

CHANNEL = "link"
"""The channel that `via` of such an acknowledgement names."""


class UnknownLink(Refused):
    """No message holds such a link."""


class EndedLink(Refused):
    """The link was used, its time is over, or so is the pause that it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckLink:
    """A link that may be used: the notice that it stands in, the digest of its token, and the paused entries that it
    takes on. `acknowledged` is the last acknowledgement of any of them that still counts; None where nobody has one.
    """

    notice: Notice
    digest: str
    entries: tuple[Entry, ...]
    acknowledged: Event | None = None


def digest_of(token: str) -> str:
    """Return what the log keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_link(reader: Reader, notice_id: str, token: str, now: datetime) -> AckLink:
    """Return the link of a message that may be used at `now`.

    Raises:
        UnknownLink: no message of the notice holds it.
        EndedLink: it was used, it is too old, or nothing that its notice tells of is paused any more.
    """
    digest, notice = digest_of(token), reader.notice(notice_id)
    sent = next(_bearing(reader, notice_id, ev.NOTICE_DELIVERED, digest), None)
    if notice is None or sent is None:
        raise UnknownLink(
            "This link is not known here: open that of a newer message, or type `access-monitor ack ENTRY --by YOU`"
        )
    used = next(_bearing(reader, notice_id, ev.NOTICE_ACKNOWLEDGED, digest), None)
    if used is not None:
        at = f"{used.occurred_at:%Y-%m-%d %H:%M} UTC"
        raise EndedLink(
            f"This link was used at {at}: {used.data['by']} acknowledged the pause; nothing was changed now"
        )
    if now - sent.occurred_at >= LASTS:
        raise EndedLink(
            f"This link ended {LASTS.days} days after its message: type `access-monitor ack ENTRY --by YOU` instead"
        )
    entries = tuple(_still_paused(notice, reader))
    if not entries:
        raise EndedLink("The pause that this link is for is over: there is nothing to acknowledge")
    return AckLink(notice=notice, digest=digest, entries=entries, acknowledged=_acknowledged(reader, entries))


def _acknowledged(reader: Reader, entries: Sequence[Entry]) -> Event | None:
    """Return the last acknowledgement of running pauses, by whatever way; None where none of them has one."""
    pauses = {entry.key: entry.pause for entry in entries if entry.pause and entry.acknowledged == entry.pause}
    if not pauses:
        return None
    for recorded in reader.events(
        EventQuery(type=ev.NOTICE_ACKNOWLEDGED, after=min(pauses.values()), newest_first=True)
    ):
        event = recorded.event
        if any(pauses.get(key, event.position) < event.position for key in event.data["entries"]):
            return event
    return None


def _bearing(reader: Reader, notice_id: str, type: str, digest: str) -> Iterator[Event]:
    """Yield the events of a notice that bear a link: where it was sent, or where it was used."""
    for recorded in reader.events(EventQuery(stream=notice_stream(notice_id), type=type)):
        data = recorded.event.data
        kept = data.get("link") or data.get("via", {}).get("link") or ""
        if hmac.compare_digest(kept, digest):
            yield recorded.event


def _still_paused(notice: Notice, reader: Reader) -> Iterator[Entry]:
    """Yield the entries whose pause a notice tells of and that are still in this very pause."""
    entries = reader.entries()
    for key, position in {item.entry: item.position for item in notice.items}.items():
        entry = entries.get(key)
        if entry is not None and entry.status is Status.PAUSED and entry.pause and entry.pause <= position:
            yield entry
