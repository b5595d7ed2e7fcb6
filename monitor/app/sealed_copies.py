"""Sealed copies in a folder: one file a segment, each written whole, so that an interrupted sealing goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from monitor.app.publication import CHECKPOINT, publish_file
from monitor.audit.translog.checkpoints import Checkpoint
from monitor.audit.translog.sealed_copy import (
    LARGEST_SEGMENT,
    DamagedCopy,
    SealedLog,
    SealedSegment,
    SegmentHead,
    sealed_segment,
)
from monitor.audit.translog.sealing import Rewritten
from monitor.core.merkle import MissingHashes, Tree
from monitor.core.ports import Refused, Store
from monitor.gate.files import replace_file

SUFFIX = ".jsonl.zst"
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedNow:
    """What a sealing added to a folder: files and leaves; `size` is how many leaves are sealed now."""

    files: int
    leaves: int
    size: int


def seal_into(store: Store, folder: Path, checkpoint: Checkpoint, now: datetime) -> SealedNow:
    """Seal what the folder lacks of the leaves that a checkpoint covers.

    Raises:
        Rewritten: the log is not the one that is sealed there, or what is stored does not fit the tree.
        Refused: the folder cannot be written, or holds copies of another log.
    """
    files, first = 0, 0
    for head in _heads(folder):
        _continues(store, folder, head, first)
        first = head.end
    begin = first
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while first < checkpoint.size:
            end = min(first + LARGEST_SEGMENT, checkpoint.size)
            with store.read() as reader:
                content = sealed_segment(reader, first, end, str(checkpoint), now)
            replace_file(folder / f"{first:012}-{end:012}{SUFFIX}", content, _PRIVATE)
            files, first = files + 1, end
        publish_file(folder / CHECKPOINT, str(checkpoint).encode())
    except OSError as error:
        raise Refused(
            f"The log cannot be sealed into {folder} ({error.strerror}): let this user write there."
        ) from None
    return SealedNow(files=files, leaves=first - begin, size=first)


def sealed_log(place: Path) -> SealedLog:
    """Return the log that is sealed in a folder, or in a single file.

    Raises:
        DamagedCopy: there is none, or a copy cannot be read.
    """
    return SealedLog(_segments(place))


class SealedStore:
    """The log that is sealed at a place, as what reads events takes it; it is read once."""

    def __init__(self, place: Path) -> None:
        self._log = sealed_log(place)

    @contextmanager
    def read(self) -> Iterator[SealedLog]:
        """Provide the log."""
        yield self._log

    def changed(self) -> bool:
        """Return that it never grows: it is as it was when it was opened."""
        return False


def _segments(place: Path) -> Sequence[SealedSegment]:
    paths = sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place] if place.exists() else []
    return [SealedSegment(str(path), partial(_bytes, path)) for path in paths if not path.name.startswith(".")]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedCopy(f"The sealed copy {path} cannot be read ({error.strerror}): let this user read it.") from None


def _heads(folder: Path) -> list[SegmentHead]:
    return sorted((segment.head() for segment in _segments(folder)), key=lambda head: head.first)


def _continues(store: Store, folder: Path, head: SegmentHead, first: int) -> None:
    """See that a segment is of this log, and that the ones before it are there."""
    if head.first != first:
        raise Refused(f"The folder {folder} lacks the leaves {first} to {head.first - 1}: seal the log into a new one.")
    with store.read() as reader:
        if reader.log_head().log != head.log:
            raise Refused(f"The folder {folder} holds copies of the log {head.log}: seal this one into another.")
        try:
            same = head.end <= reader.tree.size() and Tree(reader.tree.tile, head.end).root() == head.root
        except MissingHashes:
            same = False
    if not same:
        raise Rewritten(
            f"The log does not begin with the {head.end} leaves that are sealed in {folder}: it was rewritten or set "
            "back. `access-monitor audit verify` says where; seal what stands now into a new folder."
        )
