"""Mutants of pages in the forms of other providers: models across and meters down (DeepSeek), and a table about one
model each, with a column for each offer (Google).

The pages are made, in these forms and with words of their own, so that every amount is known. What a mutant states is
known from how it was made: whatever is put over a table, into a label or into a cell takes its prices out of what is
stated.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import _words
from _pricing import Price, UsageCount, accepted

DEEPSEEK = {
    "cached_input": "1M INPUT TOKENS (CACHE HIT)",
    "input": "1M INPUT TOKENS (CACHE MISS)",
    "output": "1M OUTPUT TOKENS",
}
GOOGLE = {
    "input": "Input price",
    "output": "Output price (including thinking tokens)",
    "cached_input": "Context caching price",
}
CONDITIONS = (" (EU)", " for startups", " (from 2099-01-01)", " (batch)", " (CNY)", " (off-peak)", " (UTC 16:30-00:30)")


@dataclass
class Table:
    """A table of models by meters: amounts as they are written, what stands over it, and labels that were changed."""

    models: list[str]
    cells: dict[tuple[str, str], str]
    labels: dict[str, str]
    over: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)
    apart: bool = False
    strange: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Page:
    """Tables of one provider, and what is said of all of them."""

    provider: str
    tables: list[Table]
    said: list[str] = field(default_factory=list)
    money: bool = False


def made(dice: random.Random) -> Page:
    """Return a page in the form of one provider, every amount another one."""
    provider = dice.choice(("deepseek", "google"))
    labels = DEEPSEEK if provider == "deepseek" else GOOGLE
    prefix = "deepseek-" if provider == "deepseek" else "gemini-"
    number = iter(range(1, 10_000))
    tables = []
    for _ in range(1 if provider == "deepseek" else dice.randint(2, 5)):
        models = [f"{prefix}{next(number)}-{dice.choice(('pro', 'flash', 'chat'))}" for _ in range(dice.randint(1, 3))]
        each = {}
        for meter in labels:
            shared = f"${next(number)}.25"
            for model in models:
                each[model, meter] = f"${next(number)}.25" if provider == "deepseek" else shared
        tables.append(Table(models, each, dict(labels)))
    return Page(provider, tables)


def drawn(page: Page, dice: random.Random) -> str:
    """Return the page as it is published."""
    return _deepseek(page) if page.provider == "deepseek" else _google(page, dice)


def _deepseek(page: Page) -> str:
    parts = ["<!DOCTYPE html><html><body><h1>Models &amp; Pricing</h1>"]
    parts.append("<p>The prices listed below are in units of per 1M tokens.</p>")
    parts += [f"<p>{text}</p>" for text in page.said]
    for table in page.tables:
        parts += ["<h2>Model Details</h2>", *(f"<p>{text}</p>" for text in table.over), "<table><tbody>"]
        parts.append("<tr><td>MODEL</td>" + "".join(f"<td>{model}</td>" for model in table.models) + "</tr>")
        for meter, label in table.labels.items():
            row = "".join(f"<td>{table.cells[model, meter]}</td>" for model in table.models)
            parts.append(f"<tr><td>{label}</td>{row}</tr>")
        parts += ["</tbody></table>", *(f"<p>{text}</p>" for text in table.under)]
    return "\n".join(parts) + "</body></html>"


def _google(page: Page, dice: random.Random) -> str:
    parts = ["# Gemini Developer API pricing", "", *(text + "\n" for text in page.said)]
    for table in page.tables:
        parts += [f"## {table.models[0].replace('-', ' ').title()}", "", f"*{', '.join(table.models)}*", ""]
        parts += [text + "\n" for text in table.over]
        parts += ["### Standard", "", "|   | Free Tier | Paid Tier, per 1M tokens in USD |", "|---|---|---|"]
        for meter, label in table.labels.items():
            parts.append(f"| {label} | Free of charge | {table.cells[table.models[0], meter]} |")
        parts += [f"| Used to improve our products | {dice.choice(('Yes', 'No'))} | No |", ""]
        parts += [text + "\n" for text in table.under]
    return "\n".join(parts)


def stated(page: Page) -> set[Price]:
    """Return what the page states of a plain call."""
    return {
        Price(model, "standard", "short", "text", meter, Decimal(amount[1]))
        for table in page.tables
        if not (page.money or table.apart)
        for model in table.models
        for meter in table.labels
        if (model, meter) not in table.strange
        and (amount := re.fullmatch(r"(?:<s>[^<]*</s> )*\$([0-9.]+)", table.cells[model, meter]))
    }


def say_nothing(page: Page, dice: random.Random) -> None:
    table = dice.choice(page.tables)
    for _ in range(dice.randint(1, 3)):
        dice.choice((page.said, table.over, table.under)).append(_words.plain(dice))


def shuffle(page: Page, dice: random.Random) -> None:
    """Meters in another order, and so the models and tables."""
    dice.shuffle(page.tables)
    for table in page.tables:
        table.labels = dict(dice.sample(list(table.labels.items()), len(table.labels)))
        if page.provider == "deepseek":
            dice.shuffle(table.models)


def say_money(page: Page, dice: random.Random) -> None:
    table = dice.choice(page.tables)
    dice.choice((page.said, table.over, table.under)).append(_words.other_money(dice))
    page.money = True


def set_apart(page: Page, dice: random.Random) -> None:
    table = dice.choice(page.tables)
    table.over.append(_words.limiting(dice))
    table.apart = True


def change_label(page: Page, dice: random.Random) -> None:
    table = dice.choice(page.tables)
    meter = dice.choice(list(table.labels))
    table.labels[meter] += dice.choice(CONDITIONS)
    table.strange.update((model, meter) for model in table.models)


def change_cell(page: Page, dice: random.Random) -> None:
    table = dice.choice(page.tables)
    key = dice.choice(list(table.cells))
    keys = [key] if page.provider == "deepseek" else [(model, key[1]) for model in table.models]
    change = dice.choice(("{} (EU)", "€{}", "{} / hour", "<s>{}</s>", "from {}", "{} off-peak", "<s>$7777.25</s> {}"))
    for each in keys:
        table.cells[each] = change.format(table.cells[each])


Mutation = Callable[[Page, random.Random], None]
HARMLESS: tuple[Mutation, ...] = (say_nothing, shuffle)
HARMFUL: tuple[Mutation, ...] = (say_money, set_apart, change_label, change_cell)


def fuzz(mutants: int, seed: int, read: Callable[[str, str], set[Price]] = accepted) -> dict[str, UsageCount]:
    """Make pages, mutate them, read and judge; `read` is what is judged."""
    dice = random.Random(seed)
    tallies: dict[str, UsageCount] = {}
    for _ in range(mutants):
        page = made(dice)
        harmless = dice.random() < 0.25
        whole = stated(page)
        kinds = [dice.choice(HARMLESS)] if harmless else dice.choices((*HARMFUL, *HARMLESS), k=dice.randint(1, 3))
        for kind in kinds:
            kind(page, dice)
        harmless = all(kind in HARMLESS for kind in kinds)
        got = read(drawn(page, dice), page.provider)
        name = kinds[0].__name__ if len(kinds) == 1 else "several at once"
        tally = tallies.setdefault(f"{page.provider} {name}", UsageCount())
        tally.judge(f"{page.provider} {'+'.join(kind.__name__ for kind in kinds)}", stated(page), got)
        if harmless:
            tally.worst = min(tally.worst, 100 * len(got & whole) / len(whole))
    return tallies
