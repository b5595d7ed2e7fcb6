"""What is a pricing page at all, before its tables are read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_loopback import NOW

from monitor.core.facts import Body, FailureReason, PollFailure, Snapshot, Subject
from monitor.core.price import PriceRow
from monitor.settings import load
from monitor.sources.catalog import source_spec
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.http import HttpClient
from monitor.sources.kind import SourceDeps
from monitor.sources.kinds.pricing_page import KIND
from monitor.sources.page import PricingPage
from monitor.sources.web_page import LARGEST, decoded

SPEC = source_spec(
    key="openai-pricing", kind="pricing_page", every=timedelta(hours=1), url="http://x.invalid", provider="openai"
)
OFFLINE = HttpClient()
FILLER = " " * 64


def rows_of_page(text: str, *, provider: str) -> Extraction:
    if "BUG" in text:
        raise IndexError("list index out of range")
    if "PRICES" not in text:
        raise Unreadable("no table with prices")
    return Extraction(
        rows=(PriceRow(provider=provider, model="luna", meter="input", amount=Decimal(1)),),
        refused=(),
        notes=("a note",),
    )


def observed(content: str | bytes, content_type: str = "text/html") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    page = PricingPage(SPEC, OFFLINE, extract_rows=rows_of_page, extractor="pricing_page/1")
    return page.extract(Body(content=raw, sha256="", size=len(raw), content_type=content_type), NOW)


def test_a_page_is_read_by_its_extractor() -> None:
    seen = observed("PRICES" + FILLER)
    assert isinstance(seen, Snapshot)
    assert list(seen.facts) == [Subject("openai", "luna"), Subject("openai-pricing", "remarks")]
    assert list(seen.facts[Subject("openai-pricing", "remarks")].values()) == ["a note"]
    assert (seen.extractor, seen.notes) == ("pricing_page/1", ("a note",))


UNREADABLE = {
    "a page without prices": ("<h1>We moved</h1>" + FILLER, "no table with prices"),
    "a challenge": ("<html><title>Just a moment...</title>PRICES" + FILLER, "challenge"),
    "another challenge": ('<div id="px-captcha"></div>PRICES' + FILLER, "challenge"),
    "a blocked visitor": ("<title>Attention Required! | Cloudflare</title>" + FILLER, "challenge"),
    "a login": ('<form><input name="p" type="password"></form>' + FILLER, "login"),
    "next to nothing": ("PRICES", "6 bytes"),
    "far too much": ("PRICES" + " " * LARGEST, "no pricing page"),
    "a page that trips the extractor": ("BUG" + FILLER, "IndexError"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_pricing_page_is_unreadable_and_kept(what: str) -> None:
    content, said = UNREADABLE[what]
    seen = observed(content)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.UNREADABLE
    assert said in seen.detail
    assert seen.body is not None
    assert seen.body.content == content.encode()


@pytest.mark.parametrize(
    "aside",
    [
        '<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>',
        '<script src="https://www.google.com/recaptcha/api.js"></script>',
        '<form hidden><input type="password"></form>',
        "Solve a captcha with our vision models",
    ],
)
def test_a_real_page_may_mention_what_challenges_are_made_of(aside: str) -> None:
    assert isinstance(observed(aside + "PRICES" + FILLER), Snapshot)


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("ü".encode(), "", "ü"),
        (b"\xef\xbb\xbf\xc3\xbc", "text/html; charset=latin-1", "ü"),
        (b"\xfc", "text/html; charset=ISO-8859-1", "ü"),
        (b"\xc3\xbc", "text/html; charset=no-such-thing", "ü"),
        (b"\xc3\xbc", "text/html; charset=idna", "ü"),
        (b"a\xff", "text/html; charset=utf-8", "a\ufffd"),
    ],
)
def test_the_text_of_a_page_is_decoded_as_it_says_and_never_fails(content: bytes, content_type: str, text: str) -> None:
    assert decoded(Body(content=content, sha256="", size=0, content_type=content_type)) == text


def test_a_source_reads_models_under_the_ids_that_its_price_names_give(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    file.write_text(
        '[[source]]\nkey = "prices"\nkind = "pricing_page"\nurl = "http://x.invalid"\nprovider = "helios"\n'
        'price_names = { "Helios Large" = "helios-1" }\n'
    )
    spec = load(file, {}).configuration.sources["prices"]
    source = KIND.factory(spec, SourceDeps(http=OFFLINE, surface=None, secret=str))
    assert isinstance(source, PricingPage)
    text = "# Pricing\n\nPrices per 1M tokens.\n\n| Model | Input |\n|---|---|\n| Helios Large | $2 |\n"
    seen = source.extract(Body(content=text.encode(), sha256="", size=len(text), content_type="text/markdown"), NOW)
    assert isinstance(seen, Snapshot)
    assert seen.facts[Subject("helios", "helios-1")] == {"price.standard.short.input": "2"}
