"""What each page shows, gathered in one reading: values for its template, none of them HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from pydantic import Field

from monitor.audit import documents, queries
from monitor.audit.alerts import Alert, AlertKind, alerts
from monitor.audit.coverage import coverage
from monitor.audit.lifecycle import ends
from monitor.audit.node_status import node_rows
from monitor.audit.past_alerts import NOT_IN_LOG, past_alerts
from monitor.audit.pauses import Pause, pauses_of
from monitor.audit.registry_diff import registry_diff
from monitor.audit.report import report as gathered
from monitor.audit.sent_notices import find_notice, sent_notices
from monitor.audit.source_status import SourceRow, source_rows
from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.ends import end_in_words
from monitor.core.entry import CheckState, Entry, Pin, Status
from monitor.core.event_types import in_words
from monitor.core.events import Recorded
from monitor.core.facts import Subject, Value
from monitor.core.moments import Moment
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.core.price import PREFIX, STANDARD, Meter
from monitor.core.text import duration_in_words, value_in_words
from monitor.core.time import rounded
from monitor.gate.state import Production
from monitor.notify import answers
from monitor.notify.contents.pauses import money
from monitor.registry.lookup import find_row, unknown_entry
from monitor.web.api.parameters import AtTime, Nothing, OfEvents, When
from monitor.web.api.resources import Desk, known_names, page_of_log, rows_of_registry
from monitor.web.pages import drawing
from monitor.web.pages.calls import calls_of
from monitor.web.pages.drawing import DrawnBand, DrawnMark, TimeSpan

Values: TypeAlias = dict[str, Any]

KINDS = {
    Status.ACTIVE: "good",
    Status.PAUSED: "bad",
    Status.EVALUATING: "warn",
    Status.WAITING: "dim",
    Status.RETIRED: "dim",
    Status.WITHDRAWN: "dim",
}
"""Status → how it is coloured; the word stands beside it everywhere."""

_URGENT = (AlertKind.PAUSED, AlertKind.DENIED)
_SHOWN_EVENTS = 50
_MOST_CARDS = 12
"""More cards than this would push the table out of sight; it begins with the same rows."""

_STRIP = timedelta(days=7)
_LANES = ("access", "prices", "checks", "people", "told", "gate")
_LANE_OF = {"model": 0, "price": 1, "check": 2, "entry": 3, "notice": 4, "gate": 5}
_ACTS = {
    Status.WAITING: ("verify", "silence", "retire"),
    Status.EVALUATING: ("activate", "verify", "silence", "retire"),
    Status.ACTIVE: ("pause", "activate", "verify", "maintenance", "silence", "retire"),
    Status.PAUSED: ("ack", "resume", "verify", "maintenance", "silence", "retire"),
}
"""Status → the acts that a row of it may want, the likely one first."""

_PEOPLE = frozenset({ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED, ev.ENTRY_RETIRED})


class Filters(AtTime):
    """Which rows of the registry."""

    q: str = Field("", description="Only rows whose key, name or model holds this.")
    status: str = Field("", description="Only rows of this status; `denied` for what production is denied.")
    owner: str = Field("", description="Only rows of this owner.")
    surface: str = Field("", description="Only rows on this surface.")


class Zoom(AtTime):
    """How far back a timeline reaches."""

    surface: str = ""
    days: int = Field(30, ge=1, le=3650)


class Log(OfEvents, AtTime):
    """Which events, the newest first unless told."""

    newest: bool = True


class ComparedTimes(Nothing):
    """Two times, and an entry."""

    since: When = Moment(ago=timedelta(days=7))
    until: When = Moment()
    entry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSpec:
    """One page. One whose query takes no time shows what is not in the log."""

    path: str
    title: str
    template: str
    build: Callable[[Desk, Mapping[str, str], Any], Values]
    query: type[Nothing] = Nothing
    nav: str = ""
    live: bool = True


def registry(desk: Desk, path: Mapping[str, str], asked: Filters) -> Values:
    """Return the registry: what is paused or denied on top, then every row."""
    then = _then(desk, asked)
    entries = queries.entries(desk.reader, at=then)
    gate = Production(desk.reader, desk.configuration, desk.now, entries) if then is None else None
    rows = rows_of_registry(desk, entries, then, judged=(), gate=gate)
    holders = answers.holders(desk.reader, entries) if then is None else {}
    urgent = (
        []
        if then
        else [row for row in alerts(desk.reader, desk.configuration, desk.now, gate=gate) if row.kind in _URGENT]
    )
    until = then or desk.now
    moves = _input_moves(desk.reader, until)
    span = TimeSpan(until - timedelta(days=90), until)
    flat = drawing.spark([(span.start, Decimal(1))], span)  # how a price that never moved looks, whatever it is
    shown = []
    for key, row in sorted(rows.items(), key=lambda item: (not _pressing(item[1]), item[0])):
        if not _matches(row, asked):
            continue
        standard = [band for band in row["prices"] if band["tier"] == STANDARD]
        steps = moves.get(entries[key].price_subject)
        unmoved = flat if any(band["input"] for band in standard) else ""
        shown.append(
            {
                **row,
                "kind": _kind(row),
                "state": _state(row),
                "holder": holders.get(key),
                "fallback_allowed": _allowed(rows.get(row["fallback"])),
                "spark": drawing.spark(steps, span) if steps else unmoved,
                "blanks": sum(check.state is not CheckState.VERIFIED for check in entries[key].checks.values()),
                "price": standard[0] if standard else None,
            }
        )
    return {
        "urgent": [documents.of_alert(row) for row in urgent],
        "most_cards": _MOST_CARDS,
        "names": {key: row["name"] or key for key, row in rows.items()},
        "models": {key: row["model_id"] for key, row in rows.items()},
        "rows": shown,
        "filters": asked,
        "statuses": ["denied", *(status.value for status in Status)],
        "owners": sorted({owner for row in rows.values() for owner in row["owners"]}),
        "surfaces": sorted({row["surface"] for row in rows.values()}),
    }


def open_matters(desk: Desk, path: Mapping[str, str], asked: AtTime) -> Values:
    """Return everything that waits for somebody, or waited at a time; what the log does not have is of now."""
    then = _then(desk, asked)
    rows = alerts(desk.reader, desk.configuration, desk.now, everything=True)
    page: Values = {"sources": set(desk.configuration.sources), "of_now_alone": {}}
    if then is None:
        return {**page, "groups": _by_kind(rows)}
    return {
        **page,
        "groups": _by_kind(past_alerts(desk.reader, desk.configuration, then)),
        "of_now_alone": _by_kind(row for row in rows if row.kind in NOT_IN_LOG),
    }


def _by_kind(rows: Iterable[Alert]) -> dict[str, list[documents.Document]]:
    grouped: dict[str, list[documents.Document]] = {}
    for row in rows:
        grouped.setdefault(row.kind.value, []).append(documents.of_alert(row))
    return grouped


def entry(desk: Desk, path: Mapping[str, str], asked: Zoom) -> Values:
    """Return all about one row of the registry."""
    then = _then(desk, asked)
    registered_rows = queries.entries(desk.reader, at=then)
    key = find_row(registered_rows, path["key"], asked.surface)
    if key not in registered_rows:
        raise unknown_entry(key, registered_rows)
    registered, until = registered_rows[key], then or desk.now
    history = [recorded for recorded in queries.history(desk.reader, key) if recorded.recorded_at <= until]
    span = TimeSpan(max(until - timedelta(days=asked.days), history[0].recorded_at), until)
    row = rows_of_registry(desk, {key: registered}, then)[key]
    pauses, chain = pauses_of(history), queries.why(desk.reader, key, at=then)
    moves = _moves_of(desk.reader, desk.configuration, registered, until)
    page: Values = {
        "row": {**row, "kind": _kind(row), "state": _state(row)},
        "acts": _ACTS.get(registered.status, ()),
        "surfaces": sorted(
            other
            for other in registered_rows
            if registered_rows[other].spec.entry == registered.spec.entry and other != key
        ),
        "holder": answers.holders(desk.reader, registered_rows).get(key) if then is None else None,
        "chain": [_step(step.recorded, step.depth) for step in chain],
        "moved": _moved(registered),
        "money": money(registered, {pin.field: new for pin, new in _deviating(registered)}),
        "evidence": _evidence(desk.reader, [step.recorded for step in chain]),
        "timeline": _timeline(history, _around(desk.reader, registered, span), span),
        "chart": _chart(moves, pauses, span),
        "pauses": [_pause(pause) for pause in reversed(pauses)],
        "history": [_line(recorded) for recorded in reversed(history[-_SHOWN_EVENTS:])],
        "days": asked.days,
        "sources": desk.configuration.sources,
        "checks": [],
        "words": [],
        "differences": [],
        "stands_in_for": [],
    }
    if then is not None:
        return page
    report = gathered(desk.reader, desk.configuration, key, now=desk.now)
    checks = queries.complete(report.checks, desk.now)
    page |= {
        "unasked": [
            check.name
            for check in checks
            if check.check.state == "blank" and not (check.required_in or check.required_for)
        ],
        "checks": [documents.of_check(check) for check in checks],
        "words": [documents.of_price(word) for word in report.words],
        "evals": None if report.comparison is None else report.comparison.as_json(),
        "questions": report.questions,
        "ends": _ends(desk, key),
        "rests_on": [
            documents.of_coverage(watched)
            for watched in coverage(desk.reader, desk.configuration, desk.now)
            if watched.entry == key
        ],
        "stands_in_for": sorted(
            other
            for other, other_entry in registered_rows.items()
            if other_entry.spec.fallback == registered.spec.entry
        ),
        "fallback": report.fallback,
        "differences": [line.words for line in report.differences],
        "spending": report.spending,
    }
    return page


def sources(desk: Desk, path: Mapping[str, str], asked: Nothing) -> Values:
    """Return how each source stands, with its last week."""
    span = TimeSpan(desk.now - _STRIP, desk.now)
    return {
        "rows": [
            {**documents.of_source(row), **_freshness(row, desk.now), "strip": _source_strip(desk.reader, row, span)}
            for row in source_rows(desk.reader, desk.configuration, desk.now)
        ],
        "nodes": _nodes(desk),
    }


def source(desk: Desk, path: Mapping[str, str], asked: Nothing) -> Values:
    """Return all about one source."""
    row = source_rows(desk.reader, desk.configuration, desk.now, path["key"])[0]
    span = TimeSpan(desk.now - _STRIP, desk.now)
    state = desk.reader.source(row.key)
    recent = EventQuery(source=row.key, newest_first=True, limit=_SHOWN_EVENTS)
    return {
        "row": {**documents.of_source(row), **_freshness(row, desk.now)},
        "strip": _source_strip(desk.reader, row, span),
        "calls": calls_of(desk.reader, row.key, span),
        "node": next((node for node in _nodes(desk) if node["name"] == row.node), None),
        "evidence": "" if state is None else state.evidence,
        "history": [_line(recorded) for recorded in desk.reader.events(recent)],
    }


def log(desk: Desk, path: Mapping[str, str], asked: Log) -> Values:
    """Return a page of the log, the newest first unless told."""
    known_names(desk, asked)
    if (then := _then(desk, asked)) is not None:
        asked = asked.model_copy(update={"until": Moment(at=then)})
    page, following = page_of_log(desk, asked)
    return {
        "rows": [_line(recorded) for recorded in page],
        "next": following and f"/events?{following}",
        "filters": asked,
    }


def event(desk: Desk, path: Mapping[str, str], asked: Nothing) -> Values:
    """Return one event: what it says, what led to it, what it led to, and its evidence."""
    recorded = desk.reader.event(int(path["position"]))
    if recorded is None:
        raise Refused(f"there is no event {path['position']}; the last one is {desk.reader.head()}")
    causes = [*recorded.event.data.get("causes", ()), *([recorded.event.cause] if recorded.event.cause else [])]
    led_to = EventQuery(cause=recorded.event.position, limit=_SHOWN_EVENTS)
    return {
        "row": _line(recorded),
        "document": ev.record(recorded),
        "sources": desk.configuration.sources,
        "causes": [_line(cause) for position in dict.fromkeys(causes) if (cause := desk.reader.event(position))],
        "effects": [_line(effect) for effect in desk.reader.events(led_to)],
    }


def deliveries(desk: Desk, path: Mapping[str, str], asked: AtTime) -> Values:
    """Return what was sent lately, or was before a time."""
    rows = sent_notices(desk.reader, 100, until=_then(desk, asked))
    return {"rows": [documents.of_notice(row, desk.zone) for row in rows]}


def notice(desk: Desk, path: Mapping[str, str], asked: Nothing) -> Values:
    """Return one notice, word for word."""
    return {"row": documents.of_notice(find_notice(desk.reader, path["id"]), desk.zone)}


def changes(desk: Desk, path: Mapping[str, str], asked: ComparedTimes) -> Values:
    """Return what differs between two times."""
    since, until = asked.since.resolve(desk.now), asked.until.resolve(desk.now)
    rows: dict[str, list[Any]] = {}
    for row in registry_diff(desk.reader, since, until, asked.entry):
        rows.setdefault(row.entry, []).append(row)
    return {"rows": rows, "since": since, "until": until, "entry": asked.entry}


PAGES: tuple[PageSpec, ...] = (
    PageSpec(path="/", title="Registry", template="registry.html", build=registry, query=Filters, nav="Registry"),
    PageSpec(path="/open", title="Open", template="open.html", build=open_matters, query=AtTime, nav="Open"),
    PageSpec(path="/entries/{key}", title="Entry", template="entry.html", build=entry, query=Zoom),
    PageSpec(path="/sources", title="Sources", template="sources.html", build=sources, nav="Sources"),
    PageSpec(path="/sources/{key}", title="Source", template="source.html", build=source),
    PageSpec(path="/events", title="Events", template="events.html", build=log, query=Log, nav="Events"),
    PageSpec(path="/events/{position}", title="Event", template="event.html", build=event, live=False),
    PageSpec(
        path="/deliveries",
        title="Deliveries",
        template="deliveries.html",
        build=deliveries,
        query=AtTime,
        nav="Deliveries",
    ),
    PageSpec(path="/deliveries/{id}", title="Message", template="notice.html", build=notice, live=False),
    PageSpec(
        path="/changes", title="Changes", template="changes.html", build=changes, query=ComparedTimes, nav="Changes"
    ),
)


def _then(desk: Desk, asked: AtTime) -> datetime | None:
    return None if asked.at is None else asked.at.resolve(desk.now)


def _pressing(row: documents.Document) -> bool:
    return row["status"] == Status.PAUSED or _denied(row)


def _denied(row: documents.Document) -> bool:
    answer = row["production"]
    return row["status"] == Status.ACTIVE and answer is not None and not answer["allowed"]


def _kind(row: documents.Document) -> str:
    return "bad" if _denied(row) else KINDS[row["status"]]


def _state(row: documents.Document) -> str:
    """Return a row's status in a word; what production is denied though it is active says so."""
    return f"active, DENIED: {row['production']['brief']}" if _denied(row) else str(row["status"])


def _allowed(row: documents.Document | None) -> bool | None:
    return None if row is None or row["production"] is None else bool(row["production"]["allowed"])


def _matches(row: documents.Document, asked: Filters) -> bool:
    wanted = asked.q.lower()
    return (
        (not wanted or any(wanted in str(row[name]).lower() for name in ("key", "name", "model_id", "use")))
        and (asked.status in ("", row["status"]) or (asked.status == "denied" and _pressing(row)))
        and asked.owner in ("", *row["owners"])
        and asked.surface in ("", row["surface"])
    )


_Moves: TypeAlias = dict[Subject, list[tuple[datetime, Decimal]]]


def _input_moves(reader: Reader, until: datetime) -> _Moves:
    """Return how the price of standard input moved, by provider and model: what official sources state."""
    moves: _Moves = {}
    for recorded in reader.events(EventQuery(type=ev.PRICE_CHANGED, until=until)):
        data = recorded.event.data
        if (data["tier"], data["meter"], data["modality"]) == (STANDARD, "input", "text") and data.get("new"):
            steps = moves.setdefault(Subject(data["provider"], recorded.event.subject), [])
            if not steps and data.get("old"):
                steps.append((datetime.min.replace(tzinfo=until.tzinfo), Decimal(data["old"])))
            steps.append((recorded.recorded_at, Decimal(data["new"])))
    return moves


def _moves_of(
    reader: Reader, configuration: Configuration, entry: Entry, until: datetime
) -> dict[str, list[tuple[datetime, Decimal]]]:
    """Return how the standard prices of an entry moved, by meter."""
    moves: dict[str, list[tuple[datetime, Decimal]]] = {}
    for recorded in queries.price_history(reader, configuration, (entry.price_subject,), at=until):
        data = recorded.event.data
        meter = Meter.named_in(data)
        charted = meter.tier == STANDARD and meter.context == "short"
        if charted and recorded.event.type in _CHARTED_MOVES and data.get("new"):
            moves.setdefault(meter.meter, []).append((recorded.recorded_at, Decimal(data["new"])))
    return moves


_CHARTED_MOVES = (ev.BASELINE_RECORDED, ev.PRICE_LISTED, ev.PRICE_CHANGED)
_CHARTED = {"input": "input", "output": "output", "cached_input": "cached"}


def _chart(
    moves: Mapping[str, Sequence[tuple[datetime, Decimal]]], pauses: Iterable[Pause], span: TimeSpan
) -> Values | None:
    lines = [(_CHARTED[meter], steps) for meter, steps in moves.items() if meter in _CHARTED]
    if not lines:
        return None
    bands = [_pause_band(pause, span.end) for pause in pauses]
    return {"svg": drawing.step_chart(lines, span, bands), "names": [name for name, _ in lines]}


def _deviating(entry: Entry) -> list[tuple[Pin, Value | None]]:
    """Return the pins that no longer hold, each with what is so instead."""
    return [(pin, entry.deviations[pin.key]) for pin in entry.pins if pin.key in entry.deviations]


def _moved(entry: Entry) -> list[Values]:
    """Return the pins that no longer hold: what was accepted, and what is so instead, in words."""
    return [
        {
            "pin": pin.field.removeprefix(PREFIX).replace(".", " ").replace("_", " "),
            "of": pin.name,
            "accepted": value_in_words(pin.value),
            "now": "gone" if new is None else value_in_words(new),
        }
        for pin, new in sorted(_deviating(entry), key=lambda deviating: ".long." in deviating[0].field)
    ]


def _evidence(reader: Reader, chain: Iterable[Recorded]) -> list[Values]:
    """Return the bytes that a chain of events rests on, each with what its source had sent before."""
    shown: dict[str, Values] = {}
    for recorded in chain:
        event = recorded.event
        if event.evidence and event.evidence not in shown:
            earlier = EventQuery(source=event.source, before=event.position, newest_first=True, limit=_SHOWN_EVENTS)
            befores = (past.event.evidence for past in reader.events(earlier) if event.source)
            before = next((hash for hash in befores if hash not in ("", event.evidence)), "")
            shown[event.evidence] = {"source": event.source, "before": before, "after": event.evidence}
    return list(shown.values())


def _pause_band(pause: Pause, now: datetime) -> DrawnBand:
    end = now if pause.ended is None else pause.ended.recorded_at
    return DrawnBand(start=pause.began.recorded_at, end=end, kind="paused", label="paused")


def _pause(pause: Pause) -> Values:
    ended = pause.ended
    return {
        "began": _line(pause.began),
        "extended": [_line(recorded) for recorded in pause.extended],
        "ended": None if ended is None else _line(ended),
        "lasted": "" if ended is None else rounded(ended.recorded_at - pause.began.recorded_at),
    }


_STATUS_AFTER = {
    ev.ENTRY_DECLARED: Status.WAITING,
    ev.ENTRY_VISIBLE: Status.EVALUATING,
    ev.ENTRY_HIDDEN: Status.WAITING,
    ev.ENTRY_ACTIVATED: Status.ACTIVE,
    ev.ENTRY_PAUSED: Status.PAUSED,
    ev.ENTRY_RESUMED: Status.ACTIVE,
    ev.ENTRY_RETIRED: Status.RETIRED,
    ev.ENTRY_WITHDRAWN: Status.WITHDRAWN,
}


def _timeline(history: Sequence[Recorded], around: Iterable[Recorded], span: TimeSpan) -> Any:
    turns = [
        (recorded, _STATUS_AFTER[recorded.event.type]) for recorded in history if recorded.event.type in _STATUS_AFTER
    ]
    ends = [recorded.recorded_at for recorded, _ in turns[1:]] + [span.end]
    bands = [
        DrawnBand(start=recorded.recorded_at, end=end, kind=status.value, label=status.value)
        for (recorded, status), end in zip(turns, ends, strict=True)
        if end >= span.start
    ]
    marks = [_mark(recorded) for recorded in (*history, *around) if recorded.recorded_at >= span.start]
    return drawing.timeline(bands, marks, span, _LANES)


def _mark(recorded: Recorded) -> DrawnMark:
    event = recorded.event
    bad = event.type in (ev.ENTRY_PAUSED, ev.CHECK_FAILED, ev.MODEL_UNLISTED, ev.GATE_DENIED, ev.NOTICE_DEAD)
    return DrawnMark(
        at=recorded.recorded_at,
        kind="bad" if bad else "good" if event.type in _PEOPLE else "info",
        label=f"{event.type}: {in_words(event)}",
        href=f"/events/{event.position}",
        lane=_LANE_OF.get(event.type.partition(".")[0], 3),
    )


def _around(reader: Reader, entry: Entry, span: TimeSpan) -> list[Recorded]:
    """Return what befell the model of an entry, its prices, and what was told and asked of it."""
    subjects = dict.fromkeys(name for name in (entry.spec.model_id, entry.price_subject.name) if name)
    events_around = [
        recorded
        for name in subjects
        for type in ("model.*", "price.*")
        for recorded in reader.events(EventQuery(type=type, subject=name, since=span.start, until=span.end))
    ]
    events_around += [
        recorded
        for key in dict.fromkeys((entry.spec.entry, entry.key))  # versions before 0.3.0 wrote the key of the row
        for recorded in reader.events(EventQuery(type="gate.*", subject=key, since=span.start, until=span.end))
        if recorded.event.data.get("surface", entry.spec.surface) == entry.spec.surface
    ]
    of_notices = EventQuery(type="notice.*", since=span.start, until=span.end)
    events_around += (
        recorded for recorded in reader.events(of_notices) if entry.key in recorded.event.data.get("entries", ())
    )
    return events_around


def _ends(desk: Desk, key: str) -> list[documents.Document]:
    try:
        return [
            {**documents.of_end(end), "said": end_in_words(end.day.isoformat(), end.precision)}
            for end in ends(desk.reader, desk.configuration, desk.now, key)
        ]
    except Refused:
        return []  # none is announced


def _nodes(desk: Desk) -> list[documents.Document]:
    """Return every node with how long ago it was heard of; none where there is one daemon."""
    rows = node_rows(desk.reader, desk.configuration, desk.now)
    return [{**documents.of_node(row), "heard": rounded(desk.now - row.heartbeat_at)} for row in rows]


def _freshness(row: SourceRow, now: datetime) -> Values:
    """Return how much of its freshness a source has used up, drawn and in words."""
    if row.good_at is None or row.fresh_until is None:
        return {"age": "never", "meter": drawing.meter(1.0, "bad", "never read"), "used": "", "limit": ""}
    share = max(0.0, (now - row.good_at) / (row.fresh_until - row.good_at))
    kind = "bad" if share >= 1 else "warn" if share >= 0.5 else "good"
    age = rounded(now - row.good_at)
    return {
        "age": f"{age} ago",
        "meter": drawing.meter(share, kind, f"{share:.0%} of its freshness is used up"),
        "used": f"{share:.0%}",
        "limit": duration_in_words(row.fresh_until - row.good_at),
    }


def _source_strip(reader: Reader, row: SourceRow, span: TimeSpan) -> Any:
    """Draw the last week of a source: read, or down."""
    bands: list[DrawnBand] = []
    begun, state = span.start, "ok"
    query = EventQuery(type="source.*", source=row.key, since=span.start, until=span.end)
    for recorded in reader.events(query):
        type = recorded.event.type
        if type in (ev.SOURCE_FAILED, ev.SOURCE_RECOVERED):
            down = type == ev.SOURCE_FAILED
            bands.append(DrawnBand(start=begun, end=recorded.recorded_at, kind="ok" if down else "down", label=state))
            begun, state = recorded.recorded_at, "down" if down else "ok"
    bands.append(DrawnBand(start=begun, end=span.end, kind="down" if state == "down" else row.state.value, label=state))
    return drawing.strip(bands, span)


def _step(recorded: Recorded, depth: int) -> Values:
    return {**_line(recorded), "depth": depth}


def _line(recorded: Recorded) -> Values:
    """Return an event as a row: when, what about, in words."""
    event = recorded.event
    return {
        "position": event.position,
        "at": recorded.recorded_at,
        "occurred_at": event.occurred_at,
        "type": event.type,
        "subject": event.subject,
        "source": event.source,
        "actor": event.actor,
        "words": in_words(event),
        "evidence": event.evidence,
    }
