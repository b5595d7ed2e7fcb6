"""Whose prices a page states, by what it says of itself: the name in its titles, and the ids of its models.

A page of a reseller names other people's models at its own prices, so its own name, or more than one maker's ids, leave
open whose they are.
"""

from __future__ import annotations

import re

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page.profiles import PROVIDERS, profile

_TITLE = re.compile(
    r"<title\b[^>]*>([^<]*)</title>|<h1\b[^>]*>(.*?)</h1>|^#[ \t]+(.+)$|^title:[ \t]*(.+)$",
    re.IGNORECASE | re.MULTILINE,
)
_RESELLER = re.compile(
    r"\b(?:azure|bedrock|vertex|foundry|openrouter|together|fireworks|groq|replicate|deepinfra|novita|portkey|helicone"
    r"|litellm|cloudflare|databricks|snowflake|perplexity|poe|requesty|compar\w+|vs)\b",
    re.IGNORECASE,
)
_SHARE = 10
"""Of this many ids at most one is of another maker."""


def publisher(text: str) -> str:
    """Return the provider whose prices a page states.

    Raises:
        Unreadable: it names none that is known, or more than one.
    """
    titles = " ".join(" ".join(filter(None, match.groups())) for match in _TITLE.finditer(text[:200_000]))
    counts = {provider: len(ids.findall(text)) for provider in PROVIDERS if (ids := profile(provider).ids)}
    spoken = {
        provider for provider in PROVIDERS if re.search(rf"\b{profile(provider).called}\b", titles, re.IGNORECASE)
    }
    most = max(counts, key=lambda provider: counts[provider], default="")
    makers = {most} if counts.get(most) and counts[most] * (_SHARE + 1) >= sum(counts.values()) * _SHARE else set()
    providers = spoken or makers
    if len(providers) != 1 or (makers and makers != providers) or _RESELLER.search(titles):
        raise Unreadable("the page does not say whose prices these are; name them with --provider")
    return providers.pop()
