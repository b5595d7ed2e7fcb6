"""What is to be read of a price beyond old and new: that an alias moved and no model's price did, that a first listing was corrected,
that others state the same already.

A remark explains a move to people and scripts. It accepts nothing and holds nothing back: whether a price is believed is `corroborate`'s, and
whether it pauses is `policy`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.domain import price
from monitor.domain.configuration import Belief
from monitor.domain.diff import Change, lookup
from monitor.domain.model import ALIAS_TARGET, Fact, Facts

SOON = Belief().correction

UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)

UNSTATED = "it is an alias, and of what is not stated: it may point to another model now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence for people, and the keys that it adds to the data of the event. What is no `news` is recorded and told to nobody."""

    note: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    news: bool = True


def of_aliases(before: Facts, after: Facts, changes: Iterable[Change]) -> dict[Fact, Remark]:
    """The price moves of aliases that point elsewhere since the same look, or of which it is not stated where they point.

    An alias whose target stayed moves with that model's own price, and nothing is remarked.
    """
    found: dict[Fact, Remark] = {}
    for change in changes:
        if not change.fact.field.startswith(price.PREFIX) or change.old is None or change.new is None:
            continue
        alias = Fact(change.fact.subject, ALIAS_TARGET)
        old, new = lookup(before, alias), lookup(after, alias)
        if new is None or (old == new and new != ""):
            continue
        said = f"the alias points to {new} now (was {old or 'not stated'})" if new else UNSTATED
        found[change.fact] = Remark(note=said, data={"alias_from": old or None, "alias_to": new or None})
    return found


def of_correction(listed: datetime, at: datetime, within: timedelta = SOON) -> Remark | None:
    """That a price which a source listed at `listed` and changed at `at` was corrected; None once it stood for longer than `within`."""
    stood = max(at - listed, timedelta(seconds=1))
    if stood > within:
        return None
    count, unit = next((stood // length, unit) for unit, length in UNITS if stood >= length)
    return Remark(
        note=f"correction: first listed {count} {unit}{'' if count == 1 else 's'} before", data={"correction": True}
    )


def of_others(sources: Sequence[str]) -> Remark | None:
    """That others state the same price already: corroboration, which is recorded and no news to anybody."""
    if not sources:
        return None
    return Remark(note=f"as {', '.join(sources)} already", data={"corroborates": list(sources)}, news=False)


def joined(*several: Mapping[Fact, Remark]) -> dict[Fact, Remark]:
    """All remarks, those about one fact as one, in the order given."""
    found: dict[Fact, Remark] = {}
    for remarks in several:
        for fact, one in remarks.items():
            before = found.get(fact, Remark())
            note = "; ".join(part for part in (before.note, one.note) if part)
            found[fact] = Remark(note=note, data={**before.data, **one.data}, news=before.news and one.news)
    return found
