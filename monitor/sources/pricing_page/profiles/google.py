"""What the pricing page of Google (Gemini) calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import PerModel, Profile

PROFILE = Profile(
    called="(?:google|gemini)",
    ids=re.compile(r"\b(?:gemini|gemma|imagen|veo)-[\w.]+", re.IGNORECASE),
    meters={
        "input price": "input",
        "input price (text, image, video)": "input",
        "text input price": "input",
        "output price": "output",
        "output price (including thinking tokens)": "output",
        "context caching price": "cached_input",
        "cache read price": "cached_input",
    },
    descriptive=frozenset(
        {
            "used to improve our products",
            "grounding with google search",
            "grounding with google search^*^",
            "grounding with google maps",
        }
    ),
    suffix=re.compile(r" \(Live API\)$"),
    per_model=PerModel(offer="paid tier, per 1m tokens in usd", beside=frozenset({"free tier"})),
)
