"""What a service of our own is: one that Apprise has not, or not well enough. `services` finds them by their URLs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

from monitor.core.notices import Notice
from monitor.core.ports import NotSent, Sent
from monitor.notify.forms import Rendered


class UnusableDestination(ValueError):
    """A destination that no message can be sent to. The message ends a sentence that began with its name, says the fix
    and holds no secret.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What services need besides a URL.

    Attributes:
        timeout: seconds for one attempt, and for connecting.
        clock: what the time of a signature is read from.
        folder: the state folder, below which files are written; None where there is none.
        secret: with what messages are signed; empty where there is none, None where it was not looked at.
    """

    timeout: tuple[float, float]
    clock: Callable[[], datetime]
    folder: Path | None = None
    secret: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message on its way out: what it says as data, and in words."""

    notice: Notice
    rendered: Rendered
    zone: tzinfo | None = None


class Service(Protocol):
    """Makes one attempt to deliver; `label` is what to call it, its kind and host, no secret."""

    @property
    def label(self) -> str: ...

    def send(self, outgoing: Outgoing) -> Sent | NotSent: ...
