"""Signatures of lease files for other hosts: Ed25519, so that whoever can check one cannot make one.

Keys are the 32 raw bytes in base64, one line, as `openssl` writes them (docs/gate.md). What is signed are the bytes as
they are sent. `cryptography` is loaded when a key is read, since most readers have none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

HEADER = "Lease-Signature"
"""The header that carries the signature of the body, in base64."""

SUFFIX = ".sig"
"""What the name of the file with the signature ends with."""


def signer(key: str) -> Callable[[bytes], str]:
    """Return what signs with a private key.

    Raises:
        ValueError: it is no such key; the text of the error does not hold it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(_raw(key))
    return lambda content: base64.b64encode(private.sign(content)).decode()


def checker(key: str) -> Callable[[bytes, str], bool]:
    """Return what says whether a signature of these bytes is by the owner of a public key.

    Raises:
        ValueError: it is no such key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(_raw(key))

    def check(content: bytes, signature: str) -> bool:
        try:
            public.verify(base64.b64decode(signature.strip(), validate=True), content)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


def _raw(key: str) -> bytes:
    try:
        raw = base64.b64decode(key.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise ValueError("an Ed25519 key is 32 bytes in base64, on one line")
    return raw
