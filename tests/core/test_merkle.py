"""The tree of RFC 6962: published vectors, and proofs held against the definitions of the RFC written down plainly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.merkle import (
    EMPTY,
    WIDTH,
    Frontier,
    MissingHashes,
    Tiles,
    Tree,
    closed_tiles,
    extends,
    full_root,
    includes,
    leaf_hash,
    node_hash,
)

# The leaves and roots of the reference tests of Certificate Transparency.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def tiles_of(leaves: Sequence[bytes]) -> Tiles:
    """Keep the hashes of a tree as a store does."""
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) >= WIDTH:
        below = levels[-1]
        levels.append([full_root(below[at : at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)])

    def tile(level: int, number: int, width: int) -> Sequence[bytes]:
        return levels[level][number * WIDTH : number * WIDTH + width] if level < len(levels) else ()

    return tile


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


# -- RFC 6962 word for word ----------------------------------------------------


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def test_the_published_roots():
    frontier = Frontier()
    assert frontier.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for count, root in enumerate(ROOTS, 1):
        frontier.add(leaf_hash(LEAVES[count - 1]))
        assert frontier.root().hex() == root
        assert Tree(tiles_of(LEAVES), count).root().hex() == root


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs(index, size):
    proof = Tree(tiles_of(LEAVES), size).inclusion(index)
    assert [hash.hex() for hash in proof] == list(INCLUSION[index, size])
    assert includes(bytes.fromhex(ROOTS[size - 1]), size, index, leaf_hash(LEAVES[index]), proof)


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_the_published_consistency_proofs(old, size):
    proof = Tree(tiles_of(LEAVES), size).consistency(old)
    assert [hash.hex() for hash in proof] == list(CONSISTENCY[old, size])
    assert extends(bytes.fromhex(ROOTS[old - 1]), old, bytes.fromhex(ROOTS[size - 1]), size, proof)


@given(data=st.data(), size=st.one_of(st.integers(1, 40), st.integers(250, 270), st.integers(510, 800)))
def test_roots_and_proofs_are_those_of_the_definition_and_no_others_hold(data, size):
    leaves = numbered(size)
    tree, root = Tree(tiles_of(leaves), size), mth(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    included, consistent = tree.inclusion(index), tree.consistency(old)
    assert tree.root() == root
    assert included == path(index, leaves)
    assert consistent == subproof(old, leaves, True)
    leaf, old_root = leaf_hash(leaves[index]), mth(leaves[:old])
    assert tree.root_at(old) == old_root
    assert includes(root, size, index, leaf, included)
    assert extends(old_root, old, root, size, consistent)
    false = b"\x00" * 32
    for proof in (
        *([*included[:at], false, *included[at + 1 :]] for at in range(len(included))),
        [*included, false],
        *([included[:-1]] if included else []),
    ):
        assert not includes(root, size, index, leaf, proof)
    assert not includes(root, size, index, leaf_hash(b"another"), included)
    for proof in (
        *([*consistent[:at], false, *consistent[at + 1 :]] for at in range(len(consistent))),
        [*consistent, false],
    ):
        assert not extends(old_root, old, root, size, proof)
    assert not extends(false, old, root, size, consistent)


def test_nothing_is_proved_of_an_empty_tree_or_the_same():
    tree = Tree(tiles_of(numbered(5)), 5)
    root = tree.root()
    assert tree.consistency(0) == tree.consistency(5) == []
    assert extends(EMPTY, 0, root, 5, [])
    assert extends(root, 5, root, 5, [])
    assert not extends(root, 0, root, 5, [])
    assert not extends(EMPTY, 5, root, 5, [])
    assert not extends(root, 6, root, 5, [])
    assert Tree(tiles_of([]), 0).root() == EMPTY


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index):
    tree = Tree(tiles_of(numbered(5)), 5)
    with pytest.raises(IndexError):
        tree.inclusion(index)
    assert not includes(tree.root(), 5, index, leaf_hash(b"0"), [])
    with pytest.raises(IndexError):
        tree.consistency(6)


def test_a_tile_that_lacks_hashes_is_said():
    whole = tiles_of(numbered(600))
    with pytest.raises(MissingHashes):
        Tree(lambda level, number, width: whole(level, number, width)[:10], 600).root()
    with pytest.raises(MissingHashes):
        Tree(whole, 601).root()


@given(steps=st.lists(st.integers(0, 400), max_size=6))
def test_what_a_store_keeps_above_the_leaves_does_not_depend_on_how_they_came(steps):
    kept: dict[tuple[int, int], bytes] = {}
    hashes: list[bytes] = []

    def tile(level: int, number: int, width: int) -> Sequence[bytes]:
        first = number * WIDTH
        return [hashes[at] if level == 0 else kept[level, at] for at in range(first, first + width)]

    frontier = Frontier()
    for count in steps:
        added = [leaf_hash(str(len(hashes) + at).encode()) for at in range(count)]
        kept |= {(level, number): hash for level, number, hash in closed_tiles(len(hashes), added, tile)}
        hashes += added
        for hash in added:
            frontier.add(hash)
    assert kept == {(level, number): hash for level, number, hash in frontier.closed}
    assert Tree(tile, len(hashes)).root() == frontier.root()


def test_levels_above_the_first_are_kept_once_they_are_full():
    hashes = [b"%032d" % number for number in range(WIDTH * WIDTH)]
    closed = closed_tiles(0, hashes, lambda *_: ())
    assert [(level, number) for level, number, _ in closed][-2:] == [(1, WIDTH - 1), (2, 0)]
    assert closed[-1][2] == full_root(hashes)
