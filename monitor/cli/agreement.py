"""How the commands say who agrees on a price: a cell of `prices`, a line a source under `why`, and both as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from monitor.core.price import percent, spoken

if TYPE_CHECKING:
    from monitor.audit.agreement import PriceComparison

NAMED = 3
"""How many differing prices of a source are named under `why`; `prices` shows them all."""


def cell(word: PriceComparison) -> str:
    """`agrees`, `+400 %, stale: frozen`; nothing for an official price that no other official one disputes."""
    verdict = {
        "official": "",
        "differs": _distance(word),
        "resold": f"resold at {_distance(word)}",
        "alone": "no official price",
    }.get(word.view, str(word.view))
    return ", ".join(part for part in (verdict, f"stale: {word.because}" if word.because else "") if part)


def lines(words: Sequence[PriceComparison], *, overtaken: bool = False) -> Iterator[str]:
    """Yield one line for each source: on how many prices it agrees, and which it states differently. A source alone
    agrees with nobody.

    With `overtaken`, only those of which a word is stale.
    """
    sources: dict[str, list[PriceComparison]] = {}
    for word in words:
        sources.setdefault(word.fact.source, []).append(word)
    for source, mine in sources.items() if len(sources) > 1 else ():
        if overtaken and not any(word.stale for word in mine):
            continue
        parts = [f"{views} {name}" for name, views in _counts(mine).items()]
        differing = [word for word in mine if word.view == "differs"]
        named = [f"{word.fact.meter.in_words} {spoken(word.fact.amount)} ({cell(word)})" for word in differing[:NAMED]]
        more = [f"and {len(differing) - NAMED} more"] if len(differing) > NAMED else []
        yield f"{source}: {', '.join(parts)}" + (f": {'; '.join([*named, *more])}" if named else "")


def _counts(words: Sequence[PriceComparison]) -> dict[str, int]:
    names = {
        "official": "official",
        "disputed": "disputed",
        "agrees": "agree",
        "resold": "resold",
        "alone": "without an official price",
    }
    counts: dict[str, int] = {}
    for word in words:
        name = names.get(word.view, "differ")
        counts[name] = counts.get(name, 0) + 1
    for because in dict.fromkeys(word.because for word in words if word.because):
        counts[f"stale ({because})"] = sum(word.because is because for word in words)
    return dict(sorted(counts.items(), key=lambda item: item[0] == "differ"))


def _distance(word: PriceComparison) -> str:
    return "" if word.official is None else percent(word.official, word.fact.amount) or "differs"
