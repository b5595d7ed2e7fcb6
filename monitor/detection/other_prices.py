"""What others say of prices and ends: it lets in a price that cannot be right, and makes a feed's move no news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.core.changes import same
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import Fact, PendingChange, Subject, Value
from monitor.core.ports import Reader
from monitor.detection.stored_baselines import current_baselines


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPrices:
    """What sources other than the polled one say of prices and ends.

    Attributes:
        confirmed: subject → (source, field, value) of every confirmed price and end.
        held_back: the prices that other sources hold back, once they were seen often enough to be confirmed.
        copies: the other sources that are known to repeat what the polled one reads: the same feed or page, fetched
            from elsewhere or twice. They are one voice with it, and second nothing.
    """

    confirmed: Mapping[Subject, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    held_back: tuple[PendingChange, ...] = ()
    copies: frozenset[str] = frozenset()

    def agree(self, fact: Fact, value: Value | None) -> bool:
        """Return whether another source that is no copy states the same price, or would if it did not hold it back for
        the same doubt.
        """
        return any(source not in self.copies for source in self.stating(fact, value)) or any(
            change.fact == fact and same(fact.field, change.value, value)
            for change in self.held_back
            if change.source not in self.copies
        )

    def stating(self, fact: Fact, value: Value | None) -> list[str]:
        """Name the other sources of which the same price or end is confirmed."""
        return [
            source
            for source, field, amount in self.confirmed.get(fact.subject, ())
            if field == fact.field and same(field, amount, value)
        ]


NO_OTHERS = OtherPrices()


def other_prices(reader: Reader, configuration: Configuration, own: str, subjects: Iterable[Subject]) -> OtherPrices:
    """Read what sources other than `own` say of the prices and ends of these subjects."""
    subjects = list(subjects)
    if not subjects:
        return NO_OTHERS
    baselines = current_baselines(reader, configuration.sources)
    polled = configuration.sources.get(own)
    polls = configuration.confirmation.change.polls
    return OtherPrices(
        confirmed={
            subject: tuple(
                (spec.key, field, amount)
                for spec, field, amount in (
                    *baselines.price_statements(subject, official=False, region=None),
                    *baselines.end_statements(subject),
                )
                if spec.key != own
            )
            for subject in subjects
        },
        held_back=tuple(
            change
            for change in reader.pending_changes()
            if change.quarantine is not None
            and change.seen >= polls
            and change.source != own
            and change.source in configuration.sources
        ),
        copies=frozenset(
            key
            for key, spec in configuration.sources.items()
            if polled is not None and key != own and _copy(spec, polled)
        ),
    )


def _copy(one: SourceSpec, other: SourceSpec) -> bool:
    """Return whether two sources read the same document: one address, or one published feed by its format."""
    return bool(one.prices and other.prices) and (
        (bool(one.url) and one.url == other.url) or (bool(one.format) and one.format == other.format)
    )
