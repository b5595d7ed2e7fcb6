"""Official pages of single providers, each a small copy in its own form: its every row, and siblings that mislead."""

from __future__ import annotations

import pytest

from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import extract

XAI = """#### Key Information

# Pricing

All prices are in USD. For per-model details, see the [models page](/developers/models).

### Text API Pricing

| Model | Context | Input / 1M tokens | Cached input / 1M tokens | Output / 1M tokens |
| --- | --- | --- | --- | --- |
| grok-4.6 (< 200k prompt tokens) | 500k | $2.00 | $0.50 | $6.00 |
| grok-4.6 (≥ 200k prompt tokens) | 500k | $4.00 | $1.00 | $12.00 |
| grok-code-1 | 256k | $0.20 | $0.02 | $1.50 |

### Image API Pricing

| Model | Price / image |
| --- | --- |
| grok-imagine-image | $0.02 |
"""
ZAI = r"""> ## Documentation Index
> Fetch the complete documentation index at: https://docs.z.ai/llms.txt

# Pricing

> This page provides pricing information for Z.AI’s models and tools. All prices are in USD.

## Models

### Text Models

Prices per 1M tokens.

| Model               | Input  | Cached Input | Cached Input Storage | Output |
| :------------------ | :----- | :----------- | :------------------- | :----- |
| GLM-5               | \$1    | \$0.2        | Limited-time Free    | \$3.2  |
| GLM-4.5-Air         | \$0.2  | \$0.03       | Limited-time Free    | \$1.1  |
| GLM-4-32B-0414-128K | \$0.1  | -            | -                    | \$0.1  |
| GLM-4.7-Flash       | Free   | Free         | Free                 | Free   |

### Vision Models

Prices per 1M tokens.

| Model           | Input  | Cached Input | Cached Input Storage | Output |
| :-------------- | :----- | :----------- | :------------------- | :----- |
| GLM-4.6V        | \$0.3  | \$0.05       | Limited-time Free    | \$0.9  |
| GLM-OCR         | \$0.03 | \\           | \\                   | \$0.03 |

### Image Generation Models

Prices per image.

| Model     | Price   |
| :-------- | :------ |
| GLM-Image | \$0.015 |
"""
TOGETHER = r"""# Serverless models

## Chat models

| Organization | Model name | API model string | Context length | Input pricing (per 1M tokens) | Cached input pricing (per 1M tokens) | Output pricing (per 1M tokens) | Quantization | Function calling | Structured outputs |
| :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- |
| Z.ai | GLM-5.3 | zai-org/GLM-5.3 | 1048575 | \$1.40 | \$0.26 | \$4.40 | FP4 | Yes | Yes |
| OpenAI | GPT-OSS 20B | openai/gpt-oss-20b | 128000 | \$0.05 | - | \$0.20 | MXFP4 | Yes | Yes |
"""
MOONSHOT = """# Flagship Model Kimi K3 Pricing

> Review pricing for input, output, and cache-hit tokens.

export const DocTable = ({columns = [], rows = []}) => {
  return <div className="doc-table-wrap">
      <table className="doc-table">
        {columns.length > 0 ? <colgroup>
            {columns.map((column, index) => <col key={index} />)}
          </colgroup> : null}
        <thead>
          <tr>
            {columns.map((column, index) => <th key={index}>{column.title}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, rowIndex) => <tr key={rowIndex}>
              {row.map((cell, cellIndex) => <td key={cellIndex}>{cell}</td>)}
            </tr>)}
        </tbody>
      </table>
    </div>;
};

## Product Pricing

**Explanation: Prices exclude applicable taxes. Specific tax obligations are subject to local tax regulations and will be calculated at checkout.**

<DocTable
  columns={[
{ title: "Model", width: "24%" },
{ title: "Unit", width: "12%" },
{ title: "Input Price (Cache Hit)", width: "16%" },
{ title: "Input Price (Cache Miss)", width: "16%" },
{ title: "Output Price", width: "14%" },
{ title: "Context Window", width: "18%" },
]}
  rows={[
["kimi-k3", "1M tokens", <>{"$"}0.30</>, <>{"$"}3.00</>, <>{"$"}15.00</>, "1,048,576 tokens"],
["kimi-k2.6", "1M tokens", "$0.16", "$0.95", "$4.00", "262,144 tokens"],
]}
/>

Here, 1M = 1,000,000. The prices in the table represent the cost per 1M tokens consumed.
"""
GROQ = r"""# Supported Models

## [Production Models](#production-models)

**Note:** Production models are intended for use in your production environments.

| MODEL ID | SPEED (T/SEC) | PRICE PER 1M TOKENS | RATE LIMITS (DEVELOPER PLAN) | CONTEXT WINDOW (TOKENS) | MAX COMPLETION TOKENS | MAX FILE SIZE |
| --- | --- | --- | --- | --- | --- | --- |
| [![Meta](https://example.com/m.png)Llama 3.3 70B](/docs/model/llama-3.3-70b-versatile)Enterprisellama-3.3-70b-versatile | 280 | ContactSales | ContactSales | 131,072 | 32,768 | \- |
| [![Qwen](https://example.com/q.png)Qwen/Qwen3.8-27B](/docs/model/qwen/qwen3.8-27b)qwen/qwen3.8-27b | 450 | $0.80 input$4.00 output | 250K TPM | 131,072 | 16,384 | 20 MB |
| [![OpenAI](https://example.com/o.png)GPT OSS 20B](/docs/model/openai/gpt-oss-20b)openai/gpt-oss-20b | 1000 | $0.075 input$0.30 output | 250K TPM1K RPM | 131,072 | 65,536 | \- |
| [![OpenAI](https://example.com/o.png)Whisper](/docs/model/whisper-large-v3)whisper-large-v3 | \- | $0.111 per hour | 200K ASH | \- | \- | 100 MB |
"""
FIREWORKS = r"""# Serverless Pricing

> Per-token serverless pricing for text, vision, and embedding models, including Priority and Fast tiers

## How pricing works

* Prices below are **per 1 million tokens** in US dollars.
* **Batch inference** is billed at **50% of serverless pricing** on both input and output. See [Batch inference](/guides/batch-inference).

## Text and vision models

Per-model pricing for headline models. Fast variants appear as adjacent rows. In each **Standard** or **Priority** cell, prices are **input / cached input / output** (USD per 1M tokens), in that order.

| Model | Standard | Priority |
| --- | --- | --- |
| [Kimi K3](https://app.fireworks.ai/models/fireworks/kimi-k3) | \$3.00 / \$0.30 / \$15.00 | \$3.75 / \$0.375 / \$18.75 |
| [Kimi K3 Fast](https://app.fireworks.ai/models/fireworks/kimi-k3) | \$4.50 / \$0.45 / \$22.50 | — |
"""
FIREWORKS2 = """# Serverless Pricing

> Per-token serverless pricing for text, vision, and embedding models, including Priority and Fast tiers

## How pricing works

* Prices below are **per 1 million tokens** in US dollars.
* **Batch inference** is billed at **50% of serverless pricing** on both input and output. See [Batch inference](/guides/batch-inference).

## Text and vision models

Per-model pricing for headline models. Fast variants appear as adjacent rows.

| Model | Input | Cached input | Output |
|---|---|---|---|
| Kimi K2.6 | $0.95 | $0.16 | $4.00 |
| OpenAI GPT OSS 120B | $0.15 | $0.015 | $0.60 |
"""
MISTRAL = """<!DOCTYPE html><html><head><title>API pricing | Mistral AI</title></head><body><h1>API pricing</h1>
<h2>Models</h2><table><thead><tr><th>Model</th><th>Input</th><th>Cached input</th><th>Output</th></tr></thead><tbody>
<tr><td><a href="/models/mistral-medium-3-5">Mistral Medium 3.5</a></td><td>$1.5 / M Tokens</td><td>$0.15 / M Tokens</td><td>$7.5 / M Tokens</td></tr>
<tr><td><a href="/models/ministral-3-3b">Ministral 3 (3B)</a></td><td>$0.1 / M Tokens</td><td>-</td><td>$0.1 / M Tokens</td></tr>
<tr><td><a href="/models/ocr">Mistral OCR 3</a></td><td>$2 / 1000 Pages</td><td>-</td><td>-</td></tr>
</tbody></table></body></html>"""
DEEPSEEK = """# Models & Pricing

The prices listed below are in units of per 1M tokens. A token, the smallest unit of text that the model recognizes, can be a word, a number, or even a punctuation mark. We will bill based on the total number of input and output tokens by the model.

## Model Details

<table><tbody>
<tr><td colspan="3">MODEL</td><td>deepseek-flash(1)</td><td>deepseek-v4-pro</td></tr>
<tr><td colspan="3">BASE URL (OpenAI Format)</td><td colspan="2">https://api.deepseek.com</td></tr>
<tr><td colspan="3">MODEL VERSION</td><td>DeepSeek-V4.1-Flash</td><td>DeepSeek-V4-Pro-0813</td></tr>
<tr><td colspan="3">CONTEXT LENGTH</td><td colspan="2">1M</td></tr>
<tr><td rowspan="3">FEATURES</td><td colspan="2">Json Output</td><td>✓</td><td>✓</td></tr>
<tr><td colspan="2">Responses API</td><td>✓</td><td>✓</td></tr>
<tr><td colspan="2">Vision</td><td>✓</td><td>Not supported</td></tr>
<tr><td rowspan="6">PRICING<sup>(2)</sup></td><td rowspan="2">1M INPUT TOKENS (CACHE HIT)</td><td>OFF-PEAK</td><td>$0.003</td><td>$0.022</td></tr>
<tr><td>PEAK</td><td>$0.006</td><td>$0.044</td></tr>
<tr><td rowspan="2">1M INPUT TOKENS (CACHE MISS)</td><td>OFF-PEAK</td><td>$0.15</td><td>$0.66</td></tr>
<tr><td>PEAK</td><td>$0.3</td><td>$1.32</td></tr>
<tr><td rowspan="2">1M OUTPUT TOKENS</td><td>OFF-PEAK</td><td>$0.6</td><td>$1.98</td></tr>
<tr><td>PEAK</td><td>$1.2</td><td>$3.96</td></tr>
<tr><td colspan="3">Concurrency Limit<sup>(3)</sup></td><td>2500</td><td>500</td></tr>
</tbody></table>

<p>(1) Use deepseek-flash as the model name. The legacy names deepseek-v4-flash and deepseek-v4-flash-vision-exp are still accepted.</p>
<p>(2) Off-peak rates are half of the peak rates. Peak hours are 01:00 - 04:00 and 06:00 - 10:00 UTC, Monday through Friday, excluding Chinese public holidays (all other hours are off-peak).</p>
"""
GOOGLE = """# Gemini Developer API pricing

## Gemini 2.5 Flash Native Audio (Live API)

*`gemini-2.5-flash-native-audio-preview-12-2025`*

### Standard

|   | Free Tier | Paid Tier, per 1M tokens in USD |
|---|---|---|
| Input price | Free of charge | $0.50 (text) $3.00 or $0.005/min (audio / video) |
| Output price (including thinking tokens) | Free of charge | $2.00 (text) $12.00 or $0.018/min (audio) |
| Used to improve our products | Yes | No |

## Gemini 3.1 Flash Image

*`gemini-3.1-flash-image`*

### Standard

|   | Free Tier | Paid Tier, per 1M tokens in USD |
|---|---|---|
| Input price | Not available | $0.50 (text/image) |
| Output price | Not available | $3 (text and thinking) $60.00 (images) |

### Batch

|   | Free Tier | Paid Tier, per 1M tokens in USD |
|---|---|---|
| Input price | Not available | $0.25 |
| Output price | Not available | $1.50 (text and thinking) $30.00 (images) |
"""
BEDROCK = """<!DOCTYPE html><html><body><h1>Amazon Bedrock pricing</h1><h2>On-Demand</h2><div data-pricing-markup="x"></div>
<table><tbody><tr><td>Amazon models</td><td>Price per 1M input tokens</td><td>Price per 1M output tokens</td></tr>
<tr><td>Amazon Nova Pro</td><td>{priceOf!bedrock/bedrock!abc!*!1000}</td><td>{priceOf!bedrock/bedrock!def!*!1000}</td></tr></tbody></table></body></html>"""

PAGES = {
    "xai": XAI,
    "zai": ZAI,
    "together": TOGETHER,
    "moonshot": MOONSHOT,
    "groq": GROQ,
    "fireworks": FIREWORKS,
    "fireworks2": FIREWORKS2,
    "mistral": MISTRAL,
    "deepseek": DEEPSEEK,
    "google": GOOGLE,
}
"""Page → its text; a digit behind the provider is another form of its page."""

EXPECTED = {
    "xai": """
    grok-4.6 | standard short text input 2.00
    grok-4.6 | standard short text cached_input 0.50
    grok-4.6 | standard short text output 6.00
    grok-4.6 | standard long text input 4.00
    grok-4.6 | standard long text cached_input 1.00
    grok-4.6 | standard long text output 12.00
    grok-code-1 | standard short text input 0.20
    grok-code-1 | standard short text cached_input 0.02
    grok-code-1 | standard short text output 1.50
""",
    "zai": """
    GLM-5 | standard short text input 1
    GLM-5 | standard short text cached_input 0.2
    GLM-5 | standard short text output 3.2
    GLM-4.5-Air | standard short text input 0.2
    GLM-4.5-Air | standard short text cached_input 0.03
    GLM-4.5-Air | standard short text output 1.1
    GLM-4-32B-0414-128K | standard short text input 0.1
    GLM-4-32B-0414-128K | standard short text output 0.1
    GLM-4.6V | standard short text input 0.3
    GLM-4.6V | standard short text cached_input 0.05
    GLM-4.6V | standard short text output 0.9
    GLM-OCR | standard short text input 0.03
    GLM-OCR | standard short text output 0.03
""",
    "together": """
    zai-org/GLM-5.3 | standard short text input 1.40
    zai-org/GLM-5.3 | standard short text cached_input 0.26
    zai-org/GLM-5.3 | standard short text output 4.40
    openai/gpt-oss-20b | standard short text input 0.05
    openai/gpt-oss-20b | standard short text output 0.20
""",
    "moonshot": """
    kimi-k3 | standard short text cached_input 0.30
    kimi-k3 | standard short text input 3.00
    kimi-k3 | standard short text output 15.00
    kimi-k2.6 | standard short text cached_input 0.16
    kimi-k2.6 | standard short text input 0.95
    kimi-k2.6 | standard short text output 4.00
""",
    "groq": """
    qwen/qwen3.8-27b | standard short text input 0.80
    qwen/qwen3.8-27b | standard short text output 4.00
    openai/gpt-oss-20b | standard short text input 0.075
    openai/gpt-oss-20b | standard short text output 0.30
""",
    "fireworks": """
    Kimi K3 | standard short text input 3.00
    Kimi K3 | standard short text cached_input 0.30
    Kimi K3 | standard short text output 15.00
    Kimi K3 Fast | standard short text input 4.50
    Kimi K3 Fast | standard short text cached_input 0.45
    Kimi K3 Fast | standard short text output 22.50
    Kimi K3 | priority short text input 3.75
    Kimi K3 | priority short text cached_input 0.375
    Kimi K3 | priority short text output 18.75
""",
    "fireworks2": """
    Kimi K2.6 | standard short text input 0.95
    Kimi K2.6 | standard short text cached_input 0.16
    Kimi K2.6 | standard short text output 4.00
    OpenAI GPT OSS 120B | standard short text input 0.15
    OpenAI GPT OSS 120B | standard short text cached_input 0.015
    OpenAI GPT OSS 120B | standard short text output 0.60
""",
    "mistral": """
    Mistral Medium 3.5 | standard short text input 1.5
    Mistral Medium 3.5 | standard short text cached_input 0.15
    Mistral Medium 3.5 | standard short text output 7.5
    Ministral 3 (3B) | standard short text input 0.1
    Ministral 3 (3B) | standard short text output 0.1
""",
    "deepseek": """
    deepseek-flash | standard short text cached_input 0.003 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-flash | standard short text input 0.15 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-flash | standard short text output 0.6 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text cached_input 0.022 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text input 0.66 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text output 1.98 | hours outside 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-flash | standard short text cached_input 0.006 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-flash | standard short text input 0.3 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-flash | standard short text output 1.2 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text cached_input 0.044 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text input 1.32 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
    deepseek-v4-pro | standard short text output 3.96 | hours 01:00-04:00 and 06:00-10:00 UTC Monday-Friday without Chinese public holidays
""",
    "google": """
    gemini-2.5-flash-native-audio-preview-12-2025 | standard short text input 0.50
    gemini-2.5-flash-native-audio-preview-12-2025 | standard short audio input 3.00
    gemini-2.5-flash-native-audio-preview-12-2025 | standard short video input 3.00
    gemini-2.5-flash-native-audio-preview-12-2025 | standard short text output 2.00
    gemini-2.5-flash-native-audio-preview-12-2025 | standard short audio output 12.00
    gemini-3.1-flash-image | standard short text input 0.50
    gemini-3.1-flash-image | standard short image input 0.50
    gemini-3.1-flash-image | standard short text output 3
    gemini-3.1-flash-image | standard short image output 60.00
    gemini-3.1-flash-image | batch short text output 1.50
    gemini-3.1-flash-image | batch short image output 30.00
""",
}

MISLEADING = [
    ("xai", "≥ 200k prompt tokens", "≥ 200k prompt tokens, EU"),
    ("xai", "| 256k |", "| ≥ 200k |"),
    ("xai", "| Context |", "| Region |"),
    ("xai", "Input / 1M tokens | Cached", "Input / 1K tokens | Cached"),
    ("xai", "### Text API Pricing", "### Previous Text API Pricing"),
    ("zai", "Cached Input Storage |", "Discount |"),
    ("zai", "All prices are in USD", "All prices are in CNY"),
    ("zai", "Prices per 1M tokens.\n\n| Model               |", "Prices per 1K tokens.\n\n| Model               |"),
    ("zai", "| GLM-5               | ", "| GLM-5 (off-peak)    | "),
    ("moonshot", '"1M tokens", <>', '"1K tokens", <>'),
    ("moonshot", '<>{"$"}3.00</>', '<>{"¥"}3.00</>'),
    ("moonshot", '<>{"$"}3.00</>', "<>{price}</>"),
    ("moonshot", '"Context Window"', '"Request Context Length Range"'),
    ("moonshot", '"1,048,576 tokens"', '"> 8,192 tokens"'),
    ("moonshot", "<DocTable", '<DocTable region="cn"'),
    ("groq", "$0.80 input$4.00 output", "$0.80 input$4.00 output (batch)"),
    ("groq", "$0.80 input$4.00 output", "$0.80 input/hour$4.00 output"),
    ("groq", "$0.80 input$4.00 output", "$0.80 in EU $4.00 output"),
    ("groq", "27b)qwen/", "27b) EU only qwen/"),
    ("groq", "| PRICE PER 1M TOKENS |", "| PRICE PER 1K TOKENS |"),
    ("groq", "## [Production Models]", "## [Fine-tuning]"),
    ("together", "Organization |", "Region |"),
    ("together", "| FP4 |", "| FP4 (EU only) |"),
    ("together", "| 1048575 |", "| > 200K |"),
    ("together", "Input pricing (per 1M tokens)", "Input pricing (per image)"),
    ("together", "API model string", "Fine-tuned model"),
    ("fireworks", "input / cached input / output", "output / cached input / input"),
    ("fireworks", ", in that order", ""),
    ("fireworks", "\\$3.00 / \\$0.30 / \\$15.00", "\\$3.00 / \\$15.00"),
    ("fireworks", "| Standard |", "| EU |"),
    ("fireworks", "[Kimi K3 Fast]", "[Kimi K3 family]"),
    ("fireworks2", "| Cached input |", "| Cached input (night) |"),
    ("fireworks2", "**per 1 million tokens**", "**per 1 thousand tokens**"),
    ("mistral", "$7.5 / M Tokens", "$7.5 / M Characters"),
    ("mistral", "<h2>Models</h2>", "<h2>Fine-tuned models</h2>"),
    ("mistral", "Mistral Medium 3.5</a>", "Mistral Medium 3.5</a> (fine-tuned)"),
    ("mistral", "$1.5 / M Tokens", "€1.5 / M Tokens"),
    ("deepseek", "Peak hours are", "Peak hours in winter are"),
    ("deepseek", "06:00 - 10:00 UTC", "06:00 - 10:00"),
    ("deepseek", ">OFF-PEAK</td><td>$0.6<", ">NIGHT</td><td>$0.6<"),
    ("deepseek", "BASE URL (OpenAI Format)", "REGION"),
    ("deepseek", "(2) Off-peak rates are half of the peak rates. ", "(2) Off-peak rates apply to startups. "),
    ("google", "$3.00 or $0.005/min (audio", "$3.00 or $0.005/GB (audio"),
    ("google", "$12.00 or $0.018/min (audio)", "$12.00 or $0.018/min (audio, EU)"),
    ("google", "$60.00 (images)", "$60.00 per image"),
    ("google", "*`gemini-3.1-flash-image`*", "*A model of images.*"),
    ("google", "$0.50 (text/image)", "$0.50"),
]
"""Page, what stands on it, and what a misleading sibling of it says instead."""


def stated(extraction: Extraction) -> list[str]:
    return [
        f"{row.model} | {row.tier} {row.context} {row.modality} {row.meter} {row.amount}"
        + (f" | {row.condition}" if row.condition else "")
        for row in extraction.rows
    ]


def provider(page: str) -> str:
    return page.rstrip("2")


@pytest.mark.parametrize("page", PAGES)
def test_every_price_of_a_page_is_read(page: str) -> None:
    expected = [line.strip() for line in EXPECTED[page].strip().splitlines()]
    assert stated(extract(PAGES[page], provider=provider(page))) == expected


@pytest.mark.parametrize(("page", "old", "new"), MISLEADING)
def test_a_sibling_that_says_more_than_is_known_states_no_other_price(page: str, old: str, new: str) -> None:
    text = PAGES[page]
    assert old in text
    try:
        found = stated(extract(text.replace(old, new), provider=provider(page)))
    except Unreadable:
        return
    expected = {line.strip() for line in EXPECTED[page].strip().splitlines()}
    assert set(found) < expected


@pytest.mark.parametrize("page", PAGES)
def test_the_words_of_a_page_are_those_of_its_provider_alone(page: str) -> None:
    try:
        found = stated(extract(PAGES[page], provider="nobody"))
    except Unreadable:
        return
    assert set(found) < {line.strip() for line in EXPECTED[page].strip().splitlines()}


def test_a_page_whose_cells_are_templates_is_refused_in_one_sentence() -> None:
    with pytest.raises(Unreadable, match="a script fills from another file: no price stands on the page"):
        extract(BEDROCK, provider="bedrock")


HELIOS = """# Pricing

Prices per 1M tokens.

| Model | Input | Output |
|---|---|---|
| Helios Large | $2 | $4 |
| Helios Large 2 | $3 | $6 |
| Helios Large (EU only) | $5 | $7 |
"""


def test_names_that_are_given_ids_are_read_under_these_and_no_longer_name_is() -> None:
    extraction = extract(HELIOS, provider="helios", names={"Helios Large": "helios-1"})
    assert stated(extraction) == ["helios-1 | standard short text input 2", "helios-1 | standard short text output 4"]
    assert len(extraction.refused) == 2
    with pytest.raises(Unreadable, match="is not a model id"):
        extract(HELIOS, provider="helios")


def test_two_names_of_one_id_with_two_prices_state_none() -> None:
    names = {"Helios Large": "helios-1", "Helios Large 2": "helios-1"}
    with pytest.raises(Unreadable):
        extract(HELIOS, provider="helios", names=names)
