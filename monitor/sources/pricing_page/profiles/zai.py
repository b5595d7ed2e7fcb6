"""What the pricing page of Z.ai calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called=r"(?:z\.ai|zhipu)",
    ids=re.compile(r"\bglm-[\w.]+", re.IGNORECASE),
    titles=frozenset({"text models", "vision models", "latest models"}),
    aside=frozenset({"cached input storage"}),
)
