"""Checkpoints (C2SP `tlog-checkpoint`): a signed note that says which tree a log had at a size, and proofs against one
(`tlog-proof`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.audit.translog.notes import InvalidNote, SignedNote, from_base64, read_note
from monitor.core import merkle
from monitor.core.leaves import LARGEST

PROOF = "c2sp.org/tlog-proof@v1"
"""The first line of a proof file."""

_HASH = 32
_DEEPEST = 63
"""The hashes that a proof may have: no tree is higher."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of the first `size` leaves of the log `origin`. `note` is the checkpoint as it was signed."""

    origin: str
    size: int
    root: bytes
    note: SignedNote

    def __str__(self) -> str:
        """Write it as it is kept and sent."""
        return str(self.note)


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Return the text that is signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(written: str) -> Checkpoint:
    """Read a checkpoint; no signature is checked. Further lines of its text are passed over.

    Raises:
        InvalidNote: it is none.
    """
    note = read_note(written)
    origin, *rest = note.text.split("\n")
    if len(rest) < 3 or not origin:
        raise InvalidNote("is no checkpoint, whose first three lines are origin, size and root")
    size, root = _number(rest[0]), _hash(rest[1])
    if size is None or root is None:
        raise InvalidNote("is no checkpoint: its size or its root is not written as one")
    return Checkpoint(origin, size, root, note)


def checkpoint_in(text: str) -> Checkpoint | None:
    """Return the first checkpoint that stands in a text, such as a message that was kept; None where there is none.

    Mail and chat indent its lines and put a label before the first; what is signed are the lines without that.
    """
    for found in _IN_TEXT.finditer(text):
        origin, size, root, below = found.groups()
        signatures = "".join(f"— {name} {signature}\n" for name, signature in _SIGNATURE.findall(below))
        try:
            return read_checkpoint(f"{origin}\n{size}\n{root}\n\n{signatures}")
        except InvalidNote:
            continue
    return None


_IN_TEXT = re.compile(
    r"([^\s>`]+)[ \t]*\n[ \t]*(\d+)[ \t]*\n[ \t]*([A-Za-z0-9+/]{43}=)[ \t]*\n((?:\s*— \S+ [A-Za-z0-9+/=]+)+)"
)
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a leaf stands in the tree of a checkpoint. `content` are the bytes of the leaf; they prove themselves, since
    their hash is what the path begins with.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    content: bytes = b""

    @property
    def holds(self) -> bool:
        """Whether the path leads from the content to the root; the checkpoint's signature is another matter."""
        leaf = merkle.leaf_hash(self.content)
        return merkle.includes(self.checkpoint.root, self.checkpoint.size, self.index, leaf, self.path)

    def __str__(self) -> str:
        """Write it as a proof file; the leaf's content is its extra data."""
        extra = f"extra {base64.b64encode(self.content).decode()}\n" if self.content else ""
        return f"{PROOF}\n{extra}index {self.index}\n{written_hashes(self.path)}\n{self.checkpoint}"


def read_proof(written: str) -> InclusionProof:
    """Read a proof file; nothing of it is checked.

    Raises:
        InvalidNote: it is none.
    """
    head, blank, checkpoint = written.partition("\n\n")
    first, *lines = head.split("\n")
    if first != PROOF or not blank or not lines:
        raise InvalidNote(f"is no proof, which begins with the line {PROOF}")
    content: bytes | None = b""
    if lines[0].startswith("extra "):
        content = from_base64(lines.pop(0).removeprefix("extra "))
        if content is None or len(content) > LARGEST:
            raise InvalidNote("is no proof of this log: its extra data are no leaf")
    index = _number(lines[0].removeprefix("index ")) if lines and lines[0].startswith("index ") else None
    hashes = [_hash(line) for line in lines[1:]]
    if index is None or len(hashes) > _DEEPEST or None in hashes:
        raise InvalidNote("is no proof: its index or one of its hashes is not written as one")
    path = tuple(hash for hash in hashes if hash is not None)
    return InclusionProof(index, path, read_checkpoint(checkpoint), content or b"")


def written_hashes(hashes: Sequence[bytes]) -> str:
    """Write hashes, one a line."""
    return "".join(f"{base64.b64encode(hash).decode()}\n" for hash in hashes)


def _number(written: str) -> int | None:
    """Read a number as it is written here: ASCII digits, no zero before them; none of this program is larger."""
    if not written.isascii() or not written.isdecimal() or str(int(written[:20])) != written:
        return None
    return int(written)


def _hash(written: str) -> bytes | None:
    raw = from_base64(written)
    return raw if raw is not None and len(raw) == _HASH else None
