"""The account's own settings and bills, read with an admin key: one source for each part.

A part is what to ask (`asking`) and how the answers are read (`settings`, `billing`, `audit_log`); the calls go through
the `openai` SDK (`source`). Nothing here changes anything at the provider.
"""

from __future__ import annotations

from monitor.sources.admin.parts import PARTS
from monitor.sources.admin.source import AdminSource

__all__ = ["PARTS", "AdminSource"]
