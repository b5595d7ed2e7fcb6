"""Connections to PostgreSQL that do not wait for ever. The only module that needs the driver to be imported.

A server that hangs, or a network that swallows what is sent, ends no connection: a thread that waits for an answer
would wait for hours, and with it all that it was to do. libpq bounds connecting alone.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg

ANSWER = 30.0
"""Seconds in which a statement is answered; migrations alone may take longer."""

T = TypeVar("T")


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is given up when a statement is not answered for `patience` seconds."""

    patience = ANSWER

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **named: Any) -> T:
        """Run what the driver waits for.

        Raises:
            psycopg.OperationalError: there was no answer; the connection is closed.
        """
        try:
            return super().wait(bounded(gen, self.patience), *arguments, **named)
        except NoAnswer:
            self.pgconn.finish()
            raise


class NoAnswer(psycopg.OperationalError):
    """A statement was not answered in time."""


def bounded(gen: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """Pass on what a generator of the driver waits for, until so much time has passed; the driver asks it again ten
    times a second, ready or not.
    """
    ends = monotonic() + seconds
    ready = None
    while True:
        try:
            wanted = next(gen) if ready is None else gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
        ready = yield wanted
        if monotonic() > ends:
            raise NoAnswer(f"no answer within {seconds:.0f} seconds")
