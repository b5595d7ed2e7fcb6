"""What the page of Fireworks' serverless prices calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="fireworks",
    name=re.compile(r"[A-Z][\w.-]*(?: [A-Z0-9][\w.-]*){1,5}", re.ASCII),
    titles=frozenset({"text and vision models"}),
    unit_ahead=True,
    ordered=True,
)
