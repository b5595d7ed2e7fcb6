"""What truly happened to GPT-5.6 from its preview to its promotional price, and two days that are made up: the story
that the demo tells.

Dates and amounts of `STEPS` are facts of 2026; days on which nothing happened are left out. The other models are those
around it at the time, with their prices unchanged, so that no step looks like a mass drop. `IMAGINED` begins where the
facts end, and the titles of its steps say that it does.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from monitor.sandbox.faults import Fault, FaultKind, Target
from monitor.sandbox.timeline import BATCH, FAST, FLEX, STANDARD, TimelineModel, TimelinePrice, TimelineStep

ACTIVATE = "activate"
RESUME = "resume"

SOL = "gpt-5.6-sol"
TERRA = "gpt-5.6-terra"
LUNA = "gpt-5.6-luna"

RELEASED = 1783555200


def price(
    input: str,
    output: str | None,
    *,
    cached: str | None = None,
    write: str | None = None,
    long: bool = False,
    tiers: tuple[str, ...] = (STANDARD,),
) -> TimelinePrice:
    """Return a price from its decimal strings, in USD per 1M tokens."""
    return TimelinePrice(
        input=Decimal(input),
        output=None if output is None else Decimal(output),
        cached_input=None if cached is None else Decimal(cached),
        cache_write=None if write is None else Decimal(write),
        long_context=long,
        tiers=tiers,
    )


def flagship(input: str, cached: str, write: str, output: str) -> TimelinePrice:
    """Return a price of the GPT-5.6 family: cache writes are priced, every tier and the long band are stated."""
    return TimelinePrice(
        input=Decimal(input),
        output=Decimal(output),
        cached_input=Decimal(cached),
        cache_write=Decimal(write),
        long_context=True,
    )


NEIGHBOURS = (
    TimelineModel(id="gpt-5.5", created=1776902400),
    TimelineModel(id="gpt-5.4", created=1772668800),
    TimelineModel(id="gpt-5.4-mini", created=1773705600),
    TimelineModel(id="gpt-5.4-nano", created=1773705600),
    TimelineModel(id="gpt-5.2", created=1765411200),
    TimelineModel(id="gpt-5.1", created=1762905600),
    TimelineModel(id="gpt-5", created=1754524800),
    TimelineModel(id="gpt-5-mini", created=1754524800),
    TimelineModel(id="gpt-4.1", created=1744316542, reasons=False),
    TimelineModel(id="gpt-4.1-mini", created=1744318173, reasons=False),
    TimelineModel(id="gpt-4o", created=1715367049, reasons=False),
    TimelineModel(id="gpt-4o-mini", created=1721172741, reasons=False),
    TimelineModel(id="text-embedding-3-small", created=1705948997, generates=False),
    TimelineModel(id="text-embedding-3-large", created=1705953180, generates=False),
)

# Only the sections in which a model's price is the plain multiple are stated: for the older ones the true page's other
# sections follow no rule.
NEIGHBOUR_PRICES = {
    "gpt-5.5": price("5", "30", cached="0.50", long=True, tiers=(STANDARD, BATCH, FLEX)),
    "gpt-5.4": price("2.50", "15", cached="0.25", long=True),
    "gpt-5.4-mini": price("0.75", "4.50", cached="0.075", tiers=(STANDARD, BATCH, FLEX, FAST)),
    "gpt-5.4-nano": price("0.20", "1.25", cached="0.02", tiers=(STANDARD, BATCH, FLEX)),
    "gpt-5.2": price("1.75", "14", cached="0.175", tiers=(STANDARD, BATCH, FLEX, FAST)),
    "gpt-5.1": price("1.25", "10", cached="0.125", tiers=(STANDARD, BATCH, FLEX, FAST)),
    "gpt-5": price("1.25", "10", cached="0.125", tiers=(STANDARD, BATCH, FLEX, FAST)),
    "gpt-5-mini": price("0.25", "2", cached="0.025", tiers=(STANDARD, BATCH, FLEX)),
    "gpt-4.1": price("2", "8", cached="0.50"),
    "gpt-4.1-mini": price("0.40", "1.60", cached="0.10"),
    "gpt-4o": price("2.50", "10", cached="1.25"),
    "gpt-4o-mini": price("0.15", "0.60", cached="0.075"),
    "text-embedding-3-small": price("0.02", None),
    "text-embedding-3-large": price("0.13", None),
}

STEPS = (
    TimelineStep(
        date=date(2026, 6, 25),
        title="The day before: GPT-5.6 is neither listed nor priced",
        polls=3,
        lists=NEIGHBOURS,
        prices=NEIGHBOUR_PRICES,
    ),
    TimelineStep(
        date=date(2026, 6, 26),
        title="GPT-5.6 is announced as a limited preview: the page states prices, the list shows nothing yet",
        polls=5,
        prices={
            SOL: flagship("5", "0.50", "6.25", "30"),
            TERRA: flagship("2.50", "0.25", "3.125", "15"),
            LUNA: flagship("1", "0.10", "1.25", "6"),
        },
        notes=("GPT-5.6 Sol, Terra and Luna are in limited preview; a price here is not a grant of access.",),
    ),
    TimelineStep(
        date=date(2026, 7, 9),
        title="GPT-5.6 Sol, Terra and Luna become generally available: the list shows them",
        polls=5,
        lists=tuple(TimelineModel(id=id, created=RELEASED) for id in (SOL, TERRA, LUNA)),
        notes=(),
        waits_for=ACTIVATE,
    ),
    TimelineStep(
        date=date(2026, 7, 25),
        title="The models list answers 500 for 86 minutes: nobody can read it, and nothing has changed",
        polls=6,
        faults=(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500),),
    ),
    TimelineStep(
        date=date(2026, 7, 25),
        title="The models list answers again, and it is the same list",
        polls=3,
    ),
    TimelineStep(
        date=date(2026, 7, 30),
        title="Prices drop without a word to anyone: Luna by 80 %, Terra by 20 %",
        polls=5,
        prices={
            TERRA: flagship("2", "0.20", "2.50", "12"),
            LUNA: flagship("0.20", "0.02", "0.25", "1.20"),
        },
        notes=("Priority processing is called Fast mode since July 30, 2026.",),
        waits_for=RESUME,
    ),
    TimelineStep(
        date=date(2026, 8, 21),
        title="Sol gets a promotional price, promised at least through November 21, 2026",
        polls=5,
        prices={SOL: flagship("4", "0.40", "5", "20")},
        notes=(
            "Priority processing is called Fast mode since July 30, 2026.",
            "The promotional price of GPT-5.6 Sol is available at least through November 21, 2026.",
        ),
        waits_for=RESUME,
    ),
)
"""The steps in order. In hold mode, the release waits for a person who activates, and each new price for one who
resumes.
"""

IMAGINED = (
    TimelineStep(
        date=date(2026, 11, 22),
        title="Imagined: the promotion of Sol ends, and its price goes up to what it was",
        polls=5,
        prices={SOL: flagship("5", "0.50", "6.25", "30")},
        notes=("Priority processing is called Fast mode since July 30, 2026.",),
    ),
    TimelineStep(
        date=date(2026, 12, 1),
        title="Imagined: Luna is gone from the list, and calls of it are refused; its price is still stated",
        polls=5,
        unlists=(LUNA,),
    ),
)
"""What may follow: a price that rises, and a model that vanishes."""
