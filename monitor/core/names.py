"""Words that commands, settings and messages share for a name that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable


def near(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return the known names that were probably meant, the nearest first; none where all are far."""
    from difflib import get_close_matches  # only needed for an error, and commands start without it

    return get_close_matches(name, sorted(known), most)


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return `did you mean 'a'?`, or nothing where no known name is near; up to `most` names."""
    meant = near(name, known, most)
    return f"did you mean {' or '.join(map(repr, meant))}?" if meant else ""


def perhaps(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'a'?)` for the middle of a sentence, or nothing where no known name is near."""
    meant = did_you_mean(name, known)
    return f" ({meant})" if meant else ""


def suggest(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name: with the one that was probably meant, else with all there are."""
    names = sorted(known)
    listed = "known are " + ", ".join(names) if names else "none is declared"
    return did_you_mean(name, names) or listed


def no_such(what: str, name: str, known: Iterable[str], hint: str) -> str:
    """Return `there is no WHAT 'name' (did you mean 'a'?); HINT`, where `hint` says what there is or how to see it."""
    return f"there is no {what} {name!r}{perhaps(name, known)}; {hint}"
