"""What does not fit in a log: why, from which position on, and in a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MisfitReason(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    EVIDENCE = "evidence"
    ORDER = "order"
    HASHES = "hashes"
    SIGNATURE = "signature"
    REWRITTEN = "rewritten"
    CUT = "cut"
    SET_BACK = "set_back"
    OTHER_LOG = "other_log"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that does not fit.

    Attributes:
        position: the first position that it concerns.
        until: the last position that it may begin at, where that cannot be told exactly.
        sentence: what is wrong, in words that name the position.
    """

    position: int
    reason: MisfitReason
    sentence: str
    until: int | None = None
