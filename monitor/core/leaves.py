"""What stands in the tree over the log, and the exact bytes that each leaf is the hash of.

A leaf is an event, or the hash of what is kept beside the log and must not change: a notice as it was composed, a
message as it went out, a lease document, the description of a piece of evidence, a key that signs, the identity of the
log. The bytes are canonical JSON (RFC 8785); those of an event are its line of `events --format jsonl`, so whoever has
an export can compute them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import rfc8785

from monitor.core.content import name_of
from monitor.core.events import Recorded, record

if TYPE_CHECKING:
    from monitor.core.ports import SentMessage

LARGEST = 2**16 - 1
"""Bytes that a leaf may have: a bundle of entries prefixes each with its length in two bytes."""


_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode
_NUMBER_OR_ORDER = re.compile(r'(?:":|[\[,])-?[0-9]+(?:[.eE]|(?<=[0-9]{16}))|[\ue000-\U0010ffff]')
"""A number that RFC 8785 may write in another way, and letters that it sorts by their halves."""


class LeafKind(StrEnum):
    """What a leaf is of."""

    LOG = "log"
    KEY = "key"
    EVENT = "event"
    EVIDENCE = "evidence"
    NOTICE = "notice"
    MESSAGE = "message"
    LEASE = "lease"


class Leaf(NamedTuple):
    """A leaf as it is kept.

    Attributes:
        number: its index in the tree, from 0.
        position: that of the event; of anything else the last position before it.
        reference: what it is of, by the name that its kind has: a message's number, a notice's id, a hash. Empty for an
            event.
        hash: what stands in the tree.
    """

    number: int
    kind: LeafKind
    position: int
    reference: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A lease document whose answers were new when it was written; `document` is the hash of its bytes."""

    id: int
    environment: str
    at: datetime
    document: str


@dataclass(frozen=True, slots=True)
class KeptLease:
    """A lease document with its record."""

    record: LeaseRecord
    content: bytes


class StoredEvent(NamedTuple):
    """An event as its row says it, for whoever checks the row: `content` are the bytes that its leaf should be the hash
    of, `baseline` the hash of the facts that it names, empty where it names none.
    """

    position: int
    stream: str
    version: int
    recorded_at: str
    cause: int | None
    evidence: str
    baseline: str
    content: bytes


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A signed note about the tree of the first `size` leaves."""

    size: int
    at: datetime
    note: str


def canonical(value: object) -> bytes:
    """Write RFC 8785. A whole number that a double cannot hold stands as the text of its digits.

    Raises:
        ValueError: there is a character in it that UTF-8 has not.
    """
    if isinstance(value, dict):
        # The library's own writer is many times faster, and writes the same but for some numbers and rare letters.
        with suppress(TypeError, ValueError):
            text = _write(value)
            if _NUMBER_OR_ORDER.search(text) is None:
                return text.encode()
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.IntegerDomainError:
        return rfc8785.dumps(_in_range(value))


def event_content(recorded: Recorded) -> bytes:
    """Return the bytes of an event's leaf; the data of one that is too large are named by their hash."""
    written: dict[str, Any] = record(recorded)
    content = canonical(written)
    if len(content) > LARGEST:
        content = canonical({**written, "data": {"sha256": name_of(canonical(written["data"]))}})
    return content


def log_content(log: str, epoch: int) -> bytes:
    """Return the bytes of the leaf that says which log this is, and how often it was set back."""
    return canonical({"leaf": LeafKind.LOG, "log": log, "epoch": epoch})


def key_content(key: str) -> bytes:
    """Return the bytes of the leaf of a key that signs from here on; it is written as verifiers take it."""
    return canonical({"leaf": LeafKind.KEY, "key": key})


def message_content(message: SentMessage) -> bytes:
    """Return the bytes of the leaf of a message as it went out: whom it went to, and the hash of everything in it."""
    return canonical(
        {
            "leaf": LeafKind.MESSAGE,
            "id": message.id,
            "notice": message.notice,
            "destination": message.destination,
            "sha256": name_of(canonical({**_plain(message), "at": _time(message.at)})),
        }
    )


def notice_content(id: str, owner: str, at: str, content: str) -> bytes:
    """Return the bytes of the leaf of a notice as it was composed; `content` is its stored JSON."""
    return canonical({"leaf": LeafKind.NOTICE, "id": id, "owner": owner, "at": at, "sha256": name_of(content.encode())})


def lease_content(lease: LeaseRecord) -> bytes:
    """Return the bytes of the leaf of a lease document."""
    return canonical({"leaf": LeafKind.LEASE, **asdict(lease), "at": _time(lease.at)})


def evidence_content(row: Mapping[str, Any]) -> bytes:
    """Return the bytes of the leaf that describes evidence: where it came from and what it was before it was redacted.

    Its own bytes need none: the hash that names them stands in events.
    """
    names = ("hash", "size", "sha256", "content_type", "url", "source", "created_at")
    return canonical({"leaf": LeafKind.EVIDENCE, **{name: row[name] for name in names}})


def _plain(message: SentMessage) -> dict[str, Any]:
    """Return the fields of a message, of which none is more than texts; `asdict` copies each, which takes long."""
    return {field.name: getattr(message, field.name) for field in fields(message)}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _in_range(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _in_range(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_in_range(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value
