"""What the pricing page of Anthropic calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="(?:anthropic|claude)",
    ids=re.compile(r"\bclaude(?:-[\w.]+| (?:opus|sonnet|haiku|[0-9]))", re.IGNORECASE),
    meters={
        "base input tokens": "input",
        "base input": "input",
        "5m cache writes": "cache_write",  # the lifetime that a write has unless the call asks for another
        "5-minute cache writes": "cache_write",
        "5m cache write": "cache_write",
        "cache hits & refreshes": "cached_input",
        "cache hits and refreshes": "cached_input",
    },
    name=re.compile(r"Claude(?: (?:[A-Z][a-z]+|[0-9]+(?:\.[0-9]+)?)){1,3}", re.ASCII),
)
