"""The headline of a message: true of every name in it, and short enough for a lock screen.

`PAUSED Luna (openai/gpt-5.6-luna): input −80 %; existing callers until Aug 2, fallback allowed`: the state, the entry,
the model on its provider, the change, the consequence. What is news of others is counted, never named.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from monitor.core.notices import PAUSING, SERIOUS, Item, Reason
from monitor.notify.phrases import NAMES, VALUE_LENGTH, brief_change, brief_time, name_list, name_of, plain

FIRST_CLAUSE = 60
"""The most characters up to the consequence: what a lock screen shows of a title."""

STATES = {
    Reason.PAUSED: "PAUSED",
    Reason.PAUSE_EXTENDED: "PAUSED",
    Reason.UNACKNOWLEDGED: "PAUSED",
    Reason.FALLBACK_LOST: "FALLBACK LOST",
    Reason.TROUBLE: "MONITOR IN TROUBLE",
    Reason.HELD: "HELD FOR REVIEW",
    Reason.BLIND: "SOURCE DOWN",
    Reason.STALE: "DENIED",
    Reason.APPROVAL: "APPROVAL NEEDED",
    Reason.REMINDER: "REMINDER",
    Reason.CHANGED: "CHANGED",
    Reason.VISIBLE: "AVAILABLE",
    Reason.UNDELIVERED: "NOT DELIVERED",
    Reason.ENDED: "ENDED",
    Reason.ACKNOWLEDGED: "ACKNOWLEDGED",
    Reason.RESUMED: "RESUMED",
    Reason.RECOVERED: "RECOVERED",
    Reason.TEST: "TEST",
}
"""Reason → the state that a headline begins with."""

PAUSES = PAUSING | {Reason.UNACKNOWLEDGED, Reason.ACKNOWLEDGED}
"""Reasons that tell of a running pause."""

HOLDABLE = PAUSES | {Reason.FALLBACK_LOST}
"""Reasons that tell of a running pause which somebody may have in hand."""

_CONSEQUENT = PAUSES | {
    Reason.STALE,
    Reason.FALLBACK_LOST,
    Reason.BLIND,
    Reason.HELD,
    Reason.RESUMED,
    Reason.RECOVERED,
    Reason.ENDED,
    Reason.VISIBLE,
    Reason.APPROVAL,
}
"""Reasons whose headline says what production gets."""

_ENDING = frozenset({"retired", "withdrawn"})
"""Statuses of entries that are over."""


def denial_is_news(item: Item) -> bool:
    """Return whether production lost an entry by what an item tells; else it was denied before and still is."""
    if item.reason is Reason.ENDED:
        return item.status in _ENDING
    return item.reason in (Reason.PAUSED, Reason.STALE, Reason.BLIND)


def awaits_activation(item: Item) -> bool:
    """Return whether an item tells of an entry that production is denied for no other reason than that nobody has
    activated it.
    """
    return item.reason is Reason.VISIBLE and item.denied and item.status not in ("active", "paused")


def state_of(item: Item) -> str:
    """Return the state that an item tells. An expired check that denies nothing is a reminder to verify it."""
    if item.reason is Reason.STALE and not (item.denied or item.refusal):
        return STATES[Reason.REMINDER]
    return STATES[item.reason]


def names_of(items: Sequence[Item]) -> str:
    """Return the names of what items are about; the fourth and further ones are counted."""
    return name_list(map(name_of, items))


def title_of(items: Sequence[Item], at: datetime, zone: tzinfo | None) -> str:
    """Return the headline of items that are sorted by weight; `at` is when their notice was composed."""
    first = items[0]
    leading = [item for item in items if state_of(item) == state_of(first)]
    leading = [item for item in leading if item.entry] or leading
    title = "; ".join(part for part in (first_clause(leading), _consequence(leading, at, zone)) if part)
    others = _others(items, leading)
    title = f"{title}; {others}" if others else title
    moved = [item for item in leading if item.since_then is not None]
    if not moved:
        return title
    since = moved[0].since_then
    assert since is not None
    who = f"{name_of(moved[0])} " if len(leading) > 1 else ""
    return f"Since then ({brief_time(since.at, at, zone)}): {who}{plain(since.text, VALUE_LENGTH)}; earlier: {title}"


def digest_title(items: Sequence[Item], over: int) -> str:
    """Return the headline of a digest: each state with the names of which it is true, and how much is over by now."""
    by_state: dict[str, list[Item]] = {}
    for item in items:
        by_state.setdefault(state_of(item), []).append(item)
    parts = [f"{state} {names_of(same)}" for state, same in by_state.items()]
    return "DIGEST: " + "; ".join([*parts, *([f"{over} over by now"] if over else [])])


def first_clause(items: Sequence[Item]) -> str:
    """Return state, names, model and change within `FIRST_CLAUSE` characters: what has the least weight goes first."""
    first, state = items[0], state_of(items[0])
    changes = list(dict.fromkeys(change_of(item) for item in items))
    change = changes[0] if len(changes) == 1 else _kind(items)
    texts = [text for text in dict.fromkeys((change, _shortened(first) if len(items) == 1 else "")) if text] or [""]
    names = names_of(items)
    subjects = [f"{names}{place}" for place in dict.fromkeys((_place(items), _model(items), ""))]
    subjects += [name_list(map(name_of, items), most) for most in range(NAMES - 1, 0, -1)]
    candidates = [_clause(state, subject, text) for text in texts for subject in subjects]
    fitting = next((text for text in candidates if len(text) <= FIRST_CLAUSE), None)
    if fitting is not None:
        return fitting
    room = len(_clause(state, names, "")) <= FIRST_CLAUSE - _LEAST
    return plain(_clause(state, names, change if room else ""), FIRST_CLAUSE)


_LEAST = 12
"""The fewest characters of a change that are worth showing of one that is cut."""


def _clause(state: str, names: str, change: str) -> str:
    return f"{state} {names}: {change}" if change else f"{state} {names}"


def _place(items: Sequence[Item]) -> str:
    """Return ` (provider/model on surface)` of a single entry."""
    item = items[0]
    if len(items) > 1 or not item.model:
        return ""
    of = f"{item.provider}/" if item.provider else ""
    named = item.name.endswith(f" on {item.surface}")
    on = f" on {item.surface}" if item.surface and item.surface != item.provider and not named else ""
    return f" ({plain(of + item.model + on, VALUE_LENGTH)})"


def _model(items: Sequence[Item]) -> str:
    item = items[0]
    if len(items) > 1 or not item.model or item.model == name_of(item):
        return ""
    return f" ({plain(item.model, VALUE_LENGTH)})"


def _kind(items: Sequence[Item]) -> str:
    """Return what the changes of several entries have in common."""
    whats = [difference.what for item in items for difference in item.differences]
    if len(items) and all(item.differences for item in items) and all(what.startswith("price.") for what in whats):
        return "prices changed"
    return ""


def change_of(item: Item) -> str:
    """Return what an item tells, in a few words."""
    match item.reason:
        case Reason.UNACKNOWLEDGED:
            return "unacknowledged"
        case Reason.FALLBACK_LOST if item.fallback and not item.fallback_allowed:
            return f"fallback {plain(item.fallback, VALUE_LENGTH)} denied"
        case Reason.ENDED if item.status in _ENDING and not item.differences:
            return f"{item.status}{_by(item)}"
        case Reason.VISIBLE:
            return f"activated{_by(item)}" if item.by else "listed"
        case Reason.APPROVAL:
            return f"asked{_by(item)}"
    if item.by:
        return _by(item).strip()
    if item.brief:
        return plain(item.brief)
    if item.differences:
        rest = len(item.differences) - 1
        also = "also " if item.reason is Reason.PAUSE_EXTENDED else ""
        return f"{also}{plain(brief_change(item.differences[0]))}" + (f" and {rest} more" if rest else "")
    return plain(item.summary.partition(":")[0] if item.entry else item.summary)


def _shortened(item: Item) -> str:
    """Return the change of an item without the count of further ones."""
    return plain(brief_change(item.differences[0])) if item.differences and not (item.by or item.brief) else ""


def _by(item: Item) -> str:
    return f" by {plain(item.by, VALUE_LENGTH)}" if item.by else ""


def _consequence(items: Sequence[Item], at: datetime, zone: tzinfo | None) -> str:
    """Return what the news means for production; nothing where that differs between the names."""
    if items[0].reason not in _CONSEQUENT and not items[0].denied:
        return ""
    each = {_of_production(item, at, zone) for item in items}
    return each.pop() if len(each) == 1 else ""


def _of_production(item: Item, at: datetime, zone: tzinfo | None) -> str:
    if not item.entry:
        return ""
    if awaits_activation(item):
        return "production denied until activated"
    if item.denied:
        before = "" if denial_is_news(item) else "still "
        return f"production {before}denied, {_instead(item)}"
    if item.spared:
        until = f" until {brief_time(item.spared_until, at, zone)}" if item.spared_until is not None else ""
        return f"existing callers{until}, {_instead(item)}"
    if item.reason is Reason.BLIND and item.denies_from is not None:
        return f"production denied from {brief_time(item.denies_from, at, zone)}"
    if item.reason in PAUSES and item.status in ("paused", ""):
        return f"existing callers, {_instead(item)}"
    return "production allowed"


def _instead(item: Item) -> str:
    if not item.fallback:
        return "no fallback"
    return "fallback allowed" if item.fallback_allowed else "fallback denied"


def _others(items: Sequence[Item], leading: Sequence[Item]) -> str:
    """Return how many other things worth waking someone for the message tells, by state."""
    counts: dict[str, int] = {}
    for item in items:
        if item not in leading and item.reason in SERIOUS and state_of(item) != state_of(leading[0]):
            counts[state_of(item)] = counts.get(state_of(item), 0) + 1
    return ", ".join(f"also {count} {state}" for state, count in counts.items())
