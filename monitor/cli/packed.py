"""Files that are kept compressed, as saved feeds are: told by their first bytes, not by their names, and unpacked within bounds."""

from __future__ import annotations

import gzip
import io
import zlib

LARGEST = 100_000_000
"""Bytes; more than any feed, and less than what a small file made to burst can unpack to."""

_PIECE = 1024
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def unpacked(content: bytes) -> bytes:
    """The content without the compression by gzip or zstd that it may have.

    Raises:
        ValueError: it is cut or damaged, or unpacks to more than `LARGEST` bytes.
    """
    try:
        if content.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
                plain = stream.read(LARGEST + 1)
        elif content.startswith(_ZSTANDARD):
            plain = _zstandard(content)
        else:
            return content
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError("its compression is cut or damaged") from error
    if len(plain) > LARGEST:
        raise ValueError(f"it unpacks to more than {LARGEST} bytes")
    return plain


def _zstandard(content: bytes) -> bytes:
    import zstandard

    plain = bytearray()
    frame = zstandard.ZstdDecompressor().decompressobj()
    try:
        # In small pieces, since four bytes may unpack to 128 KB; a file may have several frames.
        for at in range(0, len(content), _PIECE):
            piece = content[at : at + _PIECE]
            while piece and len(plain) <= LARGEST:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                plain += frame.decompress(piece)
                piece = frame.unused_data
    except zstandard.ZstdError as error:
        raise EOFError from error
    if not frame.eof and len(plain) <= LARGEST:
        raise EOFError
    return bytes(plain)
