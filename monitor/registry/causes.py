"""Why an entry is paused, and what each cause asks for before a person may resume it.

One table. What it names is asked for whether the entry lists it or not, and holds only as it was verified since the
pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from monitor.core import access, price
from monitor.core.baselines import CONFIG
from monitor.core.entry import Pin
from monitor.core.error_meanings import Meaning
from monitor.core.facts import ACCESS, ALIAS_TARGET, LISTED, STAGE, Value, is_answering


class Cause(StrEnum):
    """What kind of thing a pinned value that moved is."""

    ACCESS = "access"  # a route or a setting of the account closed, or another model answers
    MONEY = "money"  # our own credit, budget or spend limit is used up
    STAGE = "stage"  # the model went from preview to general availability, or back
    PRICE = "price"
    OURS = "ours"  # our own configuration
    CHECK = "check"  # anything else that a check rests on: a rate limit, caching, billing


ASKS: Mapping[Cause, tuple[str, ...]] = MappingProxyType(
    {
        Cause.ACCESS: ("model_id", "visibility", "pricing", "rate_limits", "evals", "safety_review"),
        Cause.MONEY: ("test_call", "billing"),
        Cause.STAGE: ("rate_limits", "pricing", "evals"),
        Cause.PRICE: ("pricing",),
        Cause.OURS: (),
        Cause.CHECK: (),
    }
)
"""Cause → the checks that a resumption asks for; our own side asks for all that the entry requires, the last for the
checks that rest on the value. What access asks for, a listing that is lost before anybody accepted the entry asks for
as well, as far as the entry requires it.
"""


def cause(pin: Pin, now: Value | None) -> Cause:
    """Why a pause follows from a pin whose value is `now` (None: gone)."""
    if pin.field == STAGE:
        return Cause.STAGE
    if pin.scope == CONFIG:
        return Cause.OURS
    if pin.field.startswith(price.PREFIX):
        return Cause.PRICE
    if pin.field.startswith(ACCESS):
        money = now == Meaning.QUOTA or pin.field.removeprefix(ACCESS) in access.MONEY
        return Cause.MONEY if money else Cause.ACCESS
    if pin.field in (LISTED, ALIAS_TARGET) or is_answering(pin.field) or access.of_account(pin.name, pin.field):
        return Cause.ACCESS
    return Cause.CHECK
