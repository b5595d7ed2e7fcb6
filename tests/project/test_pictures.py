"""The pictures of the pages: letters that can be read, commands that there are, nothing of the machine."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import page_pictures
import pictures
import pytest
from docs_pages import ROOT

from monitor.cli import COMMANDS

KEPT = sorted((ROOT / "docs").glob("*.svg"))
PHOTOGRAPHED = sorted((ROOT / "docs").glob("*.webp"))
README_WIDTH = 830
"""How many points wide a README is shown at least, on the usual sites."""


def test_there_are_pictures_and_each_is_shown_on_a_page() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {
        name
        for page in pages
        for name in re.findall(r"!\[[^\]]+\]\((?:docs/)?([\w-]+\.(?:svg|webp))\)", page.read_text())
    }
    assert shown == {path.name for path in (*KEPT, *PHOTOGRAPHED)} != set()


def test_a_picture_of_a_page_is_one_that_is_drawn_and_small() -> None:
    assert {path.stem for path in PHOTOGRAPHED} == set(page_pictures.PAGES)
    assert max(path.stat().st_size for path in PHOTOGRAPHED) <= page_pictures.LARGEST


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_picture_is_no_wider_than_a_readme_so_its_letters_keep_their_size(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert float(root.attrib["width"]) <= README_WIDTH
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', path.read_text())]
    assert min(sizes) >= 14


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_picture_shows_a_command_that_there_is_and_no_line_beyond_its_width(path: Path) -> None:
    first, *lines = pictures.shown(path.read_text(encoding="utf-8"))
    assert re.fullmatch(r"\$ access-monitor [a-z]+.*", first)
    assert first.split()[2] in {name for rows in COMMANDS.values() for name in rows}
    assert lines
    assert max(map(len, [first, *lines])) <= pictures.COLUMNS
    assert not [line for line in lines if "/tmp" in line or re.search(r"127\.0\.0\.1:(?!8080)", line)]


def test_a_long_line_is_folded_below_its_text_and_keeps_every_word() -> None:
    line = f"  17:34:21Z  PAUSED     {'price ' * 30}".rstrip()
    folded = pictures.folded(line)
    assert len(folded) > 1
    assert {len(row) - len(row.lstrip()) for row in folded[1:]} == {24}
    assert " ".join(pictures.plain(row).strip() for row in folded).split() == line.split()


def test_times_keep_their_distance_in_hours_and_everything_else_that_varies_is_the_same() -> None:
    lines = [
        "since 2026-11-30T08:21:08Z",
        "until 2026-12-01T08:21:07Z",
        "at 2026-11-30 14:21:09Z, event 17, in 0.7 s",
        "existing callers until Dec 3, fallback allowed",
    ]
    assert pictures.normalised(lines) == [
        "since 2026-07-30T17:34:21Z",
        "until 2026-07-31T17:34:21Z",
        "at 2026-07-30 23:34:21Z, event 204, in 0.5 s",
        "existing callers until Aug 2, fallback allowed",
    ]


def test_what_is_drawn_is_read_back_as_text() -> None:
    lines = ["\x1b[31mPAUSED\x1b[0m <a & b>", "", "  plain"]
    assert pictures.shown(pictures.drawn("access-monitor status", lines)) == [
        "$ access-monitor status",
        "PAUSED <a & b>",
        "  plain",
    ]
