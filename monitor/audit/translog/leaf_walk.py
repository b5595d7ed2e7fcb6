"""The rows of a log against the leaves of its tree: one pass over both, and over what stands beside the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from monitor.audit.translog.misfits import Misfit, MisfitReason
from monitor.core.leaves import Leaf, LeafKind, StoredEvent
from monitor.core.merkle import WIDTH, Frontier, leaf_hash
from monitor.core.ports import TreeReader, VerifiedLog


@dataclass
class LeafWalk:
    """One pass over the leaves and the events beside them.

    `roots` are those of the tree at the sizes that checkpoints speak of: by the leaves as they are kept, and where
    these are not what the rows make them, by the rows as well. A checkpoint that fits either tells which was changed.
    """

    reader: VerifiedLog
    sizes: set[int]
    roots: dict[int, set[bytes]] = field(default_factory=dict)
    misfits: list[Misfit] = field(default_factory=list)
    named: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    epochs: list[Leaf] = field(default_factory=list)
    events: int = 0
    size: int = 0
    whole: bool = True

    def run(self) -> None:
        """Read all leaves and all rows, and note what does not fit."""
        self._frontier = Frontier()
        self._by_rows: Frontier | None = None
        self._references: dict[LeafKind, set[str]] = {kind: set() for kind in LeafKind}
        self._versions: dict[str, int] = {}
        self._recorded_at = ""
        self._position = 0
        self._stored = self.reader.tree.events()
        self._event = next(self._stored, None)
        self._root()
        for leaf in self.reader.tree.leaves():
            if leaf.number != self.size:
                self._leaves_missing(leaf)
            hash = self._judge(leaf)
            if hash != leaf.hash and self._by_rows is None:
                self._by_rows = self._frontier.copy()
            self._frontier.add(leaf.hash)
            if self._by_rows is not None:
                self._by_rows.add(hash)
            self.size = leaf.number + 1
            self._root()
        self._not_in_the_tree(None)
        self._identity()
        self._beside()
        if self.whole:
            self._nodes()

    def _root(self) -> None:
        if self.whole and self.size in self.sizes:
            self.roots[self.size] = {tree.root() for tree in (self._frontier, self._by_rows) if tree is not None}

    def _misfit(self, position: int, reason: MisfitReason, sentence: str) -> None:
        self.misfits.append(Misfit(max(position, 1), reason, sentence))

    def _leaves_missing(self, leaf: Leaf) -> None:
        self.whole = False
        lacking = (
            f"leaf {self.size} of the tree"
            if leaf.number == self.size + 1
            else (f"the leaves {self.size} to {leaf.number - 1} of the tree")
        )
        at = self._position + 1 if leaf.kind is not LeafKind.EVENT or leaf.position > self._position else leaf.position
        self._misfit(at, MisfitReason.REMOVED, f"position {max(at, 1)}: {lacking} were removed")

    def _judge(self, leaf: Leaf) -> bytes:
        """Report what is wrong with what a leaf is of; return the hash that it has by what is stored, or its own where
        nothing is.
        """
        if leaf.kind is LeafKind.EVENT:
            return self._judge_event(leaf)
        self._references[leaf.kind].add(leaf.reference)
        if leaf.kind is LeafKind.LOG:
            self.epochs.append(leaf)
        if leaf.kind is LeafKind.KEY:
            self.keys.setdefault(leaf.reference, leaf.number)
        content = self.reader.tree.content(leaf)
        hash = leaf.hash if content is None else leaf_hash(content)
        # Whether evidence that is gone is missed is known when all that names it was read.
        if hash == leaf.hash if content is not None else leaf.kind is LeafKind.EVIDENCE:
            return hash
        what = _named(leaf)
        removed = content is None
        reason = MisfitReason.REMOVED if removed else MisfitReason.CHANGED
        done = "is not there any more" if removed else "is not what it was"
        self._misfit(leaf.position, reason, f"position {max(leaf.position, 1)}: {what}, kept after it, {done}")
        return hash

    def _judge_event(self, leaf: Leaf) -> bytes:
        position = leaf.position
        if position != self._position + 1:
            self._misfit(
                self._position + 1,
                MisfitReason.ORDER,
                f"position {self._position + 1}: the tree goes on with position {position}",
            )
        self._not_in_the_tree(position)
        self._position = max(position, self._position)
        event = self._event
        if event is None or event.position != position:
            self._misfit(position, MisfitReason.REMOVED, f"position {position}: the event was removed")
            return leaf.hash
        hash = leaf_hash(event.content)
        if hash != leaf.hash:
            content = self.reader.tree.content(leaf)
            hash = hash if content is None else leaf_hash(content)
            if hash != leaf.hash:
                self._misfit(
                    position, MisfitReason.CHANGED, f"position {position}: the event is not the one that was recorded"
                )
        self._take(event)
        return hash

    def _not_in_the_tree(self, before: int | None) -> None:
        """Report the events before a position that have no leaf; all that are left without one."""
        while (event := self._event) is not None and (before is None or event.position < before):
            self._misfit(event.position, MisfitReason.ADDED, f"position {event.position}: the event is not in the tree")
            self._take(event)

    def _take(self, event: StoredEvent) -> None:
        """Note what an event names, see that it stands where it may, and go on to the next."""
        self.events += 1
        for hash in (event.evidence, event.baseline):
            if hash:
                self.named.setdefault(hash, event.position)
        version = self._versions.get(event.stream, 0) + 1
        self._versions[event.stream] = event.version
        wrong = (
            f"its version in the stream {event.stream} is {event.version}, and {version} is due"
            if event.version != version
            else f"it was recorded at {event.recorded_at}, before the event before it"
            if event.recorded_at < self._recorded_at
            else f"it names the later position {event.cause} as its cause"
            if event.cause is not None and event.cause >= event.position
            else ""
        )
        if wrong:
            self._misfit(event.position, MisfitReason.ORDER, f"position {event.position}: {wrong}")
        self._recorded_at = event.recorded_at
        self._event = next(self._stored, None)

    def _identity(self) -> None:
        head = self.reader.log_head()
        last = self.epochs[-1].reference if self.epochs else "none"
        if last != str(head.epoch):
            self._misfit(
                self._position,
                MisfitReason.CHANGED,
                f"position {max(self._position, 1)}: the epoch of the log is {head.epoch}, and the tree says {last}",
            )

    def _beside(self) -> None:
        """Report what is kept beside the log and has no leaf."""
        for kind in (LeafKind.EVIDENCE, LeafKind.NOTICE, LeafKind.MESSAGE, LeafKind.LEASE, LeafKind.KEY):
            for reference in self.reader.tree.references(kind):
                if reference not in self._references[kind]:
                    what = _named(Leaf(0, kind, 0, reference, b""))
                    self._misfit(
                        self._position,
                        MisfitReason.ADDED,
                        f"position {max(self._position, 1)}: {what} is not in the tree; it was put there after it or "
                        "earlier",
                    )

    def _nodes(self) -> None:
        """Compare the hashes above the leaves with those that are kept: proofs are made of them."""
        by_rows = {} if self._by_rows is None else {node[:2]: node[2] for node in self._by_rows.closed}
        for level, closed in groupby(sorted(self._frontier.closed), key=lambda node: node[0]):
            for tile, nodes in groupby(closed, key=lambda node: node[1] // WIDTH):
                expected = [(number, {hash, by_rows.get((level, number), hash)}) for _, number, hash in nodes]
                above = self.reader.tree.tile(level, tile, len(expected))
                for offset, (number, hashes) in enumerate(expected):
                    if not hashes.intersection(above[offset : offset + 1]):
                        self._node_misfit(level, number)
                        break

    def _node_misfit(self, level: int, number: int) -> None:
        at = max(position_from(self.reader.tree, number * WIDTH**level), 1)
        self._misfit(at, MisfitReason.HASHES, f"position {at}: the hashes of level {level} over it are not its own")


def _named(leaf: Leaf) -> str:
    return {
        LeafKind.LOG: "the identity of the log",
        LeafKind.KEY: f"the signing key {leaf.reference}",
        LeafKind.EVENT: "the event",
        LeafKind.EVIDENCE: f"the description of the evidence {leaf.reference}",
        LeafKind.NOTICE: f"the notice {leaf.reference}",
        LeafKind.MESSAGE: f"the message {leaf.reference} as it was sent",
        LeafKind.LEASE: f"the lease document {leaf.reference}",
    }[leaf.kind]


def position_at(tree: TreeReader, number: int) -> int:
    """Return the position of a leaf: of what is no event, the last one before it; of what is beyond the tree, the last
    one.
    """
    leaf = next(iter(tree.leaves(max(min(number, tree.size() - 1), 0))), None)
    return 0 if leaf is None else leaf.position


def position_from(tree: TreeReader, number: int) -> int:
    """Return the position of the first event among the leaves from a number on; the last one where none follows."""
    position = 0
    for leaf in tree.leaves(number):
        position = leaf.position
        if leaf.kind is LeafKind.EVENT:
            break
    return position
