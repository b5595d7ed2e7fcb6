"""What the pricing pages of Moonshot (Kimi) call things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="(?:moonshot|kimi)",
    ids=re.compile(r"\b(?:kimi|moonshot)-[\w.]+", re.IGNORECASE),
    meters={
        "input price (cache hit)": "cached_input",
        "cached input price": "cached_input",
        "input price (cache miss)": "input",
        "cache write price (ttl 5min)": "cache_write",  # the lifetime that a write has unless the call asks for another
        "cache write price (ttl 1h)": "cache_write_1h",
    },
    sizes=frozenset({"context window"}),
)
