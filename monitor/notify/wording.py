"""What a notice says, in the order in which a person woken at night needs it; still without any markup.

Which model, what, since when, does production work, who has it, what do I type: in this order, and each once. The
headline is made by `headlines`. Everything that a provider can influence passes `plain`, once, so that no form
downstream has to remember it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import lru_cache
from itertools import groupby
from shlex import quote

from monitor.core.notices import SERIOUS, Item, Notice, OverItem, Reason
from monitor.core.text import polls_in_words
from monitor.notify.headlines import (
    HOLDABLE,
    PAUSES,
    awaits_activation,
    denial_is_news,
    digest_title,
    names_of,
    state_of,
    title_of,
)
from monitor.notify.phrases import (
    NAMES,
    SETTING,
    TITLE_LENGTH,
    VALUE_LENGTH,
    name_list,
    name_of,
    of_route,
    plain,
    spoken_change,
    spoken_field,
    spoken_time,
    with_times,
)

FULL = 8
BRIEF = 12
"""How many items are told in full and in brief; the rest is counted and pointed to."""

DIFFERENCES = 6
COMMAND_LENGTH = 1000
HASH_LENGTH = 12

_DONE = {
    Reason.PAUSED: "Paused {who}. Only a named person resumes it.",
    Reason.PAUSE_EXTENDED: "Kept {who} paused, and added this to what its resumption asks for.",
    Reason.FALLBACK_LOST: "Recorded it and left {who} as it is.",
    Reason.UNACKNOWLEDGED: "Repeats this until somebody acknowledges the pause. Acknowledging resumes nothing.",
    Reason.TROUBLE: "Keeps trying, and tells you when it works again. This message went out without the database.",
    Reason.HELD: "Held it for review: it is recorded, not confirmed, and pauses nothing.",
    Reason.BLIND: "Keeps polling. What was confirmed at the last good poll stands.",
    Reason.STALE: "Marked the check expired. Nothing else was changed.",
    Reason.APPROVAL: "Recorded the request. It takes effect when another person confirms it.",
    Reason.REMINDER: "Sent this reminder. Nothing was changed.",
    Reason.CHANGED: "Recorded it. It pauses nothing.",
    Reason.VISIBLE: "Recorded it. Only a named person activates an entry.",
    Reason.UNDELIVERED: "Stopped trying there. The message is kept; once the destination is mended, send it again.",
    Reason.TEST: "Sent this test and nothing else.",
}
"""What the monitor did, by reason; acts of people and ends need no such line. `{who}` is the entry or else the subject.
"""

_IMPACT = {
    Reason.TROUBLE: (
        "Production may be at risk: a change of access or price may go unrecorded, or not reach the gate, until this "
        "is fixed."
    ),
    Reason.UNDELIVERED: "This denies nothing by itself. Read what was not delivered: that may.",
    Reason.TEST: "None. This is a test.",
}
"""What a reason means for production that is about no entry."""

_ADDED = {
    Reason.HELD: "Nothing is paused. If what was seen is true, calls may already fail or cost more.",
    Reason.STALE: "It does not require this check.",
    Reason.FALLBACK_LOST: "If it is denied later, nothing is allowed instead.",
}
"""What follows on the sentence that production may use the entry."""

_TOGETHER = frozenset({Reason.BLIND, Reason.HELD, Reason.RECOVERED, Reason.ENDED})
"""Reasons that tell several entries of one and the same thing, which is told once."""


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
    """A whole notice in words.

    Attributes:
        title: the headline.
        serious: whether it is worth waking someone for.
        updates: what happened since it was composed, first of all.
        sections: the items, the most serious first.
        more: how many items were left out, and where they are.
        ack_url: the link by which its pauses can be acknowledged; empty where it has none.
        earlier: the message that began the incident here; empty where a thread shows it.
        footer: the idempotency key.
    """

    title: str
    serious: bool
    updates: tuple[str, ...]
    sections: tuple[MessageSection, ...]
    more: str
    ack_url: str
    earlier: str
    footer: str


def compose(notice: Notice, zone: tzinfo | None = None) -> Message:
    """Put a notice into words: the most serious items first, in full; long lists are cut and pointed to."""
    message = _composed(replace(notice, id="", earlier=None, ack_url=""), zone)
    return replace(message, ack_url=notice.ack_url, earlier=_earlier(notice, zone), footer=_footer(notice))


@lru_cache(maxsize=64)
def _composed(notice: Notice, zone: tzinfo | None) -> Message:
    """Put into words what is the same at every destination of a notice, which are sent to one after the other."""
    severity = list(Reason)
    items = sorted(notice.items, key=lambda item: (severity.index(item.reason), not item.entry, item.position))
    lost = {item.entry for item in items if item.denied and denial_is_news(item)}
    brief = [item for item in items if len(items) > 1 and not _weighty(item)]
    full = [list(same) for _, same in groupby((item for item in items if item not in brief), key=_matter)]
    left = [item for same in full[FULL:] for item in same] + brief[BRIEF:]
    more = ""
    if left:
        after = min(item.position for item in left) - 1
        more = f"and {len(left)} more, see `access-monitor events --after {max(after, 0)}`"
    groups = groupby(
        brief[:BRIEF],
        # What is no entry has a section of its own: beside entries its name would be read as that of one.
        key=lambda item: (item.reason, bool(item.entry), item.source, item.since, item.polls, item.evidence),
    )
    over = notice.digest.over if notice.digest is not None else ()
    title = title_of(items, notice.at, zone) if notice.digest is None else digest_title(items, len(over))
    return Message(
        title=plain(title, TITLE_LENGTH),
        serious=notice.reason in SERIOUS,
        updates=tuple(dict.fromkeys(_update(item, zone) for item in items if item.since_then is not None)),
        sections=(
            *(_section(same, lost, zone) for same in full[:FULL]),
            *(_group(list(group), lost, zone) for _, group in groups),
            *_over(over, zone),
            *_checkpoint("" if notice.digest is None else notice.digest.checkpoint),
        ),
        more=more,
        ack_url="",
        earlier="",
        footer="",
    )


def _footer(notice: Notice) -> str:
    """Return what makes a repeat visible: the id of the notice, or the ids of those that a digest holds."""
    if notice.digest is None:
        return f"Notice {plain(notice.id)}"
    ids = notice.digest.notices
    rest = f" and {len(ids) - BRIEF} more" if len(ids) > BRIEF else ""
    return f"Notice{'s' if len(ids) > 1 else ''} {plain(', '.join(ids[:BRIEF]))}{rest}"


def _over(over: Sequence[OverItem], zone: tzinfo | None) -> Iterator[MessageSection]:
    """Yield the section on what was held back and ended meanwhile: a line each."""
    if not over:
        return
    lines = [
        f"{state_of(row.item)} {name_of(row.item)}: {_what(row.item, zone)[0]}; "
        f"from {spoken_time(row.item.since, zone)} to {spoken_time(row.ended_at, zone)}"
        for row in over[:BRIEF]
    ]
    rest = [f"and {len(over) - BRIEF} more"] if len(over) > BRIEF else []
    yield MessageSection(heading="OVER BY NOW", lines=(Line(label="Not sent", texts=(*lines, *rest)),))


def _checkpoint(note: str) -> Iterator[MessageSection]:
    """Yield the section with the signed checkpoint, line by line as it is signed."""
    if note:
        lines = tuple(plain(line, COMMAND_LENGTH) for line in note.removesuffix("\n").split("\n"))
        yield MessageSection(
            heading="CHECKPOINT OF THE LOG",
            lines=(
                Line(label="What it is for", texts=(_CHECKPOINT,)),
                Line(label="Checkpoint", texts=lines, code=True),
            ),
        )


def _update(item: Item, zone: tzinfo | None) -> str:
    """Return what happened to an item's entry since the notice was composed."""
    assert item.since_then is not None
    at = spoken_time(item.since_then.at, zone)
    return f"Since then ({at}): {name_of(item)}: {with_times(plain(item.since_then.text), zone)}"


def _earlier(notice: Notice, zone: tzinfo | None) -> str:
    """Return the line that names the message which began the incident here."""
    if notice.earlier is None or notice.earlier.thread:
        return ""
    return (
        f"Incident {plain(notice.incidents[0])}, first told {spoken_time(notice.earlier.at, zone)}: "
        f"“{plain(notice.earlier.title, TITLE_LENGTH)}”"
    )


def _weighty(item: Item) -> bool:
    """Return whether an item is told in full beside others: those that deny nothing and ask for nothing are told in
    brief, so that the others stand out.

    News of an entry that was denied before denies nothing by itself: beside its pause, the other tiers of the same page
    are noise.
    """
    return item.reason in SERIOUS or item.reason in (Reason.VISIBLE, Reason.APPROVAL, Reason.RESUMED)


def _matter(item: Item) -> tuple[object, ...]:
    """Return what makes several entries one matter: the same event of one source, told in the same words."""
    if item.reason not in _TOGETHER or not item.source:
        return (item.position, item.entry, item.subject, item.reason)
    return (item.position, item.reason, item.summary, item.differences)


def _section(items: Sequence[Item], lost: Set[str], zone: tzinfo | None) -> MessageSection:
    """Tell one matter in full: of one item, or of several entries that one event of a source concerns."""
    item, key = items[0], plain(items[0].entry or items[0].subject, VALUE_LENGTH)
    shown = "" if len(items) > 1 or key == name_of(item) else f" ({key})"
    heading = f"{state_of(item)} {names_of(items)}{shown}"
    models = dict.fromkeys(text for each in items if (text := _model(each)))
    commands = dict.fromkeys(plain(command, COMMAND_LENGTH) for each in items[:NAMES] for command in each.commands)
    lines = (
        Line(label="Model", texts=_counted(models)),
        Line(label="What changed", texts=_what(item, zone)),
        Line(label="Access", texts=(plain(item.access),)),
        Line(label="Since", texts=(spoken_time(item.since, zone),)),
        Line(label="Impact", texts=_impacts(items, lost, zone)),
        Line(label="Who has it", texts=(_holder(item, zone),)),
        Line(label="To resume", texts=(_asks(item),)),
        Line(label="Run next", texts=tuple(commands), code=True),
        Line(label="Evidence", texts=_evidence(item, item.position)),
        Line(label="What was done", texts=(_done(items),)),
    )
    return MessageSection(heading=heading, lines=tuple(line for line in lines if any(line.texts)))


def _group(items: Sequence[Item], lost: Set[str], zone: tzinfo | None) -> MessageSection:
    """Sum up items that were seen together in brief: one line for each change, the rest once."""
    first = items[0]
    lines = (
        Line(label="What changed", texts=_together(items, zone)),
        Line(label="Since", texts=(spoken_time(first.since, zone),)),
        Line(label="Impact", texts=_impacts(items, lost, zone)),
        Line(label="Evidence", texts=_evidence(first, 0)),
    )
    return MessageSection(
        heading=f"{state_of(first)} {names_of(items)}", lines=tuple(line for line in lines if any(line.texts))
    )


def _model(item: Item) -> str:
    """Return the exact model, whose it is, and through which surface it is called."""
    if not item.entry or not item.model:
        return ""
    places = (("provider", item.provider), ("surface", item.surface))
    where = ", ".join(f"{kind} {plain(name, VALUE_LENGTH)}" for kind, name in places if name)
    return plain(item.model, VALUE_LENGTH) + (f" ({where})" if where else "")


def _counted(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the first of many lines, and how many more there are."""
    lines = tuple(texts)
    more = (f"and {len(lines) - NAMES} more",) if len(lines) > NAMES else ()
    return lines[:NAMES] + more


def _together(items: Sequence[Item], zone: tzinfo | None) -> tuple[str, ...]:
    """Return what changed of items that are told in brief; a summary that several share, as of a text that all of them
    rest on, is said once.
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        for text in _what(item, zone):
            about = text if item.summary and text == _summary(item, zone) else f"{name_of(item)}: {text}"
            groups.setdefault(about, []).append(item)
    return tuple(
        f"{names_of(about)}: {text}" if about[0].summary and text == _summary(about[0], zone) else text
        for text, about in groups.items()
    )


def _summary(item: Item, zone: tzinfo | None) -> str:
    return with_times(plain(item.summary), zone)


def _what(item: Item, zone: tzinfo | None) -> tuple[str, ...]:
    texts = [_summary(item, zone)] if item.summary else []
    # How the routes stand is said in a line of its own.
    differences = [difference for difference in item.differences if not (item.access and of_route(difference))]
    for difference in differences[:DIFFERENCES]:
        subject = "" if difference.subject in ("", item.subject) else plain(difference.subject, VALUE_LENGTH)
        field = "" if subject and difference.what == SETTING else plain(spoken_field(difference.what), VALUE_LENGTH)
        texts.append(f"{', '.join(filter(None, (subject, field)))}: {spoken_change(difference)}")
    left = len(differences) - DIFFERENCES
    if left > 0:
        # What moved stands in the log before the event that follows from it, so its position leads past all of it.
        paused = item.entry and item.reason in PAUSES
        more = f"why {quote(item.entry)}" if paused else f"events --subject {quote(item.subject)}"
        texts.append(f"and {left} more, see `access-monitor {plain(more, VALUE_LENGTH)}`")
    return tuple(texts) or ("Nothing but what the heading says",)


def _evidence(item: Item, position: int) -> tuple[str, ...]:
    """Return the page, and on what the item rests in the monitor's own keeping."""
    parts = []
    if item.source:
        parts.append(f"source {plain(item.source, VALUE_LENGTH)}")
    if item.polls:
        parts.append(polls_in_words(item.polls))
    if item.evidence:
        parts.append(f"evidence {plain(item.evidence.removeprefix('sha256:'))[:HASH_LENGTH]}")
    if position:
        parts.append(f"event {position}")
    return tuple(text for text in (plain(item.url), ", ".join(parts)) if text)


def _done(items: Sequence[Item]) -> str:
    item = items[0]
    if item.by or item.reason not in _DONE:
        return ""
    return _DONE[item.reason].format(who=_keys(each.entry or each.subject for each in items))


def _holder(item: Item, zone: tzinfo | None) -> str:
    """Return who has acknowledged a running pause, whatever else is told of its entry; empty where none runs."""
    if item.status != "paused" and (item.status or item.reason not in HOLDABLE):
        return ""
    if item.holder is not None:
        note = f": {plain(item.holder.note)}" if item.holder.note else ""
        return f"{plain(item.holder.by, VALUE_LENGTH)} since {spoken_time(item.holder.at, zone)}{note}"
    if item.by and item.reason in PAUSES:
        return plain(item.by, VALUE_LENGTH)
    return "Nobody yet"


def _asks(item: Item) -> str:
    """Return what has to be verified before the entry may be resumed; empty where no pause asks for anything."""
    paused = item.status in ("paused", "")
    return f"Verify again first: {', '.join(item.asks)}." if item.asks and paused else ""


def _impacts(items: Sequence[Item], lost: Set[str], zone: tzinfo | None) -> tuple[str, ...]:
    """Return whether production works, for each item; what is the same of several entries is said once."""
    groups: dict[str, list[str]] = {}
    for item in items:
        groups.setdefault(_impact(item, lost, zone), []).append(item.entry)
    return tuple(text.replace(_WHO, _keys(keys)) for text, keys in groups.items())


def _keys(keys: Iterable[str]) -> str:
    return name_list(plain(key, VALUE_LENGTH) for key in keys)


_CHECKPOINT = (
    "Keep this message: `access-monitor audit verify --checkpoint FILE` with its text in FILE shows whether the log "
    "was rewritten or cut since."
)

_WHO = "\0"
"""Stands for the entries until it is known of which ones the same is said; `plain` lets no such sign in."""


def _impact(item: Item, lost: Set[str], zone: tzinfo | None) -> str:
    """Return whether production works: what is denied now, and what is allowed instead. `lost` are the entries whose
    denial the notice tells.
    """
    if not item.entry:
        return _IMPACT.get(item.reason, "This denies nothing in production.")
    if awaits_activation(item):
        return f"Production is denied {_WHO} until a named person activates it."
    if item.denied:
        return _denied(item, lost, zone)
    if item.spared or (item.reason in PAUSES and item.status in ("paused", "")):
        return f"{_spared(item, zone)}; {_instead(item)}."
    if item.reason is Reason.BLIND and item.denies_from is not None:
        return (
            f"Production may use {_WHO} until {spoken_time(item.denies_from, zone)}; then it is denied, unless the "
            "source is read again."
        )
    added = _ADDED.get(item.reason, "")
    if item.reason is Reason.FALLBACK_LOST and item.fallback_allowed:
        added = f"Its fallback {plain(item.fallback, VALUE_LENGTH)} is allowed now."
    return f"Production may use {_WHO}." + (f" {added}" if added else "")


def _denied(item: Item, lost: Set[str], zone: tzinfo | None) -> str:
    if item.entry in lost and not denial_is_news(item):
        return f"As above: production is denied {_WHO}."
    if item.lease_until is not None:
        return (
            f"Production is denied {_WHO} over HTTP, but the lease files cannot be written and still allow it until "
            f"{spoken_time(item.lease_until, zone)}; {_instead(item)}."
        )
    why = ""
    if item.status == "active" and item.refusal:
        why = f": {with_times(plain(item.refusal.removeprefix('stale: ')), zone)}"
    if denial_is_news(item):
        return f"Production is denied {_WHO} now{why}; {_instead(item)}."
    status = f" ({plain(item.status)})" if item.status not in ("", "active") else ""
    return f"Production is still denied {_WHO}{status}{why}; {_instead(item)}."


def _instead(item: Item) -> str:
    """Return what stands in for an entry that is denied."""
    fallback = plain(item.fallback, VALUE_LENGTH)
    if not fallback:
        return "it has no fallback"
    return f"its fallback {fallback} is {'allowed' if item.fallback_allowed else 'not allowed either'}"


def _spared(item: Item, zone: tzinfo | None) -> str:
    """Return who goes on through a pause, and until when: the gate's own answer."""
    if not item.spared:  # of a notice that waits since a version that did not name them
        return f"The named callers of {_WHO} stay allowed until the grace ends; production is denied any new use"
    until = "" if item.spared_until is None else f" until {spoken_time(item.spared_until, zone)}"
    verb = "stay" if len(item.spared) > 1 else "stays"
    return f"{_keys(item.spared)} {verb} allowed{until}; production is denied any other use of {_WHO}"
