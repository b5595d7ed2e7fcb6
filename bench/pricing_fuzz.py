"""Mutants of the real pricing pages: is a price ever read under another model, tier, band, modality or meter than the
mutant states?

    python bench/pricing_fuzz.py [--mutants N] [--seed N] [--pages FOLDER]

Every amount of a page is made unique first, so that a wrong reading cannot hide behind an equal price. What a mutant
states is read by an oracle that shares no code with the extractor: it knows the few header texts of these pages by
heart, looks upwards from a table for its tier, and takes nothing from a row that does not fit its header. A third of
the mutants are of unrendered pages (`_components`), a third of the forms of other providers (`_forms`, `_catalogs`).
Refusing costs nothing here but the share that is shown; mutants that say the same in another order must keep their
rows.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path

import _catalogs
import _components
import _forms
import _words
from _common import ROWS, Row, failed, report
from _pricing import SHARED, Price, UsageCount, accepted

MUTANTS = 30_000
SAMPLE = 2_000
"""Mutants when run among all benches."""
KEPT = 95.0
"""Percent of its rows that the worst harmless mutant keeps."""

PAGES = {
    "openai-pricing/2026-06-26_ainative_pricing.md": "openai",
    "openai-pricing/2026-08-01to20_id61738398389_pricing_trimmed.md": "openai",
    "openai-pricing/2026-08-22plus_llms-txt-archive_pricing.md": "openai",
    "openai-pricing/2026-09_id71053967748_pricing_gpt6_partial.md": "openai",
    "anthropic-pricing/2026-04-16_onewesong_pricing.md": "anthropic",
}
TIERS = {
    "standard": "standard",
    "batch": "batch",
    "batch processing": "batch",
    "flex": "flex",
    "fast": "priority",
    "fast mode": "priority",
    "fast mode pricing": "priority",
    "priority": "priority",
}
METERS = {
    "input": "input",
    "cached input": "cached_input",
    "cache writes": "cache_write",
    "output": "output",
    "output / cost": "output",
    "base input tokens": "input",
    "5m cache writes": "cache_write",
    "1h cache writes": "cache_write_1h",
    "cache hits & refreshes": "cached_input",
    "output tokens": "output",
    "batch input": "input",
    "batch output": "output",
}
STRANGE = [
    "Reasoning",
    "Medium context input",
    "Input (per 1K tokens)",
    "Cached",
    "Output (from June 1)",
    "Price",
    "",
    "Tokens",
]
TITLES_OF_ANOTHER_DAY = ("Coming soon", "Old prices", "Valid until 2020-01-31", "New prices from 1 October 2099:")
TITLES_OF_ANOTHER_OFFER = (
    "Startup program",
    "Reseller rates:",
    "Volume over 1B tokens",
    "Night tariff",
    "Loyalty deal",
)
STRANGE_TIERS = ["Bulk", "Economy", "Batches", "Express lane", "Turbo"]
SECTIONS = {
    "Flagship models": "text",
    "Cyber models": "text",
    "Specialized models": "text",
    "Model pricing": "text",
    "Feature-specific pricing": "text",
    "Multimodal models": "several",
    "Realtime and audio generation models": "several",
    "Image generation models": "several",
    "Video generation models": "nothing",
    "Transcription models": "nothing",
    "Tools": "nothing",
    "Finetuning": "nothing",
    "Third-party platform pricing": "nothing",
    "Claude Managed Agents pricing": "nothing",
    "Additional pricing considerations": "nothing",
}
"""What the prices of a section are of; prices of nothing are not those of a model's tokens."""
LABEL = re.compile(r"(?:#+ )?(.*?)(?: pricing data)?", re.IGNORECASE)
AMOUNT = re.compile(r"(?<=\$)[0-9]+(?:\.[0-9]+)?")
STATED = re.compile(r"\\?\$([0-9]+(?:\.[0-9]+)?)(?: / MTok)?")
STRUCK = re.compile(r"^(?:~~[^~]*~~|<(s|del)>[^<]*</\1>) (?=\\?\$)")
"""An amount that is struck out before the one that holds."""
DELIMITER = re.compile(r"\|[\s:|-]+\|$")


@dataclass
class Grid:
    """A table: one or two rows of headers, its delimiter is written anew, and rows of cells. From the row `cut` on, or
    where it is `set_apart`, it states no price of a plain call.
    """

    header: list[list[str]]
    rows: list[list[str]]
    cut: int | None = None
    set_apart: bool = False

    @property
    def lines(self) -> list[list[str]]:
        return [*self.header, *self.rows]

    @property
    def priced(self) -> bool:
        return "Model" in self.header[-1] and any("$" in cell for row in self.rows for cell in row)


@dataclass
class Page:
    """Lines and tables in order. `strange` are tier labels that a mutation made up; where a sentence of other
    `money` stands, it states no price at all.
    """

    parts: list[str | Grid]
    provider: str
    strange: set[str] = field(default_factory=set)
    money: list[str] = field(default_factory=list)

    @property
    def grids(self) -> list[Grid]:
        return [part for part in self.parts if isinstance(part, Grid) and part.priced]


def parsed(text: str, provider: str) -> Page:
    parts: list[str | Grid] = []
    lines = text.splitlines()
    numbers = itertools.count(1)
    i = 0
    while i < len(lines):
        if i + 1 < len(lines) and lines[i].startswith("|") and DELIMITER.match(lines[i + 1]):
            header, rows = [split(lines[i])], []
            i += 2
            while i < len(lines) and lines[i].startswith("|"):
                rows.append([AMOUNT.sub(lambda _: f"{next(numbers)}.25", cell) for cell in split(lines[i])])
                i += 1
            if "Short context" in header[0]:
                header.append(rows.pop(0))
            parts.append(Grid(header, rows))
        else:
            parts.append(lines[i])
            i += 1
    return Page([*parts, ""], provider)  # whatever is moved behind the last line must not run into it


def split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def markdown(page: Page) -> str:
    lines = []
    for part in page.parts:
        if isinstance(part, str):
            lines.append(part)
            continue
        drawn = ["| " + " | ".join(row) + " |" for row in part.lines]
        drawn.insert(1, "|" + " --- |" * len(part.header[0]))
        lines += drawn
    return "\n".join(lines) + "\n"


def html(page: Page) -> str:
    drawn = ["<!DOCTYPE html><html><body>"]
    for part in page.parts:
        if isinstance(part, Grid):
            drawn.append("<table><thead>")
            for n, row in enumerate(part.header):
                drawn.append(f"<tr>{''.join(spanned(row, n == 0 < len(part.header) - 1))}</tr>")
            drawn.append("</thead><tbody>")
            drawn += ["<tr>" + "".join(f"<td>{said(cell)}</td>" for cell in row) + "</tr>" for row in part.rows]
            drawn.append("</tbody></table>")
        elif heading := re.fullmatch(r"(#+) (.*)", part):
            drawn.append(f"<h{len(heading[1])}>{said(heading[2])}</h{len(heading[1])}>")
        elif part.strip():
            drawn.append(f"<p>{said(part.strip())}</p>")
    return "\n".join(drawn) + "</body></html>"


def spanned(cells: list[str], groups: bool) -> Iterator[str]:
    i = 0
    while i < len(cells):
        span = 1
        while groups and cells[i] and i + span < len(cells) and not cells[i + span]:
            span += 1
        yield f'<th colspan="{span}">{said(cells[i])}</th>' if span > 1 else f"<th>{said(cells[i])}</th>"
        i += span


def said(text: str) -> str:
    return escape(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("\\$", "$"))


def stated(page: Page) -> set[Price]:
    """Return the oracle."""
    found: set[Price] = set()
    for at, part in enumerate(page.parts):
        if not isinstance(part, Grid) or page.money or part.set_apart:
            continue
        columns = titles(part)
        tier = tier_above(page, at)
        about = SECTIONS.get(section_above(page, at), "text")
        if columns is None or tier is None or columns.count("model") != 1 or columns.count("modality") > 1:
            continue
        if about == "nothing" or (about == "several" and "modality" not in columns):
            continue
        for cells in part.rows[: part.cut]:
            if len(cells) != len(columns):
                continue
            line = dict(zip(columns, cells, strict=True))
            label = re.fullmatch(r"(.*?)(?: \(<272K context length\)| \(\[deprecated\]\(.*\)\))?", line["model"])
            assert label is not None
            for title, cell in zip(columns, cells, strict=True):
                price = re.fullmatch(r"(?:(short|long) context )?(.*)", title)
                assert price is not None
                meter, amount = METERS.get(price[2]), STATED.fullmatch(STRUCK.sub("", cell))
                own = price[2].startswith("batch ")
                if meter and amount and columns.count(title) == 1 and not (own and tier not in ("batch", "standard")):
                    spoken = line.get("modality", "Text").lower()
                    told = "batch" if own else tier
                    found.add(Price(label[1], told, price[1] or "short", spoken, meter, Decimal(amount[1])))
    return found


def titles(grid: Grid) -> list[str] | None:
    """Return the whole title of every column; None where the rows of the header do not fit each other."""
    if len(grid.header) == 1:
        return [title.lower() for title in grid.header[0]]
    above, below = grid.header
    if len(above) != len(below):
        return None
    group, whole = "", []
    for title, label in zip(above, below, strict=True):
        group = title.strip() or group
        whole.append(f"{group} {label}".strip().lower() if label not in ("Model", "Modality") else label.lower())
    return whole


def tier_above(page: Page, at: int) -> str | None:
    """Return the tier that the nearest line above names; a section without one is standard, a made-up label no tier."""
    for part in reversed(page.parts[:at]):
        if isinstance(part, Grid):
            continue
        line = part.strip()
        if line in page.strange or any(line == f"### {name} pricing data" for name in page.strange):
            return None
        label = LABEL.fullmatch(line)
        if label and label[1].lower() in TIERS:
            return TIERS[label[1].lower()]
        if is_section(line):
            return "standard"
    return "standard"


def section_above(page: Page, at: int) -> str:
    lines = (part.strip("# ") for part in reversed(page.parts[:at]) if isinstance(part, str) and is_section(part))
    return next(lines, "")


Mutation = Callable[[Page, random.Random], None]


def one(page: Page, dice: random.Random) -> Grid:
    return dice.choice(page.grids)


def column(grid: Grid, dice: random.Random) -> int:
    return dice.randrange(len(grid.header[-1]))


def move_columns(page: Page, dice: random.Random) -> None:
    """Columns in another order with their headers; within the groups of a grouped header, whose titles
    stay above them.
    """
    for grid in dice.sample(page.grids, dice.randint(1, len(page.grids))):
        width = len(grid.header[-1])
        if len(grid.header) > 1 and (width != 7 or len(grid.header[0]) != 7):
            continue  # another mutation took its groups apart
        whole = [row for row in grid.lines if len(row) == width]
        if len(grid.header) == 1:
            order = dice.sample(range(width), width)
        else:
            inner = dice.sample(range(3), 3)
            groups = dice.sample([1, 4], 2)
            grid.header[0][1], grid.header[0][4] = (grid.header[0][start] for start in groups)
            order = [0, *(start + offset for start in groups for offset in inner)]
            whole = whole[1:]
        if len(grid.header) == 1 and any(len(row) != width for row in grid.rows):
            order = list(range(width))  # rows that lost a cell have no column that could move
        for row in whole:
            row[:] = [row[i] for i in order]


def reorder_sections(page: Page, dice: random.Random) -> None:
    """Sections in another order, the tiers within each in another order, and so the rows."""
    sections = cut_before(page.parts, is_section)
    top = [n for n, section in enumerate(sections) if n and not str(section[0]).startswith("###")]
    whole = [
        [part for section in sections[n:m] for part in section] for n, m in itertools.pairwise([*top, len(sections)])
    ]
    dice.shuffle(whole)
    page.parts = [part for section in sections[: top[0] if top else len(sections)] for part in section]
    for section in whole:
        for nested in cut_before(section, is_section):
            first, *tiers = cut_before(nested, lambda line: line.strip().lower() in TIERS)
            dice.shuffle(tiers)
            page.parts += [*first, *itertools.chain.from_iterable(tiers)]
    for grid in page.grids:
        if grid.cut is None and all(len(row) == len(grid.header[-1]) for row in grid.rows):
            dice.shuffle(grid.rows)


def is_section(line: str) -> bool:
    return line.strip().removeprefix("#").lstrip("#").strip() in SECTIONS


def cut_before(parts: list[str | Grid], begins: Callable[[str], bool]) -> list[list[str | Grid]]:
    """Return the parts in stretches, each but the first beginning with a line that `begins` one."""
    stretches: list[list[str | Grid]] = [[]]
    for part in parts:
        if isinstance(part, str) and begins(part):
            stretches.append([])
        stretches[-1].append(part)
    return stretches


def drop_column(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    at = column(grid, dice)
    for row in grid.lines:
        if at < len(row):
            del row[at]


def drop_header_cell(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    row = dice.choice(grid.header)
    del row[column(grid, dice) % len(row)]


def swap_columns(page: Page, dice: random.Random) -> None:
    """Swap the cells of columns and not their headers: the mutant states other prices."""
    grid = one(page, dice)
    a, b = column(grid, dice), column(grid, dice)
    for row in grid.rows:
        if max(a, b) < len(row):
            row[a], row[b] = row[b], row[a]


def swap_headers(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    row = dice.choice(grid.header)
    a, b = dice.randrange(len(row)), dice.randrange(len(row))
    row[a], row[b] = row[b], row[a]


def move_any(page: Page, dice: random.Random) -> None:
    """Move one column with its headers to any place, over the borders of groups too."""
    grid = one(page, dice)
    a, b = column(grid, dice), column(grid, dice)
    for row in grid.lines:
        if max(a, b) < len(row):
            row.insert(b, row.pop(a))


def insert_column(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    at = column(grid, dice)
    for row in grid.header:
        row.insert(at, dice.choice([*STRANGE, "Output", "Cached input", "Cache writes"]))
    for n, row in enumerate(grid.rows):
        row.insert(at, dice.choice([f"${70_000 + n}.75", "-", "EU only"]))


def merge_cells(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    row = dice.choice(grid.lines)
    at = dice.randrange(max(1, len(row) - 1))
    merged = " ".join(row[at : at + 2])
    row[at : at + 2] = dice.choice([[merged], [merged, ""], ["", merged], [row[at]]])


def rename_header(page: Page, dice: random.Random) -> None:
    grid = one(page, dice)
    row = dice.choice(grid.header)
    at = dice.randrange(len(row))
    row[at] = dice.choice([*STRANGE, "Output", "Cached input", "Model", "Long context output", row[at] + " ✦"])


def rename_tier(page: Page, dice: random.Random) -> None:
    """Replace a tier's label by a word that names none, with its caption."""
    labels = [i for i, part in enumerate(page.parts) if isinstance(part, str) and part.strip().lower() in TIERS]
    if not labels:
        return
    at, name = dice.choice(labels), dice.choice(STRANGE_TIERS)
    page.parts[at] = name
    page.strange.add(name)
    for i in range(at + 1, min(at + 8, len(page.parts))):
        part = page.parts[i]
        if isinstance(part, str) and re.match(r"### \w+ pricing data", part):
            page.parts[i] = f"### {name} pricing data"


def outside(page: Page) -> list[int]:
    """Return the places between lines that are in no sample of code."""
    fences = itertools.accumulate(isinstance(part, str) and part.strip().startswith("```") for part in page.parts)
    return [at + 1 for at, count in enumerate(fences) if not count % 2]


def say_money(page: Page, dice: random.Random) -> None:
    """Put a sentence about all prices anywhere on the page but in its samples of code."""
    at, sentence = dice.choice(outside(page)), _words.other_money(dice)
    page.parts[at:at] = ["", sentence, ""]
    page.money.append(sentence)


def say_nothing(page: Page, dice: random.Random) -> None:
    """Put sentences that concern no price anywhere on the page, on lines of their own."""
    for _ in range(dice.randint(1, 4)):
        at = dice.choice(outside(page))
        beside = page.parts[at - 1 : at + 1]
        if not any(isinstance(part, str) and part.strip() for part in beside):  # or it would be one with a line
            page.parts[at:at] = ["", _words.plain(dice), ""]


def set_apart(page: Page, dice: random.Random) -> None:
    """Put a sentence, a line or a heading over one table that says of its prices that they are not those of every call
    today.
    """
    grid = one(page, dice)
    line = dice.choice([*TITLES_OF_ANOTHER_DAY, *TITLES_OF_ANOTHER_OFFER, *(_words.limiting(dice) for _ in range(20))])
    at = next(i for i, part in enumerate(page.parts) if part is grid)
    page.parts[at:at] = ["", dice.choice(["{}", "### {}", "**{}**", "> {}"]).format(line), ""]
    grid.set_apart = True


def rename_heading(page: Page, dice: random.Random) -> None:
    """Give the section of a table another heading, of an offer that is not known."""
    grid = one(page, dice)
    at = next(i for i, part in enumerate(page.parts) if part is grid)
    over = [i for i in range(at) if isinstance(page.parts[i], str) and is_section(page.parts[i])]
    if not over:
        return
    until = next((i for i in range(over[-1] + 1, len(page.parts)) if _begins(page.parts[i])), len(page.parts))
    old = str(page.parts[over[-1]])
    marks = old[: len(old) - len(old.lstrip("# "))]
    page.parts[over[-1]] = marks + dice.choice([*TITLES_OF_ANOTHER_OFFER, "Committed use", "APAC", "With data sharing"])
    for part in page.parts[over[-1] : until]:
        if isinstance(part, Grid):
            part.set_apart = True


def _begins(part: str | Grid) -> bool:
    return isinstance(part, str) and (is_section(part) or part.startswith("#"))


def in_header(page: Page, dice: random.Random) -> None:
    """Let a header name another currency, unit, day or offer."""
    grid = one(page, dice)
    titles = [i for i, title in enumerate(grid.header[-1]) if title.lower() in METERS]
    if titles:
        at = dice.choice(titles)
        grid.header[-1][at] += dice.choice(
            [" (EUR)", " (per 1K tokens)", " (until June 1)", " in CAD", " (EU)", " for startups", " /1K", " (old)"]
        )


def date_label(page: Page, dice: random.Random) -> None:
    """Give one row a day that is over or to come."""
    rows = [row for row in one(page, dice).rows if "$" in " ".join(row)]
    if rows:
        row = dice.choice(rows)
        row[0] += dice.choice([" (through August 31, 2020)", " starting September 1, 2099", " (EU)", " (batch)"])


def header_inside(page: Page, dice: random.Random) -> None:
    """Put in a row of headers that says of what follows it something that is not understood."""
    grid = one(page, dice)
    if grid.cut is not None or not grid.rows:
        return
    grid.cut = dice.randrange(len(grid.rows))
    change = dice.choice([lambda text: f"{text} (EUR)", lambda text: f"{text} per 1K", lambda text: f"Startup {text}"])
    grid.rows.insert(grid.cut, [text if text == "Model" else change(text) for text in grid.header[-1]])


def strike(page: Page, dice: random.Random) -> None:
    """Strike an amount out, alone or beside the one that holds now."""
    row = dice.choice(one(page, dice).rows)
    priced = [i for i, cell in enumerate(row) if STATED.fullmatch(cell)]
    if priced:
        at = dice.choice(priced)
        row[at] = dice.choice(["~~{}~~", "<s>{}</s>", "~~$7777.25~~ {}", "<del>$7777.25</del> {}"]).format(row[at])


HARMLESS: tuple[Mutation, ...] = (move_columns, reorder_sections, say_nothing)
HARMFUL: tuple[Mutation, ...] = (
    drop_column,
    drop_header_cell,
    swap_columns,
    swap_headers,
    move_any,
    insert_column,
    merge_cells,
    rename_header,
    rename_tier,
    say_money,
    set_apart,
    rename_heading,
    in_header,
    date_label,
    header_inside,
    strike,
)


def fuzz(
    pages: Path, mutants: int, seed: int, read: Callable[[str, str], set[Price]] = accepted
) -> dict[str, UsageCount]:
    """Mutate, read and judge; `read` is what is judged."""
    dice = random.Random(seed)
    originals = [parsed((pages / name).read_text(encoding="utf-8"), provider) for name, provider in PAGES.items()]
    whole = [read(markdown(page), page.provider) for page in originals]
    tallies: dict[str, UsageCount] = {}
    for _ in range(mutants):
        number = dice.randrange(len(originals))
        page = deepcopy(originals[number])
        kinds = (
            [dice.choice(HARMLESS)]
            if dice.random() < 0.25
            else dice.choices((*HARMFUL, *HARMLESS), k=dice.randint(1, 3))
        )
        for kind in kinds:
            if page.grids:
                kind(page, dice)
        harmless = all(kind in HARMLESS for kind in kinds)
        text = dice.choice((markdown, html))(page)
        name = " + ".join(sorted({kind.__name__ for kind in kinds})) if len(kinds) == 1 else "several at once"
        if dice.random() < 0.2 and not harmless:
            cut = dice.randrange(len(text))
            text, name = (text[:cut], "cut off") if dice.random() < 0.7 else (text[cut:], "without its start")
        page.money = [sentence for sentence in page.money if said(sentence) in said(text)]  # others were cut off
        want = stated(page)
        got = read(text, page.provider)
        tally = tallies.setdefault("harmless" if harmless and len(kinds) > 1 else name, UsageCount())
        tally.judge(f"{'+'.join(kind.__name__ for kind in kinds)} {name}", want, got)
        if harmless:
            tally.worst = min(tally.worst, 100 * len(got & whole[number]) / max(1, len(whole[number])))
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the pricing page extractor with mutants of the real pages.")
    parser.add_argument("--mutants", type=int, default=SAMPLE if ROWS in os.environ else MUTANTS)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--pages", type=Path, default=SHARED / "pages")
    options = parser.parse_args()
    if not options.pages.is_dir():
        return report(
            [failed("mutants of the real pages", f"no real pages in {options.pages}: set ACCESS_MONITOR_SHARED")]
        )
    components, sixth = options.mutants // 3, options.mutants // 6
    tallies = fuzz(options.pages, options.mutants - components - 2 * sixth, options.seed)
    tallies |= _components.fuzz(options.pages, components, options.seed)
    tallies |= _forms.fuzz(sixth, options.seed)
    tallies |= _catalogs.fuzz(sixth, options.seed)
    silent = 0
    for name, tally in sorted(tallies.items()):
        refused = 100 * (1 - tally.kept / max(1, tally.stated))
        print(
            f"{name:32} {tally.mutants:6} mutants  {tally.stated:8} prices stated  {refused:5.1f} % refused  "
            f"{tally.silent} silent errors"
        )
        for example in tally.examples[:3]:
            print(f"    {example}")
        silent += tally.silent
    everything = Counter[str]()
    for tally in tallies.values():
        everything.update(stated=tally.stated, kept=tally.kept)
    refused = f"{100 * (1 - everything['kept'] / everything['stated']):.1f} % refused"
    worst = min((tally.worst for tally in tallies.values()), default=0.0)
    return report(
        [
            Row(
                what=f"silent errors in {options.mutants} mutants of real pages",
                ours=refused,
                bare="–",
                figure=silent,
                limit=0,
                unit="errors",
            ),
            Row(
                what="rows kept by the worst harmless mutant",
                ours="–",
                bare="–",
                figure=worst,
                limit=KEPT,
                unit="%",
                at_least=True,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
