"""Tables in their place to price rows: the one judgement of what is accepted. What it does not accept it refuses with a
place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from monitor.core.facts import ANYTHING, Refusal
from monitor.core.price import SHORT, TEXT, PriceRow, canonical, equal
from monitor.sources.pricing_page import cells, conditions, money, packed, per_model
from monitor.sources.pricing_page.blocks import HIDDEN, MERGED, Component, PageTable, TableRow
from monitor.sources.pricing_page.context import Elsewhere, Placed, Unplaced, offers, sized
from monitor.sources.pricing_page.days import both, days
from monitor.sources.pricing_page.headers import Binding, PriceColumn, Unbound, bind, is_header
from monitor.sources.pricing_page.profiles import Profile
from monitor.sources.pricing_page.statements import statements
from monitor.sources.pricing_page.titles import title
from monitor.sources.pricing_page.transposed import at_hours, upright

_LONGEST_TITLE = 60
_STEPPED = re.compile(
    r"(\S+(?: / MTok)?),? \(?(until|till?|through|thru) ([^()]+?)\)?[,;]? (?:and )?then (\S+(?: / MTok)?)",
    re.IGNORECASE,
)
_ID = re.compile(r"[a-z0-9][a-z0-9._/-]*[a-z0-9]", re.ASCII)
_BETWEEN = re.compile(r"[\s()*,|]+")

_TUPLES = {
    4: ("input", "cached_input", "output"),
    5: ("input", "cached_input", "cache_write", "output"),
}


def rows_of(placed: Placed, provider: str, words: Profile) -> Iterator[PriceRow | Refusal]:
    """Yield every price of a table, and a refusal for every part that is none."""
    block = placed.block
    turned = block
    if words.across and isinstance(block, PageTable):
        turned = upright(block)
    if words.per_model and isinstance(turned, PageTable):
        turned = per_model.upright(turned, placed.models, words.per_model, frozenset(words.meters))
    for place, part in _parted(placed, turned, words, turned=turned is not block):
        if isinstance(part, Refusal):
            yield part
            continue
        prices = _part(place, part, provider, words, turned=turned is not block)
        yield from _undisputed(list(prices)) if isinstance(part, Component) else prices


def _parted(
    placed: Placed, table: PageTable | Component, words: Profile, *, turned: bool
) -> Iterator[tuple[Placed, PageTable | Component | Refusal]]:
    """Yield the tables that one is read as, each with its place: one for each header within it, for each tier of cells
    with several amounts, and for each part of the day that its meters name.
    """
    if isinstance(table, Component):
        yield placed, table
    elif not turned:
        for part in packed.parted(table, words, ordered=placed.ordered):
            yield from ((placed, own) for own in _parts(part, words))
    elif words.peak_hours:
        yield from _at_hours(placed, table, words)
    else:
        yield placed, table


def _at_hours(placed: Placed, table: PageTable, words: Profile) -> Iterator[tuple[Placed, PageTable | Refusal]]:
    parts = at_hours(table, words.meters)
    for part, own in parts:
        if not part:
            if len(parts) == 1 or any(title.lower() in words.meters for title in own.header[0]):
                yield placed, own
        elif placed.hours is None:
            reason = f"it has prices of the {part}, and the page does not say in a known form when that is"
            yield placed, Refusal(placed.where, reason, _names(table.rows))
        else:
            yield placed.within(placed.hours.peak if part == "peak" else placed.hours.off_peak), own


def _undisputed(parts: list[PriceRow | Refusal]) -> Iterator[PriceRow | Refusal]:
    """Yield what was read of a component without the prices of a model that a refused row of it names as well: without
    header text, which of its two rows is whole is not known.
    """
    names = {name for part in parts if isinstance(part, Refusal) for name in part.about}
    models = dict.fromkeys(part.model for part in parts if isinstance(part, PriceRow) and part.model in names)
    yield from (part for part in parts if not (isinstance(part, PriceRow) and part.model in models))
    for model in models:
        yield Refusal(model, "another row of the component names it and cannot be read", (model,))


def _parts(table: PageTable, words: Profile) -> Iterator[PageTable]:
    """Yield the table in the parts that rows of headers cut it into: what stands below such a row is bound by it, and
    by no header above.
    """
    begun, header, flaw, line = 0, table.header, table.flaw, table.line
    for number, row in enumerate(table.rows):
        last = row.cells[-1] if row.cells else ""
        titled = last[:1] != "$" or "Model" in row.cells  # nearly every row ends with an amount
        if table.header and row.cells and titled and is_header(row.cells, table.header[-1], words):
            yield PageTable(header=header, rows=table.rows[begun:number], line=line, flaw=flaw)
            groups = number == begun == 0 and any(header[-1]) and not is_header(header[-1], header[-1], words)
            flaw = (
                table.flaw
                or row.flaw
                or (f"the groups {' | '.join(header[-1])!r} over its columns are not recognised" if groups else "")
            )
            begun, header, line = number + 1, (row.cells,), row.line
    yield PageTable(header=header, rows=table.rows[begun:], line=line, flaw=flaw)


def _part(
    placed: Placed, block: PageTable | Component, provider: str, words: Profile, *, turned: bool
) -> Iterator[PriceRow | Refusal]:
    try:
        placed, binding, titles, stand = _bound(placed, block, provider, words)
    except (Unplaced, Unbound) as error:
        about = () if isinstance(error, Elsewhere) else _names(block.rows) or (ANYTHING,)
        yield Refusal(placed.where, str(error), about)
        return
    if binding is not None:
        for _, label in binding.ignored:
            yield Refusal(placed.where, f"the column {label!r} is not recognised", _names(block.rows))
    unplaced = ""
    if any(map(cells.tier, titles)) and not placed.recorded_changes and binding is not None and not binding.tier:
        unplaced = "the table has titles of tiers, and none of them is over this row"
    misordered = _misordered(block.rows) if binding is None else ""
    reader = _RowReader(binding, provider, words, placed, turned)
    for row, above in zip_longest(block.rows, titles, fillvalue=""):
        assert isinstance(row, TableRow)
        if above:
            try:
                stand, unplaced = _stand(placed.under(str(above)), binding, kinds=words.per_model is not None), ""
            except Unplaced as error:
                unplaced = str(error)
            continue
        where = f"{placed.where}, row {row.line}"
        try:
            if reason := unplaced or (misordered if len(row.cells) == 5 else ""):
                raise ValueError(reason)
            yield from reader.row(row, stand, where)
        except ValueError as error:
            # What a page is cut off before may be anything.
            yield Refusal(where, str(error), (ANYTHING,) if row.flaw not in ("", HIDDEN) else _names([row]))


def _bound(
    placed: Placed, block: PageTable | Component, provider: str, words: Profile
) -> tuple[Placed, Binding | None, list[str], RowContext]:
    """Return the place with what the rows' titles say of it, the columns (None of a component), the titles, and what
    rows begin with.

    Raises:
        Unplaced: what stands around the table leaves its prices unknown.
        Unbound: its header does.
    """
    if block.flaw:
        raise Unplaced(block.flaw)
    binding = bind(block.header, words) if isinstance(block, PageTable) else None
    titles = [] if binding is None else [_title(row, binding, words) for row in block.rows]
    if any(titles) or placed.sets_apart:
        placed = placed.about(_labels(block.rows, titles, binding, words), provider)
    placed.check()
    own_unit = (
        binding is not None
        and not placed.unit
        and (_units_in_cells(binding, block.rows) or _units_beside(binding, block.rows))
    )
    if not own_unit and (placed.unit or binding is None or not binding.unit_stated):
        placed.check_unit()  # a header may say it again, not otherwise
    placed.check_said()
    if binding is not None:
        _check_notes(titles, block.rows, placed)
        _check_columns(binding, block.rows)
    return placed, binding, titles, _stand(placed, binding, kinds=words.per_model is not None)


class RowContext(NamedTuple):
    """What the place of a row says of its prices. The modality is empty where a column says it."""

    tier: str
    modality: str
    long: bool
    window: cells.CellWindow
    condition: str = ""


def _stand(placed: Placed, binding: Binding | None, *, kinds: bool = False) -> RowContext:
    """Return what a place says of the prices that stand there. With `kinds` each amount may name what it is of.

    Raises:
        Unplaced: nothing certain, or that they are not those of a plain call.
    """
    placed.check()
    modality = placed.modality(kinds) if binding is None or binding.modality is None else ""
    tier = placed.tier(binding.tier if binding else "")
    return RowContext(tier, modality, placed.long(), placed.window(), placed.condition())


def _title(row: TableRow, binding: Binding, words: Profile) -> str:
    """Return the title that a row within the table is for those below it; empty where it is a row of its own, or a
    note.
    """
    if row.flaw != MERGED and len(row.cells) == binding.width:
        priced = row.cells[next(iter(binding.prices))]
        if priced and priced != row.cells[binding.model]:
            return ""  # as nearly every row
    texts = {text for text in row.cells if text}
    if len(texts) != 1 or row.flaw not in ("", MERGED) or len(row.cells) not in (1, binding.width):
        return ""
    (text,) = texts
    if row.flaw != MERGED and len(row.cells) > 1 and text not in (row.cells[0], row.cells[binding.model]):
        return ""
    if cells.tier(text):
        return text
    if len(row.cells) == 1 and any(map(cells.ids, text.split())):
        return ""  # a row that lost its other cells
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


def _labels(rows: Iterable[TableRow], titles: list[str], binding: Binding | None, words: Profile) -> Iterator[str]:
    """Yield the names of the models of a table, as its rows spell them."""
    model = binding.model if binding else 0
    for row, above in zip_longest(rows, titles, fillvalue=""):
        assert isinstance(row, TableRow)
        text = row.cells[model] if len(row.cells) > model and not above else ""
        if text and (any(c in "-0123456789" for c in text) or (words.name and words.name.match(text))):
            yield text


def _names(rows: Iterable[TableRow]) -> tuple[str, ...]:
    """Return the words in cells: a part that is refused states no price, but it shows that its models are still spoken
    of.
    """
    words = (word for row in rows for cell in row.cells for word in _BETWEEN.split(cell))
    return tuple(
        dict.fromkeys(
            part for word in words if word for part in ([word, *word.split("/")] if "/" in word else [word]) if part
        )
    )


def _units_in_cells(binding: Binding, rows: Iterable[TableRow]) -> bool:
    """Return whether every amount names its own unit: a table of which only some do says nothing
    certain of the others.
    """
    cell_texts = (row.cells[c] for row in rows for c in binding.prices if c < len(row.cells) and "$" in row.cells[c])
    amounts = [text for text in cell_texts if not money.other_unit(text)]  # each of these is refused on its own
    return bool(amounts) and all(map(cells.names_unit, amounts))


def _units_beside(binding: Binding, rows: Iterable[TableRow]) -> bool:
    """Return whether a column of units says "1M tokens" in every row."""
    column = binding.unit
    return column is not None and all(len(row.cells) > column and cells.is_unit(row.cells[column]) for row in rows)


def _check_columns(binding: Binding, rows: Iterable[TableRow]) -> None:
    """Refuse a column of unknown words, since it may be a condition (a size, an offer): its table is not the price of a
    plain call. A column of regions is one.
    """
    for column, label in binding.ignored:
        for row in rows:
            text = row.cells[column] if column < len(row.cells) else ""
            if len(row.cells) == binding.width and text.lower() not in cells.BLANK and not text.startswith("$"):
                raise Unbound(f"the column {label!r} is not recognised and may set a condition ({text!r})")
    for row in rows if binding.region is not None else ():
        text = row.cells[binding.region] if binding.region is not None and binding.region < len(row.cells) else ""
        if conditions.OF_REGION.fullmatch(text) is None:
            raise Unbound(f"a column of regions holds {text!r}, which is none that is known")


def _check_notes(titles: Iterable[str], rows: Iterable[TableRow], placed: Placed) -> None:
    """Refuse a row of one text that says of the whole table what its prices are in."""
    odd = [row for row in rows if row.cells and not (row.cells[-1][:1] == "$" and row.cells[-1][1:2].isdigit())]
    notes = {text for row in odd if len(texts := set(filter(None, row.cells))) == 1 for text in texts}
    for text in notes.union(titles) - {""}:
        if money.foreign(text) or money.other_unit(text):
            raise Unplaced(title(text).doubt)
        for statement in statements(text):
            if statement.doubt and (not statement.strange or placed.unknown(statement.strange)):
                raise Unplaced(statement.doubt)
            if statement.condition:
                raise Unplaced(f"a row of it says in which region or hours its prices hold: {text!r}")


def _misordered(rows: Iterable[TableRow]) -> str:
    """Why the order of a component's five cells is not known, empty where it is.

    The tuples of a component have no header. That the fourth cell is a cache write, and no output with something new
    behind it, is shown by its size: no write costs twice the input, and hardly any output less. One row of another kind
    is enough to doubt all.
    """
    shown = False
    for row in rows:
        try:
            full, cached, written, out = (
                [cells.amount(text) for text in row.cells[1:]] if len(row.cells) == 5 and not row.flaw else [None] * 4
            )
        except ValueError:
            continue
        if full is None or written is None or out is None or not (cached or 0) <= full <= written <= out:
            continue
        if written > 2 * full:
            return f"the order of a component's five cells is not proven: {' | '.join(row.cells)}"
        shown = True
    return "" if shown else "the order of a component's five cells is not proven by any cache write"


class _RowReader:
    """Reads the rows of one table. `turned` is one whose columns were rows."""

    def __init__(self, binding: Binding | None, provider: str, words: Profile, placed: Placed, turned: bool) -> None:
        self._binding, self._provider, self._words, self._placed = binding, provider, words, placed
        self._several = words.per_model is not None
        self._told = () if turned or binding is None else binding.descriptive
        self._dated = bool(placed.named)

    def row(self, row: TableRow, stand: RowContext, where: str) -> Iterator[PriceRow | Refusal]:
        """Yield the prices of one row.

        Raises:
            ValueError: the row as a whole is refused.
        """
        if row.flaw:
            raise ValueError(row.flaw)
        binding = self._binding
        if binding is None:
            model, long = cells.model(row.cells[0])
            when = self._placed.time_of(model, stand.window)
            yield from _component_row(row, model, self._provider, stand._replace(window=when, long=stand.long or long))
            return
        if len(row.cells) != binding.width:
            raise ValueError(f"the row has {len(row.cells)} cells and the header {binding.width}")
        named, own = cells.dated(row.cells[binding.model])
        label = _label(named, self._words)
        kinds = _kinds(label, stand, row, binding)
        self._check_beside(row, binding, stand.tier)
        condition = stand.condition
        if binding.region is not None:
            condition = _own_region(row.cells[binding.region], condition)
        windows = [(model, self._window(model, stand.window, own)) for model in label.names]
        long, of, plain = stand.long or label.condition.long, label.condition.kinds, conditions.PLAIN
        for column, price in binding.prices.items():
            try:
                rows = [
                    PriceRow(
                        provider=self._provider,
                        model=model,
                        tier=stand.tier,
                        context=_context(price, long or clause.condition.long),
                        modality=kind,
                        meter=price.meter,
                        amount=clause.amount,
                        valid_from=when.begin,
                        valid_to=when.end,
                        condition=condition,
                    )
                    for clause in _amounts(row.cells[column], self._several)
                    for model, row_window in windows
                    for when in (
                        row_window
                        if clause.condition is plain
                        else _own_window(clause.condition.window, row_window, stand.window),
                    )
                    for kind in (
                        kinds
                        if clause.condition is plain and kinds[0]
                        else _own_kinds(clause.condition.kinds, of, kinds)
                    )
                ]
            except ValueError as error:
                yield Refusal(f"{where}, {' / '.join(label.names)} {price.meter}", str(error), label.names)
            else:
                yield from rows

    def _check_beside(self, row: TableRow, binding: Binding, tier: str) -> None:
        """Refuse a row of which a cell beside its prices says more than is understood.

        Raises:
            ValueError: another unit, something else than the size of a context, or a text that sets a condition.
        """
        if binding.unit is not None and not cells.is_unit(row.cells[binding.unit]):
            raise ValueError(f"its unit is {row.cells[binding.unit]!r}, not 1M tokens")
        for text in (row.cells[column] for column in binding.sizes):
            if not cells.is_size(text):
                raise ValueError(f"{text!r} beside it is not the size of a context and may set a condition")
        for text in (row.cells[column] for column in self._told):
            if sized(text) or cells.tier(text) not in (None, tier) or offers(text):
                raise ValueError(f"{text!r} beside it sets a condition")

    def _window(self, model: str, place: cells.CellWindow, own: cells.CellWindow) -> cells.CellWindow:
        """Return when the prices of a row hold that bears days of its `own`."""
        if self._dated:
            place = self._placed.time_of(model, place)
        return place if own is cells.ALWAYS or own == cells.ALWAYS else _within(place, own)


def _kinds(label: conditions.Label, stand: RowContext, row: TableRow, binding: Binding) -> tuple[str, ...]:
    """Return the modalities of a row: those that its label names, else that of its column or place.

    Raises:
        ValueError: the two disagree, or the label says that it is a price of storage.
    """
    if label.condition.stored:
        raise ValueError("the label is of a price of storage")
    modality = stand.modality if binding.modality is None else cells.modality(row.cells[binding.modality])
    if not label.condition.kinds:
        return (modality,)
    if modality not in label.condition.kinds and (binding.modality is not None or modality != TEXT):
        raise ValueError(f"the label is of {' and '.join(label.condition.kinds)}, and it stands under {modality}")
    return label.condition.kinds


def _own_region(text: str, condition: str) -> str:
    """Return the condition of a row whose region a cell names.

    Raises:
        ValueError: it names none, or its place is of another region.
    """
    match = conditions.OF_REGION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no region that is known")
    own = conditions.region_of(match)
    if condition and not condition.startswith("hours") and condition != own:
        raise ValueError(f"the row is of {own}, and it stands under {condition}")
    return f"{condition}, {own}" if condition.startswith("hours") else own


def _own_kinds(own: tuple[str, ...], label: tuple[str, ...], row: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modalities of an amount that names its `own`; `label` are those that the row's label names, `row`
    those of the row.

    Raises:
        ValueError: it names others than the label, or none where its section is not about text.
    """
    if not own and "" in row:
        raise ValueError("it names no kind of tokens, and its section is not about text")
    if own and label and not set(own) <= set(label):
        raise ValueError(f"the amount is of {' and '.join(own)}, and its row of {' and '.join(label)}")
    return own or row


def _within(one: cells.CellWindow, other: cells.CellWindow) -> cells.CellWindow:
    """Return the time that lies in two windows.

    Raises:
        ValueError: there is none.
    """
    if (window := both(one, other)) is None:
        raise ValueError("the times that are said of it leave none")
    return window


def _own_window(own: cells.CellWindow, row: cells.CellWindow, place: cells.CellWindow) -> cells.CellWindow:
    """Return when an amount holds: a day that it bears itself stands for the one that its row bears, within what is
    said of the table.
    """
    if own is cells.ALWAYS:
        return row
    return _within(place, cells.CellWindow(own.begin or row.begin, own.end or row.end))


def _label(text: str, words: Profile) -> conditions.Label:
    """Whom a row is about.

    Raises:
        ValueError: neither an id nor, where the page has them, a name; or the card before the id sets a condition.
    """
    if words.carded:
        card, _, text = text.rpartition(" ")
        if _ID.fullmatch(text) is None or sized(card) or offers(card) or cells.mentioned(card):
            raise ValueError(f"{f'{card} {text}'.strip()!r} is not a model's card with its id behind it")
    try:
        model, long = cells.model(text)
    except ValueError:
        if words.name is None:
            raise
        return conditions.label(text, words.name)
    return conditions.Label(names=(model,), condition=conditions.PriceCondition(long=long))


@lru_cache(maxsize=4096)
def _amounts(text: str, several: bool) -> tuple[conditions.Stated, ...]:
    """Return the amounts of a cell: one or none, unless the page states several in one.

    Raises:
        ValueError: not understood.
    """
    if stepped := _STEPPED.fullmatch(text):
        return _steps(*stepped.groups())
    if several:
        return tuple(conditions.amounts(text))
    amount = cells.amount(text)
    return () if amount is None else (conditions.Stated(amount=amount, condition=conditions.PLAIN),)


def _steps(before: str, word: str, day: str, after: str) -> tuple[conditions.Stated, ...]:
    """Return the two amounts of a cell that states one until a day and another one from then on.

    Raises:
        ValueError: its day or an amount is none.
    """
    dates = list(days(day))
    if len(dates) != 1 or (dates[0].start, dates[0].stop) != (0, len(day)):
        raise ValueError(f"{day!r} is no day")
    change = dates[0].over if word.lower().startswith("thr") else dates[0].begin
    amounts = cells.amount(before), cells.amount(after)
    if change is None or amounts[0] is None or amounts[1] is None:
        raise ValueError(f"what it costs until {day!r} and from then on is not clear")
    windows = cells.CellWindow(None, change), cells.CellWindow(change, None)
    return tuple(
        conditions.Stated(amount=amount, condition=conditions.PriceCondition(window=window))
        for amount, window in zip(amounts, windows, strict=True)
        if amount is not None
    )


def _context(price: PriceColumn, long: bool) -> str:
    """Return the band of a cell.

    Raises:
        ValueError: the row's label or section says long contexts and the column short ones.
    """
    if long and price.plain:
        return "long"
    if long and price.context == SHORT:
        raise ValueError("the label is for long contexts and the column for short ones")
    return price.context


def _component_row(row: TableRow, model: str, provider: str, stand: RowContext) -> Iterator[PriceRow]:
    """Yield the prices of a component's tuple.

    Raises:
        ValueError: not one of its two lengths, or the amounts do not rise in the order that every published row has
            (cached input, input, cache write, output): without header text, that order is what shows a shifted cell.
    """
    meters = _TUPLES.get(len(row.cells))
    if meters is None:
        raise ValueError(f"the row has {len(row.cells)} cells, and this component's rows have 4 or 5")
    amounts = {meter: cells.amount(text) for meter, text in zip(meters, row.cells[1:], strict=True)}
    rising = [
        amount
        for meter in ("cached_input", "input", "cache_write", "output")
        if (amount := amounts.get(meter)) is not None
    ]
    if rising != sorted(rising) or amounts["input"] is None or amounts["output"] is None:
        raise ValueError("the amounts are not in the order of this component's cells")
    for meter, amount in amounts.items():
        if amount is not None:
            yield PriceRow(
                provider=provider,
                model=model,
                tier=stand.tier,
                context="long" if stand.long else SHORT,
                modality=stand.modality or TEXT,
                meter=meter,
                amount=amount,
                valid_from=stand.window.begin,
                valid_to=stand.window.end,
                condition=stand.condition,
            )


def reconcile(rows: Iterable[PriceRow]) -> tuple[list[PriceRow], list[Refusal]]:
    """Return one row for each identity and window: equal values merge, unequal ones refuse both, since the page does
    not say which holds.
    """
    rows_by_key: dict[tuple[object, ...], PriceRow] = {}
    torn: dict[tuple[object, ...], list[str]] = {}
    for row in rows:
        key = (row.model, row.tier, row.context, row.modality, row.meter, row.valid_from, row.valid_to, row.condition)
        first = rows_by_key.setdefault(key, row)
        if first.amount != row.amount and not equal(canonical(first.amount), canonical(row.amount)):
            torn.setdefault(key, [canonical(first.amount)]).append(canonical(row.amount))
    found_rows = [row for key, row in rows_by_key.items() if key not in torn]
    refused = [
        Refusal(
            f"{rows_by_key[key].model} {rows_by_key[key].identity.field}",
            f"stated more than once, as {', '.join(dict.fromkeys(amounts))}",
            (rows_by_key[key].model,),
        )
        for key, amounts in torn.items()
    ]
    return found_rows, refused
