"""Tables in their place to price rows: the one judgement of what is accepted. What it does not accept it refuses with a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from monitor.domain.model import ANYTHING, Refusal
from monitor.domain.price import PER_MILLION_TOKENS, SHORT, TEXT, PriceRow, canonical, equal
from monitor.sources.pricing_page import cells, conditions, per_model
from monitor.sources.pricing_page.blocks import MERGED, Row, Table
from monitor.sources.pricing_page.context import Elsewhere, Placed, Unplaced, sized, unit_of
from monitor.sources.pricing_page.headers import Binding, Price, Unbound, bind
from monitor.sources.pricing_page.profiles import Profile, profile
from monitor.sources.pricing_page.transposed import upright

_LONGEST_TITLE = 60
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
    if words.per_model and isinstance(block, Table):
        block = per_model.upright(block, placed.models, words.per_model, frozenset(words.meters))
    own_unit = False
    try:
        if block.flaw:
            raise Unplaced(block.flaw)
        binding = bind(block.header, words) if isinstance(block, Table) else None
        titles = [] if binding is None else [_title(row, binding, words) for row in block.rows]
        placed.check()
        own_unit = binding is not None and not placed.unit and _units_in_cells(binding, block.rows)
        if not own_unit and (placed.unit or binding is None or not binding.unit_stated):
            placed.check_unit()  # a header may say it again, not otherwise
        if other := next((unit for unit in map(unit_of, titles) if unit not in ("", PER_MILLION_TOKENS)), ""):
            raise Unplaced(f"it is not per 1M tokens: {other!r}")
        stand = _stand(placed, binding)
        if (
            binding is not None and words.per_model is None
        ):  # there the columns were rows, and none is a condition on another
            _check_ignored(binding, block.rows)
    except (Unplaced, Unbound) as error:
        about = () if isinstance(error, Elsewhere) else _names(block.rows) or (ANYTHING,)
        yield Refusal(placed.where, str(error), about)
        return
    if binding is not None:
        for _, label in binding.ignored:
            yield Refusal(placed.where, f"the column {label!r} is not recognised", _names(block.rows))
    lost = ""
    if any(map(cells.tier, titles)) and not placed.claims and binding is not None and not binding.tier:
        lost = "the table has titles of tiers, and none of them is over this row"
    for row, title in zip_longest(block.rows, titles, fillvalue=""):
        assert isinstance(row, Row)
        if title:
            try:
                stand, lost = _stand(placed.under(str(title)), binding), ""
            except Unplaced as error:
                lost = str(error)
            continue
        where = f"{placed.where}, row {row.line}"
        try:
            if lost:
                raise ValueError(lost)
            yield from _row(row, binding, provider, words, stand, where)
        except ValueError as error:
            # What a page is cut off before may be anything.
            yield Refusal(where, str(error), (ANYTHING,) if row.flaw else _names([row]))


class Stand(NamedTuple):
    """What the place of a row says of its prices. The modality is empty where a column says it."""

    tier: str
    modality: str
    long: bool


def _stand(placed: Placed, binding: Binding | None) -> Stand:
    """What a place says of the prices that stand there.

    Raises:
        Unplaced: nothing certain, or that they are not those of a plain call.
    """
    placed.check()
    modality = placed.modality() if binding is None or binding.modality is None else ""
    return Stand(placed.tier(binding.tier if binding else ""), modality, placed.long())


def _title(row: Row, binding: Binding, words: Profile) -> str:
    """The title that a row within the table is for those below it; empty where it is a row of its own, or a note."""
    if row.flaw != MERGED and len(row.cells) == binding.width and row.cells[next(iter(binding.prices))]:
        return ""  # as nearly every row
    texts = {text for text in row.cells if text}
    if len(texts) != 1 or row.flaw not in ("", MERGED) or len(row.cells) != binding.width:
        return ""
    (text,) = texts
    if row.flaw != MERGED and text not in (row.cells[0], row.cells[binding.model]):
        return ""
    if cells.tier(text):
        return text
    if (
        "$" in text
        or len(text) > _LONGEST_TITLE
        or text.lower() in cells.BLANK
        or (words.name and words.name.match(text))
    ):
        return ""
    try:
        cells.model(text)
    except ValueError:
        return text
    return ""


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
    row: Row, binding: Binding | None, provider: str, words: Profile, stand: Stand, where: str
) -> Iterator[PriceRow | Refusal]:
    """The prices of one row.

    Raises:
        ValueError: the row as a whole is refused.
    """
    if row.flaw:
        raise ValueError(row.flaw)
    if binding is None:
        yield from _component_row(row, provider, stand)
        return
    if len(row.cells) != binding.width:
        raise ValueError(f"the row has {len(row.cells)} cells and the header {binding.width}")
    named, window = cells.dated(row.cells[binding.model])
    label = _label(named, words)
    modality = stand.modality if binding.modality is None else cells.modality(row.cells[binding.modality])
    for told in (row.cells[column] for column in binding.descriptive if words.per_model is None):
        if sized(told) or cells.tier(told) not in (None, stand.tier):
            raise ValueError(f"{told!r} beside it sets a condition")
    for column, price in binding.prices.items():
        try:
            priced = [
                (_context(price, stand.long or label.condition.long or one.condition.long), one)
                for one in _amounts(row.cells[column], words.per_model is not None)
            ]
        except ValueError as error:
            yield Refusal(f"{where}, {' / '.join(label.names)} {price.meter}", str(error), label.names)
            continue
        for model in label.names:
            for context, one in priced:
                said = one.condition.window
                when = cells.Window(said.begin or window.begin, said.end or window.end) if said is not window else said
                for kind in one.condition.kinds or (modality,):
                    yield _price(provider, model, stand.tier, context, kind, price.meter, one.amount, when)


def _label(text: str, words: Profile) -> conditions.Label:
    """Whom a row is about.

    Raises:
        ValueError: neither an id nor, where the page has them, a name.
    """
    try:
        model, long = cells.model(text)
    except ValueError:
        if words.name is None:
            raise
        return conditions.label(text, words.name)
    return conditions.Label(names=(model,), condition=conditions.Condition(long=long))


@lru_cache(maxsize=4096)
def _amounts(text: str, several: bool) -> tuple[conditions.Stated, ...]:
    """The amounts of a cell: one or none, unless the page states several in one.

    Raises:
        ValueError: not understood.
    """
    if several:
        return tuple(conditions.amounts(text))
    amount = cells.amount(text)
    return () if amount is None else (conditions.Stated(amount=amount, condition=conditions.PLAIN),)


def _context(price: Price, long: bool) -> str:
    """The band of a cell.

    Raises:
        ValueError: the row's label or section says long contexts and the column short ones.
    """
    if long and price.plain:
        return "long"
    if long and price.context == SHORT:
        raise ValueError("the label is for long contexts and the column for short ones")
    return price.context


def _component_row(row: Row, provider: str, stand: Stand) -> Iterator[PriceRow]:
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
    if rising != sorted(rising) or amounts["input"] is None or amounts["output"] is None:
        raise ValueError("the amounts are not in the order of this component's cells")
    context = "long" if long or stand.long else SHORT
    for meter, amount in amounts.items():
        if amount is not None:
            yield _price(provider, model, stand.tier, context, stand.modality or TEXT, meter, amount)


def _price(
    provider: str,
    model: str,
    tier: str,
    context: str,
    modality: str,
    meter: str,
    amount: Decimal,
    window: cells.Window = cells.ALWAYS,
) -> PriceRow:
    return PriceRow(
        provider=provider,
        model=model,
        tier=tier,
        context=context,
        modality=modality,
        meter=meter,
        amount=amount,
        valid_from=window.begin,
        valid_to=window.end,
    )


def reconcile(rows: Iterable[PriceRow]) -> tuple[list[PriceRow], list[Refusal]]:
    """One row for each identity and window: equal values merge, unequal ones refuse both, since the page does not say which holds."""
    found: dict[tuple[object, ...], PriceRow] = {}
    torn: dict[tuple[object, ...], list[str]] = {}
    for row in rows:
        key = (row.model, row.tier, row.context, row.modality, row.meter, row.valid_from, row.valid_to)
        first = found.setdefault(key, row)
        if first.amount != row.amount and not equal(canonical(first.amount), canonical(row.amount)):
            torn.setdefault(key, [canonical(first.amount)]).append(canonical(row.amount))
    kept = [row for key, row in found.items() if key not in torn]
    refused = [
        Refusal(
            f"{found[key].model} {found[key].identity.field}",
            f"stated more than once, as {', '.join(dict.fromkeys(amounts))}",
            (found[key].model,),
        )
        for key, amounts in torn.items()
    ]
    return kept, refused
