"""Reading the documentation as a program does: pages, sections, tables, blocks. What they must say
stands in the tests.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
READ = [*PAGES, ROOT / "README.md", ROOT / "ARCHITECTURE.md"]


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sections(text: str, level: int) -> dict[str, str]:
    """Heading → what stands below it, up to the next heading of that level or above."""
    found = re.split(rf"^(?={'#' * level} )", text, flags=re.MULTILINE)
    cut = [re.split(rf"^#{{1,{level - 1}}} ", part, maxsplit=1, flags=re.MULTILINE)[0] for part in found[1:]]
    return {part.partition("\n")[0].lstrip("# ").strip(): part.partition("\n")[2] for part in cut}


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of a table, without the heads; `\\|` is no border."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {index - 1 for index, line in enumerate(lines) if re.fullmatch(r"[|\- ]+", line)}
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for index, line in enumerate(lines)
        if index not in heads and not re.fullmatch(r"[|\- ]+", line)
    ]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)
