"""Mutants of the pages as they are before they are rendered: MDX components, and the same components as Astro islands
in HTML.

A component's rows have no header text: what a cell is of is said by its place and by how many there are (input, cached
input, output; and with a cache write before output). So every cell remembers what it was of, and a row that kept its
length states a cell only in its old place; one that a mutation lengthened or shortened states what its new length
means, since nothing else is written there.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path

from _pricing import Price, UsageCount, accepted

PAGES = (
    "openai-pricing/2026-03-24_onewesong_pricing_withheader.md",
    "openai-pricing/2026-05-29_piercecohen_pricing.md",
    "openai-pricing/2026-07-15_piercecohen_pricing.md",
)
NAME = "TextTokenPricingTables"
UNIT = "Prices per 1M tokens."
TIERS = {"standard": "standard", "batch": "batch", "flex": "flex", "priority": "priority", "fast": "priority"}
MEANT = {3: ("input", "cached_input", "output"), 4: ("input", "cached_input", "cache_write", "output")}
RISING = ("cached_input", "input", "cache_write", "output")
STRANGE_TIERS = ("bulk", "economy", "turbo", "batches")
STRANGE_UNITS = ("Prices per 1K tokens.", "Prices per second.", "Prices in EUR per 1M tokens.", "")
STRANGE_NAMES = ("ImageTokenPricingTables", "TextTokenPricingTablesOld", "PricingTable")
STRANGE_CELLS = ("5 * 2", "price.input", '"EU only"', "-3", "[1, 2]", "1_000", "{a: 1}", "`7`", '"from 3"')


@dataclass
class Cell:
    """A cell as it is written in JSX, and what it was of; none for a model and for what a mutation put there."""

    written: str
    meter: str = ""


@dataclass
class Line:
    """A row. `resized` once a mutation gave it another number of cells, `strange` once it holds what is no literal
    amount.
    """

    model: str
    cells: list[Cell]
    resized: bool = False
    strange: bool = False


@dataclass
class Pane:
    """A tab's content: its value, and the component in it with a tier of its own."""

    value: str
    tier: str
    lines: list[Line]
    name: str = NAME


@dataclass
class Page:
    panes: list[Pane]
    unit: str = UNIT
    strange: set[str] = field(default_factory=set)


def parsed(text: str) -> Page:
    """Return the components of the first section of a real page, every amount made unique: rising within its row as it
    has to.
    """
    panes: list[Pane] = []
    number = 0
    for tag in re.finditer(rf"<{NAME}\b(.*?)/>", text, re.DOTALL):
        tier = re.search(r'tier="(\w+)"', tag[1])
        assert tier is not None
        lines = []
        for row in re.finditer(r"\[(\"[^\"]*\"(?:, ?(?:\"[^\"]*\"|[0-9.]+|null))+),?\]", tag[1].split("rows={", 1)[1]):
            model, *cells = json.loads(f"[{row[1]}]")
            number += 10
            meters = MEANT[len(cells)]
            lines.append(
                Line(
                    model,
                    [
                        Cell(
                            f"{number + RISING.index(meter)}.25" if isinstance(cell, int | float) else json.dumps(cell),
                            meter,
                        )
                        for meter, cell in zip(meters, cells, strict=True)
                    ],
                )
            )
        panes.append(Pane(tier[1], tier[1], lines))
    return Page(panes)


def mdx(page: Page) -> str:
    drawn = [
        "# Pricing",
        "",
        "Flagship models",
        "",
        f'<small className="pricing-switcher-meta">{page.unit}</small>',
        "",
    ]
    for pane in page.panes:
        drawn.append(f'<div data-content-switcher-pane data-value="{pane.value}">')
        drawn.append(f'  <div class="hidden">{pane.value.capitalize()}</div>')
        drawn.append("")
        tier = f' tier="{pane.tier}"' if pane.tier else ""
        drawn.append(f"  <{pane.name} client:load{tier} latestSectionLabel={{null}} rows={{[")
        drawn += [
            f"    [{', '.join([json.dumps(line.model), *(c.written for c in line.cells)])}]," for line in pane.lines
        ]
        drawn += ["  ]} />", "</div>", ""]
    return "\n".join(drawn)


def astro(page: Page) -> str:
    """Return the same as a server renders it; what is no JSON becomes a string, as no server could have written it
    otherwise.
    """
    drawn = [f"<!DOCTYPE html><html><body><h1>Pricing</h1><h2>Flagship models</h2><small>{page.unit}</small>"]
    for pane in page.panes:
        rows = [[1, [[0, line.model], *([0, _value(cell.written)] for cell in line.cells)]] for line in pane.lines]
        props = {"client:load": [0, True], "rows": [1, rows], **({"tier": [0, pane.tier]} if pane.tier else {})}
        options = json.dumps({"name": pane.name, "value": True})
        drawn.append(
            f'<div data-content-switcher-pane data-value="{pane.value}"><div '
            f'class="hidden">{pane.value.capitalize()}</div>'
        )
        # Amounts are drawn as their own digits: `30.25` must not become `3.025e1` on the way.
        drawn.append(
            f'<astro-island props="{escape(json.dumps(props))}" ssr client="load" '
            f'opts="{escape(options)}"></astro-island></div>'
        )
    return "\n".join(drawn) + "</body></html>"


def _value(written: str) -> object:
    try:
        value = json.loads(written)
    except ValueError:
        return written
    return value if isinstance(value, str | int | float) or value is None else written


def stated(page: Page) -> set[Price]:
    """Return the oracle."""
    if page.unit != UNIT:
        return set()
    found: list[Price] = []
    for pane in page.panes:
        told = {TIERS.get(pane.value), *([TIERS.get(pane.tier)] if pane.tier else [])}
        if pane.name != NAME or len(told) > 1 or None in told:
            continue
        for line in pane.lines:
            found += [Price(m, str(*told), c, "text", w, a) for m, c, w, a in _line(line)]
    by_identity: dict[tuple[str, ...], set[Price]] = {}
    for price in found:
        by_identity.setdefault(price[:5], set()).add(price)
    return {price for prices in by_identity.values() if len(prices) == 1 for price in prices}


def _line(line: Line) -> Iterator[tuple[str, str, str, Decimal]]:
    label = re.fullmatch(r"([a-z0-9][a-z0-9.-]*)(?: \((<|>)272K context length\))?", line.model)
    meant = MEANT.get(len(line.cells))
    if label is None or meant is None or line.strange:
        return
    amounts = {
        meter: Decimal(cell.written)
        for cell, meter in zip(line.cells, meant, strict=True)
        if re.fullmatch(r"[0-9]+\.[0-9]+", cell.written) and (line.resized or cell.meter == meter)
    }
    rising = [amounts[meter] for meter in RISING if meter in amounts]
    if rising != sorted(rising):
        return  # of another length and in no order that rows have: it means nothing
    for meter, amount in amounts.items():
        yield label[1], "long" if label[2] == ">" else "short", meter, amount


Mutation = Callable[[Page, random.Random], None]


def one(page: Page, dice: random.Random) -> Line:
    return dice.choice(dice.choice([pane for pane in page.panes if pane.lines]).lines)


def reorder_panes(page: Page, dice: random.Random) -> None:
    """Tabs in another order, and the rows in each."""
    dice.shuffle(page.panes)
    for pane in page.panes:
        dice.shuffle(pane.lines)


def respell_blanks(page: Page, dice: random.Random) -> None:
    """Write a blank in another of the spellings that pages use."""
    for pane in page.panes:
        for line in pane.lines:
            for cell in line.cells:
                if cell.written in ("null", '""', '"-"'):
                    cell.written = dice.choice(["null", '""', '"-"'])


def swap_cells(page: Page, dice: random.Random) -> None:
    line = one(page, dice)
    a, b = dice.randrange(len(line.cells)), dice.randrange(len(line.cells))
    line.cells[a], line.cells[b] = line.cells[b], line.cells[a]


def shift_cells(page: Page, dice: random.Random) -> None:
    """Move all cells of a tab one place on, as after a new column that only some rows have."""
    for line in dice.choice(page.panes).lines:
        line.cells.append(line.cells.pop(0))


def drop_cell(page: Page, dice: random.Random) -> None:
    line = one(page, dice)
    del line.cells[dice.randrange(len(line.cells))]
    line.resized = True


def insert_cell(page: Page, dice: random.Random) -> None:
    line = one(page, dice)
    line.cells.insert(dice.randrange(len(line.cells) + 1), Cell(f"{dice.randrange(70_000, 80_000)}.75"))
    line.resized = True


def write_no_amount(page: Page, dice: random.Random) -> None:
    """Write an expression, another type or words where an amount stood."""
    line = one(page, dice)
    dice.choice(line.cells).written = dice.choice(STRANGE_CELLS)
    line.strange = True


def relabel(page: Page, dice: random.Random) -> None:
    """Another band or a condition behind the id."""
    line = one(page, dice)
    base = line.model.partition(" ")[0]
    line.model = base + dice.choice(
        [" (>272K context length)", " (<272K context length)", " (EU)", " through May 1", "*x"]
    )


def repeat_row(page: Page, dice: random.Random) -> None:
    """Write the same model again, at other amounts."""
    pane = dice.choice([pane for pane in page.panes if pane.lines])
    again = deepcopy(dice.choice(pane.lines))
    for cell in again.cells:
        if re.fullmatch(r"[0-9]+\.[0-9]+", cell.written):
            cell.written = str(Decimal(cell.written) + 100_000)
    pane.lines.insert(dice.randrange(len(pane.lines) + 1), again)


def move_component(page: Page, dice: random.Random) -> None:
    """Two components change tabs, and each takes its own tier along."""
    a, b = dice.choice(page.panes), dice.choice(page.panes)
    a.tier, b.tier = b.tier, a.tier
    a.lines, b.lines = b.lines, a.lines


def drop_tier(page: Page, dice: random.Random) -> None:
    """Only the tab says the tier."""
    dice.choice(page.panes).tier = ""


def rename_tier(page: Page, dice: random.Random) -> None:
    pane, name = dice.choice(page.panes), dice.choice(STRANGE_TIERS)
    if dice.random() < 0.5:
        pane.tier = name
    else:
        pane.value = name


def rename_component(page: Page, dice: random.Random) -> None:
    dice.choice(page.panes).name = dice.choice(STRANGE_NAMES)


def another_unit(page: Page, dice: random.Random) -> None:
    page.unit = dice.choice(STRANGE_UNITS)


HARMLESS: tuple[Mutation, ...] = (reorder_panes, respell_blanks)
HARMFUL: tuple[Mutation, ...] = (
    swap_cells,
    shift_cells,
    drop_cell,
    insert_cell,
    write_no_amount,
    relabel,
    repeat_row,
    move_component,
    drop_tier,
    rename_tier,
    rename_component,
    another_unit,
)


def fuzz(
    pages: Path, mutants: int, seed: int, read: Callable[[str, str], set[Price]] = accepted
) -> dict[str, UsageCount]:
    """Mutate, read and judge; the kinds are named by how they were drawn."""
    dice = random.Random(seed)
    originals = [parsed((pages / name).read_text(encoding="utf-8")) for name in PAGES]
    whole = [read(mdx(page), "openai") for page in originals]
    tallies: dict[str, UsageCount] = {}
    for _ in range(mutants):
        number = dice.randrange(len(originals))
        page = deepcopy(originals[number])
        harmless = dice.random() < 0.25
        kinds = [dice.choice(HARMLESS)] if harmless else dice.choices((*HARMFUL, *HARMLESS), k=dice.randint(1, 3))
        harmless = all(kind in HARMLESS for kind in kinds)
        for kind in kinds:
            kind(page, dice)
        draw = dice.choice((mdx, astro))
        text, want = draw(page), stated(page)
        name = f"{draw.__name__} {kinds[0].__name__ if len(kinds) == 1 else 'several at once'}"
        if dice.random() < 0.2 and not harmless:
            cut = dice.randrange(len(text))
            text, name = (
                (text[:cut], f"{draw.__name__} cut off")
                if dice.random() < 0.7
                else (text[cut:], f"{draw.__name__} without its start")
            )
        got = read(text, "openai")
        tally = tallies.setdefault(name, UsageCount())
        tally.judge("+".join(kind.__name__ for kind in kinds), want, got)
        if harmless:
            tally.worst = min(tally.worst, 100 * len(got & whole[number]) / max(1, len(whole[number])))
    return tallies
