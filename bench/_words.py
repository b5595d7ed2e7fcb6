"""Sentences, titles and notes as pages write them, made of parts so that no two runs put the same ones beside a table:
of another audience, time, region, size, offer, currency or unit, and of nothing that concerns the prices beside them.
"""

from __future__ import annotations

import random

WHOM = (
    "startups", "nonprofits", "verified nonprofits", "enterprise customers", "students", "academic researchers",
    "existing customers", "new customers", "Plus subscribers", "members of our partner program", "resellers",
    "government agencies", "customers with an annual contract", "accounts in good standing since 2024",
    "early adopters",
)  # fmt: skip
WHERE = (
    "the EU", "Europe", "mainland China", "the China region", "Japan", "the US only", "our Frankfurt data center",
    "AWS Bedrock", "Azure", "Vertex AI", "the marketplace", "sovereign clouds", "data residency endpoints",
)  # fmt: skip
WHEN = (
    "after the preview period", "once the preview ends", "during the beta", "for the first three months",
    "from October 1, 2099", "starting next quarter", "until January 31, 2020", "from launch", "at general availability",
    "while supplies last", "between 16:30 and 00:30 UTC", "at night", "on weekends", "during off-peak hours",
    "only this week", "before the price increase", "when the promotion ends", "as of tomorrow",
)  # fmt: skip
HOW = (
    "with data sharing enabled", "with thinking turned on", "with web search enabled", "for prompts over 128K tokens",
    "for inputs longer than 200,000 tokens", "above 1 billion tokens a month", "for the first 10M tokens",
    "on the Scale plan", "with provisioned throughput", "for fine-tuned models", "for audio tokens", "for images",
    "for deferred requests", "for asynchronous requests", "with a commitment of one year", "after a 20% discount",
    "with the annual discount applied", "on dedicated capacity", "including a 5% platform fee",
)  # fmt: skip
SENTENCES = (
    "{Cond}, these prices apply.",
    "{Cond}, the following prices apply.",
    "{Cond}, prices are as follows:",
    "{Cond}, the prices below apply.",
    "These prices apply {cond}.",
    "The following prices apply {cond}.",
    "The prices below are valid {cond}.",
    "The rates below apply {cond} only.",
    "The table below shows prices {cond}.",
    "The following table lists prices {cond}.",
    "These rates hold {cond}.",
    "Prices {cond}:",
)
TITLES = ("Prices {cond}", "{Cond}", "Pricing {cond}", "Rates {cond}:")
OTHER_MONEY = (
    "All prices are in {money}.", "All prices on this page are shown in {money} and exclude VAT.",
    "Please note that all amounts are quoted in {money}.", "Prices are listed in {money}.", "All figures in {money}.",
    "Prices on this page are given in {money}, which may vary with the exchange rate on the day of billing.",
    "All prices are per {unit}.", "All prices on this page are per {unit}.", "Every price is per {unit}.",
    "All prices include {tax}.",
)  # fmt: skip
MONEY = (
    "Canadian dollars", "EUR", "British pounds", "Swiss francs", "Japanese yen", "A$", "Singapore dollars", "CNY",
    "INR",
    "Mexican pesos", "Brazilian reais", "your local currency", "cents", "credits", "¥", "€", "New Zealand dollars",
)  # fmt: skip
UNITS = (
    "1K tokens", "1,000 tokens", "thousand tokens", "million characters", "token", "10M tokens", "billion tokens",
    "1K characters", "million words", "100,000 tokens",
)  # fmt: skip
TAXES = ("19% VAT", "VAT", "GST of 10%", "applicable taxes")
SUBJECTS = ("Batch requests", "Cached tokens", "Regional endpoints", "Web searches", "Image inputs", "Long prompts")
PLAIN = (
    "Prices may change at any time.", "Prices are subject to change without notice.", "All prices exclude taxes.",
    "All prices are in USD.", "Prices are quoted in US dollars.", "Contact sales for volume discounts.",
    "See the documentation for details about prompt caching.", "Learn more about our models.",
    "{Subject} are described in the guide.", "{Subject} are billed separately.",
    "This page was last updated in {month} 2026.",
    "Last updated: {month} {day}, 2026", "Rate limits depend on your account.",
    "A token is about four characters of text.",
    "For the most current pricing information, please visit our website.", "Models are listed by family.",
    "You only pay for what you use.", "Usage is billed monthly.", "Web search is billed at $10 per 1,000 calls.",
    "Some models were released on {month} {day}, 2025.", "Our older models will be retired on {month} {day}, 2099.",
    "Volume discounts may be available for high-volume users.", "Prices apply to all customers.",
    "Reasoning tokens are billed as output tokens.", "Get in touch if you have questions about billing.",
)  # fmt: skip
MONTHS = ("January", "March", "June", "August", "November")


def condition(dice: random.Random) -> str:
    """Return words that limit prices to somebody, some place, some time or some way of calling."""
    kind = dice.randrange(4)
    if kind == 0:
        return f"for {dice.choice(WHOM)}"
    return dice.choice(WHEN) if kind == 1 else f"in {dice.choice(WHERE)}" if kind == 2 else dice.choice(HOW)


def limiting(dice: random.Random) -> str:
    """Return a sentence or title that says of the prices after it that they are not those of every call today."""
    words = condition(dice)
    form = dice.choice((*SENTENCES, *TITLES))
    return form.format(cond=words, Cond=words[0].upper() + words[1:])


def other_money(dice: random.Random) -> str:
    """Return a sentence about all prices in another currency or unit."""
    return dice.choice(OTHER_MONEY).format(money=dice.choice(MONEY), unit=dice.choice(UNITS), tax=dice.choice(TAXES))


def plain(dice: random.Random) -> str:
    """Return a sentence that concerns no price beside it."""
    return dice.choice(PLAIN).format(Subject=dice.choice(SUBJECTS), month=dice.choice(MONTHS), day=dice.randint(1, 28))
