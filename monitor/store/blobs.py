"""What is stored once under the hash of its content: naming, compressing, checking on the way back, caching. No SQL.

Names are taken of the uncompressed bytes, so that another compression or level never makes another name.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from monitor.core import zstd
from monitor.core.content import name_of
from monitor.core.facts import Facts
from monitor.store.errors import Damaged

FACTS = "facts"
EVIDENCE = "evidence"
LEASE = "lease"

_LEVEL = 6


def compress(content: bytes) -> bytes:
    return zstd.compress(content, level=_LEVEL)


def restore(compressed: bytes, hash: str) -> bytes:
    """Return the bytes that were stored under `hash`.

    Raises:
        Damaged: they are not those any more.
    """
    try:
        content = zstd.decompress(compressed)
    except zstd.ZstdError:
        content = None
    if content is None or name_of(content) != hash:
        raise Damaged(f"The stored bytes of {hash} are not what was stored: restore the database from a backup.")
    return content


class FactsCache:
    """The blobs of facts read last, parsed; bounded by the size of their JSON in bytes, not by their number.

    A baseline that moved is forgotten at once: nobody reads it again, and parsed it takes several times its size.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._facts: OrderedDict[str, tuple[Facts, int]] = OrderedDict()
        self._baselines: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, hash: str) -> Facts | None:
        with self._lock:
            cached = self._facts.get(hash)
            if cached is None:
                return None
            self._facts.move_to_end(hash)
            return cached[0]

    def put(self, hash: str, facts: Facts, size: int) -> None:
        with self._lock:
            if hash in self._facts:
                return
            self._facts[hash] = (facts, size)
            self._size += size
            while self._size > self._limit and len(self._facts) > 1:
                _, (_, gone) = self._facts.popitem(last=False)
                self._size -= gone

    def moved(self, source: str, baseline: str) -> None:
        """Take note of a source's baseline, and forget the one before it."""
        with self._lock:
            before = self._baselines.get(source, baseline)
            self._baselines[source] = baseline
            # Another source may stand on the same facts; it then reads them once more.
            if before != baseline and (gone := self._facts.pop(before, None)) is not None:
                self._size -= gone[1]
