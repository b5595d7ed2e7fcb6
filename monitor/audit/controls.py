"""Which events of the log bear on which control of a standard or law, and what they do not show.

A map for who is audited, in plain words. It claims no conformity: an event shows that something was recorded, and the
control may ask for more than this program sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.core import events as ev
from monitor.core.ports import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control.

    Attributes:
        name: the standard or law, and the number in it.
        asks: what it asks for, in our words.
        events: the event types that bear on it.
        shows: what they show.
        lacks: what they do not show.
    """

    name: str
    asks: str
    events: tuple[str, ...]
    shows: str
    lacks: str


CONTROLS = (
    Control(
        name="OWASP AISVS 1.0, 3.2.3",
        asks="A change of the provider's model, version or routing leads to a new evaluation before use goes on.",
        events=(
            ev.MODEL_CHANGED,
            ev.MODEL_UNLISTED,
            ev.BEHAVIOUR_CHANGED,
            ev.ACCESS_LOST,
            ev.ENTRY_PAUSED,
            ev.CHECK_STALE,
            ev.CHECK_ATTESTED,
            ev.ENTRY_RESUMED,
        ),
        shows="When a change was seen, that it paused the entry and which checks it made stale, and who attested what "
        "before who resumed it.",
        lacks="Changes that no watched source or call shows, how good the evaluation was, and callers who do not ask "
        "the gate.",
    ),
    Control(
        name="EU AI Act, Article 12",
        asks="Events are recorded automatically over the lifetime of a high-risk system.",
        events=(
            ev.ENTRY_DECLARED,
            ev.ENTRY_ACTIVATED,
            ev.ENTRY_PAUSED,
            ev.ENTRY_RETIRED,
            ev.MODEL_CHANGED,
            ev.BEHAVIOUR_CHANGED,
            ev.GATE_FIRST_USED,
            ev.GATE_DENIED,
        ),
        shows="From when to when a model was allowed, what changed about it, and which caller asked for it first or "
        "was denied.",
        lacks="What the system was asked and answered: no prompt, no output and no single use is in this log.",
    ),
    Control(
        name="EU AI Act, Article 19",
        asks="Providers keep the automatic logs under their control, for six months at least.",
        events=(ev.CONFIG_CHANGED, ev.ENTRY_DECLARED, ev.BASELINE_RECORDED),
        shows="How far back this log goes. Nothing in it is ever deleted or changed, which `audit verify` shows to who "
        "kept a checkpoint.",
        lacks="The logs of the AI system itself, wherever those are.",
    ),
    Control(
        name="EU AI Act, Article 26(6)",
        asks="Deployers keep the automatic logs under their control, for six months at least.",
        events=(ev.GATE_FIRST_USED, ev.GATE_DENIED, ev.ENTRY_ACTIVATED, ev.ENTRY_PAUSED, ev.ENTRY_RESUMED),
        shows="What production was answered and who decided it, for as far back as this log goes.",
        lacks="The logs of the AI system itself, and who used it after the gate had answered.",
    ),
    Control(
        name="ISO/IEC 42001, A.6.2.6",
        asks="The operation of the AI system is monitored, and what goes wrong is responded to.",
        events=(
            ev.SOURCE_FAILED,
            ev.SOURCE_STALE,
            ev.SOURCE_ANOMALY,
            ev.ENTRY_PAUSED,
            ev.NOTICE_DELIVERED,
            ev.NOTICE_DEAD,
            ev.NOTICE_ACKNOWLEDGED,
        ),
        shows="That access, prices and limits were watched, when they were not, who was notified, and who acknowledged "
        "it.",
        lacks="Whether the system does well at its task: quality is watched by nobody here.",
    ),
    Control(
        name="ISO/IEC 42001, A.6.2.8",
        asks="The AI system records event logs in the phases of its life cycle where they are needed.",
        events=(ev.ENTRY_DECLARED, ev.ENTRY_ACTIVATED, ev.ENTRY_PAUSED, ev.ENTRY_RESUMED, ev.ENTRY_RETIRED),
        shows="The life of an entry from its declaration to its end, with people, reasons and evidence.",
        lacks="Events inside the AI system.",
    ),
    Control(
        name="ISO/IEC 42001, A.10.3",
        asks="What suppliers provide fits what the organisation needs of them.",
        events=(
            ev.PRICE_CHANGED,
            ev.MODEL_CHANGED,
            ev.LIMIT_CHANGED,
            ev.DOCUMENT_CHANGED,
            ev.LIFECYCLE_ANNOUNCED,
            ev.CHECK_FAILED,
        ),
        shows="What the provider changed of prices, models, limits, terms and dates of end, and which checks failed "
        "by it.",
        lacks="The contract with the provider, and whether the provider keeps it.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many events of a type there are, and when the last was recorded; None where there are none."""

    type: str
    count: int
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEvidence:
    """What a log has for a control."""

    control: Control
    counts: tuple[EventCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlMap:
    """All controls, and since when the log runs; None where it is empty."""

    since: datetime | None
    rows: tuple[ControlEvidence, ...]


def control_map(reader: Reader) -> ControlMap:
    """Count what the log has for each control."""
    lasts = reader.event_types()
    first = reader.event(1)

    def counted(types: tuple[str, ...]) -> Iterator[EventCount]:
        for type in types:
            count, position = lasts.get(type, (0, 0))
            last = reader.event(position) if count else None
            yield EventCount(type=type, count=count, last=None if last is None else last.recorded_at)

    return ControlMap(
        since=None if first is None else first.recorded_at,
        rows=tuple(ControlEvidence(control=control, counts=tuple(counted(control.events))) for control in CONTROLS),
    )
