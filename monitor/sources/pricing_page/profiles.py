"""What single providers call things on their official pages: words only. How a page is read is the same for all.

A word that stands here is recognised for its provider alone, so that a page of another one with the same word stays
refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class PerModel:
    """How a page spells tables that are about one model each: the title of the column that is read (lower case), those
    that may stand beside it, and what may stand above its labels.
    """

    offer: str
    beside: frozenset[str]
    corner: frozenset[str] = frozenset({""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A provider's words beyond those that every page may use.

    `meters` maps a column's label (lower case, without its unit) to its meter; `name` is the spelling of display names,
    where the page names models by these instead of ids. They are kept as they stand: which id goes by which name is
    said by an entry's `price_model` and never guessed. `called` is the pattern of the provider's own name, and `ids`
    that of the ids that it alone gives to models. `across` says that its tables name models across and meters down,
    `descriptive` which lines of such a table describe a model and set no condition on its price. With `per_model` each
    table is about the models of its section, and a cell may state several amounts under conditions.
    """

    meters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    name: re.Pattern[str] | None = None
    called: str = r"(?!)"
    ids: re.Pattern[str] | None = None
    across: bool = False
    descriptive: frozenset[str] = frozenset()
    per_model: PerModel | None = None


PLAIN = Profile()

_PROFILES = {
    "openai": Profile(
        called="openai",
        ids=re.compile(
            r"\b(?:(?:chat)?gpt-[\w.]+|o[1-9](?:-[\w-]+)?|dall-e-\d|text-embedding-\w+|whisper-\d|tts-\d|sora-\d"
            r"|omni-moderation|davinci-\d+|babbage-\d+|codex-mini)"
        ),
    ),
    "anthropic": Profile(
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
    ),
    "google": Profile(
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
        per_model=PerModel(offer="paid tier, per 1m tokens in usd", beside=frozenset({"free tier"})),
    ),
    "deepseek": Profile(
        called="deepseek",
        ids=re.compile(r"\bdeepseek-[\w.]+", re.IGNORECASE),
        meters={
            "1m input tokens (cache hit)": "cached_input",
            "1m input tokens (cache miss)": "input",
            "1m output tokens": "output",
        },
        across=True,
        descriptive=frozenset(
            {
                "base url",
                "base url (openai format)",
                "base url (anthropic format)",
                "model version",
                "thinking mode",
                "context length",
                "max output",
                "features json output",
                "features tool calls",
                "features chat prefix completion(beta)",
                "features chat prefix completion（beta）",
                "features fim completion(beta)",
                "features fim completion（beta）",
            }
        ),
    ),
}


PROVIDERS = tuple(_PROFILES)
"""The providers whose pages have words of their own."""


def profile(provider: str) -> Profile:
    """Return the words of a provider; none of its own for most."""
    return _PROFILES.get(provider, PLAIN)
