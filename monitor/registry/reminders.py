"""What comes on a day that is known ahead: announced ends and prices, the end of a promotion, the end of a check.

Nothing here happens by itself. An announced price is reminded of and never applied, an announced end pauses nothing:
each is told ahead, so that a person has acted before the day, and what is true on the day is seen by looking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from monitor.core import events as ev
from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.configuration import SourceSpec
from monitor.core.ends import AnnouncedEnd
from monitor.core.entry import FALLBACK_ENDS, CheckState, Entry
from monitor.core.facts import ANNOUNCED, PARAGRAPH, SHUTDOWN_DATE, Subject, Value
from monitor.core.time import month
from monitor.registry.transitions import RegistryTransaction

SHUTDOWN = "shutdown"
OVERDUE = "overdue"
PRICE = "price"
PROMOTION = "promotion"
CHECK = "check"

AHEAD = {
    SHUTDOWN: (90, 30, 7, 1),
    FALLBACK_ENDS: (90, 30, 7, 1),
    OVERDUE: (-1,),
    PRICE: (7, 1, 0),
    PROMOTION: (7, 1, -1),
    CHECK: (14, 3),
}
"""Kind → how many days ahead it is reminded of; -1 is the day after, when a promotion no longer has to hold and a model
that was to end is still listed."""

_DATE = re.compile(
    r"\b(?P<through>through|until|till|ends? on|ending|expires? on)\s+"
    r"(?P<month>[A-Z][a-z]{2,8})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>20\d\d)\b"
    r"|\b(?:through|until|till|ends? on|ending|expires? on)\s+(?P<iso>20\d\d-\d\d-\d\d)\b"
)
_PROMOTION = re.compile(r"\bpromotion|\bintroductory|\bdiscount|\blimited[- ]time", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One thing that comes on a day. `what` is its kind, `name` tells it apart from others of its kind, `text` is it in
    words.
    """

    what: str
    name: str
    day: date
    text: str
    source: str = ""

    def key(self, step: int) -> str:
        """Return what keeps it from being said twice: a moved day is said anew."""
        return f"{self.what} {self.name} {self.day.isoformat()} {step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A dated thing that should be said now, `days` ahead (negative: past) at the step `key` stands for."""

    dated: Deadline
    days: int
    key: str
    crossed: date


def agenda(entry: Entry, baselines: Baselines, specs: Iterable[SourceSpec]) -> list[Deadline]:
    """Everything with a day that concerns an entry. `specs` are the sources that it depends on."""
    deadlines = [
        *_ends(entry, baselines),
        *_prices(entry, baselines),
        *_promotions(entry, baselines, specs),
        *_checks(entry),
    ]
    return sorted(deadlines, key=lambda deadline: (deadline.day, deadline.what, deadline.name))


def fallback_ends(fallback: Entry, baselines: Baselines) -> list[Deadline]:
    """List the announced ends of an entry, as they concern those that it is the fallback of."""
    return [
        replace(
            end,
            what=FALLBACK_ENDS,
            name=f"{fallback.key} {end.name}",
            text=f"its fallback {fallback.key} ends: {end.text}",
        )
        for end in _ends(fallback, baselines)
        if end.what == SHUTDOWN
    ]


def due(entry: Entry, dated: Iterable[Deadline], today: date) -> list[Reminder]:
    """List what should be said today: of each thing the latest step that was passed and not said."""
    reminders = []
    for deadline in dated:
        days = (deadline.day - today).days
        passed = [step for step in AHEAD[deadline.what] if step >= days]
        # Long past, as after a stop of weeks, its polls have told it; but what goes on past its end goes on until
        # somebody knows.
        if not passed or (days < min(AHEAD[deadline.what]) - 1 and deadline.what != OVERDUE):
            continue
        step = min(passed)
        key = deadline.key(step)
        if key not in entry.reminded:
            reminders.append(Reminder(dated=deadline, days=days, key=key, crossed=deadline.day - timedelta(days=step)))
    return reminders


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMessage:
    """What the owners of an entry are told once: a thing of the kind `what` on a day, in words. `key` is what keeps it
    from being said twice, `more` goes into the data.
    """

    key: str
    what: str
    day: date
    text: str
    source: str = ""
    evidence: str = ""
    cause: int | None = None
    more: Mapping[str, object] | None = None


def reminded(register: RegistryTransaction, key: str, message: OwnerMessage, *, at: datetime) -> None:
    """Write that an entry's owners are told something that is told once."""
    register.add_to_entry(
        ev.ENTRY_REMINDED,
        key,
        at=at,
        source=message.source,
        cause=message.cause,
        evidence=message.evidence,
        data={
            "key": message.key,
            "what": message.what,
            "date": message.day.isoformat(),
            "days": (message.day - at.date()).days,
            "text": message.text,
            **(message.more or {}),
        },
    )


def days_in_words(days: int) -> str:
    """How far a day is away."""
    if days == 0:
        return "today"
    if days < 0:
        return "yesterday" if days == -1 else f"{-days} days ago"
    return "tomorrow" if days == 1 else f"in {days} days"


def promotion_end(text: str) -> date | None:
    """Return the day through which a remark guarantees a promotion; None where it speaks of none, or of no day."""
    if not _PROMOTION.search(text):
        return None
    match = _DATE.search(text)
    if match is None:
        return None
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        return date(int(match["year"]), month(match["month"]), int(match["day"]))
    except ValueError:
        return None


def names(entry: Entry, text: str) -> bool:
    """Whether a remark names an entry, by a name or id that was declared: none is ever derived from another."""
    declared = {entry.spec.name, entry.spec.price_model, *entry.spec.surfaces.values()} - {""}
    return any(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|[.:@]\w)", text, re.IGNORECASE) for name in declared)


def _ends(entry: Entry, baselines: Baselines) -> Iterator[Deadline]:
    ends: dict[tuple[str, Value], tuple[Subject, str]] = {}
    for subject in sorted(entry.subjects | entry.endpoints):
        for source, value in baselines.facts_of(subject).get(SHUTDOWN_DATE, ()):
            ends.setdefault((subject.name, value), (subject, source))  # the list and the page say the same day
    for (name, value), (subject, source) in ends.items():
        end = AnnouncedEnd.of(value)
        if end is not None and end.firm:  # a day that is only the earliest one is nothing to count down to
            day = end.day
            called = f"the endpoint {name}" if subject in entry.endpoints else name
            yield Deadline(what=SHUTDOWN, name=name, day=day, text=f"{called} is shut down on {day}", source=source)
            still = [
                surface
                for surface, id in entry.spec.surfaces.items()
                if id == name and baselines.listed(Subject(surface, id)) is True
            ]
            if still:
                text = (
                    f"{name} was to be shut down on {day} and is still listed on {', '.join(still)}; that is no "
                    "proof that it answers: probe it"
                )
                yield Deadline(what=OVERDUE, name=name, day=day, text=text, source=source)


def _prices(entry: Entry, baselines: Baselines) -> Iterator[Deadline]:
    subject = entry.price_subject
    by_day: dict[date, list[tuple[str, Value, str]]] = {}
    for field, statements in baselines.facts_of(subject).items():
        if not field.startswith(ANNOUNCED):
            continue
        name, _, text = field.removeprefix(ANNOUNCED).partition("@")
        day = _day(text)
        meter = price.Meter.of(name)
        if day is not None and meter.tier in entry.spec.tiers and meter.concerns(entry.spec.region):
            by_day.setdefault(day, []).append((name, statements[0][1], statements[0][0]))
    for day, prices in by_day.items():
        prices.sort(key=lambda row: price.telling_order(row[0], entry.spec.tiers))
        amounts = ", ".join(f"{name.removeprefix(price.PREFIX)} {value}" for name, value, _ in prices)
        text = f"{prices[0][2]} announces for {subject.name} from {day}: {amounts} USD per {price.PER_MILLION_TOKENS}"
        yield Deadline(what=PRICE, name=subject.name, day=day, text=text, source=prices[0][2])


def _promotions(entry: Entry, baselines: Baselines, specs: Iterable[SourceSpec]) -> Iterator[Deadline]:
    days: set[date] = set()
    for spec in specs:
        for fields in (baselines.baseline(spec.key) or {}).values() if spec.prices else ():
            for field, text in fields.items():
                if not field.startswith(PARAGRAPH) or not isinstance(text, str):
                    continue
                day = promotion_end(text)
                if day is not None and day not in days and names(entry, text):
                    days.add(day)
                    sentence = f"a promotion holds through {day} and what comes after it is not known: “{text}”"
                    yield Deadline(what=PROMOTION, name=entry.key, day=day, text=sentence, source=spec.key)


def _checks(entry: Entry) -> Iterator[Deadline]:
    for name, check in entry.checks.items():
        if check.state is CheckState.VERIFIED and check.until is not None and check.by:
            day = check.until.date()
            yield Deadline(what=CHECK, name=name, day=day, text=f"the check {name} was verified until {day}")


def _day(value: Value) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
