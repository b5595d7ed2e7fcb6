"""What a call may cost, before it is made and after. Whether a surface has so much left is the budget's to say.

The bound is never an estimate: input tokens are counted as bytes and output tokens as the most that was asked for. A
price that is not known is no permission.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from monitor.core.configuration import Surface
from monitor.core.facts import FailureReason
from monitor.core.ports import Budget, Reservation, Unavailable
from monitor.core.price import canonical
from monitor.sources.behaviour.exchange import Call, CallUsage, ProbeProblem

REGIONAL = Decimal("1.1")
"""What processing in a region costs at the most, as a multiple."""

NOTHING = Decimal(0)


class CallBudget:
    """Pays for the calls of one model on one surface."""

    def __init__(self, budget: Budget | None, surface: Surface, model: str) -> None:
        self._budget = budget
        self._surface = surface
        self._model = model

    def reserve(self, call: Call, at: datetime) -> Reservation | None:
        """Set aside the most that a call can cost; None for one that costs nothing.

        Raises:
            Problem: a price is not known, or the budget has not so much left.
        """
        if not call.tokens:
            return None
        if self._budget is None:
            raise ProbeProblem(
                FailureReason.OVER_BUDGET, f"the call {call.name} costs money, and there is no budget to ask"
            )
        try:
            amount = self._bound(call, self._budget, at)
            reservation = self._budget.reserve(self._surface.key, amount, at)
            left = NOTHING if reservation is not None else self._budget.left(self._surface.key, at)
        except Unavailable as error:
            raise ProbeProblem(
                FailureReason.OVER_BUDGET, f"the budget cannot be asked now, so nothing is called: {error}"
            ) from error
        if reservation is None:
            raise ProbeProblem(
                FailureReason.OVER_BUDGET,
                f"the call {call.name} may cost ${canonical(amount)} and surface {self._surface.key} has "
                f"${canonical(left)} left today; "
                "raise per_day in [budget] or try fewer routes",
            )
        return reservation

    def settle(self, call: Call, reservation: Reservation | None, status: int | None, used: CallUsage) -> str | None:
        """Say what a call cost, and return it in USD; None where the answer does not say it.

        A refusal (4xx) costs nothing. Without an answer (`status` None), with a bill that comes later, without a count
        of tokens, or while the budget cannot be written what was set aside stays spent: the call may have been served.
        """
        if reservation is None or self._budget is None or status is None:
            return None
        try:
            if 400 <= status < 500:
                spent: Decimal | None = NOTHING
            else:
                spent = None if call.late else self._spent(call, used, self._budget)
            if spent is None:
                return None
            self._budget.settle(reservation, spent)
        except Unavailable:
            return None
        return canonical(spent)

    def _bound(self, call: Call, budget: Budget, at: datetime) -> Decimal:
        # What is written to the cache is not read as input, too: the dearer of the two, where writes are priced at all.
        plain = {meter: count for meter, count in call.tokens.items() if meter != "cache_write"}
        amount = self._price(call, plain, budget, at)
        if amount is None:
            unknown = [meter for meter in plain if self._price(call, {meter: 1}, budget, at) is None]
            raise ProbeProblem(
                FailureReason.OVER_BUDGET,
                f"what {self._model} costs on surface {self._surface.key} is not known ({call.tier}: "
                f"{', '.join(unknown)}), so nothing is "
                "called; watch a page or feed that states it, or give the entry its price_model",
            )
        if "cache_write" in call.tokens:
            written = {meter: count for meter, count in call.tokens.items() if meter != "input"}
            amount = max(amount, self._price(call, written, budget, at) or NOTHING)
        return amount

    def _spent(self, call: Call, used: CallUsage, budget: Budget) -> Decimal | None:
        amount = self._price(call, billed(used), budget)
        if amount is None and used.input is not None:  # no price for the cache: then it was all input
            amount = self._price(call, {"input": used.input, "output": used.output or 0}, budget)
        return amount

    def _price(
        self, call: Call, tokens: Mapping[str, int], budget: Budget, at: datetime | None = None
    ) -> Decimal | None:
        amount = budget.price(self._surface.key, self._model, tokens, tier=call.tier, at=at) if tokens else None
        return amount * REGIONAL if amount is not None and call.regional else amount


def billed(used: CallUsage) -> dict[str, int]:
    """Meter → tokens of an answer, each token under one meter; empty where it does not count its input."""
    if used.input is None:
        return {}
    cached, written = used.cached or 0, used.written or 0
    counts = {
        "input": max(0, used.input - cached - written),
        "cached_input": cached,
        "cache_write": written,
        "output": used.output or 0,
    }
    return {meter: count for meter, count in counts.items() if count}
