"""The views of the database as `deploy/datasette/metadata.json` documents them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METADATA = Path(__file__).parents[2] / "deploy/datasette/metadata.json"

VIEWS: Mapping[str, Mapping[str, Any]] = json.loads(METADATA.read_text(encoding="utf-8"))["databases"]["monitor"][
    "tables"
]
"""Name → `description` and `columns`."""
