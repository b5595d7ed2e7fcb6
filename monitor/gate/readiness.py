"""How the required checks of an entry stand, for each environment, in what the gate and people ask of them.

Which checks there are and what a source can verify is in `checklist`; here stands only what follows from their states
and dates.
"""

from __future__ import annotations

from monitor.core.check_names import SAFETY_REVIEW
from monitor.core.entry import Check, CheckState, Entry, Status
from monitor.gate.client.verdict import PRODUCTION, rfc3339
from monitor.gate.decision import Readiness
from monitor.registry import checklist, safety

_LOST = frozenset({CheckState.STALE, CheckState.FAILED})


def readiness(entry: Entry, environments: tuple[str, ...]) -> dict[str, Readiness]:
    """Return how the checks stand in every environment that requires any; production always does."""
    return {
        environment: _of(entry, environment, required)
        for environment in dict.fromkeys((*environments, PRODUCTION))
        if (required := checklist.required(entry, environment))
    }


def _of(entry: Entry, environment: str, required: tuple[str, ...]) -> Readiness:
    # What a named person went on without closes nothing in production until it was verified, and lost, again; and a
    # fallback that is lost is told, and asked for at the next acceptance, but never denies what was accepted.
    excused = set(entry.waived) if environment == PRODUCTION else set()
    if entry.status in (Status.ACTIVE, Status.PAUSED):
        excused.add(checklist.FALLBACK)
    checks = {name: entry.checks.get(name) or Check() for name in required if name not in excused}
    dates = [check.until for check in checks.values() if check.until is not None]
    reviewed = safety.by_caller(entry) if environment == PRODUCTION else ()
    review = safety.review(entry) if reviewed else Check()
    wanting = bool(reviewed) and review.state is not CheckState.VERIFIED
    return Readiness(
        reviewed=reviewed,
        review_until=None if wanting else review.until,
        unreviewed=f"{_in_words(SAFETY_REVIEW, review)}, and what this caller does needs it" if wanting else "",
        until=min(dates, default=None),
        unready=", ".join(_in_words(name, check) for name, check in checks.items() if _wanting(check, environment)),
    )


def _wanting(check: Check, environment: str) -> bool:
    # Production was opened by a person who saw every check that was required then: one that was required since and is
    # blank is asked for at the next acceptance, and closes nothing. One that was lost does.
    return check.state in _LOST if environment == PRODUCTION else check.state is not CheckState.VERIFIED


def _in_words(name: str, check: Check) -> str:
    """Return a check and its state, with the date that it has: `evals is stale (verified 2026-07-30T17:34:21Z)`."""
    return f"{name} is {check.state}" + (f" (verified {rfc3339(check.verified_at)})" if check.verified_at else "")
