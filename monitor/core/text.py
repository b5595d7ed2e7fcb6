"""Values, pins and durations in words: what events, messages and pages say of them alike."""

from __future__ import annotations

from datetime import timedelta

from monitor.core import price
from monitor.core.entry import Pin
from monitor.core.facts import Value

MILLISECONDS = "ms"
"""The unit of a latency; a level in any other is a share."""


def value_in_words(value: Value | None) -> str:
    """Say a value; None is one that is gone."""
    if value is None:
        return "gone"
    if value is True:
        return "yes"
    return str(value)


def pin_in_words(pin: Pin) -> str:
    """Say what a pin is about: the meter alone where it is a price, since the entry is named already."""
    return price.Meter.of(pin.field).in_words if pin.field.startswith(price.PREFIX) else f"{pin.name} {pin.field}"


def move_in_words(field: str, old: Value | None, new: Value | None) -> str:
    """Say how a fact moved: `1.00 → 0.20` where it is a price, with two decimals at least."""
    prices = field.startswith(price.PREFIX)
    before, after = (
        price.spoken(value) if prices and isinstance(value, str) else value_in_words(value) for value in (old, new)
    )
    return f"{before} → {after}"


def polls_in_words(count: int) -> str:
    """Say a number of polls: `1 poll`, `2 polls`."""
    return "1 poll" if count == 1 else f"{count} polls"


def duration_in_words(duration: timedelta) -> str:
    """Say a duration in the largest unit that says it exactly: `24 h`, where `str` says `1 day, 0:00:00`."""
    units = (("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
    return next(
        (f"{duration // length} {unit}" for unit, length in units if duration and not duration % length),
        f"{duration.total_seconds():g} s",
    )


def level_in_words(level: int | str, unit: str) -> str:
    """Say a level that was measured of calls: milliseconds (`ms`), or the share of those that were not granted."""
    return f"{level} ms" if unit == MILLISECONDS else f"{float(level):.0%} of calls"


def rename_in_words(source: str, old: str, new: str, *, official: bool) -> str:
    """Say that a source states the prices of a model under another id now."""
    sentence = f"{source} states the prices of {old} under {new} now, each as it was"
    if not official:
        return f"{sentence}; this is its own naming and moves nothing"
    return (
        f'{sentence}; a person decides whether it is the same model: price_model = "{new}" then prices an entry by it '
        f"instead of {old}"
    )
