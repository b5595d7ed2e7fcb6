"""Mutants of pages in the forms of xAI, Z.ai, Moonshot, Together, Groq, Fireworks and Mistral: models down, and meters
across, packed into one cell, or in an order that a sentence gives.

As in `_forms`, the pages are made, so that what a mutant states is known from how it was made.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import _words
from _forms import CONDITIONS
from _pricing import Price, UsageCount, accepted

METERS = ("input", "cached_input", "output")


@dataclass(frozen=True)
class Form:
    """How a provider writes its page: its models, the meters that it prices, what a column or an amount of each is
    called, its tiers, what stands above a table, and how one is drawn.
    """

    models: tuple[str, ...]
    labels: dict[str, str]
    head: str
    draw: Callable[[Form, Table], str]
    tiers: tuple[str, ...] = ("standard",)
    unit: str = ""
    under: str = ""


@dataclass
class Table:
    """Prices of models: amounts as they are written, in the order of `models` and `labels`, and what was changed.

    `strange` are prices that are stated of a plain call no more, as (model, tier, meter). `behind` is what stands
    behind the name of a model. `extra` is a further column: its title, and its cells by model. `short` are models whose
    row lacks its last cell. `heading` stands over the table instead of the form's own.
    """

    models: list[str]
    cells: dict[tuple[str, str, str], str]
    labels: dict[str, str]
    tiers: dict[str, str]
    over: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)
    apart: bool = False
    strange: set[tuple[str, str, str]] = field(default_factory=set)
    extra: tuple[str, dict[str, str]] | None = None
    short: set[str] = field(default_factory=set)
    behind: dict[str, str] = field(default_factory=dict)
    heading: str = ""

    def named(self, model: str) -> str:
        return model + self.behind.get(model, "")


@dataclass
class Page:
    """Tables of one provider; where a sentence of other `money` stands, they state no price at all."""

    provider: str
    tables: list[Table]
    said: list[str] = field(default_factory=list)
    money: bool = False


def _grid(table: Table, titles: list[str], rows: dict[str, list[str]]) -> str:
    """Draw a table in Markdown, with the column that a mutation put in."""
    if table.extra is not None:
        titles = [*titles, table.extra[0]]
        rows = {model: [*cells, table.extra[1][model]] for model, cells in rows.items()}
    lines = [titles, ["---"] * len(titles)]
    lines += [cells[:-1] if model in table.short else cells for model, cells in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rows(table: Table, before: Callable[[str], list[str]]) -> dict[str, list[str]]:
    amounts = {model: [table.cells[model, "standard", meter] for meter in table.labels] for model in table.models}
    return {model: [*before(model), *cells] for model, cells in amounts.items()}


def _xai(form: Form, table: Table) -> str:
    return _grid(
        table, ["Model", "Context", *table.labels.values()], _rows(table, lambda model: [table.named(model), "256k"])
    )


def _zai(form: Form, table: Table) -> str:
    titles = ["Model", *table.labels.values(), "Cached Input Storage"]
    rows = _rows(table, lambda model: [table.named(model)])
    return _grid(table, titles, {model: [*cells, "Limited-time Free"] for model, cells in rows.items()})


def _together(form: Form, table: Table) -> str:
    titles = [
        "Organization",
        "Model name",
        "API model string",
        "Context length",
        *table.labels.values(),
        "Quantization",
    ]
    rows = _rows(table, lambda model: ["Org", model.partition("/")[2].title(), table.named(model), "128000"])
    return _grid(table, titles, {model: [*cells, "FP4"] for model, cells in rows.items()})


def _moonshot(form: Form, table: Table) -> str:
    titles = ["Model", "Unit", *table.labels.values(), "Context Window"]
    rows = _rows(table, lambda model: [table.named(model), "1M tokens"])
    rows = {model: [*cells, "262,144 tokens"] for model, cells in rows.items()}
    if table.extra is not None:
        titles = [*titles, table.extra[0]]
        rows = {model: [*cells, table.extra[1][model]] for model, cells in rows.items()}
    columns = "\n".join(f'{{ title: "{title}", width: "16%" }},' for title in titles)
    drawn = [cells[:-1] if model in table.short else cells for model, cells in rows.items()]
    lines = "\n".join("[" + ", ".join(f'"{cell}"' for cell in cells) + "]," for cells in drawn)
    return f"<DocTable\n  columns={{[\n{columns}\n]}}\n  rows={{[\n{lines}\n]}}\n/>"


def _groq(form: Form, table: Table) -> str:
    rows = {
        model: [
            f"[![Org](https://example.com/o.png){model.title()}](/docs/model/{model}){table.named(model)}",
            "450",
            "".join(f"{table.cells[model, 'standard', meter]} {label}" for meter, label in table.labels.items()),
            "131,072",
        ]
        for model in table.models
    }
    return _grid(table, ["MODEL ID", "SPEED (T/SEC)", "PRICE PER 1M TOKENS", "CONTEXT WINDOW (TOKENS)"], rows)


def _fireworks(form: Form, table: Table) -> str:
    rows = {
        model: [
            f"[{table.named(model)}](https://app.fireworks.ai/models/fireworks/{model.lower().replace(' ', '-')})",
            *(" / ".join(table.cells[model, tier, meter] for meter in table.labels) for tier in table.tiers),
        ]
        for model in table.models
    }
    return _grid(table, ["Model", *table.tiers.values()], rows)


def _mistral(form: Form, table: Table) -> str:
    titles, rows = ["Model", *table.labels.values()], _rows(table, lambda model: [table.named(model)])
    if table.extra is not None:
        titles = [*titles, table.extra[0]]
        rows = {model: [*cells, table.extra[1][model]] for model, cells in rows.items()}
    head = "".join(f"<th>{title}</th>" for title in titles)
    drawn = [cells[:-1] if model in table.short else cells for model, cells in rows.items()]
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in drawn)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


FORMS = {
    "xai": Form(
        models=("grok-{}", "grok-code-{}"),
        labels={
            "input": "Input / 1M tokens",
            "cached_input": "Cached input / 1M tokens",
            "output": "Output / 1M tokens",
        },
        head="# Pricing\n\nAll prices are in USD.\n\n### Text API Pricing",
        draw=_xai,
    ),
    "zai": Form(
        models=("GLM-{}", "GLM-{}-Air"),
        labels={"input": "Input", "cached_input": "Cached Input", "output": "Output"},
        head="### Text Models\n\nPrices per 1M tokens.",
        draw=_zai,
    ),
    "together": Form(
        models=("zai-org/GLM-{}", "openai/gpt-oss-{}b"),
        labels={
            "input": "Input pricing (per 1M tokens)",
            "cached_input": "Cached input pricing (per 1M tokens)",
            "output": "Output pricing (per 1M tokens)",
        },
        head="## Chat models",
        draw=_together,
    ),
    "moonshot": Form(
        models=("kimi-k{}", "moonshot-v{}"),
        labels={
            "cached_input": "Input Price (Cache Hit)",
            "input": "Input Price (Cache Miss)",
            "output": "Output Price",
        },
        head="## Product Pricing",
        draw=_moonshot,
        under="Here, 1M = 1,000,000. The prices in the table represent the cost per 1M tokens consumed.",
    ),
    "groq": Form(
        models=("llama-{}-versatile", "openai/gpt-oss-{}b"),
        labels={"input": "input", "output": "output"},
        head="## [Production Models](#production-models)",
        draw=_groq,
    ),
    "fireworks": Form(
        models=("Kimi K{}", "Qwen Max {}"),
        labels={"input": "input", "cached_input": "cached input", "output": "output"},
        head=(
            "## How pricing works\n\n* Prices below are **per 1 million tokens** in US dollars.\n\n"
            "## Text and vision models\n\nIn each **Standard** or **Priority** cell, prices are **input / cached input "
            "/ output** (USD per 1M tokens), in that order."
        ),
        draw=_fireworks,
        tiers=("standard", "priority"),
    ),
    "mistral": Form(
        models=("Mistral Medium {}", "Ministral {}"),
        labels={"input": "Input", "cached_input": "Cached input", "output": "Output"},
        head="<h2>Models</h2>",
        draw=_mistral,
        unit=" / M Tokens",
    ),
}
_AMOUNT = re.compile(r"(?:<s>[^<]*</s> )*\$([0-9]+(?:\.[0-9]+)?)(?: / M Tokens)?")


_HEADING = re.compile(r"(###? |<h2>)((?:Text|Chat|Product|Models|\[Production)[^<\n]*)(</h2>|)")
"""The heading that stands over the table."""


def made(dice: random.Random) -> Page:
    """Return a page in the form of one provider, every amount another one."""
    provider = dice.choice(sorted(FORMS))
    form, number = FORMS[provider], iter(range(1, 10_000))
    models = [dice.choice(form.models).format(next(number)) for _ in range(dice.randint(1, 4))]
    cells = {
        (model, tier, meter): f"${next(number)}.25{form.unit}"
        for model in models
        for tier in form.tiers
        for meter in form.labels
    }
    return Page(provider, [Table(models, cells, dict(form.labels), {tier: tier.title() for tier in form.tiers})])


def drawn(page: Page) -> str:
    """Return the page as it is published."""
    form, (table,) = FORMS[page.provider], page.tables
    html = page.provider == "mistral"
    head = _HEADING.sub(lambda match: match[1] + table.heading + match[3], form.head) if table.heading else form.head
    texts = [*page.said, head, *table.over, form.draw(form, table), *table.under, form.under]
    if not html:
        return "# Models and prices\n\n" + "\n\n".join(filter(None, texts)) + "\n"
    parts = [text if text.startswith("<") else f"<p>{text}</p>" for text in filter(None, texts)]
    return "<!DOCTYPE html><html><body><h1>API pricing</h1>" + "\n".join(parts) + "</body></html>"


def stated(page: Page) -> set[Price]:
    """Return what the page states of a plain call."""
    return {
        Price(model, tier, "short", "text", meter, Decimal(amount[1]))
        for table in page.tables
        if not (page.money or table.apart or (table.extra is not None))
        for model, tier, meter in table.cells
        if model not in table.short and (model, tier, meter) not in table.strange
        if (amount := _AMOUNT.fullmatch(table.cells[model, tier, meter]))
    }


def say_nothing(page: Page, dice: random.Random) -> None:
    (table,) = page.tables
    for _ in range(dice.randint(1, 3)):
        dice.choice((page.said, table.over, table.under)).append(_words.plain(dice))


def shuffle(page: Page, dice: random.Random) -> None:
    """Models in another order, and the columns where their headers name them."""
    (table,) = page.tables
    dice.shuffle(table.models)
    if page.provider != "fireworks":
        table.labels = dict(dice.sample(list(table.labels.items()), len(table.labels)))


def say_money(page: Page, dice: random.Random) -> None:
    (table,) = page.tables
    dice.choice((page.said, table.over, table.under)).append(_words.other_money(dice))
    page.money = True


def set_apart(page: Page, dice: random.Random) -> None:
    (table,) = page.tables
    table.over.append(_words.limiting(dice))
    table.apart = True


def change_label(page: Page, dice: random.Random) -> None:
    """Let the title of a column, or the word behind an amount, set a condition."""
    (table,) = page.tables
    if page.provider == "fireworks":
        tier = dice.choice(list(table.tiers))
        table.tiers[tier] += dice.choice(CONDITIONS)
        table.strange.update(key for key in table.cells if key[1] == tier)
    else:
        meter = dice.choice(list(table.labels))
        table.labels[meter] += dice.choice(CONDITIONS)
        table.strange.update(key for key in table.cells if key[2] == meter)


def change_cell(page: Page, dice: random.Random) -> None:
    (table,) = page.tables
    key = dice.choice(list(table.cells))
    change = dice.choice(("{} (EU)", "€{}", "{} / hour", "<s>{}</s>", "from {}", "{} off-peak", "<s>$7777.25</s> {}"))
    table.cells[key] = change.format(table.cells[key])


def label_model(page: Page, dice: random.Random) -> None:
    """Let the name of a model set a condition on its row."""
    (table,) = page.tables
    model = dice.choice(table.models)
    table.behind[model] = dice.choice(
        (" (EU)", " (batch)", " (legacy until 2020-01-01)", " starting September 1, 2099", " for startups", " (new)")
    )
    table.strange.update(key for key in table.cells if key[0] == model)


def rename_heading(page: Page, dice: random.Random) -> None:
    """Put an offer that is not known over the table."""
    (table,) = page.tables
    table.heading = dice.choice(("Startup program", "Committed use", "Reseller rates", "Night tariff", "APAC"))
    table.apart = True


def insert_column(page: Page, dice: random.Random) -> None:
    """Put in a column that may set a condition on its row."""
    (table,) = page.tables
    title, cells = dice.choice(
        (
            ("Region", ("EU", "US", "somewhere")),
            ("Plan", ("Pro", "Team")),
            ("Currency", ("EUR", "CNY")),
            ("Discount", ("20%", "none")),
            ("Effective", ("2099-01-01", "2020-01-01")),
            ("Audience", ("startups", "all")),
        )
    )
    table.extra = (title, {model: dice.choice(cells) for model in table.models})


def drop_cell(page: Page, dice: random.Random) -> None:
    (table,) = page.tables
    table.short.add(dice.choice(table.models))


Mutation = Callable[[Page, random.Random], None]
HARMLESS: tuple[Mutation, ...] = (say_nothing, shuffle)
HARMFUL: tuple[Mutation, ...] = (
    say_money,
    set_apart,
    change_label,
    change_cell,
    label_model,
    rename_heading,
    insert_column,
    drop_cell,
)


def fuzz(mutants: int, seed: int, read: Callable[[str, str], set[Price]] = accepted) -> dict[str, UsageCount]:
    """Make pages, mutate them, read and judge; `read` is what is judged."""
    dice = random.Random(seed)
    tallies: dict[str, UsageCount] = {}
    for _ in range(mutants):
        page = made(dice)
        whole = stated(page)
        few = dice.random() < 0.25
        kinds = [dice.choice(HARMLESS)] if few else dice.choices((*HARMFUL, *HARMLESS), k=dice.randint(1, 3))
        for kind in kinds:
            kind(page, dice)
        got = read(drawn(page), page.provider)
        name = kinds[0].__name__ if len(kinds) == 1 else "several at once"
        tally = tallies.setdefault(f"{page.provider} {name}", UsageCount())
        tally.judge(f"{page.provider} {'+'.join(kind.__name__ for kind in kinds)}", stated(page), got)
        if all(kind in HARMLESS for kind in kinds):
            tally.worst = min(tally.worst, 100 * len(got & whole) / len(whole))
    return tallies
