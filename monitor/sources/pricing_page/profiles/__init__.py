"""What single providers call things on their official pages, one module each: words only. How a page is read is the
same for all.

A word that stands here is recognised for its provider alone, so that a page of another one with the same word stays
refused.
"""

from __future__ import annotations

from monitor.sources.pricing_page.profiles import (
    anthropic,
    deepseek,
    fireworks,
    google,
    groq,
    mistral,
    moonshot,
    openai,
    together,
    xai,
    zai,
)
from monitor.sources.pricing_page.profiles.words import PLAIN, PerModel, Profile

__all__ = ["PLAIN", "PROVIDERS", "PerModel", "Profile", "profile"]

_PROFILES = {
    "openai": openai.PROFILE,
    "anthropic": anthropic.PROFILE,
    "google": google.PROFILE,
    "deepseek": deepseek.PROFILE,
    "fireworks": fireworks.PROFILE,
    "groq": groq.PROFILE,
    "mistral": mistral.PROFILE,
    "moonshot": moonshot.PROFILE,
    "together": together.PROFILE,
    "xai": xai.PROFILE,
    "zai": zai.PROFILE,
}

PROVIDERS = tuple(_PROFILES)
"""The providers whose pages have words of their own."""


def profile(provider: str) -> Profile:
    """Return the words of a provider; none of its own for most."""
    return _PROFILES.get(provider, PLAIN)
