"""What this program says to its own log, which `app/log_output` writes: a message that is always the same, and fields
beside it.
"""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("monitor")


def line(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line."""
    LOGGER.log(level, message, extra={"fields": fields})
