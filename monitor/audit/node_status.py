"""How each node stands: whether it lives, what it does, and what it has to do with the others.

Reading only; commands, HTTP and pages show the same rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.core.configuration import Configuration
from monitor.core.nodes import TICKING, Turn
from monitor.core.ports import Reader
from monitor.detection.shards import shards

CLOCK_OFF = timedelta(minutes=1)
"""How far a node's own clock may be from the server's before it is said."""

OVERDUE = timedelta(minutes=1)
"""How long after its time a turn is late."""


class NodeCondition(StrEnum):
    """What a node does, the most serious first."""

    SILENT = "silent"
    TICKING = "ticking"
    WORKING = "working"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node.

    Attributes:
        name: Its name.
        role: `run` or `worker`.
        state: What it does.
        version: The version of the program.
        started_at: When it joined.
        heartbeat_at: When it was last heard of.
        sources: How many sources it polled last.
        polls: How many polls it made since it joined.
        problems: How many of its jobs overran or raised.
        clock_off: How many seconds its own clock is ahead of the server's; negative: behind.
        differs: What it has otherwise than the node that ticks, `version` or `configuration`.
    """

    name: str
    role: str
    state: NodeCondition
    version: str
    started_at: datetime
    heartbeat_at: datetime
    sources: int
    polls: int
    problems: int
    clock_off: int
    differs: tuple[str, ...]


def node_rows(reader: Reader, configuration: Configuration, now: datetime) -> list[NodeRow]:
    """Return every node, by name; none where there is one daemon."""
    nodes = reader.nodes()
    if not nodes:
        return []
    ticking = _ticking(reader.turns(), now)
    first = next((node for node in nodes if node.name == ticking), None)
    polled = Counter(polled_by(reader, configuration).values())
    rows = []
    for node in nodes:
        works = NodeCondition.TICKING if node.name == ticking else NodeCondition.WORKING
        rows.append(
            NodeRow(
                name=node.name,
                role=node.role,
                state=NodeCondition.SILENT if node.silent(now) else works,
                version=node.version,
                started_at=node.started_at,
                heartbeat_at=node.heartbeat_at,
                sources=polled[node.name],
                polls=node.polls,
                problems=node.problems,
                clock_off=node.clock_off,
                differs=()
                if first is None
                else tuple(
                    name for name in ("version", "configuration") if getattr(node, name) != getattr(first, name)
                ),
            )
        )
    return rows


def polled_by(reader: Reader, configuration: Configuration) -> Mapping[str, str]:
    """Return the node that polled each source last; no source where there is one daemon."""
    turns = {turn.name: turn.node for turn in reader.turns() if turn.name != TICKING}
    if not turns:
        return {}
    by_source: dict[str, str] = defaultdict(str)
    by_source.update({key: turns.get(name, "") for name, keys in shards(configuration).items() for key in keys})
    return by_source


def nothing_ticks(reader: Reader, now: datetime) -> datetime | None:
    """Return since when no node says what is due; None where one does, or where there is one daemon."""
    if not reader.nodes():
        return None
    return next((turn.due_at for turn in reader.turns() if turn.name == TICKING and turn.due_at < now - OVERDUE), None)


def late_turns(reader: Reader, now: datetime) -> int:
    """Count the turns that nobody has begun in time."""
    return sum(turn.name != TICKING and turn.due_at < now - OVERDUE and not _runs(turn, now) for turn in reader.turns())


def _runs(turn: Turn, now: datetime) -> bool:
    begun = turn.begun_at
    return begun is not None and (turn.ended_at is None or turn.ended_at < begun) and now - begun < OVERDUE


def _ticking(turns: Sequence[Turn], now: datetime) -> str:
    return next((turn.node for turn in turns if turn.name == TICKING and turn.due_at > now), "")
