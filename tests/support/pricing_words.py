"""A small page whose words around the table vary: the places where they may stand, and what is read beside them."""

from __future__ import annotations

from monitor.core.price import PriceRow
from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import extract

TABLE = "| Model | Input | Output |\n|---|---|---|\n| orion-2 | $1.25 | $10.00 |\n"
OTHER = TABLE.replace("orion-2", "orion-1")
UNIT = "Prices per 1M tokens."
HEAD = "<thead><tr><th>Model</th><th>Input</th><th>Output</th></tr></thead>"
ROW = "<tr><td>orion-2</td><td>$1.25</td><td>$10.00</td></tr>"
HTML = "<!doctype html><html><head>{head}</head><body><h1>Pricing</h1><p>Prices per 1M tokens.</p>{body}</body></html>"


def html(body: str, head: str = "") -> str:
    return HTML.format(head=head, body=body)


def grid(rows: str = ROW, caption: str = "") -> str:
    return f"<table>{caption}{HEAD}<tbody>{rows}</tbody></table>"


PLACES = {
    "the title": "# {0}\n\n" + f"{UNIT}\n\n{TABLE}",
    "a heading": f"# Pricing\n\n{UNIT}\n\n## {{0}}\n\n{TABLE}",
    "a caption": html(grid(caption="<caption>{0}</caption>")),
    "over the table": f"# Pricing\n\n{UNIT}\n\n{{0}}\n\n{TABLE}",
    "over the unit": f"# Pricing\n\n{{0}}\n\n{UNIT}\n\n{TABLE}",
    "in bold": f"# Pricing\n\n{UNIT}\n\n**{{0}}**\n\n{TABLE}",
    "a quotation": f"# Pricing\n\n{UNIT}\n\n> {{0}}\n\n{TABLE}",
    "over a heading": f"# Pricing\n\n{{0}}\n\n## Text models\n\n{UNIT}\n\n{TABLE}",
    "over a loose title": f"# Pricing\n\n{{0}}\n\nFlagship models\n\n{UNIT}\n\n{TABLE}",
    "between tables": f"# Pricing\n\n{UNIT}\n\n{OTHER}\n\n{{0}}\n\n{TABLE}",
    "html": html(f"<div>{{0}}</div><div>{grid()}</div>"),
}
BELOW = {
    "below the table": f"# Pricing\n\n{UNIT}\n\n{TABLE}\n\n{{0}}\n",
    "a footnote": html(grid() + "<p><small>{0}</small></p>"),
    "an item": f"# Pricing\n\n{UNIT}\n\n{TABLE}\n\n- {{0}}\n- Contact us.\n",
    "a row": html(grid(ROW + "<tr><td colspan='3'>{0}</td></tr>")),
}
NOTES = {"notes": f"# Pricing\n\n## Text models\n\n{UNIT}\n\n{TABLE}\n\n## Notes\n\n{{0}}\n"}


def rows(text: str, provider: str = "openai") -> list[PriceRow]:
    try:
        return list(extract(text, provider=provider).rows)
    except Unreadable:
        return []


def silent(text: str) -> list[tuple[str, str, str]]:
    """Return the prices of `orion-2` that are stated as those of every plain call, now and for ever."""
    return [
        (row.model, row.meter, str(row.amount))
        for row in rows(text)
        if row.model == "orion-2"
        and (row.tier, row.context, row.modality) == ("standard", "short", "text")
        and not (row.condition or row.valid_from or row.valid_to)
    ]
