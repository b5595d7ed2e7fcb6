"""How old a check may get before it no longer counts. An entry may lengthen an age, never shorten one or switch it off.

What the models list and the prices verify goes by the freshness of the gate, so that checklist and gate go stale together.
"""

from __future__ import annotations

from datetime import timedelta

from monitor.domain.configuration import CheckRules, GateRules
from monitor.domain.registry import Entry

BY_FRESHNESS = {"model_id": "freshness", "visibility": "freshness", "pricing": "price_freshness"}
"""Check → the limit of the gate, and of an entry, that it goes by while a source verifies it."""


def attested(entry: Entry, name: str, rules: CheckRules) -> timedelta:
    """How long the word of a person holds."""
    return max(rules.attested, entry.check_age(name) or rules.attested)


def verified(entry: Entry, name: str, gate: GateRules, rules: CheckRules) -> timedelta:
    """How long a check holds after the last look that verified it."""
    by = BY_FRESHNESS.get(name)
    least: timedelta = rules.verified if by is None else getattr(gate, by)
    longer = entry.check_age(name) if by is None else entry.seconds(by)
    return max(least, longer or least)
