"""What is taken out of whatever is kept, and what is left."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.redaction import MASK, clean, holds_key, redact

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=10), below, max_size=4),
    max_leaves=12,
)


def escaped(text: str, one: str) -> str:
    return "".join(one.format(ord(character)) for character in text)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_is_found_under_every_spelling(secret: str, before: str, after: str) -> None:
    for spelling in (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[1:-1],
        escaped(secret, "\\u{:04x}"),
        escaped(secret, "\\u{:04X}"),
        escaped(secret, "%{:02X}"),
        quote(secret, safe=""),
        quote(quote(secret, safe=""), safe=""),
        escaped(secret, "&#{};"),
        escaped(secret, "&#x{:x};"),
    ):
        # A backslash or the like right before it would belong to the spelling.
        kept = redact(f"{before} {spelling} {after}", [secret])
        assert MASK in kept
        assert spelling not in kept or spelling in before + after


@given(VALUES, SECRETS)
def test_a_json_document_stays_one_and_loses_nothing_else(value: object, secret: str) -> None:
    document = {
        "value": value,
        "error": f"bad key {secret} given",
        "more": [secret, {"sk": "sk-proj-0123456789abcdef"}],
    }
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False), json.dumps(json.dumps(document))):
        kept = redact(text, [secret])
        assert json.loads(kept) is not None
        assert redact(text.encode(errors="surrogatepass"), [secret]) == kept.encode(errors="surrogatepass")
        assert redact(kept, [secret]) == kept or secret in MASK


@pytest.mark.parametrize(
    "text",
    [
        "the risk-assessment of a task-scheduler on disk-based storage",
        "xai/grok-4-fast-non-reasoning-2026-01-01 and xai-grok-4-1-fast-non-reasoning",
        "Missing bearer authentication in header",
        "Basic understanding, basic-plan, Basic gpt-4o-mini",
        "pplx-70b-online, hf_hub_download, gsk_x, AKIA, eyJ, SG.1.2, fw_llama",
        '{"api_key": "YOUR_API_KEY", "key": "gpt-5.6-luna-2026-07-30", "secret": 12345678901234567}',
        "| gpt-5.6-luna | $1.00 | $6.00 | 2026-07-30T17:34:21Z |",
        "https://host.example:8443/v1/models@latest and 10:30:00@noon",
        "password: required; sig: none",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert redact(text) == text
    assert redact(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\\nsk-proj-abcdefgh b", "a\\n[redacted] b"),
        ("x%20sk-abcdefghij", "x%20[redacted]"),
        ("sk\\u002dproj\\u002dabcdef", "[redacted]"),
        ("sk-ab****wxyz", "[redacted]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("postgresql://monitor:s3cr-t@db/monitor", "postgresql://monitor:[redacted]@db/monitor"),
        (
            "https:\\/\\/hooks.slack.com\\/services\\/T0\\/B0\\/xyz",
            "https:\\/\\/hooks.slack.com\\/services\\/[redacted]",
        ),
        ("https://discord.com/api/webhooks/1234567890/abc-DEF_ghi", "https://discord.com/api/webhooks/[redacted]"),
        ("tgram://123456789:AAF0-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0/", "tgram://123456789:[redacted]/"),
        ('"api_key":"0a1b2c3d4e5f6071"', '"api_key":"[redacted]"'),
        ("AccountKey=aB3dE6gH9jK2mN5pQ8sT1vW4==;", "AccountKey=[redacted];"),
        ("?sig=aB3dE6gH9jK2mN%2F5p&x=1", "?sig=[redacted]&x=1"),
    ],
)
def test_a_key_goes_by_its_shape_or_by_its_place(text: str, kept: str) -> None:
    assert redact(text) == kept


def test_a_secret_that_holds_an_escape_of_its_own_is_found_inside_json() -> None:
    secret = 'p%40ss%00"word'
    assert redact(json.dumps({"url": secret}), [secret]) == json.dumps({"url": MASK})


def test_a_short_secret_stays_since_it_may_be_a_word() -> None:
    assert redact("none of the models", ["none"]) == "none of the models"


def test_a_header_that_holds_a_secret_is_none() -> None:
    assert clean('"abc123"', ["secret-of-mine"]) == '"abc123"'
    assert clean('W/"secret%2Dof%2Dmine"', ["secret-of-mine"]) == ""


def test_a_literal_key_is_told_from_the_name_of_a_file() -> None:
    assert holds_key("sk-proj-abcdefghijklmnop", 19)
    assert holds_key("AKIAIOSFODNN7EXAMPLE", 19)
    assert not holds_key("file:/run/secrets/sk-openai-prod", 19)


@pytest.mark.parametrize(
    "piece",
    [
        "sk-",
        "eyJ",
        "eyJaaaa.",
        "AKIA",
        "\\",
        "\\\\u00",
        "://a:",
        "Bearer ",
        "password=",
        "SG.",
        "%25",
        "&#",
        "/webhooks/1",
    ],
)
def test_no_text_takes_more_than_time_in_proportion_to_it(piece: str) -> None:
    # A pattern that is tried from every place to the end would not be through with this before the day is over.
    text = piece * 400_000
    assert len(redact(text, ["a-secret"])) <= len(text) + len(MASK)
