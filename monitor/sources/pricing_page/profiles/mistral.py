"""What the pricing page of Mistral calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="mistral",
    ids=re.compile(r"\b(?:mistral|ministral|magistral|codestral|devstral|voxtral|pixtral)-[\w.]+", re.IGNORECASE),
    name=re.compile(
        r"(?:Mistral|Ministral|Magistral|Codestral|Devstral|Voxtral|Pixtral|Mixtral|Leanstral)"
        r"(?: [A-Z0-9][\w.]*){0,4}(?: \([0-9.]+B\))?",
        re.ASCII,
    ),
)
