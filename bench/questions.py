"""The twelve questions of auditors over a log of 1,000,000 events, against the plain SQL that answers each; pages of
the log by depth; and the memory of a server that 200 readers of new events are connected to.

    python bench/questions.py [EVENTS]

The log has 200 entries with their models, and as many denials, daily verifications, prices, deliveries and outages as a
year may bring. What an answer holds is decoded, named and typed; the plain SQL hands out rows, and unpacks what is
compressed. Both read the same file, in turns, and begin with a warm cache. What the plain SQL finds by an index in less
than `SHORTEST` counts as that: the start of an answer in Python, which does not grow with the log, is longer.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from _common import Row, child, interleaved, memory, milliseconds, report

from monitor.audit import acts, gate_history, outages, pauses, provenance, queries, registry_diff, sent_notices
from monitor.audit.concerning import of_entry, passing
from monitor.core import events as ev
from monitor.core import zstd
from monitor.core.configuration import Configuration, Owner, Surface
from monitor.core.entry_spec import EntrySpec, dump
from monitor.core.events import Event
from monitor.core.facts import SourceState, Subject
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import EventQuery, Reader, SentMessage
from monitor.core.records import time_text
from monitor.gate.decision import GateQuestion
from monitor.gate.lease_file import lease_bytes, lease_document
from monitor.gate.state import standings
from monitor.registry import transitions
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store, upgrade

EVENTS = 1_000_000
ENTRIES = 200
BATCH = 1_000
LIMIT = 2.0
SHORTEST = 0.01
"""Seconds below which plain SQL is not told apart."""

DEPTH_LIMIT = 1.3
PAGE = 100
CLIENTS = 200
CLIENT_LIMIT = 200.0
ROUNDS = 5
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
VIA = {"user": "ada", "host": "ops-1", "channel": "cli"}
MONEY = {"provider": "openai", "tier": "standard", "context": "short", "modality": "text", "meter": "input"}
PRICE = {**MONEY, "unit": "1M tokens", "currency": "USD", "trust": "official"}


def configuration() -> Configuration:
    entries = {key: entry(key) for key in map("e{:03}".format, range(ENTRIES))}
    page = source_spec(
        key="page", kind="pricing_page", every=timedelta(minutes=30), provider="openai", url="https://p.example/"
    )
    models = source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai")
    surface = Surface(key="openai", base_url="https://api.example/v1", provider="openai")
    return Configuration(
        surfaces={"openai": surface},
        sources={"page": page, "list": models},
        owners={"platform": Owner(key="platform", destinations=("env:ONE",))},
        entries=entries,
        version="1",
        code="bench",
    )


def entry(key: str) -> EntrySpec:
    return EntrySpec(key=key, name=key, surfaces={"openai": f"model-{key}"}, owners=("platform",), provider="openai")


def begin(store: SqlStore, conf: Configuration) -> None:
    """Write the baselines, a configuration, and entries that are active."""
    with store.write() as tx:
        facts = {Subject("openai", f"model-{key}"): {"price.standard.short.input": "1"} for key in conf.entries}
        listed = {Subject("openai", f"model-{key}"): {"listed": True} for key in conf.entries}
        ledger = ev.Ledger(tx.head())
        document = {"source": [{"key": "page"}, {"key": "list"}]}
        loaded = {"version": "1", "code": "bench", "changed": [], "document": document}
        ledger.add(ev.CONFIG_CHANGED, ev.CONFIG_STREAM, ev.CONFIG_STREAM, at=BEGIN, data=loaded)
        for key, content in (("page", facts), ("list", listed)):
            data = {"subjects": len(content), "baseline": tx.put_facts(content), "extractor": "bench/1"}
            stream = ev.source_stream(key)
            ledger.add(ev.BASELINE_RECORDED, stream, key, at=BEGIN, source=key, data=data)
            tx.put_source(SourceState(key=key, baseline=data["baseline"], good_at=BEGIN, looked_at=BEGIN))
        for key, spec in conf.entries.items():
            _activated(ledger, key, spec)
        recorded = tx.append(ledger.events, BEGIN)
        for made in transitions.replay(each.event for each in recorded).values():
            tx.put_entry(made)
        gate = GateQuestion(rules=conf.gate, now=BEGIN)
        tx.keep_lease("production", lease_bytes(lease_document(standings(tx, conf, BEGIN), gate, tx.log_head())), BEGIN)


def _activated(ledger: ev.Ledger, key: str, spec: EntrySpec) -> None:
    stream = ev.entry_stream(key)
    declared = {"declaration": dump(spec), "versions": {"code": "bench", "configuration": "1"}, "surface": "openai"}
    ledger.add(ev.ENTRY_DECLARED, stream, key, at=BEGIN, data=declared)
    ledger.add(ev.ENTRY_VISIBLE, stream, key, at=BEGIN, data={"model_id": f"model-{key}", "surface": "openai"})
    ledger.add(ev.ENTRY_ACTIVATED, stream, key, at=BEGIN, actor="Ada L.", data=_accepted(key))


def _accepted(key: str) -> dict[str, Any]:
    pins = [{"scope": "openai", "name": f"model-{key}", "field": "price.standard.short.input", "value": "1"}]
    act = {"by": "Ada L.", "reason": "evals passed", "via": VIA, "surface": "openai", "expect": 1}
    return {**act, "pins": pins, "unpinned": [], "callers": []}


def one(number: int, position: int, at: datetime) -> Event:
    """Return the event of a number: most are what repeats, one in a hundred is an act or a pause."""
    key = f"e{number * 7919 % ENTRIES:03}"
    kind, stream = number % 100, ev.entry_stream(key)
    more: dict[str, Any] = {"position": position, "occurred_at": at}
    if kind < 40:
        data = {"environment": "production", "caller": f"caller-{number % 50}", "count": 3, "status": "active"}
        day = {"reason": "prices expired", "surface": "openai", "day": at.date().isoformat()}
        return Event(type=ev.GATE_DENIED, stream="gate/production", subject=key, data={**data, **day}, **more)
    if kind < 60:
        data = {"check": ("pricing", "model_id", "visibility")[number % 3], "by": "system", "url": "", "until": None}
        return Event(type=ev.CHECK_VERIFIED, stream=stream, subject=key, source="page", data=data, **more)
    if kind < 85:
        data = {**PRICE, "old": "1", "new": "2"}
        return Event(type=ev.PRICE_REPORTED, stream="source/feed", subject=f"other-{number % 5000}", data=data, **more)
    if kind < 95:
        data = {"destination": "slack://x", "owner": "platform", "reference": "platform#1", "attempts": 1}
        notice = f"{number}.platform"
        return Event(type=ev.NOTICE_DELIVERED, stream=ev.notice_stream(notice), subject=notice, data=data, **more)
    if kind < 99:
        failed = bool(number % 2)
        data = {"reason": "server_error", "detail": "HTTP 500"} if failed else {"reason": "server_error", "since": None}
        type = ev.SOURCE_FAILED if failed else ev.SOURCE_RECOVERED
        cause = None if failed else position - 1
        return Event(type=type, stream="source/list", subject="list", source="list", cause=cause, data=data, **more)
    data = {"check": "rate_limits", "by": "Bo K.", "url": "https://ci.example/1", "until": None, "via": VIA}
    return Event(type=ev.CHECK_ATTESTED, stream=stream, subject=key, actor="Bo K.", data=data, **more)


def fill(store: SqlStore, count: int) -> None:
    """Append until the log has so many events; now and then an entry is paused and resumed, and a notice goes out."""
    number = 0
    while True:
        with store.write() as tx:
            head, events = tx.head(), []
            if head >= count:
                return
            at = BEGIN + timedelta(seconds=30 * head)
            for position in range(head + 1, min(head + BATCH, count) - 1):
                number += 1
                events.append(one(number, position, at))
            last = events[-1].position
            key = f"e{number % ENTRIES:03}"
            shift = {"causes": [last], "shifts": [], "reason": "input: 1 → 2", "pin": "p", "old": "1", "new": "2"}
            paused = {"type": ev.ENTRY_PAUSED, "stream": ev.entry_stream(key), "subject": key, "occurred_at": at}
            events.append(Event(position=last + 1, data={**shift, "surface": "openai"}, **paused))
            resumed = {**paused, "type": ev.ENTRY_RESUMED, "actor": "Ada L."}
            events.append(Event(position=last + 2, data=_accepted(key), **resumed))
            tx.append(events, at)
            item = Item(reason=Reason.PAUSED, subject=key, entry=key, position=last, since=at)
            notice = Notice(id=f"n{last}.platform", owner="platform", at=at, items=(item,))
            tx.enqueue(notice, ["platform#1"], at)
            sent = {"owner": "platform", "destination": "platform#1", "label": "slack://x", "incidents": ()}
            tx.keep_sent(SentMessage(id=0, notice=notice.id, at=at, form="text", title="PAUSED", body="…", **sent))


def questions(conf: Configuration, count: int) -> Iterator[tuple[str, Callable[[Reader], Any], str]]:
    """Yield each question, how it is answered, and the SQL that answers it."""
    middle = BEGIN + timedelta(seconds=15 * count)
    later = middle + timedelta(days=1)
    at, until = time_text(middle), time_text(later)
    subject = (Subject("openai", "model-e007"),)
    status = (
        "SELECT stream, type, max(position) FROM events WHERE type IN ('entry.declared', 'entry.visible', "
        "'entry.activated', 'entry.paused', 'entry.resumed') AND recorded_at <= '{}' GROUP BY stream"
    )
    checks = (
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY stream, json_extract(data, '$.check') "
        "ORDER BY position DESC) AS nth FROM events WHERE type IN ('check.verified', 'check.attested', 'check.stale', "
        "'check.failed') AND recorded_at <= '{}') WHERE nth = 1"
    )
    yield (
        "a price then",
        lambda reader: queries.prices(reader, conf, subject, at=middle),
        (
            "SELECT * FROM events WHERE subject = 'model-e007' AND type GLOB 'price.*' AND recorded_at <= "
            f"'{at}'; SELECT content FROM blobs WHERE kind = 'facts'; "
            f"SELECT * FROM events WHERE type = 'check.verified' AND source = 'page' AND recorded_at <= '{at}' "
            "ORDER BY position DESC LIMIT 1"
        ),
    )
    yield (
        "who approved",
        lambda reader: acts.approvals(reader, "e007"),
        (
            "SELECT * FROM events WHERE stream = 'entry/e007' AND type IN ('entry.activated', 'entry.resumed', "
            "'entry.approval_requested') ORDER BY position"
        ),
    )
    yield (
        "what was answered",
        lambda reader: gate_history.past_answer(reader, "e007", middle),
        (
            "SELECT document, content FROM lease_documents JOIN blobs ON hash = document WHERE "
            f"environment = 'production' AND at <= '{at}' ORDER BY id DESC LIMIT 1; "
            "SELECT * FROM events WHERE type = 'daemon.started' "
            f"AND recorded_at >= '{at}' LIMIT 1"
        ),
    )
    yield (
        "who was notified",
        lambda reader: sent_notices.sent_notices(reader, entry="e007"),
        (
            "SELECT notices.*, sent_messages.*, deliveries.* FROM notices JOIN sent_messages ON sent_messages.notice = "
            "notices.id JOIN deliveries ON deliveries.notice = notices.id WHERE "
            "EXISTS (SELECT 1 FROM json_each(notices.content, '$.items') WHERE json_extract(value, '$.entry') = 'e007')"
        ),
    )
    yield (
        "what changed",
        lambda reader: registry_diff.registry_diff(reader, middle, later),
        "; ".join(sql.format(end) for end in (at, until) for sql in (status, checks)),
    )
    yield (
        "acts of a person",
        lambda reader: acts.acts(reader, by="Bo K.", since=middle, until=later),
        (f"SELECT * FROM events WHERE actor = 'Bo K.' AND recorded_at BETWEEN '{at}' AND '{until}' ORDER BY position"),
    )
    concerned = EventQuery(since=middle, until=later)
    yield (
        "all about an entry",
        lambda reader: list(passing(reader, concerned, of_entry(reader, "e007"), None)),
        (
            "SELECT * FROM events WHERE (stream = 'entry/e007' OR subject IN ('e007', 'model-e007') OR (stream GLOB "
            "'notice/*' AND instr(coalesce(json_extract(data, '$.entries'), (SELECT content FROM notices WHERE "
            f"id = events.subject)), 'e007') > 0)) AND recorded_at BETWEEN '{at}' AND '{until}' ORDER BY position"
        ),
    )
    yield "pauses", lambda reader: pauses.pauses(reader), "SELECT * FROM pauses"
    yield (
        "attestations",
        lambda reader: acts.attestations(reader, entry="e007"),
        (
            "SELECT * FROM events WHERE type IN ('check.attested', 'evals.recorded') AND subject = 'e007'; "
            + checks.format("9")
        ),
    )
    yield (
        "what was not seen",
        lambda reader: outages.outages(reader, later, since=middle, until=later),
        (f"SELECT * FROM source_health WHERE began_at <= '{until}' AND (ended_at IS NULL OR ended_at >= '{at}')"),
    )
    yield (
        "what decided",
        lambda reader: provenance.provenance(reader, count // 2),
        (
            f"SELECT * FROM events WHERE position = {count // 2}; SELECT * FROM events WHERE type = 'config.changed' "
            f"AND position <= {count // 2} ORDER BY position DESC LIMIT 1"
        ),
    )
    yield (
        "denials",
        lambda reader: gate_history.denials(reader, entry="e007", since=middle, until=later),
        (
            f"SELECT * FROM events WHERE type = 'gate.denied' AND recorded_at BETWEEN '{at}' AND '{until}' "
            "AND subject = 'e007' ORDER BY position"
        ),
    )


def asked(store: SqlStore, path: Path, conf: Configuration, count: int) -> Iterator[Row]:
    bare = sqlite3.connect(path)
    for name, answer, sql in questions(conf, count):

        def ours(answer: Callable[[Reader], Any] = answer) -> None:
            with store.read() as reader:
                answer(reader)

        def plain(sql: str = sql) -> None:
            for statement in sql.split("; "):
                for row in bare.execute(statement).fetchall():
                    if isinstance(row[-1], bytes):
                        json.loads(zstd.decompress(row[-1]))

        ours()
        plain()
        mine, theirs = interleaved(ours, plain, ROUNDS)
        yield Row(
            what=f"{name}, {count:,} events",
            ours=milliseconds(mine),
            bare=milliseconds(theirs),
            figure=mine / max(theirs, SHORTEST),
            limit=LIMIT,
        )
    bare.close()


def by_depth(store: SqlStore, count: int) -> Row:
    """Measure the page of the log at its beginning and a thousand pages further on."""

    def page(after: int) -> None:
        with store.read() as reader:
            assert len(list(reader.events(EventQuery(after=after, limit=PAGE)))) == PAGE

    depth = min(1000 * PAGE, count - PAGE)
    deep, first = interleaved(lambda: page(depth), lambda: page(0), 50)
    what = f"page {depth // PAGE:,} of the log against page 1"
    return Row(what=what, ours=milliseconds(deep), bare=milliseconds(first), figure=deep / first, limit=DEPTH_LIMIT)


def streams() -> float:
    """Return what a reader of new events costs in memory, both ends, in KiB; run in a child of its own."""
    from starlette.applications import Starlette
    from uvicorn import Config, Server

    from monitor.web.access import ANYBODY, Visitor, admit
    from monitor.web.api.service import Api

    folder = tempfile.TemporaryDirectory()
    conf, path = configuration(), Path(folder.name) / "monitor.db"
    upgrade(f"sqlite:///{path}")
    store = open_store(str(path), durable=False)
    begin(store, conf)
    api = Api(store=store, configuration=lambda: conf, clock=lambda: BEGIN)
    inner = Starlette(routes=api.routes())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        admit(scope, Visitor(scopes=ANYBODY))
        await inner(scope, receive, send)

    server = Server(Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/events"
    headers = {"Accept": "text/event-stream"}
    opened: list[Any] = []
    with httpx2.Client(trust_env=False, limits=httpx2.Limits(max_connections=CLIENTS + 1), timeout=60) as http:
        _open(http, url, headers, opened)
        before, with_one = memory(), len(opened)
        for _ in range(CLIENTS - 1):
            _open(http, url, headers, opened)
        per_client = (memory() - before) / (len(opened) - with_one) * 1024
        for context in opened:
            context.__exit__(None, None, None)
    server.should_exit = True
    thread.join()
    store.close()
    folder.cleanup()
    return per_client


def _open(http: httpx2.Client, url: str, headers: dict[str, str], opened: list[Any]) -> None:
    context = http.stream("GET", url, headers=headers)
    response = context.__enter__()
    opened.append(context)
    assert next(response.iter_lines()) == "retry: 1000"


def row_of_streams() -> Row:
    per_client = child(__file__)
    assert isinstance(per_client, float)
    what = f"memory of a stream of events, both ends, {CLIENTS} clients"
    return Row(what=what, ours=f"{per_client:.0f} KiB", bare="–", figure=per_client, limit=CLIENT_LIMIT, unit="KiB")


def main() -> int:
    if sys.argv[1:] == ["--child"]:
        print(json.dumps(streams()))
        return 0
    count = int(sys.argv[1]) if sys.argv[1:] else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        path, conf = Path(folder) / "monitor.db", configuration()
        upgrade(f"sqlite:///{path}")
        store = open_store(str(path), durable=False)
        begin(store, conf)
        fill(store, count)
        rows = [*asked(store, path, conf, count), by_depth(store, count), row_of_streams()]
        store.close()
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
