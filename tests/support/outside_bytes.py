"""Every reader of bytes that come from outside, by name, each as a function of the bytes alone.

What a reader says of them is for its own tests. Here it may refuse them in the words that it has for that, and nothing
else: an exception that nobody foresaw, or a time that grows much faster than the bytes do, is a fault, since whoever
answers a poll chooses the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

from monitor.audit.translog.checkpoints import read_checkpoint, read_proof
from monitor.audit.translog.notes import InvalidNote
from monitor.core.configuration import Surface
from monitor.core.error_meanings import classify
from monitor.core.facts import Body, Known, PollFailure, Snapshot
from monitor.core.ports import MonitorError, Source
from monitor.core.redaction import redact
from monitor.gate.client.lease import Lease, LeaseError, parse
from monitor.notify import replies
from monitor.sources import http
from monitor.sources.admin.answers import Answered, body_of
from monitor.sources.admin.parts import PARTS
from monitor.sources.attested import evals
from monitor.sources.behaviour import stream
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.extraction import Unreadable
from monitor.sources.http import HttpClient
from monitor.web import ofrep

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOWHERE = "https://saved.invalid/v1"
FEEDS = ("litellm", "openrouter", "models_dev", "llm_prices", "genai_prices", "modelpricewatch")
PAGES = ("pricing_page", "deprecations_page", "document", "model_page", "status_page")

Reader = Callable[[bytes], object]


def _source(kind: str, format: str = "", **options: str) -> Source:
    surface = Surface(key="saved", base_url=NOWHERE, provider="saved", project="proj_1")
    provider = "" if kind == "price_feed" else "saved"
    spec = source_spec(
        key="saved",
        kind=kind,
        every=timedelta(hours=1),
        surface="saved",
        provider=provider,
        url=NOWHERE,
        format=format,
        options=options,
    )
    return build(spec, SourceDeps(http=HttpClient(), surface=surface, secret=lambda _: ""))


def _extracted(source: Source, content: bytes) -> object:
    observation = source.extract(Body(content=content, sha256=sha256(content).hexdigest(), size=len(content)), NOW)
    assert isinstance(observation, Snapshot | PollFailure)
    if isinstance(observation, PollFailure):
        # A page whose reader failed is an outage in words; here it is a reader that was surprised.
        assert "the extractor failed on it" not in observation.detail, observation.detail
    return observation


def _answered(source: Source, question: str, content: bytes) -> object:
    """Read the answer to the one question of a part, wrapped into the evidence that a poll keeps of it."""
    return _extracted(source, body_of([Answered(question=question, content=content)], NOWHERE).content)


def _error(content: bytes) -> object:
    text = content.decode("utf-8", "replace")
    body: object = text
    with suppress(ValueError, RecursionError):
        body = json.loads(content)
    http.message(content, "application/json")
    return classify(404, body, model="orion-2"), classify(400, text, model="orion-2")


def _lease(content: bytes) -> object:
    with suppress(LeaseError):
        lease = Lease("production.json", parse("production.json", content), "production", NOW)
        return lease.answer("orion", "support")
    return None


def _note(content: bytes) -> object:
    text = content.decode("utf-8", "replace")
    for read in (read_checkpoint, read_proof):
        with suppress(InvalidNote):
            read(text)
    return None


def _ofrep(content: bytes) -> object:
    with suppress(ofrep.Malformed):
        return ofrep.parse(content)
    return None


def _reply(content: bytes) -> object:
    reply = replies.Reply(status=200, text=content.decode("utf-8", "replace"))
    return replies.chat(reply), replies.discord(reply), replies.webhook(reply)


def _headers(content: bytes) -> object:
    text = content.decode("latin-1")
    http.retry_after(text, NOW)
    http.conditions(Known(sha256="", etag=text, last_modified=text), NOW)
    return http.shown(text[:2_000])


def _stream(content: bytes) -> object:
    return stream.read(content.decode("utf-8", "replace").split("\n"), lambda: 0)


def _evals(content: bytes) -> object:
    with suppress(Unreadable, MonitorError):
        return evals.read(content)
    return None


def readers() -> Mapping[str, Reader]:
    """Return the readers by name."""
    return {
        **{kind: partial(_extracted, _source(kind)) for kind in ("models_list", "codex", *PAGES)},
        **{f"price_feed {name}": partial(_extracted, _source("price_feed", name)) for name in FEEDS},
        **{
            f"lifecycle_feed {name}": partial(_extracted, _source("lifecycle_feed", name))
            for name in ("endoflife", "model_eol", "modeldeprecations")
        },
        **{f"admin {part}": partial(_answered, _source("admin", part=part), part) for part in PARTS},
        "error body": _error,
        "redaction": lambda content: redact(content, ("sk-known-0123456789",)),
        "headers": _headers,
        "stream of events": _stream,
        "reply of a destination": _reply,
        "results of evals": _evals,
        "lease file": _lease,
        "checkpoint": _note,
        "question by OFREP": _ofrep,
    }
