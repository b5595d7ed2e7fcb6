"""What the page of Together's serverless models calls things."""

from __future__ import annotations

from monitor.sources.pricing_page.profiles.words import Profile

PROFILE = Profile(
    called=r"together(?:\.ai| ai)",
    model="api model string",
    meters={"input pricing": "input", "cached input pricing": "cached_input", "output pricing": "output"},
    descriptive=frozenset(
        {"organization", "model name", "quantization", "function calling", "structured outputs", "structured output"}
    ),
    sizes=frozenset({"context length"}),
)
