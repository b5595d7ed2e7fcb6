r"""Standard output and standard error, as every command and every library in the process writes to them.

Three things are settled here, for all of them at once:

* What a provider sent reaches no terminal as it is: a model's id must not be able to move the cursor, to rename the
  window or to turn the
  direction of a line. Such characters are written as JSON writes them (`\u001b`), so that a JSON document stays one and
  still says the same.
* Output that cannot be written (a full disk, a stream that is closed) loses the output and nothing else: the command
  goes on, and its end
  says so (`lost`). An exception would come at a random place, and the interpreter would complain once more at exit.
  Only a reader that went away is an exception, since a full answer to nobody is a waste: `BrokenPipeError`.
* A closed standard stream leaves its number free, and the next file to be opened, the database for one, would take it.
  So it is occupied.

The gate pays for this module at every question: only what it has loaded anyway is imported here.
"""

from __future__ import annotations

import io
import os
import re
import sys

CLOSED = "it is closed"

# No-break and other spaces, which `str.isprintable` does not count among what can be shown.
_SPACES = frozenset("\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")
_STYLE = re.compile("(\x1b\\[(?:[0-9]|3[0-7])m)")
"""Colour, as the commands themselves write it on a terminal."""


def printable(text: str) -> str:
    """Return the text as one line, with every character that a terminal could act on as an escape (`\\x1b`)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else c.encode("unicode_escape").decode() for c in text)


def harmless(text: str) -> str:
    """Return the text, of any number of lines, with every character that a terminal could act on as JSON writes it
    (`\\u001b`).
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" or c in _SPACES else _as_json(c) for c in text)


def _as_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class Guarded(io.TextIOWrapper):
    """A text stream on a standard descriptor."""

    def __init__(self, descriptor: int, like: object, *, deaf: bool, closed: bool) -> None:
        self._raw = _Descriptor(descriptor, deaf=deaf, closed=closed)
        encoding = str(getattr(like, "encoding", None) or "utf-8")
        # click writes UTF-8 where the environment says ASCII, and past this stream; so it is said here.
        encoding = (
            "utf-8" if encoding.lower().replace("_", "-") in ("ascii", "us-ascii", "ansi-x3.4-1968") else encoding
        )
        terminal = self._raw.isatty()
        super().__init__(
            io.BufferedWriter(self._raw),
            encoding=encoding,
            # A terminal that cannot show "→" shows its escape; it is no reason to fail.
            errors="backslashreplace",
            line_buffering=terminal or descriptor == 2,
        )
        self._terminal = terminal

    @property
    def lost(self) -> str:
        """Why output could not be written; empty where all was, or nobody wanted it any more."""
        return self._raw.lost

    def write(self, text: str, /) -> int:
        """Write text without what a terminal would act on; colour passes where there is a terminal."""
        if self._terminal and "\x1b" in text:
            parts = _STYLE.split(text)
            return super().write("".join(part if at % 2 else harmless(part) for at, part in enumerate(parts)))
        return super().write(harmless(text))

    def control(self, text: str) -> None:
        """Write text of ours that the terminal shall act on."""
        super().write(text)


class _Descriptor(io.FileIO):
    """The bytes' way out. After the first failure everything goes nowhere, also what is still buffered when the process
    ends.
    """

    def __init__(self, descriptor: int, *, deaf: bool, closed: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._deaf = deaf
        self._closed = closed
        self.lost = ""

    def write(self, content: object, /) -> int:
        if self._closed:
            self.lost = CLOSED
            return memoryview(content).nbytes  # type: ignore[arg-type]
        try:
            return super().write(content)  # type: ignore[arg-type]
        except OSError as error:
            nowhere(self.fileno())
            if not isinstance(error, BrokenPipeError):
                self.lost = self.lost or error.strerror or type(error).__name__
            elif not self._deaf:
                raise
            return memoryview(content).nbytes  # type: ignore[arg-type]


def nowhere(descriptor: int) -> None:
    """Let what is written to a descriptor from now on vanish."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)


def guard(*, answering: bool = False) -> None:
    """Put guarded streams in the place of the process's own; where somebody else put theirs there, those stay.

    With `answering` the exit code is the answer, and a reader of stdout who goes away changes nothing.
    """
    closed = [descriptor for descriptor in (0, 1, 2) if not _open(descriptor)]
    for descriptor in closed:
        nowhere(descriptor)
    if sys.stderr is sys.__stderr__:
        # Where errors cannot be said either, nothing is left to say them to.
        sys.stderr = Guarded(2, sys.stderr, deaf=True, closed=False)
    if sys.stdout is sys.__stdout__:
        sys.stdout = Guarded(1, sys.stdout, deaf=answering, closed=1 in closed)


def _open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
