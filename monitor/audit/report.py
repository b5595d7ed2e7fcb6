"""Everything that the rollout page of an entry needs, gathered in one consistent reading.

Reading only, and nothing is summed up to a judgement: what is confirmed carries its date, and whatever is not is a
question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.audit import queries
from monitor.audit.agreement import PriceComparison, PriceView, weigh
from monitor.audit.controls import ControlMap, control_map
from monitor.audit.pauses import Pause, pauses_of
from monitor.audit.queries import CheckRow, StatusRow
from monitor.core import events as ev
from monitor.core import price
from monitor.core.baselines import CONFIG
from monitor.core.check_names import CHECKS
from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.cost import Cost, cost
from monitor.core.entry import CheckState, Entry, Pin, Status
from monitor.core.events import Recorded
from monitor.core.facts import LISTED, Fact, Subject
from monitor.core.ports import Reader
from monitor.core.text import pin_in_words, value_in_words
from monitor.gate.decision import Answer
from monitor.gate.state import Production, production
from monitor.registry import checklist, fallbacks, pins
from monitor.registry.evals import EvalMatrix, matrix
from monitor.registry.freshness import Freshness
from monitor.registry.lookup import find_entry
from monitor.registry.model_features import FallbackDifference
from monitor.registry.policy import depends_on
from monitor.registry.reminders import Deadline, agenda
from monitor.registry.terms import PricedEntry, priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A fact that stands, what it is, and when it was last seen to be so (None: it is accepted, and nothing sees it
    now).
    """

    what: str
    value: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a month costs in each tier in use, in short context. `known` says where the usage is from, `configured` or
    `observed`.
    """

    known: str
    usage: Mapping[str, int]
    tiers: Mapping[str, Cost]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An entry as it stands at a position of the log."""

    at: datetime
    head: int
    entry: Entry
    row: StatusRow
    production: Answer
    priced: PricedEntry
    words: Sequence[PriceComparison]
    checks: Sequence[CheckRow]
    confirmed: Sequence[Confirmed]
    accepted: Recorded | None
    pauses: Sequence[Pause]
    compared: Recorded | None
    comparison: EvalMatrix | None
    sampled: Recorded | None
    spending: Spending | None
    dated: Sequence[Deadline]
    questions: Sequence[str]
    fallback: str
    differences: Sequence[FallbackDifference]
    controls: ControlMap


def report(reader: Reader, configuration: Configuration, key: str, *, now: datetime) -> Report:
    """Gather it.

    Raises:
        Refused: there is no such entry.
    """
    entry = find_entry(reader.entries(), key)
    fresh = Freshness(reader, configuration, now)
    facts = [
        fact
        for fact in queries.prices(reader, configuration, (entry.price_subject,))
        if fact.meter.tier in entry.spec.tiers
    ]
    words = weigh(facts, fresh_since=now - configuration.gate.price_freshness)
    words.sort(
        key=lambda word: (
            price.telling_order(word.fact.meter.field, entry.spec.tiers),
            word.fact.trust != OFFICIAL,
            word.fact.source,
        )
    )
    history = list(queries.history(reader, key))
    comparison = matrix(entry, reader.entries())
    compared, sampled = _last_with(history, "evals"), _last_with(history, "logging")
    specs = [spec for spec in configuration.sources.values() if depends_on(entry, spec)]
    fallback, differences = fallbacks.compared(entry, Production(reader, configuration, now))
    return Report(
        at=now,
        head=reader.head(),
        entry=entry,
        row=next(row for row in queries.status(reader, configuration, judged=(key,)) if row.key == key),
        production=production(reader, configuration, now)[key],
        priced=priced(reader, configuration, {key: entry})[key],
        words=words,
        checks=queries.checks(reader, configuration, key),
        confirmed=list(_confirmed(entry, fresh)),
        accepted=_last(history, ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED),
        pauses=pauses_of(history),
        compared=compared,
        comparison=comparison,
        sampled=sampled,
        spending=_spending(entry, words),
        dated=agenda(entry, fresh.baselines, specs),
        questions=[
            *_questions(reader, configuration, entry, fresh, words, now),
            *_of_evals(entry, compared, comparison),
        ],
        fallback=fallback,
        differences=differences,
        controls=control_map(reader),
    )


def _last(history: Sequence[Recorded], *types: str) -> Recorded | None:
    return next((record for record in reversed(history) if record.event.type in types), None)


def _last_with(history: Sequence[Recorded], key: str) -> Recorded | None:
    """Return the last word of a person that has this behind it."""
    return next((record for record in reversed(history) if record.event.data.get(key)), None)


def _confirmed(entry: Entry, fresh: Freshness) -> Iterator[Confirmed]:
    """Yield what was accepted, or would be now: with the last poll that showed it. Our own side is as
    it was declared.
    """
    accepted = entry.pins or pins.pins(entry, fresh.baselines)[0]
    for pin in accepted:
        if pin.scope == CONFIG or pin.key in entry.deviations:
            continue
        fact = Fact(Subject(pin.scope, pin.name), pin.field)
        last_at = fresh.latest((spec for spec, _ in fresh.baselines.statements(fact)), fact)
        value = (
            f"{price.spoken(str(pin.value))} USD per {price.PER_MILLION_TOKENS}"
            if _is_price(pin)
            else value_in_words(pin.value)
        )
        what = f"{pin.name} is listed on {pin.scope}" if pin.field == LISTED else pin_in_words(pin)
        yield Confirmed(what=what, value="" if pin.field == LISTED else value, seen_at=last_at)


def _is_price(pin: Pin) -> bool:
    return pin.field.startswith(price.PREFIX)


def _spending(entry: Entry, words: Sequence[PriceComparison]) -> Spending | None:
    used = entry.spec.usage or entry.observed
    if not used:
        return None
    official: dict[str, dict[str, str]] = {tier: {} for tier in entry.spec.tiers}
    for word in words:
        meter = word.fact.meter
        if word.view is PriceView.OFFICIAL and (meter.context, meter.modality) == (price.SHORT, price.TEXT):
            official[meter.tier][meter.meter] = word.fact.amount
    tiers = {tier: cost(amounts, used) for tier, amounts in official.items()}
    return Spending(known="configured" if entry.spec.usage else "observed", usage=used, tiers=tiers)


def _questions(
    reader: Reader,
    configuration: Configuration,
    entry: Entry,
    fresh: Freshness,
    words: Sequence[PriceComparison],
    now: datetime,
) -> Iterator[str]:
    if not entry.spec.model_id:
        yield "What is the exact model id? It stays blank until the provider has confirmed it."
    for name, state in checklist.missing(entry, now=now).items():
        yield f"The check {name} is {state}: {CHECKS[name]}?"
    yield from _moved(entry)
    yield from _not_confirmed(entry, fresh)
    yield from _pending(reader, entry)
    for word in words:
        if word.view is PriceView.DIFFERS and not word.stale:
            field = word.fact.meter.field.removeprefix(price.PREFIX)
            official = price.spoken(str(word.official))
            yield f"{word.fact.source} says {price.spoken(word.fact.amount)} for {field}, officially it is {official}."
    for spec in configuration.sources.values():
        source_state = reader.source(spec.key)
        if source_state is not None and source_state.outage and depends_on(entry, spec):
            yield f"{spec.key} cannot be read ({source_state.outage}): what has changed there since?"
    if not entry.spec.fallback:
        yield "What do callers use while it is denied? No fallback is declared."
    elif shortfall := fallbacks.missing(entry, Production(reader, configuration, now)):
        yield f"What do callers use while it is denied? The fallback {shortfall}."
    if not entry.spec.usage and not entry.observed:
        yield "What does production use in a month? No usage is declared, and no sample of requests was handed in."


def _not_confirmed(entry: Entry, fresh: Freshness) -> Iterator[str]:
    """Ask for each value that would have to be pinned and is not known, or is stated in two ways."""
    _, unknown, disputed = pins.pins(entry, fresh.baselines)
    for key in unknown if entry.spec.model_id else ():
        pin = Pin.of(key, "")
        if pin.field.startswith(price.PREFIX):
            yield f"No official source states {pin.field.removeprefix(price.PREFIX)} of {pin.name}: what does it cost?"
        else:
            yield f"Nothing confirms {pin.field} of {pin.name} on {pin.scope}."
    for field, answers in disputed.items():
        statements = ", ".join(f"{source} says {value}" for source, value in answers)
        yield f"Which is right? {field.removeprefix(price.PREFIX)}: {statements}."


def _pending(reader: Reader, entry: Entry) -> Iterator[str]:
    """Name what was seen of the entry's models and is not confirmed."""
    for change in reader.pending_changes():
        if change.seen and change.fact.subject in entry.subjects:
            quarantined = change.quarantine is not None
            doubt = "is held back as implausible" if quarantined else "is pending, not confirmed yet"
            movement = f"{change.fact.subject.name} {change.fact.field} → {value_in_words(change.value)}"
            yield f"{movement} at {change.source} {doubt}."


def _moved(entry: Entry) -> Iterator[str]:
    if entry.status is not Status.PAUSED:
        return
    for pin in entry.pins:
        if pin.key in entry.deviations:
            now = value_in_words(entry.deviations[pin.key])
            yield f"Is {pin_in_words(pin)} acceptable as it is now, {now} instead of {value_in_words(pin.value)}?"


def _of_evals(entry: Entry, compared: Recorded | None, comparison: EvalMatrix | None) -> Iterator[str]:
    if comparison is not None:
        if comparison.missing:
            yield f"How does it compare with current production? Missing: {', '.join(comparison.missing)}."
        return
    if compared is None:
        check = entry.checks.get("evals")
        if check is not None and check.state is CheckState.VERIFIED:
            yield "How does it compare with current production? The evals were attested without a file of results."
        return
    evals: Mapping[str, Any] = compared.event.data["evals"]
    if evals["baseline"] is None:
        yield "How does it compare with current production? The evals name no baseline."
    elif blanks := sum(row[side] is None for row in evals["rows"] for side in ("candidate", "baseline")):
        yield (
            f"What of the {blanks} empty {'cell' if blanks == 1 else 'cells'} in the comparison of evals, where "
            "nothing ran?"
        )
    if not set(evals["candidate"]) & set(entry.spec.surfaces.values()):
        yield (
            f"The evals were of {', '.join(evals['candidate'])}, which is no longer the model: how does "
            f"{entry.spec.model_id} do?"
        )
