"""Gives Zstandard from the standard library where it has it, Python 3.14 on, and before that from its backport, which
has the same names.
"""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile, compress, decompress
else:
    from backports.zstd import ZstdError, ZstdFile, compress, decompress

__all__ = ["MAGIC", "ZstdError", "ZstdFile", "compress", "decompress"]

MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of everything that is compressed so."""
