"""Cells and tags that are read in one step say exactly what they say read tag by tag."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.pricing_page import markup
from monitor.sources.pricing_page.blocks import Block

PIECES = [
    "<table>",
    "</table>",
    "<thead>",
    "</thead>",
    "<tbody>",
    "<tr>",
    "</tr>",
    "<td>$1.00</td>",
    "<td class='x'>$2.00</td>",
    '<td class="a b" style="x">$3 &amp; more</td>\n',
    '<td rowspan="2">both</td>',
    '<td colspan="2">wide</td>',
    '<td class="x" rowspan="2">tall</td>',
    "<th>Model</th>",
    '<th scope="col">Input</th> ',
    "<td>open",
    "<td><div>$4</div></td>",
    '<div class="y">',
    "</div>",
    '<div role="tablist">',
    "<del>$5</del>",
    "<p>text</p>",
    "<li>",
    "</li>",
    '<h2 id="q">Title</h2>',
    "<script>if (a < b) '<td>$6</td>'</script>",
    "<button>",
    "</button>",
    "<sup>1</sup>",
    "<TD>upper</TD>",
    "<td>a</th>",
    "</td>",
    "loose & text\n",
    "<td>cut</t",
    '<a href="x>y">link</a>',
]


def tag_by_tag(text: str) -> list[Block]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup._MarkupReader, "parse_starttag", HTMLParser.parse_starttag)
        patch.setattr(markup._MarkupReader, "parse_endtag", HTMLParser.parse_endtag)
        return markup.read(text)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_a_page_read_in_steps_has_the_blocks_of_a_page_read_tag_by_tag(text: str) -> None:
    for page in (text, f"<table><tr>{text}"):
        assert markup.read(page) == tag_by_tag(page)
