"""Whatever happens to a page, an accepted price stands under the model, tier, band and meter that the page itself
states for it.

Pages are built from a description of what they state, in which no amount occurs twice, so that a price under another
name cannot hide behind an equal one.
"""

from __future__ import annotations

import copy
import itertools
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sizes import sizes

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import extract

Stated = set[tuple[str, str, str, str, str]]

COLUMNS = {
    "Short context input": ("short", "input"),
    "Short context cached input": ("short", "cached_input"),
    "Short context cache writes": ("short", "cache_write"),
    "Short context output": ("short", "output"),
    "Long context input": ("long", "input"),
    "Long context cached input": ("long", "cached_input"),
    "Long context cache writes": ("long", "cache_write"),
    "Long context output": ("long", "output"),
}
PLAIN = {
    "Input": ("short", "input"),
    "Cached input": ("short", "cached_input"),
    "Cache writes": ("short", "cache_write"),
    "Output": ("short", "output"),
}
ALL = COLUMNS | PLAIN
TIERS = {
    "Standard": "standard",
    "Batch": "batch",
    "Flex": "flex",
    "Fast mode": "priority",
    "Priority": "priority",
    "": "standard",
}
UNKNOWN = ["Reasoning", "Medium context input", "Output (from June 1)", "Input (per 1K tokens)", "Cached", ""]


@dataclass
class Grid:
    """A table: its tab's label (empty for none), its header, and rows of cells."""

    label: str
    header: list[str]
    rows: list[list[str]]
    caption: str = "### Grouped Pricing Table data"

    def text(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        label = f"  {self.label}\n\n\n" if self.label else ""
        return f"{label}      \n{self.caption}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


@dataclass
class Part:
    """A section of the page."""

    title: str
    grids: list[Grid] = field(default_factory=list)
    unit: str = "Prices per 1M tokens."

    def text(self) -> str:
        return f"  \n\n{self.title}\n\n\n    {self.unit}\n\n" + "".join(grid.text() for grid in self.grids)


def page(parts: list[Part]) -> str:
    return "# Pricing\n\n" + "".join(part.text() for part in parts)


def stated(parts: list[Part]) -> Stated:
    """Return every price that a reader of the whole page finds, by its header."""
    return {
        (row[grid.header.index("Model")], TIERS[grid.label], *ALL[title], cell.removeprefix("$"))
        for part in parts
        for grid in part.grids
        for row in grid.rows
        for title, cell in zip(grid.header, row, strict=True)
        if title in ALL and cell.startswith("$")
    }


def accepted(text: str) -> Stated:
    try:
        return {
            (row.model, row.tier, row.context, row.meter, str(row.amount)) for row in extract(text, provider="p").rows
        }
    except Unreadable:
        return set()


@st.composite
def pages(draw: st.DrawFn) -> list[Part]:
    amounts = (f"${n}.25" for n in itertools.count(1))

    def grid(label: str, models: list[str]) -> Grid:
        titles = draw(st.lists(st.sampled_from(list(draw(st.sampled_from([COLUMNS, PLAIN])))), min_size=1, unique=True))
        rows = [[model, *(next(amounts) if draw(st.integers(0, 4)) else "-" for _ in titles)] for model in models]
        return Grid(label, ["Model", *titles], rows)

    parts = []
    for n, title in enumerate(draw(st.permutations(["Flagship models", "Cyber models", "Specialized models"]))):
        models = [f"m-{n}{k}" for k in range(draw(st.integers(1, 3)))]
        labels = draw(
            st.sampled_from(
                [["Standard", "Batch", "Flex", "Fast mode"], ["Standard", "Priority"], ["Batch", "Standard"], [""]]
            )
        )
        parts.append(Part(title, [grid(label, models) for label in labels]))
    return parts


def grids(parts: list[Part]) -> list[Grid]:
    return [grid for part in parts for grid in part.grids]


@given(parts=pages())
def test_a_whole_page_yields_exactly_what_it_states(parts: list[Part]) -> None:
    assert accepted(page(parts)) == stated(parts)


@given(parts=pages(), data=st.data())
def test_columns_moved_with_their_headers_change_nothing(parts: list[Part], data: st.DataObject) -> None:
    want = stated(parts)
    for grid in grids(parts):
        order = data.draw(st.permutations(range(len(grid.header))))
        grid.header = [grid.header[i] for i in order]
        grid.rows = [[row[i] for i in order] for row in grid.rows]
    assert accepted(page(parts)) == want


@given(parts=pages(), data=st.data())
def test_columns_dropped_renamed_or_inserted_yield_what_the_changed_page_states(
    parts: list[Part], data: st.DataObject
) -> None:
    for number, grid in enumerate(grids(parts)):
        column = data.draw(st.integers(1, len(grid.header) - 1))
        change = data.draw(st.sampled_from(["drop", "rename", "insert", "keep"]))
        if change == "drop":
            for line in (grid.header, *grid.rows):
                del line[column]
        elif change == "rename":
            grid.header[column] = data.draw(st.sampled_from(UNKNOWN))
        elif change == "insert":
            grid.header.insert(column, data.draw(st.sampled_from(UNKNOWN)))
            for k, row in enumerate(grid.rows):
                row.insert(column, f"${9000 + number * 50 + k}.25")
    assert accepted(page(parts)) == stated(parts)


@given(parts=pages(), data=st.data())
def test_sections_in_another_order_change_nothing(parts: list[Part], data: st.DataObject) -> None:
    want = stated(parts)
    assert accepted(page(data.draw(st.permutations(parts)))) == want


@given(parts=pages(), data=st.data())
def test_a_cell_that_is_dropped_or_merged_takes_its_row_with_it(parts: list[Part], data: st.DataObject) -> None:
    want = stated(parts)
    grid = data.draw(st.sampled_from(grids(parts)))
    row = data.draw(st.sampled_from(grid.rows))
    before = stated([Part("", [Grid(grid.label, grid.header, [list(row)])])])
    at = data.draw(st.integers(0, len(row) - 2))
    row[at : at + 2] = [] if len(row) > 2 and data.draw(st.booleans()) else [" ".join(row[at : at + 2])]
    assert accepted(page(parts)) == want - before


@given(parts=pages(), data=st.data())
def test_a_missing_label_tier_title_or_unit_moves_no_price_to_another_tier(
    parts: list[Part], data: st.DataObject
) -> None:
    want = stated(parts)
    lines = page(parts).split("\n")
    droppable = [i for i, line in enumerate(lines) if line.strip() and not line.startswith("|")]
    for i in sorted(data.draw(st.sets(st.sampled_from(droppable), min_size=1, max_size=2)), reverse=True):
        del lines[i]
    got = accepted("\n".join(lines))
    # What is left may say "standard" of a section by losing its only other label, and never anything that no label
    # says.
    misplaced = got - want
    assert all(tier == "standard" for _, tier, *_ in misplaced), misplaced


@given(parts=pages(), data=st.data())
def test_a_page_cut_anywhere_states_no_new_price(parts: list[Part], data: st.DataObject) -> None:
    text = page(parts)
    cut = data.draw(st.integers(0, len(text)))
    assert accepted(text[:cut]) <= stated(parts)


@given(parts=pages(), data=st.data())
def test_a_header_without_one_of_its_cells_refuses_its_table(parts: list[Part], data: st.DataObject) -> None:
    mutant = copy.deepcopy(parts)
    part = data.draw(st.integers(0, len(parts) - 1))
    at = data.draw(st.integers(0, len(parts[part].grids) - 1))
    broken = mutant[part].grids[at]
    del broken.header[data.draw(st.integers(0, len(broken.header) - 1))]
    del parts[part].grids[at]
    assert accepted(page(mutant)) == stated(parts)


@given(text=st.text(st.sampled_from("|-$.0123456789 \n#<>/=\"'{}[]`\\mtdrhab"), max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    for page in (text, f"<!doctype html>{text}", f"Prices per 1M tokens.\n\n| Model | Input |\n|---|---|\n{text}"):
        accepted(page)


@pytest.mark.parametrize("size", sizes(100_000, 400_000))
@pytest.mark.parametrize(
    "unit",
    [
        "<div",
        "<table><tr><td>",
        "| a | b |\n|---|---|\n",
        "<td rowspan=200 colspan=40>x",
        "[](",
        "<TextTokenPricingTables rows={[",
        "```\n",
        "<!--",
        "<!",
    ],
)
def test_a_large_hostile_page_is_read_in_time_that_grows_with_its_size(unit: str, size: int) -> None:
    text = "# Pricing\n" + unit * (size // len(unit))
    for page in (text, f"<html>{text}", f"<html>{text}>"):
        begun = time.process_time()
        accepted(page)
        assert time.process_time() - begun < size / 50_000
