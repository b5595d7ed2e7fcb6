"""Whether another source says the same of a price: what lets in one that cannot be right without a person, and what is no news of a feed.

Read from the store when first asked, since hardly any look has a price in doubt. Nothing is written here.
"""

from __future__ import annotations

from functools import cached_property

from monitor.core.baselines import Baselines
from monitor.core.changes import same
from monitor.core.configuration import Configuration
from monitor.core.facts import Fact, PendingChange, Value
from monitor.core.ports import Reader
from monitor.detection.stored_baselines import beliefs


class Second:
    """What the sources other than `own` say of prices."""

    def __init__(self, reader: Reader, configuration: Configuration, own: str) -> None:
        self.reader = reader
        self._configuration = configuration
        self._own = own

    def says(self, fact: Fact, value: Value | None) -> bool:
        """Whether another source believes the same price, or would if it did not hold it back for the same doubt."""
        stated = self._beliefs.stated(fact.subject, official=False)
        return any(
            spec.key != self._own and field == fact.field and same(field, other, value) for spec, field, other in stated
        ) or any(
            pending_change.fact == fact and same(fact.field, pending_change.value, value)
            for pending_change in self._held_back
        )

    def sources(self, fact: Fact, value: Value | None) -> list[str]:
        """The other sources that believe the same price."""
        stated = self._beliefs.stated(fact.subject, official=False)
        return [
            spec.key
            for spec, field, other in stated
            if spec.key != self._own and field == fact.field and same(field, other, value)
        ]

    @cached_property
    def _beliefs(self) -> Baselines:
        return beliefs(self.reader, self._configuration.sources)

    @cached_property
    def _held_back(self) -> list[PendingChange]:
        polls = self._configuration.confirmation.change.polls
        return [
            pending_change
            for pending_change in self.reader.pending_changes()
            if pending_change.quarantine is not None
            and pending_change.seen >= polls
            and pending_change.source != self._own
            and pending_change.source in self._configuration.sources
        ]
