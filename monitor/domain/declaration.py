"""The declaration of an entry as the log keeps it; `registry.Entry` reads it back.

Kept apart from the fold because it alone knows the configuration: what is declared is written once, here, and never worked out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.domain.configuration import EntrySpec


def declaration(spec: EntrySpec, provider: str, ours: Mapping[str, str]) -> dict[str, object]:
    """The declaration of an entry as its events record it: plain JSON, durations in whole seconds."""

    def seconds(value: timedelta | None) -> int | None:
        return None if value is None else int(value.total_seconds())

    return {
        "key": spec.key,
        "name": spec.name,
        "use": spec.use,
        "provider": provider,
        "surfaces": [[surface, model_id] for surface, model_id in spec.surfaces.items()],  # JSON objects keep no order
        "price_model": spec.price_model,
        "owners": list(spec.owners),
        "checks": list(spec.checks),
        "tiers": list(spec.tiers),
        "fallback": spec.fallback,
        "pause_on": spec.pause_on,
        "on_pause": spec.on_pause,
        "grace": seconds(spec.grace),
        "callers": list(spec.callers),
        "freshness": seconds(spec.freshness),
        "price_freshness": seconds(spec.price_freshness),
        "ours": dict(ours),
        # Left out where nobody states it: an entry that was declared before there was such a key is not amended by that.
        **({"usage": dict(spec.usage)} if spec.usage else {}),
        **({"touches": list(spec.touches)} if spec.touches else {}),
        **({"uses": list(spec.uses)} if spec.uses else {}),
        **({"ignore": list(spec.ignore)} if spec.ignore else {}),
        **({"approvers": spec.approvers} if spec.approvers > 1 else {}),
        **({"check_age": {name: seconds(age) for name, age in spec.check_age.items()}} if spec.check_age else {}),
        **({"checks_in": {name: list(checks) for name, checks in spec.checks_in.items()}} if spec.checks_in else {}),
    }
