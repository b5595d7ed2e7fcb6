"""Versions of client programs, as far as one is older than another: digits apart by dots, and what may follow them."""

from __future__ import annotations

import re
from typing import TypeAlias

Order: TypeAlias = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:-([0-9A-Za-z.-]{1,64}))?(?:\+[0-9A-Za-z.-]{1,64})?")
_PLACES = 6


def order(version: str) -> Order | None:
    """Return what versions are ordered by, as Semantic Versioning says: missing numbers are zero, and a pre-release
    comes before its release; None for what is no version.
    """
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return None
    numbers = tuple(map(int, match[1].split(".")))
    names = tuple(
        (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
        for name in (match[2] or "").split(".")
        if name
    )
    return numbers + (0,) * (_PLACES - len(numbers)), not names, names


def older(version: str, than: str) -> bool:
    """Return whether one version comes before another; False where either is no version."""
    mine, other = order(version), order(than)
    return mine is not None and other is not None and mine < other
