"""What was read of the store, kept as it was decoded: shared by every reading of one store."""

from __future__ import annotations

import threading
from collections import OrderedDict

from monitor.core.entry import Entry
from monitor.core.facts import Facts
from monitor.store import codec


class DecodedCache:
    """Each row of the registry as it was read last, and the blobs of facts read last; these are bounded by the size of
    their JSON in bytes, not by their number.

    A baseline that moved is forgotten at once: nobody reads it again, and parsed it takes several times its size.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._facts: OrderedDict[str, tuple[Facts, int]] = OrderedDict()
        self._baselines: dict[str, str] = {}
        self._entries: dict[str, tuple[str, Entry]] = {}
        self._lock = threading.Lock()

    def entry(self, key: str, content: str) -> Entry:
        """Decode a row of the registry, or return what the same text was before: one answer reads the registry several
        times, and entries are values that nobody changes.
        """
        text, entry = self._entries.get(key, ("", None))
        if entry is None or text != content:
            entry = codec.decode(Entry, content)
            self._entries[key] = (content, entry)
        return entry

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
