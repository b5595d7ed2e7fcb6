"""What can be read: each thing with its path, its parameters, the model that answers, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import urlencode

from pydantic import TypeAdapter

from monitor.audit import documents, queries
from monitor.audit.acts import acts, approvals, attestations
from monitor.audit.agreement import weigh
from monitor.audit.alerts import alerts
from monitor.audit.concerning import find_actor, find_subject, of_entry, passing, saying
from monitor.audit.coverage import coverage
from monitor.audit.gate_history import denials, past_answer
from monitor.audit.lifecycle import ends
from monitor.audit.node_status import node_rows
from monitor.audit.outages import outages
from monitor.audit.pauses import pauses
from monitor.audit.production import production_answers
from monitor.audit.provenance import provenance
from monitor.audit.registry_diff import registry_diff
from monitor.audit.sent_notices import find_notice, sent_notices
from monitor.audit.silences import silences
from monitor.audit.source_status import source_rows
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry
from monitor.core.events import Recorded, record
from monitor.core.facts import Refusal
from monitor.core.moments import Moment, utc
from monitor.core.ports import EventQuery, MonitorError, Reader, Refused
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.state import Production, standings
from monitor.registry.lookup import find_row, unknown_entry
from monitor.registry.terms import priced
from monitor.web import answers
from monitor.web.answers import GateRequest, as_json
from monitor.web.api import models
from monitor.web.api.parameters import (
    AtTime,
    Nothing,
    OfActs,
    OfAlerts,
    OfAttestations,
    OfCoverage,
    OfDenials,
    OfDifference,
    OfEnds,
    OfEntryInPeriod,
    OfEntryThen,
    OfEvents,
    OfGate,
    OfNotices,
    OfOutages,
    OfRow,
)
from monitor.web.memory import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a question is answered from: one reading of the store, under one configuration, at one time. `zone` is that
    of the words of notices; `refused` reads what of a source is not understood, where something can.
    """

    reader: Reader
    configuration: Configuration
    now: datetime
    zone: tzinfo | None = None
    refused: RefusedParts | None = None


RefusedParts: TypeAlias = Callable[[Reader, str, datetime], "tuple[Refusal, ...] | None"]
"""Reads the newest evidence of a source anew, and returns what of it is not understood; None where nothing can read it.
"""

Read: TypeAlias = Callable[[Desk, Mapping[str, str], Any], object]
"""Answers a question: what is in its path, and its parameters as its model has them."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing that can be read. `answer` is the type of what comes back, a model or a list of one."""

    path: str
    summary: str
    answer: Any
    read: Read
    query: type[Nothing] = Nothing

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """What validates and writes the answer; made once, which costs more than an answer."""
        return TypeAdapter(self.answer)


def registry(desk: Desk, path: Mapping[str, str], asked: AtTime) -> list[documents.Document]:
    """Return every entry."""
    then = None if asked.at is None else asked.at.resolve(desk.now)
    return documents.by_entry(rows_of_registry(desk, queries.entries(desk.reader, at=then), then))


def entry(desk: Desk, path: Mapping[str, str], asked: OfEntryThen) -> documents.Document:
    """Return one entry; with a surface its row there."""
    then, key, entries_then = _found(desk, path["key"], asked)
    rows = rows_of_registry(desk, of_one_entry(entries_then, key), then)
    return rows[key] if asked.surface or key != path["key"] else documents.by_entry(rows)[0]


def access(desk: Desk, path: Mapping[str, str], asked: OfRow) -> documents.Document:
    """Return the verdict of access to an entry's model."""
    _, key, _ = _found(desk, path["key"], asked)
    row = next(row for row in queries.status(desk.reader, desk.configuration, judged=(key,)) if row.key == key)
    assert row.access is not None
    return dict(row.access.data)


def why(desk: Desk, path: Mapping[str, str], asked: OfEntryThen) -> documents.Document:
    """Return what brought an entry to its status."""
    then, key, entries_then = _found(desk, path["key"], asked)
    registered = {key: entries_then[key]}
    (row,) = queries.status(desk.reader, desk.configuration, at=then, judged=(), shown=registered)
    status = documents.of_status(row, then or desk.now)
    chain = documents.of_chain(queries.why(desk.reader, key, at=then))
    return {**{name: status[name] for name in ("key", "status", "since", "reason")}, "chain": chain}


def checks(desk: Desk, path: Mapping[str, str], asked: OfEntryThen) -> list[documents.Document]:
    """Return the readiness checks of an entry."""
    then, key, _ = _found(desk, path["key"], asked)
    rows = queries.complete(queries.checks(desk.reader, desk.configuration, key, at=then), then or desk.now)
    return [documents.of_check(row) for row in rows]


def entry_prices(desk: Desk, path: Mapping[str, str], asked: AtTime) -> list[documents.Document]:
    """Return what an entry, a model id or `provider/model` costs, or was known to cost at a time."""
    then = _time(desk, asked.at)
    subjects = queries.price_subjects(desk.reader, desk.configuration, path["name"], at=then)
    facts = queries.prices(desk.reader, desk.configuration, subjects, at=then)
    fresh_since = (then or desk.now) - desk.configuration.gate.price_freshness
    words = weigh(queries.in_telling_order(facts), fresh_since=fresh_since)
    return [documents.of_price(word) for word in words]


def price_history(desk: Desk, path: Mapping[str, str], asked: AtTime) -> list[documents.Document]:
    """Return every recorded move of the prices of an entry, a model id or `provider/model`, up to a time."""
    then = _time(desk, asked.at)
    subjects = queries.price_subjects(desk.reader, desk.configuration, path["name"], at=then)
    moves = queries.price_history(desk.reader, desk.configuration, subjects, at=then)
    return [record(recorded) for recorded in moves]


def events(desk: Desk, path: Mapping[str, str], asked: OfEvents) -> documents.Document:
    """Return a page of the log."""
    known_names(desk, asked)
    page, following = page_of_log(desk, asked)
    return {"events": [record(recorded) for recorded in page], "next": following and f"/v1/events?{following}"}


def known_names(desk: Desk, asked: OfEvents) -> None:
    """See that the log knows whom and what it is asked about; who waits for events need not ask.

    Raises:
        Refused: it does not.
    """
    find_actor(desk.reader, asked.actor)
    find_subject(desk.reader, asked.subject)


def page_of_log(desk: Desk, asked: OfEvents) -> tuple[list[Recorded], str | None]:
    """Return the events of a page, and the query of the page after it; None at the end."""
    entry = of_entry(desk.reader, asked.entry) if asked.entry else None
    page = list(passing(desk.reader, query_of(asked, desk.now), entry, saying(asked.text) if asked.text else None))
    following = None
    if len(page) == asked.limit:
        filters = asked.model_dump(exclude_defaults=True, exclude={"since", "until", "after", "before", "at"})
        times = {name: value.resolve(desk.now) for name in ("since", "until") if (value := getattr(asked, name))}
        edge = {"before" if asked.newest else "after": page[-1].event.position}
        bounds = {"before" if not asked.newest else "after": asked.after if asked.newest else asked.before}
        bounds = {name: value for name, value in bounds.items() if value is not None}
        texts = {name: documents.time_or_none(at) for name, at in times.items()}
        following = urlencode({**filters, **texts, **bounds, **edge})
    return page, following


def query_of(asked: OfEvents, now: datetime) -> EventQuery:
    """Return the filters as the store takes them."""
    return EventQuery(
        type=asked.type,
        subject=asked.subject,
        source=asked.source,
        check=asked.check,
        actor=asked.actor,
        cause=asked.cause,
        since=None if asked.since is None else asked.since.resolve(now),
        until=None if asked.until is None else asked.until.resolve(now),
        after=asked.after,
        before=asked.before,
        limit=asked.limit,
        newest_first=asked.newest,
    )


def event(desk: Desk, path: Mapping[str, str], asked: Nothing) -> documents.Document:
    """Return one event by its position."""
    recorded = desk.reader.event(int(path["position"]))
    if recorded is None:
        raise Refused(f"there is no event {path['position']}; the last one is {desk.reader.head()}")
    return record(recorded)


def decided(desk: Desk, path: Mapping[str, str], asked: Nothing) -> documents.Document:
    """Return what decided an event."""
    return documents.of_provenance(provenance(desk.reader, int(path["position"])))


def people_acts(desk: Desk, path: Mapping[str, str], asked: OfActs) -> list[documents.Document]:
    """Return what people did."""
    since, until = _time(desk, asked.since), _time(desk, asked.until)
    rows = acts(desk.reader, by=asked.by, entry=asked.entry, since=since, until=until)
    return [documents.of_act(act) for act in rows]


def entry_approvals(desk: Desk, path: Mapping[str, str], asked: AtTime) -> list[documents.Document]:
    """Return who accepted an entry, or the entries of a model, with what they had in view."""
    rows = approvals(desk.reader, path["name"], at=_time(desk, asked.at))
    return [documents.of_approval(row) for row in rows]


def all_attestations(desk: Desk, path: Mapping[str, str], asked: OfAttestations) -> list[documents.Document]:
    """Return what was attested, with the files that it rests on."""
    rows = attestations(desk.reader, entry=asked.entry, at=_time(desk, asked.at))
    return [documents.of_attestation(row) for row in rows]


def all_pauses(desk: Desk, path: Mapping[str, str], asked: OfEntryInPeriod) -> list[documents.Document]:
    """Return the pauses."""
    since, until = _time(desk, asked.since), _time(desk, asked.until)
    rows = pauses(desk.reader, entry=asked.entry, since=since, until=until)
    return [documents.of_pause(row, until or desk.now) for row in rows]


def all_outages(desk: Desk, path: Mapping[str, str], asked: OfOutages) -> list[documents.Document]:
    """Return what could not be seen."""
    since, until = _time(desk, asked.since), _time(desk, asked.until)
    rows = outages(desk.reader, desk.now, source=asked.source, since=since, until=until)
    return [documents.of_outage(row, until or desk.now) for row in rows]


def all_denials(desk: Desk, path: Mapping[str, str], asked: OfDenials) -> list[documents.Document]:
    """Return what the gate denied."""
    rows = denials(
        desk.reader,
        entry=asked.entry,
        caller=asked.caller,
        environment=asked.env,
        since=_time(desk, asked.since),
        until=_time(desk, asked.until),
    )
    return [documents.of_denial(row) for row in rows]


def gate(desk: Desk, path: Mapping[str, str], asked: OfGate) -> documents.Document:
    """Return what the gate answers a caller, or answered at a time."""
    environment, then = asked.env or PRODUCTION, _time(desk, asked.at)
    if then is None:
        view = RegistrySnapshot(
            standings=standings(desk.reader, desk.configuration, desk.now),
            head=desk.reader.log_head(),
            configuration=desk.configuration,
        )
        asking = GateRequest(environment=environment, caller=asked.caller, surface=asked.surface)
        return as_json(answers.decided(view, path["key"], asking, desk.now).answer)
    answer = past_answer(
        desk.reader, path["key"], then, environment=environment, caller=asked.caller, surface=asked.surface
    )
    return documents.of_past_answer(answer)


def evidence(desk: Desk, path: Mapping[str, str], asked: Nothing) -> documents.Document:
    """Return bytes that a source sent."""
    body = desk.reader.evidence(path["hash"])
    if body is None:
        raise Refused(f"no evidence {path['hash']} is stored; events name theirs")
    return documents.of_evidence(body)


def sources(desk: Desk, path: Mapping[str, str], asked: Nothing) -> list[documents.Document]:
    """Return every source."""
    return [documents.of_source(row) for row in source_rows(desk.reader, desk.configuration, desk.now)]


def source(desk: Desk, path: Mapping[str, str], asked: Nothing) -> documents.Document:
    """Return one source."""
    (row,) = source_rows(desk.reader, desk.configuration, desk.now, path["key"])
    with suppress(MonitorError):  # nothing can read its evidence now
        if desk.refused is not None:
            row = replace(row, refused=desk.refused(desk.reader, row.key, desk.now))
    return documents.of_source(row)


def nodes(desk: Desk, path: Mapping[str, str], asked: Nothing) -> list[documents.Document]:
    """Return every node; none where there is one daemon."""
    return [documents.of_node(row) for row in node_rows(desk.reader, desk.configuration, desk.now)]


def open_alerts(desk: Desk, path: Mapping[str, str], asked: OfAlerts) -> list[documents.Document]:
    """Return what is open."""
    rows = alerts(desk.reader, desk.configuration, desk.now, everything=asked.all)
    return [documents.of_alert(row) for row in rows]


def notices(desk: Desk, path: Mapping[str, str], asked: OfNotices) -> list[documents.Document]:
    """Return what was sent, the newest first."""
    since, until = _time(desk, asked.since), _time(desk, asked.until)
    rows = sent_notices(desk.reader, asked.limit, entry=asked.entry, since=since, until=until)
    return [documents.of_notice(row, desk.zone) for row in rows]


def notice(desk: Desk, path: Mapping[str, str], asked: Nothing) -> documents.Document:
    """Return one notice."""
    return documents.of_notice(find_notice(desk.reader, path["id"]), desk.zone)


def lasting_silences(desk: Desk, path: Mapping[str, str], asked: Nothing) -> list[documents.Document]:
    """Return the silences that last."""
    return [documents.of_silence(row) for row in silences(desk.reader, desk.now)]


def windows(desk: Desk, path: Mapping[str, str], asked: AtTime) -> dict[str, list[documents.Document]]:
    """Return the maintenance windows of every entry that has one."""
    at = desk.now if asked.at is None else asked.at.resolve(desk.now)
    entries_then = queries.entries(desk.reader, at=None if asked.at is None else at)
    return {
        key: documents.of_windows(entry_then.windows, at)
        for key, entry_then in sorted(entries_then.items())
        if entry_then.windows
    }


def announced_ends(desk: Desk, path: Mapping[str, str], asked: OfEnds) -> list[documents.Document]:
    """Return the ends that are announced."""
    return [documents.of_end(end) for end in ends(desk.reader, desk.configuration, desk.now, asked.name)]


def watched(desk: Desk, path: Mapping[str, str], asked: OfCoverage) -> list[documents.Document]:
    """Return what watches each pin and required check."""
    return [documents.of_coverage(row) for row in coverage(desk.reader, desk.configuration, desk.now, asked.entry)]


def difference(desk: Desk, path: Mapping[str, str], asked: OfDifference) -> list[dict[str, object]]:
    """Return what differs in the registry between two times."""
    since, until = asked.since.resolve(desk.now), asked.until.resolve(desk.now)
    return [asdict(row) for row in registry_diff(desk.reader, since, until, asked.entry)]


GATE = Resource(
    path="/v1/gate/{key}",
    summary="What the gate answers, or answered at a time.",
    answer=models.GateDocument,
    query=OfGate,
    read=gate,
)

RESOURCES: tuple[Resource, ...] = (
    Resource(
        path="/v1/registry",
        summary="Every entry, with what production is answered, access and prices.",
        answer=list[models.RegistryEntryDocument],
        query=AtTime,
        read=registry,
    ),
    Resource(
        path="/v1/registry/{key}",
        summary="One entry.",
        answer=models.RegistryEntryDocument,
        query=OfEntryThen,
        read=entry,
    ),
    Resource(
        path="/v1/registry/{key}/access",
        summary="Access to the model of an entry, by route.",
        answer=models.AccessDocument,
        query=OfRow,
        read=access,
    ),
    Resource(
        path="/v1/registry/{key}/why",
        summary="What brought an entry to its status.",
        answer=models.WhyDocument,
        query=OfEntryThen,
        read=why,
    ),
    Resource(
        path="/v1/registry/{key}/checks",
        summary="The readiness checks of an entry.",
        answer=list[models.CheckDocument],
        query=OfEntryThen,
        read=checks,
    ),
    Resource(
        path="/v1/prices/{name}",
        summary="What an entry or a model costs, by source.",
        answer=list[models.PriceDocument],
        query=AtTime,
        read=entry_prices,
    ),
    Resource(
        path="/v1/price-history/{name}",
        summary="Every recorded move of the prices of an entry or a model.",
        answer=list[models.EventDocument],
        query=AtTime,
        read=price_history,
    ),
    Resource(
        path="/v1/events", summary="The log, page by page.", answer=models.EventsDocument, query=OfEvents, read=events
    ),
    Resource(path="/v1/events/{position}", summary="One event.", answer=models.EventDocument, read=event),
    Resource(
        path="/v1/events/{position}/decided",
        summary="Which configuration and which version of the program decided an event.",
        answer=models.ProvenanceDocument,
        read=decided,
    ),
    Resource(
        path="/v1/acts",
        summary="What people did, and from where.",
        answer=list[models.PersonActDocument],
        query=OfActs,
        read=people_acts,
    ),
    Resource(
        path="/v1/approvals/{name}",
        summary="Who accepted an entry or a model, and with what in view.",
        answer=list[models.ApprovalDocument],
        query=AtTime,
        read=entry_approvals,
    ),
    Resource(
        path="/v1/attestations",
        summary="What was attested, and on which files it rests.",
        answer=list[models.AttestationDocument],
        query=OfAttestations,
        read=all_attestations,
    ),
    Resource(
        path="/v1/pauses",
        summary="Pauses, how long they lasted and who ended them.",
        answer=list[models.PauseDocument],
        query=OfEntryInPeriod,
        read=all_pauses,
    ),
    Resource(
        path="/v1/outages",
        summary="What could not be seen, and when.",
        answer=list[models.OutageDocument],
        query=OfOutages,
        read=all_outages,
    ),
    Resource(
        path="/v1/denials",
        summary="What the gate denied, and to whom.",
        answer=list[models.DenialDocument],
        query=OfDenials,
        read=all_denials,
    ),
    GATE,
    Resource(
        path="/v1/evidence/{hash}",
        summary="Bytes that a source sent.",
        answer=models.EvidenceDocument,
        read=evidence,
    ),
    Resource(path="/v1/sources", summary="How each source stands.", answer=list[models.SourceDocument], read=sources),
    Resource(path="/v1/sources/{key}", summary="How one source stands.", answer=models.SourceDocument, read=source),
    Resource(
        path="/v1/nodes",
        summary="How each node stands; empty where there is one daemon.",
        answer=list[models.NodeDocument],
        read=nodes,
    ),
    Resource(
        path="/v1/alerts", summary="What is open.", answer=list[models.AlertDocument], query=OfAlerts, read=open_alerts
    ),
    Resource(
        path="/v1/notices",
        summary="What was sent, word for word.",
        answer=list[models.NoticeDocument],
        query=OfNotices,
        read=notices,
    ),
    Resource(path="/v1/notices/{id}", summary="One notice.", answer=models.NoticeDocument, read=notice),
    Resource(
        path="/v1/silences",
        summary="The silences that last.",
        answer=list[models.SilenceDocument],
        read=lasting_silences,
    ),
    Resource(
        path="/v1/windows",
        summary="Maintenance windows, by entry.",
        answer=dict[str, list[models.WindowDocument]],
        query=AtTime,
        read=windows,
    ),
    Resource(
        path="/v1/lifecycle",
        summary="Announced ends.",
        answer=list[models.EndDocument],
        query=OfEnds,
        read=announced_ends,
    ),
    Resource(
        path="/v1/coverage",
        summary="What watches each pin and check.",
        answer=list[models.CoverageDocument],
        query=OfCoverage,
        read=watched,
    ),
    Resource(
        path="/v1/diff",
        summary="What differs in the registry between two times.",
        answer=list[models.DifferenceDocument],
        query=OfDifference,
        read=difference,
    ),
)
"""Everything that can be read below `/v1` besides the lease files. What the gate answers now, it answers itself."""


def _time(desk: Desk, at: Moment | None) -> datetime | None:
    return None if at is None else at.resolve(desk.now)


def _found(desk: Desk, key: str, asked: OfRow) -> tuple[datetime | None, str, Mapping[str, Entry]]:
    """Return the time that is asked about, None for now, the key of the row that is meant, and the registry then.

    Raises:
        Refused: there is, or was, no such entry.
    """
    at = asked.at if isinstance(asked, OfEntryThen) else None
    then = None if at is None else at.resolve(desk.now)
    entries_then = queries.entries(desk.reader, at=then)
    row = find_row(entries_then, key, asked.surface)
    if row not in entries_then:
        raise unknown_entry(row, entries_then, then=utc(then) if then else "")
    return then, row, entries_then


def of_one_entry(entries: Mapping[str, Entry], key: str) -> dict[str, Entry]:
    """Return the rows of the entry that a row is of."""
    declared = entries[key].spec.entry
    return {row: registered for row, registered in entries.items() if registered.spec.entry == declared}


def rows_of_registry(
    desk: Desk,
    entries: Mapping[str, Entry],
    then: datetime | None,
    *,
    judged: Collection[str] | None = None,
    gate: Production | None = None,
) -> dict[str, documents.Document]:
    """Return rows of the registry as it is, or was at `then`; `judged` are those whose access is judged, which asks the
    log about every route: all of them unless named. `gate` is that of now, where it was made already.
    """
    reader, configuration = desk.reader, desk.configuration
    gate = None if then is not None else gate or Production(reader, configuration, desk.now)
    fresh = None if gate is None else gate.fresh.undated()
    costs = priced(reader, configuration, entries, at=then, fresh=fresh)
    production = {} if gate is None else production_answers(gate, entries)
    status = queries.status(reader, configuration, at=then, now=desk.now, judged=judged, shown=entries, fresh=fresh)
    return {row.key: documents.of_row(row, then or desk.now, production.get(row.key), costs[row.key]) for row in status}
