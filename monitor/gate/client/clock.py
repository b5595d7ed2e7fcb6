"""The clock of the gate. `access-monitor gate` runs without the composition root, so it reads the time here and nowhere
else.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Now, in UTC and aware."""
    return datetime.fromtimestamp(time.time(), UTC)
