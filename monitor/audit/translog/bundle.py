"""A bundle for an auditor: events, the evidence and the messages that belong to them, proofs, and what verifies them
with programs that every system has.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from monitor.audit.translog.checkpoints import Checkpoint
from monitor.audit.translog.notes import VerifierKey, verifier_key
from monitor.audit.translog.proving import prove
from monitor.core.content import PREFIX
from monitor.core.events import Recorded, record, rfc3339
from monitor.core.ports import Reader, Refused

PAGE = "index.html"
"""The page for reading, which whoever writes the bundle adds."""

_DER = bytes.fromhex("302a300506032b6570032100")
"""The fixed beginning of an Ed25519 public key in DER (RFC 8410)."""

_README = """\
# Evidence from a log

Everything here can be verified without the program that wrote it. Nothing in this folder is to be executed.

## 1. Whose signature it is

`checkpoint/key.txt` is the public key that the log signs with. Compare it with the one that you were given before, or
that the operator publishes elsewhere. A bundle cannot vouch for its own key.

## 2. The checkpoint

`checkpoint/checkpoint` says which log this is, how many leaves its tree has, and the root of the tree. Its signature is
that of the first three lines (`checkpoint/text`):

    openssl pkeyutl -verify -pubin -inkey checkpoint/key.pem -rawin -in checkpoint/text -sigfile checkpoint/signature

If you keep an older checkpoint of the same log, let any verifier of C2SP `tlog-checkpoint` compare the two by the
published tiles, or ask for a copy of the database and run `access-monitor audit verify --checkpoint FILE`.

## 3. The events

Each event of `events.jsonl` has a proof in `proofs/POSITION.tlog-proof`, in the format of c2sp.org/tlog-proof, which
any program for it verifies. By hand: the line `extra` is the event in base64, as RFC 8785 writes it. Its leaf is the
SHA-256 of a zero byte and these bytes; each further line is the hash beside the way up to the root (RFC 9162, 2.1.3.2).

## 4. The evidence

The bytes that the events name by `evidence` are in `evidence/`, each under its own hash:

    sha256sum --check SHA256SUMS

## 5. The messages

`messages.jsonl` is what was sent to whom, word for word, as the database keeps it; `notices.jsonl` what each was made
from. Their hashes stand in the same tree, which `access-monitor audit verify` on a copy of the database shows.

## What this does not show

What a provider sent before it was received, and who a person is beyond the name and account that were recorded.
"""


def positions_with_causes(reader: Reader, chosen: Iterable[Recorded]) -> list[Recorded]:
    """Return the events that were chosen and everything that they follow from, in order of position."""
    events = {recorded.event.position: recorded for recorded in chosen}
    waiting = list(events.values())
    while waiting:
        event = waiting.pop().event
        for position in {event.cause, *event.data.get("causes", ())} - {None}:
            if position not in events and (cause := reader.event(position)) is not None:
                events[position] = cause
                waiting.append(cause)
    return [events[position] for position in sorted(events)]


def bundle(reader: Reader, events: Sequence[Recorded]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a bundle, each by its path and content.

    Raises:
        Refused: an event does not fit the tree, or no checkpoint covers it yet.
    """
    checkpoint = None
    for recorded in events:
        proof = prove(reader.tree, recorded.event.position)
        checkpoint = proof.checkpoint
        yield f"proofs/{recorded.event.position}.tlog-proof", str(proof).encode()
    if checkpoint is None:
        raise Refused("No event matches, so there is nothing to export: see `access-monitor events`.")
    yield "README.md", _README.encode()
    yield "events.jsonl", _lines(record(recorded) for recorded in events)
    yield from _checkpoint(reader, checkpoint)
    yield from _evidence(reader, events)
    yield from _messages(reader, {recorded.event.subject for recorded in events if _is_notice(recorded)})


def _is_notice(recorded: Recorded) -> bool:
    return recorded.event.stream.startswith("notice/")


def _checkpoint(reader: Reader, checkpoint: Checkpoint) -> Iterator[tuple[str, bytes]]:
    yield "checkpoint/checkpoint", str(checkpoint).encode()
    yield "checkpoint/text", checkpoint.note.text.encode()
    signature = checkpoint.note.signatures[0]
    yield "checkpoint/signature", signature.signature
    for written in reader.tree.signing_keys():
        key = verifier_key(written)
        if (key.name, key.id) == (signature.name, signature.key_id):
            yield "checkpoint/key.txt", f"{key}\n".encode()
            yield "checkpoint/key.pem", _pem(key)


def _pem(key: VerifierKey) -> bytes:
    encoded = base64.b64encode(_DER + key.public)
    return b"-----BEGIN PUBLIC KEY-----\n" + encoded + b"\n-----END PUBLIC KEY-----\n"


def _evidence(reader: Reader, events: Sequence[Recorded]) -> Iterator[tuple[str, bytes]]:
    sums = []
    for hash in dict.fromkeys(recorded.event.evidence for recorded in events if recorded.event.evidence):
        body = reader.evidence(hash)
        if body is None:
            raise Refused(f"The evidence {hash} is not in the database: `access-monitor audit verify` says since when.")
        digits = hash.removeprefix(PREFIX)
        sums.append(f"{digits}  evidence/{digits}\n")
        yield f"evidence/{digits}", body.content
    yield "SHA256SUMS", "".join(sums).encode()


def _messages(reader: Reader, notices: set[str]) -> Iterator[tuple[str, bytes]]:
    messages = [message for id in sorted(notices) for message in reader.sent_messages(notice=id)]
    yield "messages.jsonl", _lines({**asdict(message), "at": rfc3339(message.at)} for message in messages)
    composed = [notice for id in sorted(notices) if (notice := reader.notice(id)) is not None]
    yield (
        "notices.jsonl",
        _lines(
            {
                "id": notice.id,
                "owner": notice.owner,
                "at": rfc3339(notice.at),
                "about": [
                    {"reason": item.reason, "subject": item.subject, "entry": item.entry, "position": item.position}
                    for item in notice.items
                ],
            }
            for notice in composed
        ),
    )


def _lines(values: Iterable[object]) -> bytes:
    return "".join(f"{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n" for value in values).encode()
