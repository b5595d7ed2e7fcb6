"""Tables in their place to price rows: the one judgement of what is accepted. What it does not accept it refuses with a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from monitor.domain.model import ANYTHING, Refusal
from monitor.domain.price import SHORT, TEXT, Meter, PriceRow, canonical, equal
from monitor.sources.pricing_page import cells
from monitor.sources.pricing_page.blocks import Row, Table
from monitor.sources.pricing_page.context import Elsewhere, Placed, Unplaced
from monitor.sources.pricing_page.headers import Binding, Price, Unbound, bind
from monitor.sources.pricing_page.profiles import Profile, profile
from monitor.sources.pricing_page.transposed import upright

_BETWEEN = re.compile(r"[\s()*,|]+")

_TUPLES = {
    4: ("input", "cached_input", "output"),
    5: ("input", "cached_input", "cache_write", "output"),
}


def rows_of(placed: Placed, provider: str) -> Iterator[PriceRow | Refusal]:
    """Every price of a table, and a refusal for every part that is none."""
    words = profile(provider)
    block = placed.block
    if words.across and isinstance(block, Table):
        block = upright(block)
    own_unit = False
    try:
        if block.flaw:
            raise Unplaced(block.flaw)
        binding = bind(block.header, words) if isinstance(block, Table) else None
        placed.check()
        own_unit = binding is not None and not placed.unit and _units_in_cells(binding, block.rows)
        if not own_unit and (placed.unit or binding is None or not binding.unit_stated):
            placed.check_unit()  # a header may say it again, not otherwise
        tier = placed.tier(binding.tier if binding else "")
        modality = placed.modality() if binding is None or binding.modality is None else ""
        if binding is not None:
            _check_ignored(binding, block.rows)
    except (Unplaced, Unbound) as error:
        about = () if isinstance(error, Elsewhere) else _names(block.rows) or (ANYTHING,)
        yield Refusal(placed.where, str(error), about)
        return
    if binding is not None:
        for _, label in binding.ignored:
            yield Refusal(placed.where, f"the column {label!r} is not recognised", _names(block.rows))
    for row in block.rows:
        where = f"{placed.where}, row {row.line}"
        try:
            yield from _row(row, binding, provider, words, tier, modality, where)
        except ValueError as error:
            # What a page is cut off before may be anything.
            yield Refusal(where, str(error), (ANYTHING,) if row.flaw else _names([row]))


def _names(rows: Iterable[Row]) -> tuple[str, ...]:
    """The words in cells: a part that is refused states no price, but it shows that its models are still spoken of."""
    words = (word for row in rows for cell in row.cells for word in _BETWEEN.split(cell))
    return tuple(dict.fromkeys(word for word in words if word))


def _units_in_cells(binding: Binding, rows: Iterable[Row]) -> bool:
    """Whether every amount names its own unit: a table of which only some do says nothing certain of the others."""
    amounts = [row.cells[c] for row in rows for c in binding.prices if c < len(row.cells) and "$" in row.cells[c]]
    return bool(amounts) and all(map(cells.names_unit, amounts))


def _check_ignored(binding: Binding, rows: Iterable[Row]) -> None:
    """A column of unknown words may be a condition (a region, a size), so its table is not the price of a plain call."""
    for column, label in binding.ignored:
        for row in rows:
            text = row.cells[column] if column < len(row.cells) else ""
            if len(row.cells) == binding.width and text.lower() not in cells.BLANK and not text.startswith("$"):
                raise Unbound(f"the column {label!r} is not recognised and may set a condition ({text!r})")


def _row(
    row: Row, binding: Binding | None, provider: str, words: Profile, tier: str, modality: str, where: str
) -> Iterator[PriceRow | Refusal]:
    """The prices of one row.

    Raises:
        ValueError: the row as a whole is refused.
    """
    if row.flaw:
        raise ValueError(row.flaw)
    if binding is None:
        yield from _component_row(row, provider, tier, modality)
        return
    if len(row.cells) != binding.width:
        raise ValueError(f"the row has {len(row.cells)} cells and the header {binding.width}")
    label, window = cells.dated(row.cells[binding.model])
    model, long = cells.model(label, words.name)
    if binding.modality is not None:
        modality = cells.modality(row.cells[binding.modality])
    for column, price in binding.prices.items():
        try:
            amount = cells.amount(row.cells[column])
            context = _context(price, long)
        except ValueError as error:
            yield Refusal(f"{where}, {model} {price.meter}", str(error), (model,))
            continue
        if amount is not None:
            yield _price(provider, model, Meter(tier, context, modality, price.meter), amount, window)


def _context(price: Price, long: bool) -> str:
    """The band of a cell.

    Raises:
        ValueError: the row's label says long contexts and the column short ones.
    """
    if long and price.plain:
        return "long"
    if long and price.context == SHORT:
        raise ValueError("the label is for long contexts and the column for short ones")
    return price.context


def _component_row(row: Row, provider: str, tier: str, modality: str) -> Iterator[PriceRow]:
    """The prices of a component's tuple.

    Raises:
        ValueError: not one of its two lengths, or the amounts do not rise in the order that every published row has
            (cached input, input, cache write, output): without header text, that order is what shows a shifted cell.
    """
    meters = _TUPLES.get(len(row.cells))
    if meters is None:
        raise ValueError(f"the row has {len(row.cells)} cells, and this component's rows have 4 or 5")
    model, long = cells.model(row.cells[0])
    amounts = {meter: cells.amount(text) for meter, text in zip(meters, row.cells[1:], strict=True)}
    rising = [
        amount
        for meter in ("cached_input", "input", "cache_write", "output")
        if (amount := amounts.get(meter)) is not None
    ]
    if rising != sorted(rising) or amounts["input"] is None:
        raise ValueError("the amounts are not in the order of this component's cells")
    for meter, amount in amounts.items():
        if amount is not None:
            yield _price(provider, model, Meter(tier, "long" if long else SHORT, modality or TEXT, meter), amount)


def _price(provider: str, model: str, meter: Meter, amount: Decimal, window: cells.Window = cells.ALWAYS) -> PriceRow:
    return PriceRow(
        provider=provider,
        model=model,
        tier=meter.tier,
        context=meter.context,
        modality=meter.modality,
        meter=meter.meter,
        amount=amount,
        valid_from=window.begin,
        valid_to=window.end,
    )


def reconcile(rows: Iterable[PriceRow]) -> tuple[list[PriceRow], list[Refusal]]:
    """One row for each identity and window: equal values merge, unequal ones refuse both, since the page does not say which holds."""
    found: dict[tuple[str, Meter, cells.Window], PriceRow] = {}
    torn: dict[tuple[str, Meter, cells.Window], list[str]] = {}
    for row in rows:
        key = (row.model, row.identity, cells.Window(row.valid_from, row.valid_to))
        first = found.setdefault(key, row)
        if first.amount != row.amount and not equal(canonical(first.amount), canonical(row.amount)):
            torn.setdefault(key, [canonical(first.amount)]).append(canonical(row.amount))
    kept = [row for key, row in found.items() if key not in torn]
    refused = [
        Refusal(f"{model} {meter.field}", f"stated more than once, as {', '.join(dict.fromkeys(amounts))}", (model,))
        for (model, meter, _), amounts in torn.items()
    ]
    return kept, refused
