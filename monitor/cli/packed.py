"""Files that are kept compressed, as saved feeds are: told by their first bytes, not by their names, and unpacked
within bounds.
"""

from __future__ import annotations

import gzip
import io
import zlib

LARGEST = 100_000_000
"""Bytes; more than any feed, and less than what a small file made to burst can unpack to."""

_GZIP = b"\x1f\x8b"


def unpacked(content: bytes) -> bytes:
    """Return the content without the compression by gzip or zstd that it may have.

    Raises:
        ValueError: it is cut or damaged, or unpacks to more than `LARGEST` bytes.
    """
    from monitor.core import zstd

    try:
        if content.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
                plain = stream.read(LARGEST + 1)
        elif content.startswith(zstd.MAGIC):
            with zstd.ZstdFile(io.BytesIO(content)) as stream:
                plain = stream.read(LARGEST + 1)
        else:
            return content
    except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        raise ValueError("its compression is cut or damaged") from error
    if len(plain) > LARGEST:
        raise ValueError(f"it unpacks to more than {LARGEST} bytes")
    return plain
