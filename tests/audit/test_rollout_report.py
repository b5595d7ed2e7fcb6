"""The rollout page of an entry: what it gathers, and that both of its forms hold it and nothing that anybody slipped
in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from pipeline_world import LUNA, START, VIA, World, configuration, entry_spec, furnish, world_of

from monitor.audit.report import Report, report
from monitor.cli.report import page
from monitor.cli.report_page import CellState, Items, Link, ReportPage, ReportSection, ReportTable, html, markdown
from monitor.core.eval_results import Results, Score
from monitor.core.facts import Body, FailureReason
from monitor.core.ports import Refused
from monitor.core.request_log import LoggedRequest
from monitor.registry.attachments import EvalPaper, RequestPaper

EVIL = "<script>alert(1)</script>|[x](javascript:alert(1))\x1b[31m"


def body(content: bytes = b"{}") -> Body:
    return Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def gathered(world: World, key: str = "luna") -> Report:
    with world.store.read() as reader:
        return report(reader, world.conf, key, now=world.now)


def md(world: World) -> str:
    return markdown(page(gathered(world)))


def section(text: str, title: str) -> str:
    return re.split(r"^## ", text.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.fixture
def world() -> Iterator[World]:
    """Provide a candidate that needs evals and logging, and the entry of what production runs now."""
    entries = {
        "luna": entry_spec(checks=("evals", "logging"), use="high volume", fallback="old"),
        "old": entry_spec("old", "m00"),
    }
    with world_of(configuration(entries=entries)) as made:
        furnish(made)
        yield made


def hand_in_evals(world: World, *, baseline: str = "old") -> None:
    scores = tuple(
        Score(model=f"openai:{model}", suite="tools", metric=metric, value=value, samples=10)
        for model, metric, value in (
            ("gpt-luna", "pass rate", "0.9"),
            ("m00", "pass rate", "0.8"),
            ("gpt-luna", "tone", "0.7"),
        )
    )
    results = Results(format="promptfoo", scores=scores, counted={"openai:gpt-luna": 10, "openai:m00": 10, "x/y": 1})
    paper = EvalPaper(results=(results,), bodies=(body(),), baseline=baseline)
    world.operator.verify("luna", "evals", by="ann", via=VIA, paper=paper)


def hand_in_requests(world: World) -> None:
    log = [
        LoggedRequest(
            line=n, model="gpt-luna", at=START + n * timedelta(hours=1), tokens={"input": 10**6}, cost=Decimal(1)
        )
        for n in (1, 2)
    ]
    paper = RequestPaper(
        requests=tuple(log), body=body(b"{}\n"), tolerance=Decimal("0.01"), now=START + timedelta(hours=3)
    )
    world.operator.verify("luna", "logging", by="ann", via=VIA, paper=paper)


def test_an_entry_that_nobody_prepared_is_mostly_questions(world: World) -> None:
    questions = " ".join(gathered(world).questions)
    for check in ("evals", "logging"):
        assert f"The check {check} is blank" in questions
    assert "No official source states standard.short.cache_write of gpt-luna" in questions
    assert "The fallback old is denied in production: nobody has activated it yet." in questions
    assert "What does production use in a month?" in questions
    text = md(world)
    assert "No results were handed in." in section(text, "Evals beside current production")
    assert "It was never paused." in section(text, "Pauses")
    assert "not known" in section(text, "Usage and cost")


def test_the_checklist_shows_every_check_and_its_blanks(world: World) -> None:
    from monitor.core.check_names import CHECKS

    rows = [line.split(" | ") for line in section(md(world), "Checklist").splitlines() if line.startswith("| ")][2:]
    states = {row[0].removeprefix("| "): row[2] for row in rows}
    assert states.keys() == CHECKS.keys()
    assert (states["pricing"], states["evals"], states["residency"]) == ("verified", "blank", "blank")
    to_check = section(md(world), "Must be checked")
    assert to_check.index("| evals |") < to_check.index("| residency |")
    assert "pricing" not in to_check


def test_what_is_confirmed_carries_the_date_of_the_last_poll(world: World) -> None:
    confirmed = section(md(world), "Confirmed")
    seen = f"{world.now - timedelta(minutes=0):%Y-%m-%d %H:%M}"
    assert re.search(rf"gpt-luna is listed on openai \|  \| {seen}", confirmed)
    assert re.search(rf"standard input \| 1.00 USD per 1M tokens \| {seen}", confirmed)
    assert "| pricing |" in confirmed


def test_prices_stand_with_their_dates_their_sources_and_who_disagrees(world: World) -> None:
    world.sources["feed"].set(LUNA, output="7")
    world.polls(2, "feed")
    prices = section(md(world), "Prices")
    lines = [line for line in prices.splitlines() if line.startswith("| standard")]
    assert [line.split(" | ")[2] for line in lines[:2]] == ["input", "input"]
    official = next(line for line in lines if "output" in line and "| page |" in line)
    other = next(line for line in lines if "output" in line and "| feed |" in line)
    assert "6.00" in official
    assert official.count("2026-07-01") == 2
    assert "+17 %" in other
    assert "https://p.example/" in prices
    assert any(
        "feed says 7.00 for standard.short.output, officially it is 6.00" in q for q in gathered(world).questions
    )


def test_evals_stand_beside_current_production_with_empty_cells(world: World) -> None:
    hand_in_evals(world)
    said = section(md(world), "Evals beside current production")
    assert "| tools | pass rate | 0.9 | 0.8 | 10 / 10 |" in said
    assert "| tools | tone | 0.7 |  | 10 / – |" in said
    assert "Ignored, being of neither model: x/y." in said
    assert any("1 empty cell in the comparison" in question for question in gathered(world).questions)


def test_evals_of_another_model_or_without_a_file_are_a_question(world: World) -> None:
    world.attest("evals")
    assert any("attested without a file" in question for question in gathered(world).questions)
    hand_in_evals(world, baseline="")
    assert any("name no baseline" in question for question in gathered(world).questions)
    world.configure(configuration(entries={"luna": entry_spec(model_id="m05", checks=("evals",))}, version="2"))
    assert any("of gpt-luna, which is no longer the model" in question for question in gathered(world).questions)


def test_a_month_is_counted_at_official_prices_and_its_usage_is_called_what_it_is(world: World) -> None:
    hand_in_requests(world)
    said = section(md(world), "Usage and cost")
    assert "2 requests from 2026-07-01T01:00:00Z" in said
    assert "A month of the observed usage" in said
    assert "| standard, USD | 1440.00 | 1,440.00 USD |" in said


def test_pauses_are_told_from_their_beginning_to_their_end(world: World) -> None:
    hand_in_evals(world)
    hand_in_requests(world)
    world.activate()
    world.sources["page"].set(LUNA, input="2")
    world.polls(2, "page")
    running = gathered(world)
    assert any("Is standard input acceptable as it is now, 2 instead of 1?" in q for q in running.questions)
    assert "it lasts" in section(markdown(page(running)), "Pauses")
    world.sources["page"].set(LUNA, output="8")
    world.polls(2, "page")
    world.polls(1, "page")
    world.resume()
    (pause,) = gathered(world).pauses
    assert len(pause.extended) == 1
    said = section(md(world), "Pauses")
    assert "standard input: 1.00 → 2.00; then standard output: 6.00 → 8.00" in said
    assert "resumed: ann, fine" in said
    world.operator.pause("luna", by="ann", reason="answers degraded", via=VIA)
    assert "answers degraded (ann)" in section(md(world), "Pauses")
    assert len(gathered(world).pauses) == 2


def test_what_is_suspected_or_cannot_be_read_is_a_question(world: World) -> None:
    world.sources["page"].set(LUNA, input="2")
    world.poll("page")
    world.sources["list"].fail = FailureReason.SERVER_ERROR
    world.poll("list")
    questions = " ".join(gathered(world).questions)
    assert "gpt-luna price.standard.short.input → 2 at page is pending" in questions
    assert "list cannot be read (server_error)" in questions


def test_there_is_no_report_of_an_entry_that_there_is_not(world: World) -> None:
    with pytest.raises(Refused, match="no entry 'lune'"):
        gathered(world, "lune")


# -- the two forms -------------------------------------------------------------


class Parsed(HTMLParser):
    """What a browser would make of it."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_is_one_well_formed_file_that_loads_nothing(world: World) -> None:
    hand_in_evals(world)
    found = Parsed(html(page(gathered(world))))
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not any(name.startswith("on") or name in ("src", "style") for _, attrs in found.tags for name in attrs)
    style = re.search(r"<style>(.*?)</style>", html(page(gathered(world))), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "default-src 'none'" in str(found.tags)
    assert "rollout report" in found.text


def test_both_forms_say_the_same(world: World) -> None:
    hand_in_evals(world)
    one = page(gathered(world))
    shown, plain = Parsed(html(one)).text, markdown(one)
    for part in one.sections:
        assert part.title in shown
        assert f"## {part.title}" in plain
        for block in part.blocks:
            for row in block.rows if isinstance(block, ReportTable) else ():
                for cell in row:
                    text = cell if isinstance(cell, str) else cell[0]
                    assert text in shown


def hostile() -> ReportPage:
    table = ReportTable(
        headers=("A", EVIL),
        rows=[(EVIL, CellState(EVIL)), (Link("javascript:alert(1)"), Link(f'https://x.example/"{EVIL}'))],
    )
    blocks: Any = (EVIL, Items(items=[EVIL]), table)
    return ReportPage(title=EVIL, lead=EVIL, sections=(ReportSection(title=EVIL, blocks=blocks),), footer=EVIL)


def test_nothing_that_a_provider_or_a_person_wrote_becomes_markup_in_html() -> None:
    text = html(hostile())
    found = Parsed(text)
    assert "script" not in {tag for tag, _ in found.tags}
    assert [attrs["href"] for tag, attrs in found.tags if tag == "a"] == [
        f'https://x.example/"{EVIL}'.replace("\x1b", "\\x1b")
    ]
    assert "\x1b" not in text
    assert found.open == []


def test_nothing_that_a_provider_or_a_person_wrote_becomes_markup_in_markdown() -> None:
    text = markdown(hostile())
    assert "<script" not in text
    assert "\x1b" not in text
    assert "](" not in text.replace("\\](", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_an_entry_has_a_report_in_every_status(world: World) -> None:
    for key, model_id in (("luna", "gpt-luna"), ("later", "")):
        with world_of(configuration(entries={key: entry_spec(key, model_id)})) as one:
            assert f"| Model id | {model_id or 'blank'} on openai |" in markdown(page(gathered(one, key)))
            furnish(one)
            assert ("What is the exact model id?" in " ".join(gathered(one, key).questions)) is (not model_id)
            one.operator.retire(key, by="ann", reason="over", via=VIA)
            assert "| Status | retired |" in markdown(page(gathered(one, key)))
    world.configure(configuration(entries={}, surfaces={}, sources={}, version="2"))
    assert "| Status | withdrawn |" in md(world)
    assert Parsed(html(page(gathered(world)))).open == []
