"""Say in one line of words what the data of an event hold; which event speaks how is in `event_types`.

Notices are rendered elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from monitor.core.ends import end_in_words
from monitor.core.price import SHORT, TEXT, USD, Meter, amount, percent, spoken
from monitor.core.text import duration_in_words, polls_in_words

_SAID_FIRST = frozenset({"field", "check", "pin", "old", "new", "reason", "by", "url", "note", "detail"})
_FOR_AUDITORS = frozenset(
    [
        "baseline",
        "callers",
        "carried",
        "causes",
        "configuration",
        "declaration",
        "document",
        "evals",
        "expect",
        "extractor",
        "logging",
        "last_with_old",
        "link",
        "pins",
        "reference",
        "seen",
        "sha256",
        "shifts",
        "signals",
        "unpinned",
        "versions",
        "via",
    ]
)
"""What an event holds for whoever reads it whole (`events --json`)."""

_SPOKEN = {"looks": "polls"}
"""Keys that are kept as they were recorded first, and what they are called."""

_OF_A_PRICE = frozenset({"provider", "tier", "context", "modality", "meter", "condition", "unit", "currency"})


def plain(data: Mapping[str, Any]) -> str:
    """Say what most events hold: what moved and how, why, and what else there is to know."""
    parts = [_subject(data), str(data.get("reason", ""))]
    parts += [str(data[key]) for key in ("note", "detail", "url") if data.get(key)]
    parts.append(_signals(data.get("signals", ())))
    left = data.keys() - _SAID_FIRST - _FOR_AUDITORS - _OF_A_PRICE
    parts += [_plain(_SPOKEN.get(key, key), value) for key, value in data.items() if key in left]
    parts.append(f"by {data['by']}" if data.get("by") else "")
    return "; ".join(part for part in parts if part)


def of_evals(data: Mapping[str, Any]) -> str:
    """Say which suites of which models were filled: `tool_use of gpt-5.6-luna, gpt-5.4-mini; by Ada L.`."""
    models: dict[str, list[str]] = {}
    for cell in data["cells"]:
        models.setdefault(cell["suite"], []).append(cell["model"])
    filled = [f"{suite} of {', '.join(dict.fromkeys(names))}" for suite, names in models.items()]
    return "; ".join([*filled, *(data[key] for key in ("note", "url") if data[key]), f"by {data['by']}"])


def of_a_price(data: Mapping[str, Any]) -> str:
    """Say how a price moved: `standard input: 1.00 → 0.20 USD per 1M tokens (−80 %)`."""
    return _and_reason(_price(data), data) if "meter" in data else plain(data)


def of_a_hold(data: Mapping[str, Any]) -> str:
    """Say which price is held back no more: `gpt-5.6-luna, standard input: 0.00 → 1.00 USD per 1M tokens`."""
    return f"{data['model']}, {_price(data)}"


def of_a_refusal(data: Mapping[str, Any]) -> str:
    """Say which part is no longer understood: `Standard, table at line 12: the unit is not known; and 2 more`."""
    rest = data["count"] - 1
    return f"{data['where']}: {data['reason']}" + (f"; and {rest} more" if rest else "")


def of_an_end(data: Mapping[str, Any]) -> str:
    """Say how the date of a model's end moved: `date: not before 2026-10-16 → 2026-12-01`."""
    rest = {key: value for key, value in data.items() if key not in ("date", "precision", "old_precision")}
    old, new = ends_in_words(data)
    return plain({**rest, "field": "date", "old": old, "new": new})


def ends_in_words(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the end before and now that the data of an event hold, for people; None where there was or is none."""
    old, new = data["old"], data["date"]
    return (
        None if old is None else end_in_words(old, data.get("old_precision")),
        None if new is None else end_in_words(new, data.get("precision")),
    )


def of_the_clock(data: Mapping[str, Any]) -> str:
    """Say how a clock was set: `set back by 10 min: … → …`."""
    direction = "back" if data["by"] < 0 else "forward"
    by = duration_in_words(timedelta(seconds=abs(data["by"])))
    return f"set {direction} by {by}: {data['from']} → {data['to']}"


def of_a_start(data: Mapping[str, Any]) -> str:
    """Say which version runs, and until when one ran before."""
    before = f"; the last one ran until {data['last_seen']}" if data["last_seen"] else ""
    return f"version {data['code']}{before}"


def meter_in_words(data: Mapping[str, Any]) -> str:
    """Return the identity of a price below its model: `batch input, long context`."""
    return Meter(
        data["tier"],
        data.get("context", SHORT),
        data.get("modality", TEXT),
        str(data["meter"]),
        str(data.get("condition", "")),
    ).in_words


def share_in_percent(share: str) -> str:
    """Return a share of one, `90 %`."""
    return f"{(amount(share) * 100).normalize():f} %"


def _price(data: Mapping[str, Any]) -> str:
    old, new = data.get("old"), data.get("new")
    unit = f"{data.get('currency', USD)} per {data.get('unit', '1M tokens')}"
    if old is not None and new is not None:
        percentage = percent(old, new)
        amounts = f"{spoken(old)} → {spoken(new)} {unit}" + (f" ({percentage})" if percentage else "")
    elif new is not None:
        amounts = f"{spoken(new)} {unit}"
    else:
        amounts = f"was {spoken(old)} {unit}" if old is not None else "no amount"
    return f"{meter_in_words(data)}: {amounts}"


def _and_reason(said: str, data: Mapping[str, Any]) -> str:
    more = [f"{key.replace('_', ' ')} {data[key]}" for key in ("renamed_to", "renamed_from") if data.get(key)]
    return "; ".join([said, *more, *(str(data[key]) for key in ("note", "reason") if data.get(key))])


def _moved(data: Mapping[str, Any]) -> str:
    return f"{_value(data.get('old'))} → {_value(data['new'])}"


def _subject(data: Mapping[str, Any]) -> str:
    """Return what moved and how; nothing for a pin, whose move the reason tells."""
    name = str(data.get("field") or data.get("check") or "")
    movement = _moved(data) if "new" in data and not data.get("pin") and data.get("old") != data["new"] else ""
    return f"{name}: {movement}" if name and movement else name or movement


def _signals(signals: Sequence[Mapping[str, Any]]) -> str:
    """Say what each route says of access, with its count of polls: `list lost (3 polls), chat granted (1 poll)`."""
    return ", ".join(f"{signal['route']} {signal['says']} ({polls_in_words(signal['looks'])})" for signal in signals)


def _value(value: Any) -> str:
    return "none" if value is None else str(value)


def _plain(key: str, value: Any) -> str:
    if value in (None, "", [], {}, 0):
        return ""
    if isinstance(value, Mapping):
        inner = [(k, ", ".join(map(str, v)) if isinstance(v, list | tuple) else v) for k, v in value.items()]
        return f"{key} ({', '.join(f'{k} {v}' for k, v in inner if v != '' and not isinstance(v, Mapping))})"
    if isinstance(value, list | tuple):
        shown = ", ".join(str(item) for item in value[:5] if not isinstance(item, Mapping | list))
        return f"{key} {shown or len(value)}" + (f" and {len(value) - 5} more" if shown and len(value) > 5 else "")
    return f"{key.replace('_', ' ')} {value}"
