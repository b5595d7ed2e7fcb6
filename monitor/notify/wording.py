"""What a notice says, in the order in which a person woken at night needs it; still without any markup.

Everything that a provider can influence passes `plain` here, once, so that no form downstream has to remember it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from shlex import quote

from monitor.core.facts import ANNOUNCED, LISTED
from monitor.core.notices import PAUSING, SERIOUS, Difference, Item, Notice, Reason
from monitor.core.price import PREFIX, TEXT, Meter, amount, percent, spoken
from monitor.core.text import polls_in_words

FULL = 8
BRIEF = 12
"""How many items are told in full and in brief; the rest is counted and pointed to."""

DIFFERENCES = 6
NAMES = 3
VALUE_LENGTH = 120
LINE_LENGTH = 500
COMMAND_LENGTH = 1000
TITLE_LENGTH = 150
HASH_LENGTH = 12

HEADLINES = {
    Reason.PAUSED: "PAUSED",
    Reason.PAUSE_EXTENDED: "STILL PAUSED",
    Reason.FALLBACK_LOST: "FALLBACK LOST",
    Reason.UNACKNOWLEDGED: "UNACKNOWLEDGED",
    Reason.TROUBLE: "MONITOR IN TROUBLE",
    Reason.HELD: "HELD BACK",
    Reason.BLIND: "BLIND",
    Reason.STALE: "STALE",
    Reason.REMINDER: "REMINDER",
    Reason.CHANGED: "CHANGED",
    Reason.VISIBLE: "VISIBLE",
    Reason.UNDELIVERED: "NOT DELIVERED",
    Reason.RECOVERED: "RECOVERED",
    Reason.TEST: "TEST",
}

_DONE = {
    Reason.PAUSED: "Paused {who}. It stays paused until a named person resumes it.",
    Reason.PAUSE_EXTENDED: "Kept {who} paused and added this to what must be looked at before it is resumed.",
    Reason.FALLBACK_LOST: "Recorded it and left {who} as it is.{status}",
    Reason.UNACKNOWLEDGED: "Said again that {who} is paused. `access-monitor ack` ends that, and resumes nothing.",
    Reason.TROUBLE: "Goes on trying, and tells you when it works again. This message went out without the database.",
    Reason.HELD: "Held it back: it is recorded, not confirmed, and pauses nothing.",
    Reason.BLIND: "Went on polling. What is confirmed was left as it was at the last good poll.",
    Reason.STALE: "Marked it stale. Nothing else was changed.",
    Reason.REMINDER: "Reminded of it, and changed nothing.{status}",
    Reason.CHANGED: "Recorded it; it pauses nothing.{status}",
    Reason.VISIBLE: "Recorded it. Nothing is activated without a named person.{status}",
    Reason.UNDELIVERED: "Stopped trying there. What could not be delivered is kept and can be sent again.",
    Reason.RECOVERED: "Went on as before.{status}",
    Reason.TEST: "Sent this test, and nothing else.",
}
"""What the monitor did, by reason: `{who}` is the entry or else the subject, `{status}` a sentence of its own."""

_UNTIL_MORNING = {
    Reason.TROUBLE: (
        "Not safe: a change of access or price may go unrecorded, or not reach production, until this is fixed."
    ),
    Reason.HELD: (
        "Safe for now: nothing is denied in production. If what was seen is true, calls may already fail or cost more."
    ),
    Reason.BLIND: (
        "Safe for now: nothing is denied yet. What rests on this source is denied once its last good poll is too old."
    ),
    Reason.STALE: "Safe for now: this denies nothing in production yet.",
    Reason.UNDELIVERED: "This denies nothing, but what it was about may: read what was not delivered.",
    Reason.TEST: "Nothing happened, and nothing is denied by this.",
}
"""Whether a reason can wait that denies nothing; what has no line here is safe."""

_PAUSING = PAUSING | {Reason.UNACKNOWLEDGED}
_DENYING = _PAUSING | {Reason.STALE, Reason.BLIND, Reason.FALLBACK_LOST}
"""Reasons whose news bears on what production is denied."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MENTION = re.compile(r"(?<!\w)@(?=here|channel|everyone|all\b|group)|<(?=[!@#])", re.IGNORECASE)
_ACRONYMS = {"url": "URL", "id": "id", "api": "API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing said: a label and one or more lines of text; `code` is to be copied as it stands."""

    label: str
    texts: tuple[str, ...]
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSection:
    """What is said of one item."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A whole notice in words. `more` counts what was left out, `footer` holds the idempotency key."""

    title: str
    serious: bool
    sections: tuple[MessageSection, ...]
    more: str
    footer: str


def plain(text: str, limit: int = LINE_LENGTH) -> str:
    """Return one line without control or direction characters, whose mentions no chat service acts on, cut to `limit`
    characters.
    """
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
    if what.startswith(ANNOUNCED):
        field, _, day = what.removeprefix(ANNOUNCED).partition("@")
        return f"{spoken_field(field)}, announced for {day}"
    try:
        meter = Meter.of(what)
    except ValueError:
        words = what.replace("_", " ").replace(".", " ").split()
        return " ".join(_ACRONYMS.get(word, word) for word in words)
    modality = [] if meter.modality == TEXT else [meter.modality]
    return " ".join([meter.tier, *modality, meter.meter.replace("_", " ")]) + f", {meter.context} context"


def spoken_change(difference: Difference) -> str:
    """Return old → new: amounts with unit and percentage, a listing in words, anything else as it is."""
    old, new = difference.old, difference.new
    if difference.what == LISTED:
        return f"{_listing(old)} → {_listing(new)}"
    if difference.what.removeprefix(ANNOUNCED).startswith(PREFIX):
        return _spoken_prices(old, new)
    return f"{_value(old)} → {_value(new)}"


def _listing(value: str | None) -> str:
    return "listed" if value == "yes" else "not listed"


def _spoken_prices(old: str | None, new: str | None) -> str:
    if not all(text is None or _is_amount(text) for text in (old, new)):
        return f"{_value(old)} → {_value(new)}"
    unit = "USD per 1M tokens"
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


def spoken_time(at: datetime, zone: tzinfo | None) -> str:
    """Return UTC to the second and, with a zone, the local time; with its date where that differs."""
    text = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    if zone is None:
        return text
    local = at.astimezone(zone)
    day = "" if local.date() == at.date() else f"{local:%Y-%m-%d} "
    return f"{text} ({day}{local:%H:%M:%S} {getattr(zone, 'key', None) or local.tzname()})"


def compose(notice: Notice, zone: tzinfo | None = None) -> Message:
    """Put a notice into words: the most serious items first, in full; long lists are cut and pointed to."""
    severity = list(Reason)
    items = sorted(notice.items, key=lambda item: (severity.index(item.reason), not item.entry, item.position))
    lost = {item.entry for item in items if item.denied and item.reason in _DENYING}
    full = [item for item in items if len(items) == 1 or _weighty(item)]
    brief = [item for item in items if item not in full]
    left = full[FULL:] + brief[BRIEF:]
    more = ""
    if left:
        after = min(item.position for item in left) - 1
        more = f"and {len(left)} more, see `access-monitor events --after {max(after, 0)}`"
    groups = groupby(
        brief[:BRIEF],
        # What is no entry has a section of its own: beside entries its name would be read as that of one.
        key=lambda item: (item.reason, bool(item.entry), item.source, item.since, item.polls, item.evidence),
    )
    return Message(
        title=plain(_title(items), TITLE_LENGTH),
        serious=notice.reason in SERIOUS,
        sections=(
            *(_section(item, lost, zone) for item in full[:FULL]),
            *(_group(list(group), lost, zone) for _, group in groups),
        ),
        more=more,
        footer=f"Notice {plain(notice.id)}",
    )


def _weighty(item: Item) -> bool:
    """Return whether an item is told in full beside others: those that deny nothing and ask for nothing are told in
    brief, so that the others stand out.

    News of an entry that was denied before denies nothing by itself: beside its pause, the other tiers of the same page
    are noise.
    """
    return item.reason in SERIOUS or item.reason is Reason.VISIBLE


def _name(item: Item) -> str:
    return plain(item.name or item.entry or item.subject, VALUE_LENGTH)


def _title(items: Sequence[Item]) -> str:
    """Return the most serious reason, and every other one that is worth waking someone for, each with the names that it
    is true of.
    """
    headed = [reason for reason in Reason if reason is items[0].reason or reason in SERIOUS]
    groups = {reason: [item for item in items if item.reason is reason] for reason in headed}
    named = {reason: [item for item in about if item.entry] or about for reason, about in groups.items() if about}
    headlines = [f"{HEADLINES[reason]}: {_names(about)}" for reason, about in named.items()]
    first = items[0]
    if len(headlines) > 1 or len(groups[first.reason]) > 1:
        return "; ".join(headlines)
    if len(first.differences) == 1:
        difference = first.differences[0]
        return f"{headlines[0]}: {spoken_field(difference.what)} {spoken_change(difference)}"
    return headlines[0] + (f": {first.summary}" if first.summary else "")


def _names(items: Sequence[Item]) -> str:
    names = list(dict.fromkeys(_name(item) for item in items))
    rest = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _section(item: Item, lost: Set[str], zone: tzinfo | None) -> MessageSection:
    key = plain(item.entry or item.subject, VALUE_LENGTH)
    heading = f"{HEADLINES[item.reason]}: {_name(item)}" + ("" if key == _name(item) else f" ({key})")
    lines = (
        Line(label="What changed", texts=_what(item)),
        Line(label="Since", texts=(spoken_time(item.since, zone),)),
        Line(label="Evidence", texts=(_evidence(item, item.position),)),
        Line(label="What was done", texts=(_done(item),)),
        Line(label="Until morning", texts=(_standing(item, lost, zone),)),
        Line(label="To resume", texts=(_asks(item),)),
        Line(label="Run next", texts=tuple(plain(command, COMMAND_LENGTH) for command in item.commands), code=True),
    )
    return MessageSection(heading=heading, lines=tuple(line for line in lines if any(line.texts)))


def _group(items: Sequence[Item], lost: Set[str], zone: tzinfo | None) -> MessageSection:
    """Sum up items that were seen together in brief: one line for each change, the rest once."""
    first = items[0]
    lines = (
        Line(label="What changed", texts=_together(items)),
        Line(label="Since", texts=(spoken_time(first.since, zone),)),
        Line(label="Evidence", texts=(_evidence(first, 0),)),
        Line(label="Until morning", texts=tuple(dict.fromkeys(_standing(item, lost, zone) for item in items))),
    )
    return MessageSection(
        heading=f"{HEADLINES[first.reason]}: {_names(items)}", lines=tuple(line for line in lines if any(line.texts))
    )


def _together(items: Sequence[Item]) -> tuple[str, ...]:
    """Return what changed of items that are told in brief; a summary that several share, as of a text that all of them
    rest on, is said once.
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        for text in _what(item):
            about = text if item.summary and text == plain(item.summary) else f"{_name(item)}: {text}"
            groups.setdefault(about, []).append(item)
    return tuple(
        f"{_names(about)}: {text}" if about[0].summary and text == plain(about[0].summary) else text
        for text, about in groups.items()
    )


def _what(item: Item) -> tuple[str, ...]:
    texts = [plain(item.summary)] if item.summary else []
    for difference in item.differences[:DIFFERENCES]:
        subject = "" if difference.subject in ("", item.subject) else f"{plain(difference.subject, VALUE_LENGTH)}, "
        texts.append(f"{subject}{plain(spoken_field(difference.what), VALUE_LENGTH)}: {spoken_change(difference)}")
    left = len(item.differences) - DIFFERENCES
    if left > 0:
        # What moved stands in the log before the event that follows from it, so its position leads past all of it.
        paused = item.entry and item.reason in _PAUSING
        look = f"why {quote(item.entry)}" if paused else f"events --subject {quote(item.subject)}"
        texts.append(f"and {left} more, see `access-monitor {plain(look, VALUE_LENGTH)}`")
    return tuple(texts) or ("Nothing but what the heading says",)


def _evidence(item: Item, position: int) -> str:
    parts = []
    if item.source:
        parts.append(f"source {plain(item.source, VALUE_LENGTH)}")
    if item.polls:
        parts.append(polls_in_words(item.polls))
    if item.evidence:
        parts.append(f"stored bytes {plain(item.evidence.removeprefix('sha256:'))[:HASH_LENGTH]}")
    if position:
        parts.append(f"event {position}")
    return ", ".join(parts)


def _done(item: Item) -> str:
    done = _DONE[item.reason].format(who=plain(item.entry or item.subject, VALUE_LENGTH), status=_status(item))
    if item.reason is Reason.FALLBACK_LOST and item.status == "paused":
        done += " An earlier acknowledgement of its pause counts no longer."
    return done


def _status(item: Item) -> str:
    return f" {plain(item.entry, VALUE_LENGTH)} is {plain(item.status)}." if item.entry and item.status else ""


def _asks(item: Item) -> str:
    """Return what has to be verified before the entry may be resumed; empty where no pause asks for anything."""
    return f"Verify since the pause: {', '.join(item.asks)}." if item.asks else ""


def _standing(item: Item, lost: Set[str], zone: tzinfo | None) -> str:
    """Return whether it can wait: what is denied in production now, and what is allowed instead. `lost` are the entries
    whose denial the notice tells.
    """
    if item.denied:
        return _denied(item, zone) if item.reason in _DENYING else _denied_before(item, lost)
    if item.spared or item.reason in _PAUSING:
        return f"{_spared(item, zone)}{'; ' if plain(item.fallback) else ', and '}{_instead(item)}."
    if item.reason is Reason.FALLBACK_LOST and not item.fallback_allowed:
        who = plain(item.entry or item.subject, VALUE_LENGTH)
        return f"Safe for now: {who} is allowed in production. Once it is denied, nothing is allowed instead."
    return _UNTIL_MORNING.get(item.reason, "Safe: this denies nothing in production.")


def _denied_before(item: Item, lost: Set[str]) -> str:
    """Return that an entry is denied, which the reason of the item is no news of."""
    who = plain(item.entry or item.subject, VALUE_LENGTH)
    if item.entry in lost:
        return f"As above: {who} is denied in production."
    why = f": {plain(item.refusal)}." if item.status == "active" and item.refusal else "."
    return f"Unchanged: {who} is {plain(item.status) or 'not active'} and was denied in production before this{why}"


def _denied(item: Item, zone: tzinfo | None) -> str:
    who = plain(item.entry or item.subject, VALUE_LENGTH)
    instead = _instead(item)
    if item.lease_until is not None:
        return (
            f"Not safe: {who} is denied over HTTP, but the lease files cannot be written and still allow it until "
            f"{spoken_time(item.lease_until, zone)}; {instead}."
        )
    if plain(item.fallback) and item.fallback_allowed:
        return f"Safe where callers use the fallback: {who} is denied in production now, {instead}."
    return f"Not safe: {who} is denied in production now, and {instead}."


def _instead(item: Item) -> str:
    """Return what stands in for an entry that is denied."""
    fallback = plain(item.fallback, VALUE_LENGTH)
    if not fallback:
        return "it has no fallback"
    return f"its fallback {fallback} is {'allowed' if item.fallback_allowed else 'not allowed either'}"


def _spared(item: Item, zone: tzinfo | None) -> str:
    """Return who goes on through a pause, and until when: the gate's own answer."""
    who = plain(item.entry, VALUE_LENGTH)
    if not item.spared:  # of a notice that waits since a version that did not name them
        return (
            f"Safe until the grace ends: the named callers of {who} stay allowed, new use in production is denied now"
        )
    callers = [plain(caller, VALUE_LENGTH) for caller in item.spared]
    rest = f" and {len(callers) - NAMES} more" if len(callers) > NAMES else ""
    until = "" if item.spared_until is None else f" until {spoken_time(item.spared_until, zone)}"
    named = ", ".join(callers[:NAMES]) + rest
    verb = "stay" if len(callers) > 1 else "stays"
    return (
        f"Safe for existing callers{until}: {named} {verb} allowed, any other use of {who} is denied in production now"
    )
