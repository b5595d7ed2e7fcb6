"""The forms of a notice: golden files, Slack's limits, and nothing that a provider writes becomes markup.

The words of a notice stand in the golden files and in no other test. After a change of wording `make golden` writes
them anew; what it changed is then read in the diff.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notices import AT, FALLBACKS, listed, notice, paused
from notices_told import REASONS, reasons

from monitor.app.publication import checkpoint_at
from monitor.core.notices import Difference, Notice, Reason
from monitor.core.ports import Refused
from monitor.notify.forms import SLACK_BLOCK, SLACK_BLOCKS, SLACK_HEADER, SLACK_TEXT, Rendered, render
from monitor.notify.holding import digest

CHECKPOINT = (
    "monitor.example.com/log/7f3a\n130\n3DUkVHBCDC2QgqCPLBVJTXnNJvJZ1tCPyTSpZ4qnVlU=\n\n"
    "— monitor.example.com/log/7f3a "
    "a2V5IaSr1ESMSVYtgoEV0TofzOqSf1K01UWSl/i0PkLaiSOLwTYm5D3LON2wgkiJJ+yQT7QgV0Q5g+iFhRedUFUa/mI=\n"
)
"""A signed note as the log keeps it; who signed it is another matter."""

GOLDEN = Path(__file__).parents[1] / "golden/notices"
BERLIN = ZoneInfo("Europe/Berlin")

MIXED = notice(listed(1), paused(), *(listed(number) for number in range(2, 16)))
WORDS: dict[str, Notice] = {f"fallback-{case}": notice(paused(**changes)) for case, changes in FALLBACKS.items()}
"""Notices whose text is looked at, and not how each form draws it."""

FORMS = [
    *((f"reason-{case}", form) for case in REASONS for form in ("txt", "html", "json")),
    *((case, form) for case in ("mixed", "link", "digest") for form in ("txt", "html", "json")),
    *((case, "txt") for case in WORDS),
]


def shown(case: str) -> Notice:
    if case == "link":
        return replace(reasons()["paused"], ack_url="https://monitor.example.com/ack/34.platform/the-token")
    if case == "digest":
        return digest([reasons()[name] for name in ("blind", "changed", "reminder", "recovered")], AT, CHECKPOINT)
    return reasons()[case.removeprefix("reason-")] if case.startswith("reason-") else {"mixed": MIXED, **WORDS}[case]


def test_every_reason_is_told_by_the_real_use_cases() -> None:
    assert tuple(reasons()) == REASONS
    assert {notice.reason for notice in reasons().values()} == set(Reason)
    assert all(notice.reason == case.partition("-")[0] for case, notice in reasons().items())


@pytest.mark.parametrize(("case", "form"), FORMS, ids=lambda part: part)
def test_the_form_is_the_one_that_was_approved(case: str, form: str) -> None:
    rendered = render(shown(case), BERLIN)
    said = {
        "txt": f"{rendered.title}\n\n{rendered.text}\n",
        "html": rendered.html,
        "json": json.dumps(rendered.slack, indent=1, ensure_ascii=False) + "\n",
    }[form]
    golden = GOLDEN / f"{case}.{form}"
    if os.environ.get("ACCESS_MONITOR_GOLDEN") == "write":
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["txt", "html"])
def test_the_checkpoint_of_a_digest_is_read_back_from_the_message(form: str, tmp_path: Path) -> None:
    kept = tmp_path / "mail"
    kept.write_bytes((GOLDEN / f"digest.{form}").read_bytes().replace(b"\n", b"\r\n"))
    assert str(checkpoint_at(kept)) == CHECKPOINT
    kept.write_text(render(shown("digest")).slack["blocks"][5]["text"]["text"], encoding="utf-8")
    assert str(checkpoint_at(kept)) == CHECKPOINT, "as copied from a chat"
    kept.write_bytes((GOLDEN / "mixed.txt").read_bytes())
    with pytest.raises(Refused, match="no signed note"):
        checkpoint_at(kept)


def test_every_golden_file_is_of_a_form_that_there_is() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case}.{form}" for case, form in FORMS}


class Tags(HTMLParser):
    """Which tags and attributes a page really has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


HOSTILE = '<!channel> @here </td><script>alert(1)</script> <http://evil|click> `*_ & " onload=x'
OWN_TAGS = {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "table", "tr", "td", "br", "pre"}


def hostile(text: str) -> Rendered:
    return render(
        notice(
            paused(
                name=text,
                subject=text,
                entry="",
                source=text,
                summary=text,
                fallback=text,
                evidence=text,
                differences=(Difference(subject=text + "x", what=text, old=text, new=text),),
                commands=(text,),
            ),
            listed(1, subject=text),
            id=text,
        )
    )


def assert_harmless(rendered: Rendered) -> None:
    tags = Tags()
    tags.feed(rendered.html)
    assert tags.tags <= OWN_TAGS
    assert tags.attributes <= {"style", "lang", "charset", "role"}
    for block in rendered.slack["blocks"]:
        for text in [block["text"]] if "text" in block else block["elements"]:
            if text["type"] == "mrkdwn":
                assert "<" not in text["text"]
                assert text["verbatim"] is True
    assert "<" not in rendered.slack["text"]
    assert "\n" not in rendered.title


def test_what_a_provider_writes_never_becomes_markup_or_a_mention() -> None:
    rendered = hostile(HOSTILE)
    assert_harmless(rendered)
    for form in (rendered.title, rendered.text, json.dumps(rendered.slack), rendered.html):
        assert "@here" not in form
        assert "<!channel" not in form


@given(st.text(max_size=300))
def test_any_text_stays_text(text: str) -> None:
    assert_harmless(hostile(text))


def within_slack_s_limits(rendered: Rendered) -> bool:
    blocks = rendered.slack["blocks"]
    texts = [text for block in blocks for text in ([block["text"]] if "text" in block else block["elements"])]
    return (
        len(blocks) <= SLACK_BLOCKS
        and len(blocks[0]["text"]["text"]) <= SLACK_HEADER
        and all(1 <= len(text["text"]) <= SLACK_BLOCK for text in texts)
        and len(rendered.slack["text"]) <= SLACK_TEXT
    )


@pytest.mark.parametrize("text", ["x" * 5000, "&" * 5000, "`*<" * 2000, "word " * 1000])
def test_no_length_of_text_breaks_slack_s_limits(text: str) -> None:
    items = [
        paused(
            name=text,
            summary=text,
            position=number,
            commands=(text,) * 6,
            differences=tuple(Difference(subject=text, what=text, old=text, new=text) for _ in range(30)),
        )
        for number in range(1, 80)
    ]
    rendered = render(notice(*items, *(listed(number, subject=text + str(number)) for number in range(80))))
    assert within_slack_s_limits(rendered)


def test_the_key_is_the_last_line_of_every_form_even_of_one_that_was_cut() -> None:
    rendered = render(notice(*(paused(position=n, name="y" * 100, summary="z" * 400) for n in range(40)), id="key-1"))
    assert rendered.text.endswith("\nNotice key-1")
    assert rendered.slack["text"].endswith("\nNotice key-1")
    assert rendered.slack["blocks"][-1]["elements"][0]["text"] == "Notice key-1"
    assert "Notice key-1" in rendered.html.splitlines()[-3]


def test_commands_can_be_copied_from_every_form() -> None:
    rendered = render(notice())
    command = 'access-monitor resume luna --by YOU --reason "…" --expect 17'
    assert command in rendered.text
    assert any(command in block["text"]["text"] for block in rendered.slack["blocks"] if "text" in block)
    assert "access-monitor resume luna --by YOU --reason &quot;…&quot; --expect 17" in rendered.html
