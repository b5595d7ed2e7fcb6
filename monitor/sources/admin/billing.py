"""What was billed: usage that shows up, and the price that was really charged, from complete UTC days that are old
enough.

A day without usage proves nothing, so the answers here are partial. Amounts stay decimals: money is never a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.core.facts import BEHAVIOUR, Refusal, Subject
from monitor.core.price import SHORT, STANDARD, TEXT, USD, Meter, amount, canonical
from monitor.sources.admin.answers import AdminReading, Answers, Place

VISIBLE = BEHAVIOUR + "billing.visible"
WRITES_COUNTED = BEHAVIOUR + "billing.cache_writes_counted"

DAY = 86_400
"""Seconds."""

PRECISION = Decimal("0.001")
"""How exact a day's quotient has to be, relative, and how far two days may lie apart."""

CENT = 2
"""Decimals. An amount that states no more of them may be rounded to the cent."""

DIGITS = 6
"""The most significant digits of a price that is read from a bill."""

UNITS = {
    "tokens": 1,
    "1000_tokens": 1_000,
    "1M": 1_000_000,
    "1M_tokens": 1_000_000,
    "1000000_tokens": 1_000_000,
}
"""Tokens that one of a unit is."""

METERS = {
    "input": "input",
    "input_tokens": "input",
    "input_uncached_tokens": "input",
    "cached input": "cached_input",
    "cached_input_tokens": "cached_input",
    "input_cached_tokens": "cached_input",
    "cache writes": "cache_write",
    "cache_write_tokens": "cache_write",
    "input_cache_write_tokens": "cache_write",
    "input_cache_write_30m_tokens": "cache_write",
    "input_cache_write_12h_tokens": "cache_write_12h",
    "output": "output",
    "output_tokens": "output",
}
"""How a line item spells what was metered. Another spelling is refused, never guessed."""

TIERS = {"batch": "batch", "flex": "flex", "priority": "priority", "fast": "priority", "ultrafast": "ultrafast"}

_LINE_ITEM = re.compile(
    r"(?:(?P<tier>\w+) \| )?(?P<model>[^\s,|]+)(?: (?P<modality>audio|image|text))?, "
    r"(?P<meter>[^,]+?)(?P<long>, long context)?"
)


def usage(answers: Answers, place: Place) -> AdminReading:
    """Return which models were billed at all, and whether the bill counts cache writes: yes where it shows some, no
    where it shows reads alone.
    """
    reading = AdminReading()
    written: dict[Subject, int] = {}
    read: dict[Subject, int] = {}
    for question in ("completions", "embeddings"):
        for where, item in _results(reading, answers, question):
            model = item.get("model")
            if not isinstance(model, str) or not model.strip() or not model.isprintable():
                if model is not None:
                    reading.refused.append(Refusal(where, "usage without a printable, non-empty model"))
                continue
            subject = Subject(place.surface, model)
            if _count(item, "num_model_requests") or _count(item, "input_tokens"):
                reading.state(subject, VISIBLE, True)
            writes = item.get("input_cache_write_tokens")
            if isinstance(writes, int):
                written[subject] = written.get(subject, 0) + writes
                read[subject] = read.get(subject, 0) + _count(item, "input_cached_tokens")
    for subject, tokens in written.items():
        if tokens or read[subject]:
            reading.state(subject, WRITES_COUNTED, tokens > 0)
    return reading


@dataclass(frozen=True, slots=True)
class Billed:
    """What one line item came to: USD and tokens, and how far off the quotient may be by their rounding, relative."""

    value: Decimal
    tokens: Decimal
    error: Decimal

    @property
    def price(self) -> Decimal:
        """USD per one million tokens."""
        return self.value / self.tokens * 1_000_000

    def plus(self, other: Billed) -> Billed:
        return Billed(self.value + other.value, self.tokens + other.tokens, max(self.error, other.error))


def costs(answers: Answers, place: Place) -> AdminReading:
    """Return the prices that were charged, where the last two days of a line item say the same.

    A day's quotient is an average: of a price that changed at noon, of regions, of tokens that were given away. Two
    days that agree, each with so much usage that rounding cannot move it, are taken for a price; anything else is left
    open.
    """
    reading = AdminReading()
    lines: dict[tuple[str, Meter], dict[int, Billed]] = {}
    doubted: set[tuple[str, Meter]] = set()
    refused: dict[str, str] = {}
    for day, item in _days(reading, answers):
        name = item.get("line_item")
        line = _line(name) if isinstance(name, str) else None
        if line is None:
            refused[str(name)] = "not the line item of a price by the token"
            continue
        billed = _billed(item)
        if isinstance(billed, str):
            refused[str(name)] = billed
            doubted.add(line)
            continue
        days = lines.setdefault(line, {})
        days[day] = days[day].plus(billed) if day in days else billed
    for name, reason in refused.items():
        reading.refused.append(Refusal(name, reason))
    for line in lines.keys() | doubted:
        model, meter = line
        subject = Subject(place.provider, model)
        price = None if line in doubted else charged([lines[line][day] for day in sorted(lines[line])])
        if price is None:
            reading.doubt(subject, meter.field)
        else:
            reading.state(subject, meter.field, price)
    return reading


def charged(days: list[Billed]) -> str | None:
    """Return the price behind the last two days, None where they do not tell one."""
    last = days[-2:]
    if len(last) < 2 or any(day.value <= 0 or day.error > PRECISION for day in last):
        return None
    earlier, other = last
    if abs(earlier.price - other.price) > PRECISION * max(earlier.price, other.price):
        return None
    return canonical(shortest(earlier.plus(other).price))


def shortest(price: Decimal) -> Decimal:
    """Return the price with the fewest digits that lies within the precision of a bill.

    The digits beyond would change with every day's usage, and each change would be a changed price.
    """
    for digits in range(1, DIGITS):
        rounded = _significant(price, digits)
        if abs(rounded - price) <= PRECISION * price:
            return rounded
    return _significant(price, DIGITS)


def _significant(value: Decimal, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits - 1}e}")


def _line(name: str) -> tuple[str, Meter] | None:
    match = _LINE_ITEM.fullmatch(name)
    if match is None or match["meter"] not in METERS or (match["tier"] and match["tier"] not in TIERS):
        return None
    tier = TIERS[match["tier"]] if match["tier"] else STANDARD
    return match["model"], Meter(
        tier, "long" if match["long"] else SHORT, match["modality"] or TEXT, METERS[match["meter"]]
    )


def _billed(item: Mapping[str, object]) -> Billed | str:
    """Return what an item came to, or why that cannot be said."""
    money = item.get("amount")
    value = _decimal(money.get("value")) if isinstance(money, dict) else None
    quantity, unit = _decimal(item.get("quantity")), item.get("quantity_unit")
    if not isinstance(money, dict) or value is None or quantity is None or quantity <= 0:
        return "no amount or no quantity"
    currency = money.get("currency")
    if not isinstance(currency, str) or currency.upper() != USD:
        return f"its currency is {currency}, and nothing is converted"
    if not isinstance(unit, str) or unit not in UNITS:
        return f"its unit is {unit}, not tokens"
    error = _half_a_digit(value, CENT)
    if UNITS[unit] > 1:
        error += _half_a_digit(quantity, 0)
    return Billed(value, quantity * UNITS[unit], error)


def _half_a_digit(value: Decimal, decimals: int) -> Decimal:
    """Return how far off a number may be by the rounding of its last digit, relative; at least so many `decimals` count
    as stated.
    """
    exponent = value.as_tuple().exponent
    places = max(decimals, -exponent if isinstance(exponent, int) else 0)
    return Decimal(5).scaleb(-places - 1) / abs(value) if value else Decimal(1)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        return amount(str(value))
    except ValueError:
        return None


def _days(reading: AdminReading, answers: Answers) -> Iterator[tuple[int, Mapping[str, object]]]:
    for where, bucket in answers.items("costs"):
        start, end = bucket.get("start_time"), bucket.get("end_time")
        if not isinstance(start, int) or not isinstance(end, int) or start % DAY or end - start != DAY:
            reading.refused.append(Refusal(where, "not one whole UTC day"))
            continue
        for _, item in _in_bucket(reading, where, bucket):
            yield start, item


def _results(reading: AdminReading, answers: Answers, question: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for where, bucket in answers.items(question):
        yield from _in_bucket(reading, where, bucket)


def _in_bucket(
    reading: AdminReading, where: str, bucket: Mapping[str, object]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    results = bucket.get("results")
    for index, item in enumerate(results if isinstance(results, list) else ()):
        if isinstance(item, dict):
            yield f"{where}.results[{index}]", item
        else:
            reading.refused.append(Refusal(f"{where}.results[{index}]", "not an object"))
    if not isinstance(results, list):
        reading.refused.append(Refusal(where, "`results` is no array"))


def _count(item: Mapping[str, object], key: str) -> int:
    value = item.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
