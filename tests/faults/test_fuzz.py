"""Any bytes at every reader of outside bytes: it reads them or refuses them in its words, and is never surprised.

Random bytes seldom come far, so most examples are built of what the readers look for.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outside_bytes import readers

WORDS = st.sampled_from(
    [
        *(
            "# Pricing\n\n",
            "## Models\n",
            "Prices per 1M tokens.\n\n",
            "### Standard pricing data\n\n",
            "\n",
            "\n\n",
            " ",
        ),
        *("| Model | Input | Output |\n", "| --- | --- | --- |\n", "| m-1 | $1.00 | $2.00 |\n", "|", "$", "1.00", "€2"),
        *("| Shutdown date | Model |\n", "| 2026-12-11 | `m-1` |\n", "2026-12-11", "no earlier than May 2027", "`m-1`"),
        *("<!doctype html><html><body>", "<table>", "<tr>", "<td>", "<th colspan=2>", "</table>", "<!--", "-->", "<p>"),
        *(
            "<script>",
            "{",
            "}",
            "&amp;",
            "&#0;",
            "until May 31",
            "from June 1, 2026",
            "cached input",
            "batch",
            "context",
        ),
        *(
            '{"object":"list","data":[',
            '{"id":"m-1"}',
            ",",
            "]}",
            '"has_more":true',
            '"error":{"message":"',
            '"',
            "null",
        ),
        *("data: ", "[DONE]", "\0", "\ufeff", "\ud7ff", "𝒳", "9" * 400, "1e999", "-0", "NaN", "\\u0000", "\\ud800"),
        *("sk-abcdefghijklmnop", "https://h/p?a=b", "v1/responses", "128,000 context window", "limited preview"),
    ]
)
KEYS = st.sampled_from(
    [
        *("id", "data", "object", "error", "message", "code", "models", "prices", "input", "output", "vendor", "model"),
        *("provider", "cost", "context", "unit", "currency", "price_history", "from_date", "to_date", "eol", "cycle"),
        *("components", "incidents", "status", "name", "flags", "metadata", "defaultVariant", "targeting", "results"),
        *("has_more", "last_id", "next", "object_id", "slug", "visibility", "litellm_provider", "max_tokens", "mode"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=24
)
CONTENTS = (
    st.binary(max_size=400)
    | st.lists(WORDS, max_size=40).map(lambda words: "".join(words).encode("utf-8", "replace"))
    | DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | st.lists(DOCUMENTS, max_size=3).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
)


READERS = readers()


@pytest.mark.parametrize("name", READERS)
@given(content=CONTENTS)
def test_a_reader_is_not_surprised_by_any_bytes(name: str, content: bytes) -> None:
    READERS[name](content)
