"""A deprecations page: both published forms, in Markdown and HTML. Which rows name a model, and what is a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_loopback import NOW, shared

from monitor.core.configuration import SourceSpec
from monitor.core.facts import Body, Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.deprecations.dates import DateReader
from monitor.sources.deprecations.names import models
from monitor.sources.deprecations.reading import read
from monitor.sources.extraction import Unreadable
from monitor.sources.http import HttpClient

RECENT = """# Deprecations

| Shutdown date | Affected model | Status | Recommended replacement | Notice date |
| --- | --- | --- | --- | --- |
| Dec 11, 2026 | `gpt-5-2025-08-07` \\| `gpt-5` | Deprecated | `gpt-6.1-sol` | Jun 11, 2026 |
| 2026‑10‑23 | gpt-4o-2024-05-13 | Shutdown | `gpt-5.5` or `gpt-4.1*` | 2026-04-22 |
| — | `gpt-5.6-sol` | Active | --- | — |
| 2026-09-24 | Videos API | Deprecated | --- | 2026-03-24 |
| 2026-05-12 | OpenAI-Beta: realtime=v1 | Shutdown | Realtime API | |
| about 2027-01-01 | `o3` | Deprecated | | |
"""

SECTIONS = """# Deprecations

## Past deprecations

### 2026-06-11: GPT-5 and o3

| Shutdown date | Model / system | Recommended replacement |
| --- | --- | --- |
| 2026-12-11 | `o3-2025-04-16` | `gpt-5.5` |

#### More of them

| Shutdown date | Deprecated model | Deprecated model price | Recommended replacement |
| --- | --- | --- | --- |
| 2026-12-12 | `ada` | $0.40 / 1M tokens | `babbage-002` |

| Date | Update |
| --- | --- |
| June 3, 2026 | Deprecation announced. |

### Fine-tuning

| Shutdown date | Model snapshot | Substitute model |
| --- | --- | --- |
| 2026-10-23 | `ft-gpt-4` | `gpt-5.5` |
"""


def spec() -> SourceSpec:
    return source_spec(
        key="ends", kind="deprecations_page", every=timedelta(hours=6), url="https://x.example/d.md", provider="openai"
    )


def poll(text: str) -> Snapshot | PollFailure:
    source = build(spec(), SourceDeps(http=HttpClient(), surface=None, secret=str))
    seen = source.extract(Body(content=text.encode(), sha256="0" * 64, size=len(text)), NOW)
    assert isinstance(seen, Snapshot | PollFailure)
    return seen


def html(markdown: str) -> str:
    """Return the same tables as a page of HTML."""
    out = []
    for line in markdown.splitlines():
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            out.append(f"<h{level}>{line[level:].strip()}</h{level}>")
        elif line.startswith("| ---"):
            continue
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]
            tag = "th" if "date" in cells[0].lower() else "td"
            row = "".join(f"<{tag}>{cell.replace('¦', '|')}</{tag}>" for cell in cells)
            while "`" in row:
                row = row.replace("`", "<code>", 1).replace("`", "</code>", 1)
            out.append(("<table>" if tag == "th" else "") + f"<tr>{row}</tr>")
        elif out and not line.strip():
            out.append("</table>" if out[-1].startswith(("<tr>", "<table>")) else "")
    return "<!doctype html><html><body>" + "".join(out) + "</table></body></html>"


@pytest.mark.parametrize("form", [str, html], ids=["markdown", "html"])
def test_the_recent_form_states_end_replacement_state_and_notice_of_each_model(form) -> None:
    found = read(form(RECENT)).models
    assert found["gpt-5"] == found["gpt-5-2025-08-07"]
    assert found["gpt-5"] == {
        "deprecation.listed": True,
        "deprecation.status": "deprecated",
        "shutdown_date": "2026-12-11",
        "replacement": "gpt-6.1-sol",
        "deprecation.replacement_kind": "drop_in",
        "deprecation.notice_date": "2026-06-11",
    }
    assert found["gpt-4o-2024-05-13"]["shutdown_date"] == "2026-10-23"
    assert found["gpt-4o-2024-05-13"]["replacement"] == "gpt-5.5 or gpt-4.1"
    assert found["gpt-5.6-sol"] == {"deprecation.listed": True, "deprecation.status": "active"}


@pytest.mark.parametrize("form", [str, html], ids=["markdown", "html"])
def test_the_older_form_is_dated_by_its_sections(form) -> None:
    found = read(form(SECTIONS)).models
    assert found["o3-2025-04-16"] == {
        "deprecation.listed": True,
        "shutdown_date": "2026-12-11",
        "replacement": "gpt-5.5",
        "deprecation.replacement_kind": "drop_in",
        "deprecation.notice_date": "2026-06-11",
    }
    assert found["ada"]["deprecation.notice_date"] == "2026-06-11", "a heading below divides the section, no more"
    assert "deprecation.notice_date" not in found["ft-gpt-4"]


def test_a_row_that_names_no_model_is_a_refusal_and_not_a_model() -> None:
    reading = read(RECENT)
    assert set(reading.models) == {"gpt-5-2025-08-07", "gpt-5", "gpt-4o-2024-05-13", "gpt-5.6-sol", "o3"}
    reasons = [refusal.reason for refusal in reading.refused]
    assert sum("names no model" in reason for reason in reasons) == 2
    assert any("'about 2027-01-01' is not a day" in reason for reason in reasons)


def test_what_is_no_day_is_unclear_and_not_absent() -> None:
    seen = poll(RECENT)
    assert isinstance(seen, Snapshot)
    assert Fact(Subject("openai", "o3"), "shutdown_date") in seen.unclear
    assert "shutdown_date" not in seen.facts[Subject("openai", "o3")]
    assert seen.announcing, "what the page does not name it does not speak of"


def test_a_model_with_two_ends_has_neither() -> None:
    twice = RECENT + "| 2027-03-26 | `gpt-5` | Deprecated | `gpt-6.1-sol` | Jun 11, 2026 |\n"
    seen = poll(twice)
    assert isinstance(seen, Snapshot)
    gpt5 = Subject("openai", "gpt-5")
    assert seen.unclear >= {Fact(gpt5, "shutdown_date")}
    assert "shutdown_date" not in seen.facts[gpt5]
    assert seen.facts[gpt5]["replacement"] == "gpt-6.1-sol"
    assert "2026-12-11, 2027-03-26" in " ".join(refusal.reason for refusal in seen.refused)


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("`gpt-4-0613` | `gpt-4`, `gpt-4-completions`", ("gpt-4-0613", "gpt-4", "gpt-4-completions")),
        ("`a-1` (including `b-2` and `c-3`, which point to this snapshot)", ("a-1", "b-2", "c-3")),
        ("gpt-4o-realtime-preview", ("gpt-4o-realtime-preview",)),
        ("gpt-4o-audio, gpt-4o-mini", ("gpt-4o-audio", "gpt-4o-mini")),
        ("`ada`", ("ada",)),
        ("ada", ()),
        ("Videos API", ()),
        ("OpenAI-Beta: realtime=v1", ()),
        ("`OpenAI-Beta: realtime=v1`", ()),
        ("#assistants-api", ()),
        ("`/v1/engines`", ()),
        ("`v1/prompts`", ()),
        ("New fine-tuning training on `babbage-002`", ()),
        ("`gpt-4` in the EU", ()),
        ("", ()),
    ],
)
def test_a_cell_names_a_model_only_where_it_says_so(cell: str, named: tuple[str, ...]) -> None:
    assert models(cell) == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-12-11", "2026-12-11"),
        ("Dec 11, 2026", "2026-12-11"),
        ("September 3rd, 2026", "2026-09-03"),
        ("2026-02-30", None),
        ("at earliest 2026-12-11", None),
        ("December 2026", None),
        ("Decem 11, 2026", None),
        ("11/12/2026", None),
    ],
)
def test_only_a_whole_day_is_a_day(text: str, said: str | None) -> None:
    day = DateReader("").day(text)
    assert said == (None if day is None else day.isoformat())


@pytest.mark.parametrize(
    "header",
    ["| When | Affected model |", "| Shutdown date | What |", "| Shutdown date | Model | Affected model |"],
)
def test_a_layout_that_is_not_known_is_unreadable_and_says_why(header: str) -> None:
    width = header.count("|") - 1
    page = f"# Deprecations\n\n{header}\n{'| --- ' * width}|\n{'| `gpt-5-pro` ' * width}|\n" + "x" * 64
    seen = poll(page)
    assert isinstance(seen, PollFailure)
    assert (seen.reason, "no table, list or sentence names a model" in seen.detail) == (FailureReason.UNREADABLE, True)


def test_a_challenge_is_no_page() -> None:
    seen = poll("<html><head><title>Just a moment...</title></head><body>" + "wait " * 50 + "</body></html>")
    assert isinstance(seen, PollFailure)
    assert "challenge" in seen.detail


def test_a_column_that_is_not_known_is_passed_over_and_noted() -> None:
    page = SECTIONS.replace("Model snapshot | Substitute model", "Model snapshot | Remark")
    reading = read(page)
    assert reading.models["ft-gpt-4"]["shutdown_date"] == "2026-10-23"
    assert any("'remark' is not read" in note for note in reading.notes)


def test_a_row_that_is_cut_off_takes_nothing_back() -> None:
    page = RECENT + "| 2026-12-24 | `gpt-7-mini` | Depr"
    reading = read(page)
    assert ("gpt-7-mini", "shutdown_date") in reading.unclear
    assert "gpt-7-mini" not in reading.models


CELLS = st.sampled_from(["2026-12-11", "`gpt-a`", "gpt-a", "Videos API", "at earliest 2027-01-01", "—", "`a` | `b`",
    "", "**", "\\|", "<td>", "\x07`x`"])  # fmt: skip


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6), st.text(max_size=60))
def test_any_page_is_read_or_refused(rows: list[list[str]], cut: str) -> None:
    page = "\n".join(
        ["| Shutdown date | Model | Status |", "| --- | --- | --- |", *(f"| {' | '.join(r)} |" for r in rows)]
    )
    try:
        reading = read(page + "\n" + cut)
    except Unreadable:
        return
    assert all(" " not in model and model.isprintable() for model in reading.models)
    days = [fields["shutdown_date"] for fields in reading.models.values() if "shutdown_date" in fields]
    assert set(days) <= {"2026-12-11", "2027-01-01 earliest"}, "what is stated as the earliest day is never a firm one"


def test_a_page_without_any_table_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no table, list or sentence names a model"):
        read("# Deprecations\n\nNothing is deprecated.\n")


def real(name: str) -> str:
    path = shared() / "pages" / "openai-deprecations" / name
    if not path.exists():
        pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
    return path.read_text()


def test_the_stored_page_of_july_2026_is_read_row_by_row() -> None:
    reading = read(real("2026-07-06_piercecohen_deprecations.md"))
    stated = {model: fields.get("shutdown_date") for model, fields in reading.models.items()}
    assert len(stated) == 129
    expected = {
        "gpt-5-2025-08-07": "2026-12-11",
        "o3-2025-04-16": "2026-12-11",
        "gpt-4": "2026-10-23",
        "gpt-4-completions": "2026-10-23",
        "gpt-4-turbo-preview": "2026-03-26",
        "gpt-4o-realtime-preview": "2026-05-07",
        "sora-2": "2026-09-24",
        "dall-e-3": "2026-05-12",
        "chatgpt-4o-latest": "2026-02-17",
        "gpt-4-1106-preview": "2026-10-23",  # of its two sections the one of April 2026 was announced later
    }
    assert {model: stated[model] for model in expected} == expected
    assert not {"Videos API", "Assistants API", "v1/prompts"} & stated.keys(), "they are no models"
    assert reading.others["v1/prompts"]["shutdown_date"] == "2026-11-30"
    assert reading.others["Videos API"]["shutdown_date"] == "2026-09-24"


def test_the_stored_page_of_november_2025_is_read_from_its_html() -> None:
    reading = read(real("2025-11-13_leblancfg_openai_deprecations.html"))
    stated = {model: fields.get("shutdown_date") for model, fields in reading.models.items()}
    assert len(stated) == 60
    assert stated["gpt-4-0125-preview"] == stated["gpt-4-turbo-preview-completions"] == "2026-03-26"
    assert stated["gpt-4o-realtime-preview"] == "2026-02-27"
    assert stated["babbage-002"] == "2026-09-28", "that its fine-tuning ended is about something else"


def test_a_refusal_names_its_line_also_below_a_list() -> None:
    page = "# Deprecations\n\nThese end:\n- `gpt-a`\n- `gpt-b`\n\n| Shutdown date | Model |\n| --- | --- |\n"
    (refusal,) = read(f"{page}| 2026-12-11 | `gpt-a` |\n| whenever | `gpt-b` |\n").refused
    assert refusal.where == "Deprecations, table at line 7, row 10"
