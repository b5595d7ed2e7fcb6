"""How single things are said in messages: fields, changes, amounts, times, names; still without any markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, tzinfo

from monitor.core.facts import ACCESS, ANNOUNCED, BEHAVIOUR, GRANTED, LISTED
from monitor.core.notices import Difference, Item
from monitor.core.price import PREFIX, SHORT, STANDARD, TEXT, Meter, amount, percent, spoken
from monitor.core.time import short_day

NAMES = 3
"""How many names a list in a sentence has; the rest is counted."""

VALUE_LENGTH = 120
LINE_LENGTH = 500
TITLE_LENGTH = 150

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MENTION = re.compile(r"(?<!\w)@(?=here|channel|everyone|all\b|group)|<(?=[!@#])", re.IGNORECASE)
SETTING = "setting.value"
"""The field of an account setting, whose subject is what people call it by."""

_ACRONYMS = {"url": "URL", "id": "id", "api": "API"}


def plain(text: str, limit: int = LINE_LENGTH) -> str:
    """Return one line without control or direction characters, whose mentions no chat service acts on, cut to `limit`
    characters.
    """
    visible = text
    if not text.isprintable():  # it is, but for a few signs that are looked at one by one
        visible = "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in text)
    line = " ".join(visible.split())
    # Chat services act on these wherever they stand, and not all of them can be escaped: a zero-width space breaks the
    # word.
    line = _MENTION.sub(lambda match: match.group() + "\u200b", line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def spoken_field(what: str) -> str:
    """Return the name of a field as people say it: `standard input, short context` for `price.standard.short.input`."""
    if what == LISTED:
        return "models list"
    if what.startswith(ACCESS):
        return f"{what.removeprefix(ACCESS)} calls"
    if what.startswith(BEHAVIOUR):
        route, _, field = what.removeprefix(BEHAVIOUR).partition(".")
        return f"{'model that answers' if field == 'model' else field.replace('_', ' ')} by {route}" if field else route
    if what.startswith(ANNOUNCED):
        field, _, day = what.removeprefix(ANNOUNCED).partition("@")
        return f"{spoken_field(field)}, announced for {day}"
    try:
        meter = Meter.of(what)
    except ValueError:
        words = what.replace("_", " ").replace(".", " ").split()
        return " ".join(_ACRONYMS.get(word, word) for word in words)
    modality = [] if meter.modality == TEXT else [meter.modality]
    return " ".join([meter.tier, *modality, meter.meter.replace("_", " ")]) + "".join(
        f", {part}" for part in (f"{meter.context} context", meter.condition) if part
    )


def spoken_change(difference: Difference) -> str:
    """Return old → new: amounts with unit and percentage, a listing in words, anything else as it is."""
    old, new = difference.old, difference.new
    if difference.what == LISTED:
        return f"{_listing(old)} → {_listing(new)}"
    if difference.what.startswith(ACCESS):
        return f"{_answer(old)} → {_answer(new)}"
    if difference.what.removeprefix(ANNOUNCED).startswith(PREFIX):
        return _spoken_prices(old, new, announced=difference.what.startswith(ANNOUNCED))
    return f"{_value(old)} → {_value(new)}"


def _listing(value: str | None) -> str:
    return "listed" if value == "yes" else "not listed"


def _answer(value: str | None) -> str:
    """Return in words how calls are answered."""
    if value is None:
        return "unknown"
    return "work" if value == GRANTED else f"refused ({_value(value).replace('_', ' ')})"


def _spoken_prices(old: str | None, new: str | None, *, announced: bool) -> str:
    if not all(text is None or _is_amount(text) for text in (old, new)):
        return f"{_value(old)} → {_value(new)}"
    unit = "USD per 1M tokens"
    if old is None and announced:
        return f"{spoken(str(new))} {unit}"
    if old is None or new is None:
        left = "no price" if old is None else f"{spoken(old)} {unit}"
        right = "no price" if new is None else f"{spoken(new)} {unit}"
        return f"{left} → {right}"
    moved = percent(old, new)
    return f"{spoken(old)} → {spoken(new)} {unit}" + (f", {moved}" if moved else "")


def _is_amount(text: str) -> bool:
    try:
        amount(text)
    except ValueError:
        return False
    return True


def _value(value: str | None) -> str:
    return "nothing" if value is None else (plain(value, VALUE_LENGTH) or "empty")


def of_route(difference: Difference) -> bool:
    """Return whether a change is one of a route to a model, or of a setting of the account about it."""
    return difference.what == LISTED or difference.what.startswith(ACCESS)


def brief_change(difference: Difference) -> str:
    """Return a change in the fewest words that say it, for a headline: `input −80 %`, `no longer listed`."""
    old, new, what = difference.old, difference.new, difference.what
    if what == LISTED:
        return "listed" if new == "yes" else "no longer listed"
    if what.startswith(ANNOUNCED):
        field, _, day = what.removeprefix(ANNOUNCED).partition("@")
        if new is None:
            return f"{_brief_meter(field)} no longer announced for {_short(day)}"
        return f"{_brief_meter(field)} {_value(new)} USD from {_short(day)}"
    if what == SETTING:
        values = f"{_value(old)} → {_value(new)}"
        return f"{plain(difference.subject, VALUE_LENGTH)} {values if len(values) <= _BRIEF_VALUES else 'changed'}"
    if what.startswith(ACCESS):
        return f"{spoken_field(what)} {'work' if new == GRANTED else 'refused' if old == GRANTED else 'changed'}"
    if what.startswith(PREFIX):
        name = _brief_meter(what)
        if old is None or new is None:
            return f"{name} {'gone' if new in (None, 'gone') else f'{_value(new)} USD, new'}"
        if not (_is_amount(old) and _is_amount(new)):
            return f"{name} gone" if new == "gone" else f"{name} {_value(old)} → {_value(new)}"
        return f"{name} {percent(old, new) or f'{spoken(old)} → {spoken(new)}'}"
    values = f"{_value(old)} → {_value(new)}"
    return f"{spoken_field(what)} {values if len(values) <= _BRIEF_VALUES else 'changed'}"


def _short(day: str) -> str:
    """Return a day as a headline has room for."""
    try:
        return short_day(date.fromisoformat(day))
    except ValueError:
        return day


_BRIEF_VALUES = 24
"""The most characters of old and new values that a headline gives; longer ones stand in the message."""


def _brief_meter(what: str) -> str:
    """Return the name of a price without what goes without saying: the standard tier, text, the short context."""
    try:
        meter = Meter.of(what)
    except ValueError:
        return spoken_field(what)
    parts = [
        "" if meter.tier == STANDARD else meter.tier,
        "" if meter.modality == TEXT else meter.modality,
        meter.meter.replace("_", " "),
        "" if meter.context == SHORT else f"({meter.context} context)",
        f"({meter.condition})" if meter.condition else "",
    ]
    return " ".join(part for part in parts if part)


def name_of(item: Item) -> str:
    """Return the name by which people know what an item is about."""
    return plain(item.name or item.entry or item.subject, VALUE_LENGTH)


def name_list(names: Iterable[str], most: int = NAMES) -> str:
    """Return names as a list in a sentence, each once; those beyond the first `most` are counted."""
    each = list(dict.fromkeys(names))
    rest = len(each) - most
    return ", ".join(each[:most]) + (f" and {rest} more" if rest > 0 else "")


def spoken_time(at: datetime, zone: tzinfo | None) -> str:
    """Return a time to the minute: in the zone of the reader, then in UTC, whose day is named where it differs."""
    if zone is None:
        return f"{at:%Y-%m-%d %H:%M} UTC"
    local = at.astimezone(zone)
    day = "" if local.date() == at.date() else f"{at:%Y-%m-%d} "
    return f"{local:%Y-%m-%d %H:%M} {getattr(zone, 'key', None) or local.tzname()} ({day}{at:%H:%M} UTC)"


def brief_time(at: datetime, beside: datetime, zone: tzinfo | None) -> str:
    """Return a time as a headline has room for: the hour and minute on the day of `beside`, else the day; in the zone
    of the reader, else in UTC.
    """
    local, other = (moment.astimezone(zone) if zone is not None else moment for moment in (at, beside))
    return f"{local:%H:%M}" if local.date() == other.date() else short_day(local.date())


_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")


def with_times(text: str, zone: tzinfo | None) -> str:
    """Return a sentence whose times are said as all others are."""

    def said(match: re.Match[str]) -> str:
        try:
            return spoken_time(datetime.fromisoformat(match.group()), zone)
        except ValueError:
            return match.group()

    return _TIME.sub(said, text)
