"""What was probably meant by a name that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def known(names: Iterable[str]) -> str:
    """Return the names one may use, for the end of a sentence."""
    return "known are " + ", ".join(names)


def suggest(name: str, names: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the one that was probably meant, else all there are."""
    candidates = sorted(names)
    close = get_close_matches(name, candidates, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return known(candidates) if candidates else "none is declared"
