"""Where a path of the configuration leads, whatever folder a command is run in."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.settings.secrets import is_reference


def place(written: str, folder: Path) -> Path:
    """Return the absolute path that is meant: `~` is the home of this user, and a relative path counts
    from `folder`.
    """
    return Path(os.path.abspath(folder / os.path.expanduser(written)))


def anchored(database: str, folder: Path) -> str:
    """Return a path or URL of a database with the path of a SQLite file made absolute; anything else as it is."""
    scheme, is_url, path = database.partition("://")
    if not is_url:
        path = database
    elif scheme.partition("+")[0] == "sqlite" and path.startswith("/") and "?" not in path:
        path = path[1:]
    else:
        return database
    if path in ("", ":memory:") or os.path.isabs(path) or is_reference(database):
        return database
    return str(place(path, folder))
