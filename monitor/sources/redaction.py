"""Takes secrets out of what is stored and shown. Bodies and details pass through here before anybody else sees them.

A provider's error quotes the key that it refused, and a documentation page quotes example keys; both end up in
evidence that is never deleted. So known secrets go by value, and what merely looks like a key goes by its shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

Text = TypeVar("Text", str, bytes)

MASK = "[redacted]"

MIN_SECRET = 6
"""Characters. A local server's key is often `none` or `test`, and taking such a word out of a body would change model ids."""

# `*` belongs to a key: OpenAI masks the middle of the key that it quotes (`sk-ab****wxyz`), and the ends still tell.
SHAPES = (
    r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_*-]{6,}",
    r"(?<=\b[Bb]earer )[A-Za-z0-9._~+/*-]{12,}=*",
)
_IN_TEXT = re.compile("|".join(SHAPES), re.ASCII)
_IN_BYTES = re.compile("|".join(SHAPES).encode())

DETAIL = 300
"""Characters of a detail."""


def redact(text: Text, secrets: Iterable[str] = ()) -> Text:
    """Replace every known secret, and everything of the shape of a key or bearer token, with `MASK`."""
    known = [secret for secret in secrets if len(secret) >= MIN_SECRET]
    if isinstance(text, str):
        for secret in known:
            text = text.replace(secret, MASK)
        return _IN_TEXT.sub(MASK, text)
    for secret in known:
        text = text.replace(secret.encode(), MASK.encode())
    return _IN_BYTES.sub(MASK.encode(), text)


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """One redacted line of at most `DETAIL` characters; redacted before it is cut, since half a key is none of the shapes."""
    line = " ".join(redact(text, secrets).split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= DETAIL else line[: DETAIL - 1] + "…"
