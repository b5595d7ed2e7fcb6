"""What sources say of a failure in one line, without secrets."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.core.redaction import MASK, clean, redact

__all__ = ["DETAIL", "MASK", "clean", "one_line", "redact"]

DETAIL = 300
"""Characters of a detail."""


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Return one redacted line of at most `DETAIL` characters.

    What no terminal shows is dropped before, since it could hide a key, and the line is cut after, since half a key has
    no shape.
    """
    line = " ".join(text.split())
    line = redact("".join(character for character in line if character.isprintable()), secrets)
    return line if len(line) <= DETAIL else line[: DETAIL - 1] + "…"
