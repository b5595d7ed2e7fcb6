"""What the pricing page of DeepSeek calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="deepseek",
    ids=re.compile(r"\bdeepseek-[\w.]+", re.IGNORECASE),
    meters={
        "1m input tokens (cache hit)": "cached_input",
        "1m input tokens (cache miss)": "input",
        "1m output tokens": "output",
    },
    across=True,
    peak_hours=True,
    descriptive=frozenset(
        {
            "base url",
            "base url (openai format)",
            "base url (anthropic format)",
            "model version",
            "thinking mode",
            "context length",
            "max output",
            "concurrency limit",
            "features json output",
            "features responses api",
            "features anthropic api",
            "features vision",
            "features tool calls",
            "features chat prefix completion(beta)",
            "features chat prefix completion（beta）",
            "features fim completion(beta)",
            "features fim completion（beta）",
        }
    ),
)
