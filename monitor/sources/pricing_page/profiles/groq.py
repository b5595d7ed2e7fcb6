"""What Groq's page of supported models calls things."""

from __future__ import annotations

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="groq",
    model="model id",
    titles=frozenset({"production models", "preview models"}),
    packed="price per 1m tokens",
    carded=True,
    sizes=frozenset({"context window (tokens)", "max completion tokens"}),
    aside=frozenset({"speed (t/sec)", "rate limits (developer plan)", "max file size"}),
)
