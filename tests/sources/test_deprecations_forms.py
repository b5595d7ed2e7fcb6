"""Pages of ends in the form of each provider: small copies of the form, and what each states of which model."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sizes import sizes

from monitor.sources.deprecations import read
from monitor.sources.extraction import Unreadable

OPENAI_AUGUST = """# Deprecations

## Upcoming deprecations

### 2026-07-20: Audio and realtime

On July 20, 2026, we notified developers using `gpt-audio` of its removal from the API on January 20, 2027.

| Shutdown date | Model family / snapshot | Recommended replacement |
| --- | --- | --- |
| Jan 20, 2027 | `gpt-audio` | `gpt-audio-1.5` |
| Jan 20, 2027 | `gpt-a-2025` | `gpt-live` or `gpt-b-2026` |
| Jan 20, 2027 | `gpt-c-2025` | The most capable model you can reach |
| Jan 14, 2027 | GPT-4o (`gpt-4o-2024-08-06`, `gpt-4o-2024-11-20`) | `gpt-6-luna` |

### 2026-06-03: Reusable prompts

| Date | Update |
| --- | --- |
| June 3, 2026 | Deprecation announced and creation de-emphasized. |
| Nov 30, 2026 | The `v1/prompts` API is scheduled to shut down. |

## Feature and endpoint deprecations

| Shutdown date | Endpoint / feature | Recommended replacement | Notice date |
| --- | --- | --- | --- |
| Sep 24, 2026 | Videos API | --- | Mar 24, 2026 |
| Aug 26, 2026 | `/v1/assistants` | Responses API | Aug 26, 2025 |
| Nov 30, 2026 | Evals (`/v1/evals`) | Promptfoo | Jun 3, 2026 |
"""

ANTHROPIC = """# Model deprecations

## Model status

| API model name | Current state | Deprecated | Tentative retirement date |
| --- | --- | --- | --- |
| claude-opus-4-8 | Active | N/A | Not sooner than May 28, 2027 |
| claude-opus-4-1-20250805 | Deprecated | June 5, 2026 | August 5, 2026 |
| claude-3-haiku | Retired | February 19, 2026 | April 20, 2026 |
| claude-later | Active | N/A | June 1, 2027 |

## Deprecation history

### 2026-06-05: Claude Opus 4.1 model

| Retirement date | Deprecated model | Recommended replacement |
| --- | --- | --- |
| August 5, 2026 | `claude-opus-4-1-20250805` | `claude-opus-4-8` |
"""

GOOGLE = """
This page lists deprecation schedules. The announced earliest
shutdown dates are tracked on this page.

> [!NOTE]
> **Note:** The **shutdown dates listed in the table indicate the *earliest possible
> dates* on which a model might be retired**. We will communicate the exact date.

## Gemini 2.5 models

| **Model** | **Release date** | **Shutdown date** | **Recommended replacement** |
|---|---|---|---|
| `gemini-3.5-flash` | May 19, 2026 | No shutdown date announced |   |
| `gemini-2.5-pro` | June 17, 2025 | October 16, 2026 | `gemini-3.1-pro-preview` |
| Preview models ||||
| `gemini-2.5-flash-image-preview` | August 26, 2025 | Earliest January 15, 2026 | `gemini-2.5-flash-image` |
| `gemini-2.0-flash` | February 5, 2025 | Earliest February 2026 | `gemini-2.5-flash` |
"""

COHERE = """# Deprecations

### 2026-04-04: Embed v2.0, Aya Expanse 8B

Effective April 4th, 2026, the following models will be retired:

* `embed-english-v2.0`
* `c4ai-aya-vision-8b` (and the alias `c4ai-aya`)

We encourage you to migrate to our latest models:

* Embedding tasks alternatives:
  * `embed-v4.0`
* Chat tasks alternatives:
  * `command-a-03-2025`

### 2025-09-15: Command models

Effective September 15, 2025, the following deprecations will roll out.

Deprecated Models:

* `command-r-03-2024` (and the alias `command-r`)

### 2024-12-02: Rerank v2.0

| Shutdown Date | Deprecated Model | Deprecated Model Price | Recommended Replacement |
| ------------- | ---------------- | ---------------------- | ----------------------- |
| 2025-04-30    | `rerank-english-v2.0` | \\$1.00 / 1K searches | `rerank-v3.5` |
"""

GROQ = """
<html><body><h1>Model Deprecation</h1><h2>Deprecation History</h2>
<table><thead><tr><th>Deprecated Model</th><th>Shutdown Date</th><th>Recommended Replacement Model ID</th></tr></thead>
<tbody><tr><td><code>llama-3.1-8b-instant</code></td><td>08/16/26</td><td><code>openai/gpt-oss-20b</code></td></tr>
<tr><td><code>gemma2-9b-it</code></td><td>10/08/25</td><td><code>llama-3.1-8b-instant</code></td></tr></tbody></table>
</body></html>
"""

MISTRAL = """# Models

## Legacy models

| Model | Weight availability | Available via API | API Endpoints | Version | Deprecation on date | Retirement date | Alternative model |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Codestral 2501 | ✔️ | ✔️ | `codestral-2501` | 25.01 | 11/6/2025 | 11/30/2025 | Codestral 25.08 |
| Pixtral 12B | ✔️ | ✔️ | `pixtral-12b-2409` | 24.09 | 12/2/2025 | 12/31/2025 | `ministral-14b-2512` |
"""  # noqa: E501 - as wide as the page has it

ALIBABA = """<!doctype html><html><body><h1>Model decommissioning policy</h1><h2>Retired models</h2>
<table><thead><tr><th>Category</th><th>Model name</th><th>Retirement date</th><th>Alternative model</th></tr></thead>
<tbody><tr><td rowspan="2">Qwen Audio</td><td>qwen-audio-asr</td><td rowspan="2">March 30, 2026 00:00:00</td>
<td rowspan="2">qwen3-asr-flash</td></tr><tr><td>qwen-audio-asr-latest</td></tr>
<tr><td>Rerank</td><td>gte-rerank</td><td>2026-05-30 00:00:00 (UTC+08)</td><td>qwen3-rerank</td></tr></tbody></table>
</body></html>"""

MOONSHOT = """# Model List

> `kimi-latest` was discontinued on January 28, 2026. Please use `kimi-k2.5` instead.

The models `kimi-k2-0711-preview` and `kimi-k2-turbo-preview` will be discontinued on May 25, 2026.

`kimi-thinking-preview` was released on May 6, 2025.
"""

XAI = """#### Migration Guides

# Grok Model Retirement on May 15, 2026

We are retiring several earlier models. **Effective May 15, 2026 at 12:00pm PT**, the following models will be retired from the xAI API:

* `grok-4-fast-reasoning`
* `grok-3`

After **May 15, 2026 at 12:00pm PT**, requests to the models listed above will no longer work.

## Recommended Replacements

| Model being retired | Recommended replacement |
|---|---|
| `grok-4-fast-reasoning` | `grok-4.3` |
| `grok-3` | `grok-4.3` with `"none"` reasoning effort |
"""  # noqa: E501 - as wide as the page has it

AZURE = """# Model retirement schedule

## Text models

### Azure OpenAI

| Model | Version | Lifecycle | Retirement date | Replacement |
| --- | --- | --- | --- | --- |
| gpt-4o | 2024-05-13 | Deprecated | 2026-10-01 | gpt-5.1 |
| gpt-4o | 2024-11-20 | GA | No earlier than 2027-02-27 | - |
| gpt-35-turbo | 0125 | Retired | 2026-03-31 | gpt-4.1-mini |

### Fine-tuned models

| Model | Version | Training retirement date | Deployment retirement date |
| --- | --- | --- | --- |
| `gpt-4o-mini` | 2024-07-18 | 2026-09-30 | 2027-03-31 |
"""

BEDROCK = """<!doctype html><html><body><h1>Model lifecycle</h1><h2>Legacy and end-of-life models</h2><table><thead>
<tr><th>Provider</th><th>Model name</th><th>Model ID</th><th>Regions</th><th>Legacy date</th>
<th>Public extended access date</th><th>EOL date</th></tr></thead><tbody>
<tr><td>Anthropic</td><td>Claude 3 Haiku</td><td>anthropic.claude-3-haiku-20240307-v1:0</td><td>us-east-1</td>
<td>March 10, 2026</td><td>June 10, 2026</td><td>September 10, 2026</td></tr>
<tr><td>Amazon</td><td>Titan</td><td>amazon.titan-v1:0</td><td>us-east-1</td><td>1/5/2026</td><td>N/A</td><td>7/5/2026</td></tr>
<tr><td>Amazon</td><td>Titan 2</td><td>amazon.titan-v2:0</td><td>us-east-1</td><td>March 10, 2026</td><td>N/A</td>
<td>No sooner than 2027-03-01</td></tr></tbody></table></body></html>"""

BEDROCK_CARD = """# Claude Haiku 4.5

- **Model launch date:** October 15, 2025
- **EOL no sooner than:** Oct 16, 2026
- **Legacy period:** at least 6 months
- **Model EOL date:** {eol}

## Programmatic access

| Endpoint | Model ID | In-Region |
| --- | --- | --- |
| `bedrock-runtime` | `anthropic.claude-haiku-4-5-20251001-v1:0` | Yes |
| `bedrock-mantle` | `anthropic.claude-haiku-4-5` | Yes |
"""

VERTEX = """# Model versions and lifecycle

## Latest stable models

| Model ID | Release date | Retirement date (discontinuation date) | Recommended upgrade |
| --- | --- | --- | --- |
| `gemini-3-pro` | November 18, 2025 | November 18, 2026 or later | |
| `gemini-2.5-pro` | June 17, 2025 | No sooner than October 16, 2026 | `gemini-3-pro` |
| `text-embedding-005` | November 18, 2024 | No retirement date announced | |
| `gemini-1.5-pro-002`* | September 24, 2024 | September 24, 2025 | `gemini-2.0-flash` |
"""

DEEPSEEK = """# Your First API Call

The model names `deepseek-chat` and `deepseek-reasoner` will be fully retired and inaccessible after Jul 24th, 2026, 15:59 (UTC Time).

`deepseek-v3.1-terminus` will be deprecated on 2026/10/15 15:59 UTC.
"""  # noqa: E501 - as wide as the page has it

ENDS: dict[str, tuple[str, dict[str, str | None]]] = {
    "openai 2026-08": (
        OPENAI_AUGUST,
        {
            "gpt-audio": "2027-01-20",
            "gpt-a-2025": "2027-01-20",
            "gpt-c-2025": "2027-01-20",
            "gpt-4o-2024-08-06": "2027-01-14",
            "gpt-4o-2024-11-20": "2027-01-14",
        },
    ),
    "anthropic": (
        ANTHROPIC,
        {
            "claude-opus-4-8": "2027-05-28 earliest",
            "claude-opus-4-1-20250805": "2026-08-05",
            "claude-3-haiku": "2026-04-20",
            "claude-later": "2027-06-01 earliest",
        },
    ),
    "google": (
        GOOGLE,
        {
            "gemini-3.5-flash": None,
            "gemini-2.5-pro": "2026-10-16 earliest",
            "gemini-2.5-flash-image-preview": "2026-01-15 earliest",
            "gemini-2.0-flash": None,
        },
    ),
    "cohere": (
        COHERE,
        {
            "embed-english-v2.0": "2026-04-04",
            "c4ai-aya-vision-8b": "2026-04-04",
            "c4ai-aya": "2026-04-04",
            "rerank-english-v2.0": "2025-04-30",
        },
    ),
    "groq": (GROQ, {"llama-3.1-8b-instant": "2026-08-16", "gemma2-9b-it": "2025-10-08"}),
    "mistral": (MISTRAL, {"codestral-2501": "2025-11-30", "pixtral-12b-2409": "2025-12-31"}),
    "alibaba": (
        ALIBABA,
        {"qwen-audio-asr": "2026-03-30", "qwen-audio-asr-latest": "2026-03-30", "gte-rerank": "2026-05-30"},
    ),
    "moonshot": (
        MOONSHOT,
        {
            "kimi-latest": "2026-01-28",
            "kimi-k2-0711-preview": "2026-05-25",
            "kimi-k2-turbo-preview": "2026-05-25",
        },
    ),
    "xai": (XAI, {"grok-4-fast-reasoning": "2026-05-15", "grok-3": "2026-05-15"}),
    "azure": (AZURE, {"gpt-4o-2024-05-13": "2026-10-01", "gpt-4o-2024-11-20": "2027-02-27 earliest"}),
    "bedrock": (
        BEDROCK,
        {
            "anthropic.claude-3-haiku-20240307-v1:0": "2026-09-10",
            "amazon.titan-v1:0": None,
            "amazon.titan-v2:0": "2027-03-01 earliest",
        },
    ),
    "bedrock card": (
        BEDROCK_CARD.format(eol="N/A"),
        {
            "anthropic.claude-haiku-4-5-20251001-v1:0": "2026-10-16 earliest",
            "anthropic.claude-haiku-4-5": "2026-10-16 earliest",
        },
    ),
    "bedrock card with its end": (
        BEDROCK_CARD.format(eol="Legacy: April 30, 2027"),
        {"anthropic.claude-haiku-4-5-20251001-v1:0": "2027-04-30", "anthropic.claude-haiku-4-5": "2027-04-30"},
    ),
    "vertex": (
        VERTEX,
        {
            "gemini-3-pro": "2026-11-18 after",
            "gemini-2.5-pro": "2026-10-16 earliest",
            "text-embedding-005": None,
            "gemini-1.5-pro-002": "2025-09-24",
        },
    ),
    "deepseek": (
        DEEPSEEK,
        {
            "deepseek-chat": "2026-07-24",
            "deepseek-reasoner": "2026-07-24",
            "deepseek-v3.1-terminus": "2026-10-15",
        },
    ),
}
"""Form → the page, and each model that it names with its end; None where it states none that is understood."""


@pytest.mark.parametrize("form", ENDS)
def test_a_page_states_the_ends_of_its_models_and_of_no_other(form: str) -> None:
    page, expected = ENDS[form]
    reading = read(page)
    assert {name: fields.get("shutdown_date") for name, fields in reading.models.items()} == expected


REFUSED = {
    "google": ("gemini-2.0-flash", "'Earliest February 2026' is not a day"),
    "azure": ("gpt-4o-mini", "'training retirement date' is not known"),
    "bedrock": ("amazon.titan-v1:0", "is not a day"),
    "cohere": ("", "the list below: it says only that it is deprecated"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_not_understood_is_refused_with_its_place_and_the_rest_is_read(form: str) -> None:
    model, reason = REFUSED[form]
    refused = [refusal for refusal in read(ENDS[form][0]).refused if reason in refusal.reason]
    assert refused
    assert all(refusal.where for refusal in refused)
    assert not model or model in {name for refusal in refused for name in refusal.about}


def test_a_model_whose_version_is_no_part_of_an_id_is_refused() -> None:
    assert "gpt-35-turbo" not in str(read(AZURE).models)
    assert any("'gpt-35-turbo' names no model" in refusal.reason for refusal in read(AZURE).refused)


def test_endpoints_and_features_end_as_well() -> None:
    others = read(OPENAI_AUGUST).others
    kinds = {name: (fields["deprecation.kind"], fields["shutdown_date"]) for name, fields in others.items()}
    assert kinds == {
        "v1/prompts": ("endpoint", "2026-11-30"),
        "Videos API": ("feature", "2026-09-24"),
        "v1/assistants": ("endpoint", "2026-08-26"),
        "v1/evals": ("endpoint", "2026-11-30"),
    }


def test_a_replacement_is_a_drop_in_a_choice_or_a_note() -> None:
    models = read(OPENAI_AUGUST).models
    stated = {name: (fields["replacement"], fields["deprecation.replacement_kind"]) for name, fields in models.items()}
    assert stated["gpt-audio"] == ("gpt-audio-1.5", "drop_in")
    assert stated["gpt-a-2025"] == ("gpt-live or gpt-b-2026", "options")
    assert stated["gpt-c-2025"] == ("The most capable model you can reach", "note")
    assert read(XAI).models["grok-3"]["deprecation.replacement_kind"] == "note"
    assert read(XAI).models["grok-4-fast-reasoning"]["replacement"] == "grok-4.3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`m-1` will be deprecated on 2026/10/15 15:59 UTC.", "2026-10-15"),
        ("The model names `m-1` and `m-2` will be deprecated on 2026/10/15.", "2026-10-15"),
        ("`m-1` is scheduled to be deprecated on October 15, 2026; we recommend `m-3`.", "2026-10-15"),
        ("We will deprecate `m-1` on October 15, 2026.", "2026-10-15"),
        ("`m-1` will be deprecated on October 15, 2026 or later.", "2026-10-15 after"),
        ("`m-1` will be deprecated no sooner than October 15, 2026.", "2026-10-15 earliest"),
        # it is no end where something says that there is another
        ("`m-1` was deprecated on October 15, 2025.", None),
        ("`m-1` is deprecated as of October 15, 2026.", None),
        ("`m-1` will be deprecated on October 15, 2026. It will be shut down on April 15, 2027.", None),
        ("`m-1` will be deprecated on October 15, 2026.\n\nAll of these are retired on April 15, 2027.", None),
        ("`m-1` will be deprecated on October 15, 2026.\n\nDeprecated models remain available for a year.", None),
        (
            "Once deprecated, a model still works until it is retired.\n\n`m-1` will be deprecated on 2026-10-15.",
            None,
        ),
        ("`m-1` will be deprecated on October 15, 2026 for new customers.", None),
        ("`m-1` will not be deprecated on October 15, 2026.", None),
        (
            "`m-1` will be deprecated on 2026-10-15.\n\n| Model | Shutdown |\n|---|---|\n| `m-9` | 2026-12-01 |",
            None,
        ),
        # what ends on another day ends then
        ("`m-1` will be deprecated on 2026-10-15.\n\n`m-1` will be shut down on 2027-04-15.", "2027-04-15"),
        ("`m-1` will be shut down on 2027-04-15.\n\n`m-1` will be deprecated on 2026-10-15.", "2027-04-15"),
    ],
)
def test_to_be_deprecated_is_an_end_only_where_a_page_knows_no_other(text: str, expected: str | None) -> None:
    """A page that tells the two apart says when a model ends in other words."""
    assert end(f"# Deprecations\n\n{text}\n\n`m-5` will be shut down on 2026-12-24.") == expected


TABLE = "# Deprecations\n\n{above}\n\n## Models\n\n| Shutdown date | Model | {more} |\n|---|---|---|\n{rows}\n"


def page(*rows: str, above: str = "", more: str = "Notes") -> str:
    return TABLE.format(above=above, more=more, rows="\n".join(f"| {row} |" for row in rows))


def end(text: str, model: str = "m-1") -> Any:
    try:
        return read(text).models.get(model, {}).get("shutdown_date")
    except Unreadable:
        return None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-12-11", "2026-12-11"),
        ("2026/12/11", "2026-12-11"),
        ("11 December 2026", "2026-12-11"),
        ("14th November, 2026", "2026-11-14"),
        ("Dec. 11, 2026, 09:00 UTC", "2026-12-11"),
        ("2026年12月11日", "2026-12-11"),
        ("2026年12月11日00:00:00", "2026-12-11"),
        ("2026-12-11T09:00:00Z", "2026-12-11"),
        ("Friday, December 11th, 2026", "2026-12-11"),
        ("Not sooner than 2026-12-11", "2026-12-11 earliest"),
        ("no earlier than Dec 11, 2026", "2026-12-11 earliest"),
        ("Not before December 11, 2026", "2026-12-11 earliest"),
        ("at earliest 2026-12-11", "2026-12-11 earliest"),
        ("2026-12-11 at the earliest", "2026-12-11 earliest"),
        ("Dec 11, 2026 or later", "2026-12-11 after"),
        ("on or after Dec 11, 2026", "2026-12-11 after"),
        ("Dec 11, 2026 onwards", "2026-12-11 after"),
        ("**Dec 11, 2026**", "2026-12-11"),
        ("before Dec 11, 2026", None),
        ("around Dec 11, 2026", None),
        ("by Dec 11, 2026", None),
        ("Dec 11, 2026 (EU only)", None),
        ("Dec 11, 2026 for new customers", None),
        ("Dec 11 or Dec 12, 2026", None),
        ("~~Dec 11, 2026~~ Jan 11, 2027", None),
        ("December 2026", None),
        ("Q4 2026", None),
        ("2026", None),
        ("11/12/2026", None),
        ("2026-13-11", None),
        ("Dec 11", None),
        ("yes", None),
    ],
)
def test_a_cell_is_a_day_a_bound_or_a_refusal(cell: str, expected: str | None) -> None:
    assert end(page(f"{cell} | `m-1` | ", "2027-01-01 | `m-2` | ")) == expected


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("08/09/26", "08/16/26"), "2026-08-09"),
        (("08/09/26", "16/08/26"), "2026-09-08"),
        (("08/09/26", "01/02/27"), None),
        (("08/16/26", "16/08/26"), "2026-08-16"),
        (("08/09/26", "08/16/26 | `m-3` | |\n| 16/08/26"), None),
        (("08/09/2026", "12/31/2026"), "2026-08-09"),
    ],
)
def test_the_dates_of_a_page_show_in_which_order_it_writes_them(dates: tuple[str, str], expected: str | None) -> None:
    stated = end(page(f"{dates[0]} | `m-1` | ", f"{dates[1]} | `m-2` | "))
    assert stated == expected or (dates[0] == "08/16/26" and stated is None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Shutdown date", "2026-12-11"),
        ("Shut down date", "2026-12-11"),
        ("Retirement date", "2026-12-11"),
        ("EOL date", "2026-12-11"),
        ("End of Life (EOL) date", "2026-12-11"),
        ("Discontinuation date", "2026-12-11"),
        ("Earliest shutdown date", "2026-12-11 earliest"),
        ("Shutdown date (earliest)", "2026-12-11 earliest"),
        ("Tentative retirement date", "2026-12-11 earliest"),
        ("Not sooner than …", "2026-12-11 earliest"),
        ("EOL no sooner than", "2026-12-11 earliest"),
        ("Deprecation date", None),
        ("Expected shutdown date", None),
        ("Fine-tuning shutdown date", None),
        ("Shutdown date for new customers", None),
        ("Release date", None),
    ],
)
def test_the_header_says_how_sure_the_days_below_it_are(header: str, expected: str | None) -> None:
    assert end(page("2026-12-11 | `m-1` | ").replace("Shutdown date", header)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("The shutdown dates below are the earliest possible dates.", "2026-12-11 earliest"),
        ("> **Retirement dates are not sooner than the days below.**", "2026-12-11 earliest"),
        ("Shutdown dates may be extended.", "2026-12-11 earliest"),
        ("Models are shut down on the shutdown date or later.", "2026-12-11 after"),
        ("We tell you before a model ends.", "2026-12-11"),
    ],
)
def test_what_a_page_says_of_all_its_days_holds_for_each(words: str, expected: str) -> None:
    assert end(page("2026-12-11 | `m-1` | ", above=words)) == expected


def test_what_a_section_says_of_its_days_holds_there_alone() -> None:
    text = page("2026-12-11 | `m-1` | ")
    other = text.replace("m-1", "m-2").replace(
        "## Models", "## Others\n\nThese shutdown dates are the earliest possible."
    )
    models = read(text + other.partition("\n\n\n\n")[2]).models
    assert (models["m-1"]["shutdown_date"], models["m-2"]["shutdown_date"]) == ("2026-12-11", "2026-12-11 earliest")


def section(announced: str, day: str) -> str:
    return f"### {announced}: Some models\n\n| Shutdown date | Model |\n|---|---|\n| {day} | `m-1` |\n\n"


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_section_that_was_announced_last_holds(newest_first: bool) -> None:
    parts = [section("2026-06-01", "2027-01-01"), section("2025-06-01", "2026-07-01")]
    assert end("# Ends\n\n" + "".join(parts if newest_first else reversed(parts))) == "2027-01-01"


def test_of_two_days_announced_together_neither_holds() -> None:
    text = "# Ends\n\n" + section("2026-06-01", "2027-01-01") + section("2026-06-01", "2027-07-01")
    assert end(text) is None
    assert any(
        "stated more than once" in refusal.reason
        for refusal in read(text + section("2026-01-01", "2027-07-01").replace("m-1", "m-2")).refused
    )


def test_a_firm_day_says_in_full_what_an_earliest_one_left_open() -> None:
    rows = ("Not sooner than 2026-05-01 | `m-1` | ", "2026-07-01 | `m-1` | ")
    assert end(page(*rows)) == "2026-07-01"
    assert end(page(rows[0], "2026-04-01 | `m-1` | ", "2027-01-01 | `m-2` | ")) is None


def test_an_end_before_its_notice_is_none() -> None:
    assert end(page("2026-01-01 | `m-1` | 2026-06-01", more="Notice date")) is None
    assert end(page("2026-06-01 | `m-1` | 2026-01-01", more="Notice date")) == "2026-06-01"


def test_a_header_within_a_table_binds_what_follows_anew() -> None:
    rows = ("2026-12-11 | `m-1` | 2026-06-01", "Notice date | Model | Shutdown date", "2026-06-01 | `m-2` | 2026-12-12")
    text = page(*rows, more="Notice date")
    assert (end(text), end(text, "m-2")) == ("2026-12-11", "2026-12-12")


@pytest.mark.parametrize("title", ["Fine-tuning", "Provisioned throughput", "For new customers", "EU region"])
def test_a_section_about_less_than_the_model_ends_none(title: str) -> None:
    text = page("2026-12-11 | `m-1` | ").replace("## Models", f"## {title}")
    assert end(text + section("2026-01-01", "2027-07-01").replace("m-1", "m-2")) is None


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("`m-1` will be retired on June 1, 2027.", "2027-06-01"),
        ("We will shut down `m-1` and `m-2` on June 1, 2027.", "2027-06-01"),
        ("On June 1, 2027, `m-1` will be removed.", "2027-06-01"),
        ("`m-1` will be discontinued on June 1, 2027; use `m-9`.", "2027-06-01"),
        ("`m-1` will not be retired before June 1, 2027.", "2027-06-01 earliest"),
        ("`m-1` will be retired no sooner than June 1, 2027.", "2027-06-01 earliest"),
        ("`m-1` will be retired on June 1, 2027 or later.", "2027-06-01 after"),
        ("`m-1` will be deprecated on June 1, 2027.", None),
        ("`m-1` may be retired on June 1, 2027.", None),
        ("`m-1` will be retired on June 1, 2027 unless demand is high.", None),
        ("`m-1` will not be retired on June 1, 2027.", None),
        ("Fine-tuning of `m-1` will be discontinued on June 1, 2027.", None),
        ("On June 1, 2027, we notified users that `m-1` will be retired.", None),
        ("`m-1` will be retired on June 1, 2027 in Europe and July 1, 2027 elsewhere.", None),
        ("`m-1` was released on June 1, 2027.", None),
        ("The `m-1` series will be retired on June 1, 2027.", None),
        ("`m-9` and the `m-1` series will be retired on June 1, 2027.", None),
        ("`m-9` replaces `m-1`, which was retired.", None),
        ("`m-1` will be retired on 1/6/2027.", None),
    ],
)
def test_a_sentence_that_says_one_thing_states_an_end(sentence: str, expected: str | None) -> None:
    assert end(f"# Ends\n\n{sentence}\n\n" + section("2026-01-01", "2027-07-01").replace("m-1", "m-8")) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "The shutdown of m-1 has been postponed to March 3, 2028.",
        "The retirement of `m-1` is on hold.",
        "We have cancelled this deprecation.",
        "This deprecation has been withdrawn.",
        "These dates no longer apply.",
        "The dates below were extended.",
        "We delayed these shutdowns: the dates are being reworked.",
        "`m-1` will not be retired.",
        "The following dates apply to Azure deployments only.",
        "These dates are valid only on Bedrock.",
        "For example, an announcement looks as follows:",
        "A hypothetical table:",
    ],
)
def test_a_sentence_that_takes_a_day_back_leaves_it_unknown(sentence: str) -> None:
    heading, table = section("2026-01-01", "2027-07-01").split("\n\n", 1)
    page = read(f"# Ends\n\n{heading}\n\n{sentence}\n\n{table}")
    assert "shutdown_date" not in page.models["m-1"]
    assert ("m-1", "shutdown_date") in page.unclear
    assert any("m-1" in refusal.about for refusal in page.refused)


def test_a_later_section_takes_back_the_day_of_an_earlier_one_and_of_no_other_model() -> None:
    earlier = section("2026-01-01", "2027-07-01")
    withdrawn = "### 2026-05-01: It stays\n\nThe shutdown of `m-1` that is announced below is withdrawn.\n\n"
    page = read(f"# Ends\n\n{withdrawn}{earlier}\n{earlier.replace('m-1', 'm-8')}")
    assert ("m-1", "shutdown_date") in page.unclear
    assert page.models["m-8"]["shutdown_date"] == "2027-07-01"


@pytest.mark.parametrize(
    "sentence",
    [
        "Dates may be postponed if we think so; we would tell you.",
        "`m-7` was brought back last year.",
        "We extended our catalog of models.",
        "For example, `m-9` is a good choice.",
        "Dates apply to our own platform; partners set their own schedules.",
    ],
)
def test_a_sentence_about_something_else_takes_no_day_back(sentence: str) -> None:
    heading, table = section("2026-01-01", "2027-07-01").split("\n\n", 1)
    assert str(end(f"# Ends\n\n{heading}\n\n{sentence}\n\n{table}")).startswith("2027-07-01")


@pytest.mark.parametrize(
    "words", ["Tentative dates:", "\\* Not before this date.", "The dates are estimates.", "† Dates may move later."]
)
def test_days_that_their_section_calls_estimates_or_the_earliest_are_not_firm(words: str) -> None:
    heading, table = section("2026-01-01", "2027-07-01").split("\n\n", 1)
    assert end(f"# Ends\n\n{heading}\n\n{table}\n{words}\n") == "2027-07-01 earliest"


def test_a_list_ends_where_other_text_begins() -> None:
    opening = "# Ends\n\nOn June 1, 2027 the following models will be retired:\n\n"
    text = f"{opening}- `m-1`\n- `m-2`, `m-3`\n\nUse instead:\n\n- `m-4`\n"
    for form in (text, html_of(text)):
        assert {name: fields["shutdown_date"] for name, fields in read(form).models.items()} == dict.fromkeys(
            ("m-1", "m-2", "m-3"), "2027-06-01"
        )


LABELS = ["Notes", "Release date", "Launch date", "Description", "Fine-tuning shutdown date", "Price", "Region", ""]


def damaged(text: str, chance: random.Random) -> str:
    """Return a page with one thing wrong about it: a cell less, a label or a cell changed, a row cut, lines swapped."""
    lines = text.split("\n")
    tables = [index for index, line in enumerate(lines) if line.startswith("|") and "---" not in line]
    index = chance.choice(tables)
    cells = lines[index].strip().strip("|").split("|")
    # Without its label a column of versions is one that nothing is known of.
    where = chance.choice([where for where, cell in enumerate(cells) if cell.strip() != "Version"])
    match chance.randrange(5):
        case 0:
            del cells[where]
        case 1:
            cells[where] = f" {chance.choice(LABELS)} "
        case 2:
            cells.insert(where, f" {chance.choice(LABELS)} ")
        case 3:
            cells = cells[:where]
        case _:
            other = chance.choice(tables)
            lines[index], lines[other] = lines[other], lines[index]
            return "\n".join(lines)
    lines[index] = f"|{'|'.join(cells)}|"
    return "\n".join(lines)


MARKDOWN = [form for form, (text, _) in ENDS.items() if "\n|" in text]


@pytest.mark.parametrize("form", MARKDOWN)
@pytest.mark.parametrize("times", sizes(60, 2000))
def test_a_page_that_is_damaged_states_less_and_nothing_else(form: str, times: int) -> None:
    text, expected = ENDS[form]
    chance = random.Random(form)
    for _ in range(times):
        page = damaged(text, chance)
        try:
            models = read(page).models
        except Unreadable:
            continue
        for model, fields in models.items():
            day = fields.get("shutdown_date")
            assert day in (None, expected.get(model), f"{expected.get(model)} earliest"), (model, day, page)


def html_of(text: str) -> str:
    parts = []
    for line in filter(None, text.split("\n")):
        while "`" in line:
            line = line.replace("`", "<code>", 1).replace("`", "</code>", 1)
        tag = "h1" if line.startswith("# ") else "li" if line.startswith("- ") else "p"
        parts.append(f"<{tag}>{line.removeprefix('# ').removeprefix('- ')}</{tag}>")
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>"
