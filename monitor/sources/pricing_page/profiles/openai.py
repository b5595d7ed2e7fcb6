"""What the pricing page of OpenAI calls things."""

from __future__ import annotations

import re

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called="openai",
    ids=re.compile(
        r"\b(?:(?:chat)?gpt-[\w.]+|o[1-9](?:-[\w-]+)?|dall-e-\d|text-embedding-\w+|whisper-\d|tts-\d|sora-\d"
        r"|omni-moderation|davinci-\d+|babbage-\d+|codex-mini)"
    ),
)
