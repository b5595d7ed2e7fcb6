"""What is stored once under the hash of its content: naming, compressing, checking on the way back. No SQL.

Names are taken of the uncompressed bytes, so that another compression or level never makes another name.
"""

from __future__ import annotations

from monitor.core import zstd
from monitor.core.content import name_of
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
