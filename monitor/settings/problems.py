"""How a wrong configuration is said: one sentence for each problem, with file, key path and the mend, and never a secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from monitor.pipeline.ports import ConfigurationError


class InvalidConfiguration(ConfigurationError):
    """A configuration that is refused. `problems` holds a sentence for each thing that is wrong; the message is the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        first, more = self.problems[0], len(self.problems) - 1
        tail = f" (and {more} more: `access-monitor config check` shows all)." if more else ""
        super().__init__(first.removesuffix(".") + tail if tail else first)


def known(names: Iterable[str]) -> str:
    """The names one may use, for the end of a sentence."""
    return "known are " + ", ".join(names)


def suggest(name: str, names: Iterable[str]) -> str:
    """The mend for a name nobody knows: the one that was probably meant, else all there are."""
    candidates = sorted(names)
    close = get_close_matches(name, candidates, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return known(candidates) if candidates else "none is declared"
