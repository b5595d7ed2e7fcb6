"""A document: what of a page is its text, what changes by itself and is none, and which markers stand in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_loopback import NOW, shared

from monitor.core.facts import Body, FailureReason, PollFailure, Snapshot, Subject, Value
from monitor.core.ports import ConfigurationError
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.document import LONGEST
from monitor.sources.extraction import Unreadable
from monitor.sources.http import HttpClient
from monitor.sources.prose import cleaned, paragraphs

HTTP = HttpClient()

PAGE = """<!doctype html><html><head><title>Models</title><style>p {{color: red}}</style><script>var build = "8f3a2b9c1d2e4f5a6b7c";</script></head>
<body><nav><a href="/">Home</a> <a href="/docs">Docs</a></nav>
<div role="navigation">On this page</div>
<h1>GPT-5.6</h1>
<p>GPT-5.6 is offered as a <b>limited preview</b> to organisations that were invited.</p>
<p>Its prices are on <a href="{link}">the pricing page</a>, and it’s “public” from July on.</p>
<ul><li>Sol, for reasoning</li><li>Luna, for volume</li></ul>
<p>Last updated {updated}</p><p>Updated {ago} ago</p>
<p>We use cookies to improve your experience.</p><button>Accept all</button>
<footer>© {year} OpenAI</footer><p>Build {build}</p></body></html>"""

ONE = {"link": "/pricing", "updated": "July 3, 2026", "ago": "2 days", "year": "2026", "build": "8f3a2b9c1d2e4f5a"}
OTHER = {
    "link": "/docs/pricing?utm=x",
    "updated": "2026-08-03",
    "ago": "an hour",
    "year": "2027",
    "build": "0a1b2c3d4e5f6a7b",
}


def poll(text: str, **options: object) -> Snapshot | PollFailure:
    spec = source_spec(
        key="card", kind="document", every=timedelta(hours=1), url="https://x.example/card", options=options
    )
    source = build(spec, SourceDeps(http=HTTP, surface=None, secret=str))
    seen = source.extract(Body(content=text.encode(), sha256="0" * 64, size=len(text)), NOW)
    assert isinstance(seen, Snapshot | PollFailure)
    return seen


def fields(text: str, **options: object) -> dict[str, Value]:
    seen = poll(text, **options)
    assert isinstance(seen, Snapshot), seen
    assert set(seen.facts) == {Subject("card", "text")}
    return dict(seen.facts[Subject("card", "text")])


def test_what_a_reader_sees_is_the_text_and_nothing_else() -> None:
    assert paragraphs(PAGE.format(**ONE)) == (
        "GPT-5.6",
        "GPT-5.6 is offered as a limited preview to organisations that were invited.",
        'Its prices are on the pricing page, and it\'s "public" from July on.',
        "Sol, for reasoning",
        "Luna, for volume",
    )


def test_what_changes_by_itself_changes_nothing() -> None:
    assert fields(PAGE.format(**ONE)) == fields(PAGE.format(**OTHER))


def test_the_order_of_paragraphs_is_no_fact() -> None:
    parts = [f"Paragraph number {n} says something about model {n}." for n in range(9)]
    assert fields("\n\n".join(parts)) == fields("\n\n".join(reversed(parts)))


def test_one_word_is_another_paragraph() -> None:
    before, after = PAGE.format(**ONE), PAGE.format(**ONE).replace("limited preview", "general release")
    gone, come = fields(before).items() - fields(after).items(), fields(after).items() - fields(before).items()
    assert [value for _, value in gone] == [
        "GPT-5.6 is offered as a limited preview to organisations that were invited."
    ]
    assert [value for _, value in come] == [
        "GPT-5.6 is offered as a general release to organisations that were invited."
    ]


def test_every_item_of_a_list_is_a_paragraph_in_html_as_in_markdown() -> None:
    items = [f"Model {n} is one of the models that are offered here" for n in range(5)]
    markdown = "# Models\n\n" + "\n".join(f"- {item}" for item in items)
    html = (
        "<!doctype html><html><body><h1>Models</h1><ul>"
        + "".join(f"<li>{one}</li>" for one in items)
        + "</ul></body></html>"
    )
    assert paragraphs(markdown) == paragraphs(html) == ("Models", *items)


def test_a_marker_is_found_whatever_its_case_and_typography() -> None:
    page = PAGE.format(**ONE)
    watched = fields(page, watch=("Limited Preview", "general availability", 'it\'s "public"'))
    assert {name: value for name, value in watched.items() if name.startswith("watch.")} == {
        "watch.Limited Preview": True,
        "watch.general availability": False,
        'watch.it\'s "public"': True,
    }


def test_another_set_of_markers_is_another_version_of_reading() -> None:
    page = PAGE.format(**ONE)
    versions = [
        poll(page, **options) for options in ({}, {"watch": ("a", "b")}, {"watch": ("b", "a")}, {"watch": ("a",)})
    ]
    none, both, turned, one = (seen.extractor for seen in versions if isinstance(seen, Snapshot))
    assert both == turned
    assert len({none, both, one}) == 3


def test_markers_that_are_no_texts_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs `watch` to be a list of texts"):
        poll(PAGE.format(**ONE), watch=(1,))


def test_a_long_paragraph_is_kept_in_part_and_counts_whole() -> None:
    long = "word " * 1000
    one, other = fields(long + "end."), fields(long + "End.")
    assert [len(str(value)) for value in one.values()] == [LONGEST]
    assert one.keys() != other.keys()


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><html><body><div id=root></div><script>" + "x" * 500 + "</script></body></html>",
        "<!doctype html><html><body><noscript>no</noscript><p>You need to enable JavaScript to run this app. "
        + "It is made of many parts that are put together by your browser, which takes a while.</p></body></html>",
        "<html><head><title>Just a moment...</title></head><body>"
        + "<p>Checking your browser before you go on.</p>" * 9,
        "x" * 10,
        "<rss><channel><item><title>cut off" + "…" * 99,
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><rss>" + "<item><title>&a;</title></item>" * 9 + "</rss>",
    ],
    ids=["empty application", "application", "challenge", "too small", "broken feed", "feed with entities"],
)
def test_what_is_no_document_is_a_failure_and_no_text(page: str) -> None:
    seen = poll(page)
    assert isinstance(seen, PollFailure), seen
    assert seen.reason is FailureReason.UNREADABLE


RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Changelog</title><lastBuildDate>{day}</lastBuildDate>
<item><title>GPT-5.6 Luna costs less</title><description>&lt;p&gt;The price of &lt;b&gt;Luna&lt;/b&gt; falls by 80%.&lt;/p&gt;</description><pubDate>{day}</pubDate></item>
<item><title>Fast mode</title><description><![CDATA[Priority is called <i>Fast mode</i> from now on, at the same price as before.]]></description></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Status</title><updated>{day}</updated>
<entry><title>Errors</title><updated>{day}</updated><content type="html">&lt;p&gt;Elevated error rates on the Responses API, which are being looked into.&lt;/p&gt;</content></entry>
<entry><title>Resolved</title><summary>All systems work again as they should, after one hour of errors.</summary></entry></feed>"""


def test_the_items_of_a_feed_are_its_paragraphs() -> None:
    assert paragraphs(RSS.format(day="Mon")) == (
        "GPT-5.6 Luna costs less: The price of Luna falls by 80%.",
        "Fast mode: Priority is called Fast mode from now on, at the same price as before.",
    )
    assert paragraphs(ATOM.format(day="2026-08-01")) == (
        "Errors: Elevated error rates on the Responses API, which are being looked into.",
        "Resolved: All systems work again as they should, after one hour of errors.",
    )


PICTURED = """<?xml version="1.0"?>
<?xml-stylesheet type="text/xsl" href="feed.xsl"?>
<!-- made by a generator -->
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><lastBuildDate>Mon, 01 Jun 2026</lastBuildDate>
<item><media:title>photo of the moon</media:title><title>Sol is offered to all</title><media:title>again</media:title></item>
</channel></rss>"""


def test_a_feed_has_a_stylesheet_few_words_and_pictures_with_titles_of_their_own() -> None:
    assert paragraphs(PICTURED) == ("Sol is offered to all",)


def test_a_feed_without_items_says_nothing_that_could_be_taken_for_all_there_is() -> None:
    with pytest.raises(Unreadable):
        paragraphs("<rss><channel><title>News</title></channel></rss>")


@pytest.mark.parametrize("feed", [RSS, ATOM], ids=["rss", "atom"])
def test_the_dates_of_a_feed_are_no_text(feed: str) -> None:
    assert fields(feed.format(day="Mon")) == fields(feed.format(day="Tue"))


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once_or_less(text: str) -> None:
    once = cleaned(text)
    assert once == " ".join(once.split())
    assert len(cleaned(once)) <= len(once)


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = paragraphs(text)
    except Unreadable:
        return
    assert all(found)
    assert len(set(found)) == len(found)


@pytest.fixture
def stored() -> Callable[[str], str]:
    def read(name: str) -> str:
        path = shared() / "pages" / "openai-models" / name
        if not path.exists():
            pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
        return path.read_text()

    return read


def test_the_stored_models_pages_say_what_they_said(stored: Callable[[str], str]) -> None:
    page = fields(stored("2026-08-20_b29cefa_mnfst_openai_models.md"), watch=("limited preview", "flagship model"))
    assert page["watch.flagship model"] is True
    assert page["watch.limited preview"] is False
    assert "GPT-5.6 Luna: Optimize cost-sensitive, high-volume workloads." in page.values()
    before = fields(stored("2026-06-26_ainative_models.md"))
    advice = (
        "Start with GPT-5.5 for complex reasoning and coding, or choose GPT-5.4 mini and GPT-5.4 nano for "
        "lower-latency, lower-cost workloads."
    )
    assert advice in before.values()


@pytest.mark.parametrize("name", ["changelog", "models", "models_all"])
def test_the_stored_pages_are_read_paragraph_by_paragraph(stored: Callable[[str], str], name: str) -> None:
    found = paragraphs(stored(f"2026-06-26_ainative_{name}.md"))
    assert len(found) > 70
    assert max(map(len, found)) < LONGEST, "no two paragraphs were run together"
    assert not [text for text in found if "](" in text], "a link is read by its words"


def test_a_new_note_in_the_stored_changelog_is_the_only_difference(stored: Callable[[str], str]) -> None:
    text = stored("2026-06-26_ainative_changelog.md")
    note = "Jun 26\n\nFeature\n\nReleased GPT-5.6 as a limited preview.\n\n"
    after = text.replace("### June, 2026\n\n", f"### June, 2026\n\n{note}", 1)
    assert after != text
    old, new = fields(text), fields(after)
    assert not old.keys() - new.keys()
    assert {new[key] for key in new.keys() - old.keys()} == {"Jun 26", "Released GPT-5.6 as a limited preview."}
