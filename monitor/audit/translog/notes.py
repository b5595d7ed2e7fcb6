"""Signed notes as C2SP `signed-note` defines them: a text, a blank line, and signature lines. Ed25519 alone.

A verifier ignores signatures of keys that it does not know, and refuses a note in which one of a key that it knows is
wrong. `cryptography` is loaded when something is signed or checked, since most commands do neither.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

ED25519 = 0x01
"""The type of a signature over the text of the note."""

COSIGNATURE = 0x04
"""The type of a witness's signature, which holds the time (C2SP `tlog-cosignature`)."""

_DASH = "—"
_MOST_SIGNATURES = 100
_LARGEST = 1_000_000


class InvalidNote(Exception):
    """It is no signed note, or no key; the message is the end of a sentence that says what is wrong."""


class ForgedSignature(Exception):
    """A signature bears the name of a known key and is not by it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by the name of who signs with it. `type` is that of its signatures."""

    name: str
    public: bytes
    type: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """Write it as verifiers take it: name, id and key."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    def renamed(self, name: str) -> VerifierKey:
        """Return the same key under another name."""
        return VerifierKey(name, self.public, self.type)

    def signed(self, text: str, signature: bytes) -> bool:
        """Return whether a signature of a text is by the owner of the key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        message = text.encode()
        if self.type == COSIGNATURE:
            time, signature = signature[:8], signature[8:]
            message = f"cosignature/v1\ntime {int.from_bytes(time)}\n".encode() + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def verifier_key(written: str) -> VerifierKey:
    """Read a public key as verifiers take it (`name+id+key`).

    Raises:
        InvalidNote: it is none.
    """
    parts = written.strip().split("+", 2)
    if len(parts) != 3 or not _is_name(parts[0]):
        raise InvalidNote("is no verifier key; it is written NAME+ID+KEY, as `access-monitor audit key` prints it")
    raw = from_base64(parts[2])
    if raw is None or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
        raise InvalidNote("is no verifier key for Ed25519")
    key = VerifierKey(parts[0], raw[1:], raw[0])
    if key.id.hex() != parts[1]:
        raise InvalidNote("is a verifier key whose id is not that of its name and key")
    return key


class SigningKey:
    """A private key, by the name of who signs with it; it shows itself to nobody."""

    __slots__ = ("_seed", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._seed = seed
        self.verifier = VerifierKey(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())

    def signature(self, text: str) -> str:
        """Sign a text; return the line of the note."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        signed = Ed25519PrivateKey.from_private_bytes(self._seed).sign(text.encode())
        return f"{_DASH} {self.verifier.name} {base64.b64encode(self.verifier.id + signed).decode()}\n"


def signing_key(name: str, written: str) -> SigningKey:
    """Read a private key: its 32 bytes in base64, on one line.

    Raises:
        InvalidNote: it is none; the message does not hold it.
    """
    seed = from_base64(written.strip())
    if seed is None or len(seed) != 32:
        raise InvalidNote("is no Ed25519 key, which is 32 bytes in base64, on one line")
    return SigningKey(name, seed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who signs by name and id of the key, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes
    line: str


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note; `text` ends with a newline and is what is signed."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Write it as it is kept and sent."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"

    def signers(self, known: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Return which of the keys signed it.

        Raises:
            ForgedSignature: a signature that bears the name and id of one of them is not by it.
        """
        keys = {(key.name, key.id): key for key in known}
        signers = []
        for signature in self.signatures:
            key = keys.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not key.signed(self.text, signature.signature):
                raise ForgedSignature(f"the signature of {key.name} is not by the key {key}")
            signers.append(key)
        return signers

    def signed_also(self, lines: str) -> SignedNote:
        """Return the note with further signature lines.

        Raises:
            InvalidNote: a line is none.
        """
        return read_note(f"{self}{lines}")


def sign(text: str, keys: Sequence[SigningKey]) -> SignedNote:
    """Sign a text that ends with a newline."""
    return read_note(f"{text}\n{''.join(key.signature(text) for key in keys)}")


def read_note(written: str) -> SignedNote:
    """Read a signed note; no signature is checked.

    Raises:
        InvalidNote: it is none.
    """
    if len(written) > _LARGEST or any(ord(character) < 32 and character != "\n" for character in written):
        raise InvalidNote("is no signed note: it is too long or holds a control character")
    # The last blank line parts text and signatures; the text may have some of its own.
    text, blank, lines = written.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise InvalidNote("is no signed note: it has no blank line with signatures below it")
    signatures = [_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > _MOST_SIGNATURES:
        raise InvalidNote(f"has more than {_MOST_SIGNATURES} signatures")
    return SignedNote(f"{text}\n", tuple(signatures))


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = from_base64(encoded)
    if dash != _DASH or not _is_name(name) or raw is None or len(raw) < 5:
        raise InvalidNote("is no signed note: a line below its blank line is no signature")
    return Signature(name, raw[:4], raw[4:], f"{line}\n")


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def from_base64(encoded: str) -> bytes | None:
    """Read standard base64; None where it is none."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
