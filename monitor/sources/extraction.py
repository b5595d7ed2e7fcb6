"""What an extractor hands back: the one shape that pages and feeds share. No reading is done here."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.domain.model import Refusal
from monitor.domain.price import PriceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was read, what was refused and why, and prose that bears on prices without being one."""

    rows: tuple[PriceRow, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


class Unreadable(Exception):
    """The text holds nothing that the extractor recognises; `reason` says what was found instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
