"""Which files a tree consists of when it is published (C2SP `tlog-tiles`), and what stands in each. No file is read or
written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.core.merkle import HEIGHT, WIDTH

HASH = 32
"""Bytes of a hash."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its level, its number, and how many hashes it has."""

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """The path below the root of the log."""
        return f"tile/{self.level}/{_number(self.number)}{self._partial}"

    @property
    def entries_path(self) -> str:
        """The path of the bundle with the content of these leaves; level 0 alone has any."""
        return f"tile/entries/{_number(self.number)}{self._partial}"

    @property
    def _partial(self) -> str:
        return "" if self.width == WIDTH else f".p/{self.width}"


def tiles_between(before: int, size: int) -> Iterator[Tile]:
    """Yield the tiles of a tree of `size` leaves that one of `before` leaves does not have."""
    level = 0
    while (hashes := size >> (HEIGHT * level)) > 0:
        had = before >> (HEIGHT * level)
        for number in range(had // WIDTH, -(-hashes // WIDTH)):
            width = min(WIDTH, hashes - number * WIDTH)
            if number * WIDTH + width > had:
                yield Tile(level, number, width)
        level += 1


def hashes_of(content: bytes, width: int) -> Sequence[bytes]:
    """Return the first hashes of a tile as it is published; fewer where it has fewer."""
    return [content[at : at + HASH] for at in range(0, min(len(content) // HASH, width) * HASH, HASH)]


def bundle(contents: Sequence[bytes]) -> bytes:
    """Return the bundle of leaves as it is published: each after its length in two bytes."""
    return b"".join(len(content).to_bytes(2) + content for content in contents)


def _number(number: int) -> str:
    """Write a number in groups of three digits, so that no folder gets large: 1234067 is `x001/x234/067`."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))
