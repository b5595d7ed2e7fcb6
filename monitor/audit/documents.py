"""What commands print as JSON and HTTP answers: one shape for each thing that is read. What is blank is null, times are
RFC 3339 in UTC, nothing in any of them is secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from monitor.core.check_names import CHECKS
from monitor.core.configuration import shown_url
from monitor.core.content import name_of
from monitor.core.entry_spec import AT
from monitor.core.events import record, rfc3339
from monitor.core.price import PER_MILLION_TOKENS, USD
from monitor.registry.terms import multiple

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.audit.acts import ApprovalRow, AttestationRow, PersonAct
    from monitor.audit.agreement import PriceComparison
    from monitor.audit.alerts import Alert
    from monitor.audit.coverage import CoverageRow
    from monitor.audit.gate_history import Denial, PastAnswer
    from monitor.audit.lifecycle import End
    from monitor.audit.node_status import NodeRow
    from monitor.audit.outages import OutageRow
    from monitor.audit.pauses import Pause
    from monitor.audit.production import ProductionAnswer
    from monitor.audit.provenance import Provenance
    from monitor.audit.queries import ChainStep, CheckRow, StatusRow
    from monitor.audit.sent_notices import SentNotice
    from monitor.audit.silences import Silence
    from monitor.audit.source_status import PendingRow, SourceRow
    from monitor.core.events import Recorded
    from monitor.core.facts import Body
    from monitor.core.maintenance_windows import Window
    from monitor.core.notices import Acknowledgement
    from monitor.registry.acceptance import Acceptance
    from monitor.registry.configuration_acceptance import LoadingEffect
    from monitor.registry.terms import Band, PricedEntry

Document: TypeAlias = dict[str, Any]


def of_row(row: StatusRow, at: datetime, answer: ProductionAnswer | None, priced: PricedEntry) -> Document:
    """Return a row of the registry as it is at a time, with what production is answered and what it costs."""
    return {**of_status(row, at), "production": of_production(answer), **of_terms(priced)}


def of_status(row: StatusRow, at: datetime) -> Document:
    """Return a row of the registry."""
    return {
        "key": row.key,
        "name": row.name,
        "use": row.use,
        "surface": row.surface,
        "model_id": row.model_id,
        "status": str(row.status),
        "since": rfc3339(row.since),
        "position": row.position,
        "verified_at": time_or_none(row.verified_at),
        "owners": list(row.owners),
        "fallback": row.fallback,
        "reason": row.reason,
        "approval": None if row.approval is None else asdict(row.approval),
        "windows": of_windows(row.windows, at),
        "asks": row.asks,
        "waived": row.waived,
        "acknowledged": of_acknowledgement(row.acknowledged),
        "silence": None if row.silence is None else of_silence(row.silence),
        "access": None if row.access is None else row.access.data,
    }


def of_acceptance(entry: str, found: Acceptance) -> Document:
    """Return what an act would accept; it may be carried out where nothing is missing."""
    return {
        "entry": entry,
        "position": found.position,
        "pins": [
            {"pin": comparison.pin, "accepted": comparison.accepted, "now": comparison.now, "moved": comparison.moved}
            for comparison in found.compared
        ],
        "unpinned": list(found.unpinned),
        "asks": list(found.asks),
        "missing": [{"what": problem.what, "fix": problem.mend} for problem in found.problems],
    }


def of_loading(effect: LoadingEffect) -> Document:
    """Return what loading a configuration would do."""
    from monitor.registry.configuration_acceptance import listed

    acceptance = effect.acceptance
    return {
        "position": effect.position,
        **listed(effect.taken),
        "keep_deny": list(effect.keep_deny),
        "renames": [{"was": was, "key": key} for was, key in effect.renamed],
        "accepted": None
        if acceptance is None
        else {"position": acceptance.position, "by": acceptance.data["by"], "reason": acceptance.data["reason"]},
        "changed": None if effect.differences is None else [row.path for row in effect.differences],
    }


def by_entry(rows: Mapping[str, Document]) -> list[Document]:
    """Join the rows of an entry, by key: one object with the values of its first surface, and under `surfaces` those of
    each where there are several.
    """
    entries: dict[str, Document] = {}
    for key in sorted(rows, key=lambda key: (key.partition(AT)[0], AT in key)):
        row, entry = rows[key], key.partition(AT)[0]
        joined = entries.setdefault(entry, dict(row))
        surfaces = cast(Document, joined.setdefault("surfaces", {}))
        surfaces.setdefault(str(row["surface"]), row)
    for joined in entries.values():
        if len(joined["surfaces"]) == 1:
            del joined["surfaces"]
    return list(entries.values())


def of_production(answer: ProductionAnswer | None) -> Document | None:
    """Return what production is answered of an entry; None of the past, whose answers are not in the log."""
    if answer is None:
        return None
    return {
        "allowed": answer.allowed,
        "reason": answer.reason,
        "until": time_or_none(answer.until),
        "brief": answer.brief,
        "callers": list(answer.callers),
        "callers_until": time_or_none(answer.callers_until),
    }


def of_terms(priced: PricedEntry) -> Document:
    """Return what an entry costs, in USD per 1M tokens, and what is stated of its release."""
    release = priced.release
    return {
        "family": release.family or None,
        "release": release.release or None,
        "stage": release.stage or next(iter(release.stages.values()), None),
        "stages": {**({"configuration": release.stage} if release.stage else {}), **release.stages},
        "announcement": release.announcement or None,
        "price_model": priced.terms.price_model or None,
        "modes": list(priced.terms.modes),
        "prices": [of_band(band) for band in priced.terms.bands],
        "disputed": list(priced.terms.disputed),
        "price_verified_at": time_or_none(priced.verified_at),
        "price_urls": list(priced.urls),
    }


def of_band(band: Band) -> Document:
    """Return the text prices of one tier and context band."""
    return {
        "tier": band.tier,
        "context": band.context,
        "input": band.input,
        "output": band.output,
        "cached_input": band.cached_input,
        "cached_discount": band.cached_discount,
        "cache_writes": {
            name: {"amount": rule.amount, "multiple": rule.multiple} for name, rule in band.cache_writes.items()
        },
    }


def of_windows(windows: Sequence[Window], at: datetime) -> list[Document]:
    """Return maintenance windows as they stand at a time."""
    return [
        {
            "position": window.position,
            "from": rfc3339(window.start),
            "until": rfc3339(window.end),
            "changes": list(window.changes),
            "by": window.by,
            "reason": window.reason,
            "open": window.open(at),
        }
        for window in windows
    ]


def of_check(row: CheckRow) -> Document:
    """Return a readiness check."""
    check = row.check
    return {
        "check": row.name,
        "about": CHECKS.get(row.name, ""),
        "required": row.required,
        "required_in": list(row.required_in),
        "asked": row.asked,
        "waived": row.waived,
        "required_for": list(row.required_for),
        "state": check.state.value,
        "verified_at": time_or_none(row.verified_at),
        "until": time_or_none(check.until),
        "by": check.by or None,
        "url": check.url or None,
        "note": check.note or None,
        "evidence": check.evidence or None,
        "position": check.position,
    }


def of_chain(steps: Iterable[ChainStep]) -> list[Document]:
    """Return a chain of causes: events, each with its distance from the status."""
    return [{"depth": step.depth, **record(step.recorded)} for step in steps]


def of_price(word: PriceComparison) -> Document:
    """Return a confirmed price, beside what others say of it."""
    fact = word.fact
    return {
        "provider": fact.provider,
        "model": fact.model,
        **fact.meter._asdict(),
        "condition": fact.meter.condition or None,
        "unit": PER_MILLION_TOKENS,
        "currency": USD,
        "amount": fact.amount,
        "source": fact.source,
        "trust": fact.trust,
        "url": fact.url,
        "since": time_or_none(fact.since),
        "verified_at": time_or_none(fact.verified_at),
        "position": fact.position,
        "evidence": fact.evidence or None,
        **of_agreement(word),
    }


def of_agreement(word: PriceComparison) -> Document:
    """Return how a price stands to the official one; `of_official` is how many times the official amount it is."""
    return {
        "agreement": str(word.view),
        "official": word.official,
        "of_official": None if word.official is None else multiple(word.fact.amount, word.official),
        "stale": word.stale,
        "stale_because": None if word.because is None else str(word.because),
    }


def of_source(row: SourceRow) -> Document:
    """Return a source; `every` is in seconds, `refused` null where it was not asked for."""
    return {
        **asdict(row),
        "state": row.state.value,
        "since": time_or_none(row.since),
        "good_at": time_or_none(row.good_at),
        "polled_at": time_or_none(row.polled_at),
        "fresh_until": time_or_none(row.fresh_until),
        "every": row.every.total_seconds(),
        "error_at": time_or_none(row.error_at),
        "node": row.node or None,
        "pending": [_of_pending(change) for change in row.pending],
        "held": [_of_pending(change) for change in row.held],
        "refused": None
        if row.refused is None
        else [{"where": refusal.where, "reason": refusal.reason} for refusal in row.refused],
    }


def of_node(row: NodeRow) -> Document:
    """Return a node; `clock_off` is in seconds."""
    return {
        **asdict(row),
        "state": row.state.value,
        "started_at": rfc3339(row.started_at),
        "heartbeat_at": rfc3339(row.heartbeat_at),
        "differs": list(row.differs),
    }


def _of_pending(change: PendingRow) -> Document:
    return {**asdict(change), "since": rfc3339(change.since), "until": time_or_none(change.until)}


def of_alert(row: Alert) -> Document:
    """Return an open matter."""
    return {
        **asdict(row),
        "kind": row.kind.value,
        "since": time_or_none(row.since),
        "until": time_or_none(row.until),
        "acknowledged": of_acknowledgement(row.acknowledged),
    }


def of_acknowledgement(acknowledged: Acknowledgement | None) -> Document | None:
    """Return who took something on."""
    if acknowledged is None:
        return None
    return {"by": acknowledged.by, "at": rfc3339(acknowledged.at), "note": acknowledged.note}


def of_silence(row: Silence) -> Document:
    """Return a silence."""
    return {**asdict(row), "since": rfc3339(row.since), "until": rfc3339(row.until)}


def of_notice(row: SentNotice, zone: tzinfo | None) -> Document:
    """Return a notice with its words, its messages as they went out, and its deliveries."""
    from monitor.notify.forms import render

    rendered = render(row.notice, zone)
    return {
        "id": row.notice.id,
        "owner": row.notice.owner,
        "at": rfc3339(row.notice.at),
        "reason": row.notice.reason.value,
        "subjects": list(row.subjects),
        "title": rendered.title,
        "text": rendered.text,
        "messages": [
            {
                "destination": message.destination,
                "at": rfc3339(message.at),
                "form": message.form,
                "title": message.title,
                "body": message.body,
            }
            for message in row.messages
        ],
        "deliveries": [
            {
                "id": delivery.id,
                "destination": delivery.destination,
                "state": delivery.state.value,
                "attempts": delivery.attempts,
                "error": delivery.error,
            }
            for delivery in row.deliveries
        ],
    }


def of_act(act: PersonAct) -> Document:
    """Return what a person did; what is blank is null."""
    blank = {name: getattr(act, name) or None for name in ("row", "reason", "account", "host", "channel", "evidence")}
    return {**asdict(act), **blank, "at": rfc3339(act.at)}


def of_approval(row: ApprovalRow) -> Document:
    """Return an acceptance with what was accepted."""
    return {
        **of_act(row.act),
        "pins": dict(row.pins),
        "unpinned": list(row.unpinned),
        "callers": list(row.callers),
        "waived": list(row.waived),
        "losses": list(row.losses),
        "requested_by": row.requested_by or None,
        "request": row.request,
    }


def of_attestation(row: AttestationRow) -> Document:
    """Return an attestation with the files that it rests on."""
    return {
        **of_act(row.act),
        "check": row.check,
        "url": row.url or None,
        "note": row.note or None,
        "until": time_or_none(row.until),
        "files": [{**asdict(file), "format": file.format or None, "sha256": file.sha256 or None} for file in row.files],
        "holds": row.holds,
    }


def of_pause(pause: Pause, now: datetime) -> Document:
    """Return a pause; one that lasts has lasted until now."""
    began, ended = pause.began.event, pause.ended
    return {
        "position": began.position,
        "entry": pause.row.partition(AT)[0],
        "row": pause.row,
        "surface": began.data.get("surface"),
        "began_at": rfc3339(began.occurred_at),
        "ended_at": None if ended is None else rfc3339(ended.event.occurred_at),
        "seconds": int(pause.length(now).total_seconds()),
        "began_by": began.actor,
        "ended_by": None if ended is None else ended.event.actor,
        "ended": None if ended is None else ended.event.type,
        "ended_position": None if ended is None else ended.event.position,
        "ended_reason": None if ended is None else ended.event.data.get("reason"),
        "reason": began.data["reason"],
        "pin": began.data["pin"] or None,
        "old": began.data["old"],
        "new": began.data["new"],
        "causes": list(began.data["causes"]),
        "extended": [recorded.event.position for recorded in pause.extended],
    }


def of_outage(row: OutageRow, now: datetime) -> Document:
    """Return a time in which something could not be seen; one that lasts has lasted until now."""
    return {
        **asdict(row),
        "kind": row.kind.value,
        "began_at": rfc3339(row.began_at),
        "ended_at": time_or_none(row.ended_at),
        "seconds": int(row.length(now).total_seconds()),
        "last_good_at": time_or_none(row.last_good_at),
        "evidence": row.evidence or None,
    }


def of_provenance(row: Provenance) -> Document:
    """Return what decided an event."""
    event = row.event.event
    return {
        "position": event.position,
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor,
        "recorded_at": rfc3339(row.event.recorded_at),
        "code": row.code or None,
        "configuration": row.configuration or None,
        "extractor": row.extractor or None,
        "stated": row.stated,
        "sha256": row.sha256 or None,
        "loaded": row.loaded,
        "loaded_at": time_or_none(row.loaded_at),
        "changed": list(row.changed),
        "accepted": None if row.accepted is None else _of_acceptance(row.accepted),
        "document": dict(row.document),
    }


def _of_acceptance(recorded: Recorded) -> Document:
    event = recorded.event
    return {
        "position": event.position,
        "at": rfc3339(event.occurred_at),
        "by": event.actor,
        "reason": event.data["reason"],
    }


def of_past_answer(answer: PastAnswer) -> Document:
    """Return what the gate answered at a time, in the shape of an answer of now; how long it held is not kept."""
    return {
        "key": answer.key,
        "allowed": answer.allowed,
        "status": answer.status,
        "reason": answer.reason,
        "fallback": answer.fallback,
        "position": answer.position,
        "expires_at": None,
        "at": rfc3339(answer.at),
        "judged_as": answer.judged_as,
        "document": answer.document,
        "written_at": rfc3339(answer.written_at),
        "log_position": answer.log_position,
        "stopped_since": time_or_none(answer.stopped_since),
    }


def of_denial(row: Denial) -> Document:
    """Return what a caller was denied on a day."""
    return {**asdict(row), "first_at": rfc3339(row.first_at), "surface": row.surface or None}


def of_evidence(body: Body) -> Document:
    """Return stored bytes, as text where they are some."""
    try:
        text = body.content.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "hash": name_of(body.content),
        "sha256": body.sha256,
        "size": body.size,
        "content_type": body.content_type,
        "url": shown_url(body.url),
        "text": text,
    }


def of_coverage(row: CoverageRow) -> Document:
    """Return what watches a pin or a check."""
    return {**asdict(row), "read_at": time_or_none(row.read_at), "until": time_or_none(row.until)}


def of_end(end: End) -> Document:
    """Return an announced end of a model, an endpoint or a feature; what is blank is null."""
    return {
        "provider": end.provider,
        "model": end.model,
        "kind": end.kind,
        "date": end.day.isoformat(),
        "precision": end.precision.value,
        "days": end.days,
        "replacement": end.replacement or None,
        "replacement_kind": end.replacement_kind or None,
        "status": end.status or None,
        "notice_date": end.notice_date or None,
        "listed": end.listed,
        "agrees": end.agrees,
        "entries": list(end.entries),
        "fallback_of": list(end.fallback_of),
        "source": end.source,
        "trust": end.trust,
        "verified_at": time_or_none(end.verified_at),
    }


def time_or_none(at: datetime | None) -> str | None:
    """Return a time as text; None stays None."""
    return None if at is None else rfc3339(at)
