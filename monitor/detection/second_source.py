"""Whether another source says the same of a price: what lets in one that cannot be right without a person, and what is no news of a feed.

Read from the store when first asked, since hardly any look has a price in doubt. Nothing is written here.
"""

from __future__ import annotations

from functools import cached_property

from monitor.core.baselines import Beliefs
from monitor.core.changes import same
from monitor.core.configuration import Configuration
from monitor.core.facts import Fact, Streak, Value
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
        ) or any(streak.fact == fact and same(fact.field, streak.value, value) for streak in self._held_back)

    def sources(self, fact: Fact, value: Value | None) -> list[str]:
        """The other sources that believe the same price."""
        stated = self._beliefs.stated(fact.subject, official=False)
        return [
            spec.key
            for spec, field, other in stated
            if spec.key != self._own and field == fact.field and same(field, other, value)
        ]

    @cached_property
    def _beliefs(self) -> Beliefs:
        return beliefs(self.reader, self._configuration.sources)

    @cached_property
    def _held_back(self) -> list[Streak]:
        looks = self._configuration.belief.change.looks
        return [
            streak
            for streak in self.reader.streaks()
            if streak.quarantine is not None
            and streak.seen >= looks
            and streak.source != self._own
            and streak.source in self._configuration.sources
        ]
