"""What the pricing page of xAI calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="(?:xai|grok)",
    ids=re.compile(r"\bgrok-[\w.]+", re.IGNORECASE),
    sizes=frozenset({"context"}),
)
