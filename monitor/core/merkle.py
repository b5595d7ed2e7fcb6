"""Merkle trees as RFC 6962 defines them: hashes, roots, proofs, and their verification. Pure; who keeps the hashes is
another matter.

Hashes are kept in tiles (C2SP `tlog-tiles`): a tile of level 0 is 256 neighbouring leaf hashes, a hash of level 1 the
root of a full tile of level 0, and so on. Of a tree of n leaves about n / 255 hashes are kept beside those of the
leaves; everything between is computed from at most 256 neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

HEIGHT = 8
"""The levels of a tree in one tile."""

WIDTH = 1 << HEIGHT
"""The hashes of a full tile."""

Tiles: TypeAlias = Callable[[int, int, int], Sequence[bytes]]
"""Returns the first `width` hashes of a tile, given its level, its number and that width; fewer where it lacks some."""


class MissingHashes(Exception):
    """A tile lacks hashes that a tree of this size has."""


def leaf_hash(content: bytes) -> bytes:
    """Hash a leaf. The prefix keeps the content of a leaf from passing for two hashes."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash what is above two hashes."""
    return sha256(b"\x01" + left + right).digest()


EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def full_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a number of neighbours that is a power of two, from which a level of hashes is made at a
    time.
    """
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


class Frontier:
    """A tree that only grows: the roots of the full subtrees on its right edge, the largest first.

    `closed` holds the roots of the tiles that became full, as `closed_tiles` returns them.
    """

    def __init__(self) -> None:
        self.size = 0
        self.closed: list[tuple[int, int, bytes]] = []
        self._roots: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        number, level = self.size, 0
        self.size += 1
        while number & 1:
            leaf = node_hash(self._roots.pop(), leaf)
            number >>= 1
            level += 1
            if level % HEIGHT == 0:
                self.closed.append((level // HEIGHT, number, leaf))
        self._roots.append(leaf)

    def root(self) -> bytes:
        """Return the root over all that was appended."""
        return _folded(self._roots)

    def copy(self) -> Frontier:
        """Return another one that goes on from here."""
        other = Frontier()
        other.size, other.closed, other._roots = self.size, [*self.closed], [*self._roots]
        return other


class Tree:
    """The tree of the first `size` leaves, over tiles that may hold more."""

    def __init__(self, tiles: Tiles, size: int) -> None:
        self.size = size
        self._tiles = tiles
        self._read: dict[tuple[int, int], Sequence[bytes]] = {}

    def root(self) -> bytes:
        """Return the root.

        Raises:
            MissingHashes: a tile lacks hashes.
        """
        return self._range(0, self.size)

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had when it was as small as `size`."""
        return Tree(self._tiles, size).root()

    def leaf(self, index: int) -> bytes:
        """Return the hash of a leaf."""
        return self._full(0, index)

    def inclusion(self, index: int) -> list[bytes]:
        """Prove that a leaf is in the tree: the hashes beside the way from the leaf up to the root (RFC 6962, 2.1.1).

        Raises:
            IndexError: there is no such leaf.
            MissingHashes: a tile lacks hashes.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"the tree has {self.size} leaves, and none with the index {index}")
        path: list[bytes] = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, size: int) -> list[bytes]:
        """Prove that the tree of the first `size` leaves is the beginning of this one (RFC 6962, 2.1.2); nothing is to
        be proved of an empty tree, or of the same.

        Raises:
            IndexError: this tree is smaller.
            MissingHashes: a tile lacks hashes.
        """
        if not 0 <= size <= self.size:
            raise IndexError(f"the tree has {self.size} leaves, and not {size}")
        path: list[bytes] = []
        if size in (0, self.size):
            return path
        start, end = 0, self.size
        while size != end:
            middle = start + _split(end - start)
            if size <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        if start:
            path.append(self._range(start, end))
        return path[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Return the root over the leaves from `start` to before `end`, which is cut out by the tree's own splits."""
        roots: list[bytes] = []
        while start < end:
            level = min((end - start).bit_length() - 1, _trailing_zeros(start))
            roots.append(self._full(level, start >> level))
            start += 1 << level
        return _folded(roots)

    def _full(self, level: int, number: int) -> bytes:
        """Return the root of a full subtree of 2^level leaves, the `number`-th of its kind."""
        # A subtree as high as a tile is one hash of the tile above.
        tile_level, height = divmod(level, HEIGHT)
        first = number << height
        tile, offset = divmod(first, WIDTH)
        hashes = self._tile(tile_level, tile)[offset : offset + (1 << height)]
        if len(hashes) < 1 << height:
            raise MissingHashes(f"tile {tile} of level {tile_level} has no hash {offset + len(hashes)}")
        return full_root(hashes)

    def _tile(self, level: int, number: int) -> Sequence[bytes]:
        if (level, number) not in self._read:
            width = min(WIDTH, (self.size >> (HEIGHT * level)) - number * WIDTH)
            self._read[level, number] = self._tiles(level, number, width)
        return self._read[level, number]


def closed_tiles(size: int, added: Sequence[bytes], tiles: Tiles) -> list[tuple[int, int, bytes]]:
    """Return what is to be kept beside the leaf hashes `added` to a tree of `size` leaves: the root of each tile that
    they fill, as its level, its number and its hash.

    `tiles` gives the hashes that a tile had before.
    """
    closed: list[tuple[int, int, bytes]] = []
    level, first = 0, size
    while added:
        numbers = range(first // WIDTH, (first + len(added)) // WIDTH)
        roots = []
        for number in numbers:
            begin = number * WIDTH - first
            before = tiles(level, number, -begin) if begin < 0 else ()
            roots.append(full_root([*before, *added[max(begin, 0) : begin + WIDTH]]))
        level += 1
        closed += [(level, number, root) for number, root in zip(numbers, roots, strict=True)]
        first, added = numbers.start, roots
    return closed


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Return whether a path proves that the leaf of this hash stands at `index` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last = index, size - 1
    for beside in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            leaf = node_hash(beside, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = node_hash(leaf, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and leaf == root


def extends(old_root: bytes, old_size: int, root: bytes, size: int, path: Sequence[bytes]) -> bool:
    """Return whether a path proves that a tree is the beginning of another (RFC 9162, 2.1.4.2)."""
    if not 0 <= old_size <= size:
        return False
    if old_size in (0, size):
        return not path and (old_root == EMPTY if old_size == 0 else old_root == root)
    hashes = list(path)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _folded(roots: Sequence[bytes]) -> bytes:
    """Return the root over full subtrees that stand side by side, the largest first."""
    if not roots:
        return EMPTY
    root = roots[-1]
    for left in roots[-2::-1]:
        root = node_hash(left, root)
    return root


def _split(leaves: int) -> int:
    """Return the largest power of two below a number of leaves."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1 if number else 64
