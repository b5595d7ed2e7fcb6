"""The forms of a message: plain text, Slack blocks, HTML for mail. No wording here, and nothing unescaped leaves.

The limits are those Slack enforces in practice; a message beyond one is refused whole, which would silence a pause.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Any

from monitor.core import logs
from monitor.core.notices import Notice
from monitor.notify.rendering import MAIL, SLACK, TEXT, Drawn, draw, slack_escape
from monitor.notify.wording import Message, compose

SLACK_HEADER = 150
SLACK_BLOCK = 3000
SLACK_BLOCKS = 50
SLACK_TEXT = 4000

_LAST = 2
"""How many paragraphs at the end of a message that is too long are kept: its link and its incident."""

_FENCE = "```"
_PARAGRAPHS = re.compile(r"\n\s*\n")


class Rendered:
    """One notice in every form; each is drawn when it is first asked for, by the owner's template where it has one.

    `slack` is a whole webhook payload (`text` and `blocks`); `html` needs nothing from outside.
    """

    def __init__(self, message: Message, notice: Notice, templates: Mapping[str, str]) -> None:
        self._message = message
        self._notice = notice
        self._templates = templates

    @property
    def title(self) -> str:
        """The headline."""
        return self._message.title

    @cached_property
    def text(self) -> str:
        """The plain text, without the headline."""
        return self._drawn(TEXT).text.rstrip("\n")

    @cached_property
    def slack(self) -> Mapping[str, Any]:
        """The payload of a Slack webhook."""
        return _slack(self._message, self._drawn(SLACK))

    @cached_property
    def html(self) -> str:
        """The page of a mail."""
        return self._drawn(MAIL).text

    def _drawn(self, form: str) -> Drawn:
        drawn = draw(self._message, form, self._templates.get(form, ""))
        if drawn.failure:
            logs.line(
                "template failed: the built-in one was used",
                level=logging.ERROR,
                owner=self._notice.owner,
                form=form,
                notice=self._notice.id,
                reason=drawn.failure,
            )
        return drawn


def render(notice: Notice, zone: tzinfo | None = None, templates: Mapping[str, str] | None = None) -> Rendered:
    """Put a notice into words and into every form. With `zone`, times are told in it beside UTC; `templates` are the
    paths of an owner's own, by form.
    """
    return Rendered(compose(notice, zone), notice, templates or {})


def _slack(message: Message, drawn: Drawn) -> Mapping[str, Any]:
    """Make a payload of paragraphs in Slack's markup: the headline, a section each, and the notice's id."""
    paragraphs = [text for part in _PARAGRAPHS.split(drawn.text) if (text := part.strip("\n"))]
    room = SLACK_BLOCKS - 2
    if len(paragraphs) > room:
        # One section says what is missing.
        left = len(paragraphs) - room + 1
        whole = f"`access-monitor notices {message.footer.split()[1].rstrip(',')} --json` has the whole text."
        kept = paragraphs[: room - 1 - _LAST]
        paragraphs = [*kept, f"{left} paragraphs are left out here: {whole}", *paragraphs[-_LAST:]]
    header = {"type": "header", "text": {"type": "plain_text", "text": message.title[:SLACK_HEADER], "emoji": False}}
    footer = _mrkdwn(_fit(slack_escape(drawn.footer).split("\n"), SLACK_BLOCK))
    return {
        "text": _slack_text(message),
        "blocks": [
            header,
            *({"type": "section", "text": _mrkdwn(_section(paragraph))} for paragraph in paragraphs),
            {"type": "context", "elements": [footer]},
        ],
        "unfurl_links": False,
    }


def _section(paragraph: str) -> str:
    """Return a paragraph within Slack's limit; a code block that is cut is closed."""
    text = _fit(paragraph.split("\n"), SLACK_BLOCK - len(_FENCE))
    return text + _FENCE if text.count(_FENCE) % 2 else text


def _mrkdwn(text: str) -> dict[str, Any]:
    # `verbatim` keeps Slack from turning names and addresses in a provider's words into links and mentions.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _slack_text(message: Message) -> str:
    """Return what a phone's lock screen shows, and the whole message where a webhook refuses blocks."""
    footer = slack_escape(message.footer)
    text = draw(message, TEXT).text.rstrip("\n")
    lines = [slack_escape(line) for line in (message.title, "", *text.split("\n")[:-1])]
    return _fit(lines, SLACK_TEXT - len(footer) - 1) + "\n" + footer


def _fit(lines: Iterable[str], limit: int) -> str:
    """Return as many whole lines as fit, and how many do not: a cut inside a line could split an entity or leave a span
    open.
    """
    rows: Sequence[str] = list(lines)
    if len("\n".join(rows)) <= limit:
        return "\n".join(rows)
    most = f"… and {len(rows)} more lines"
    kept, room = 0, limit - len(most) - 1
    while kept < len(rows) and len(rows[kept]) + 1 <= room:
        room -= len(rows[kept]) + 1
        kept += 1
    left = len(rows) - kept
    return "\n".join([*rows[:kept], f"… and {left} more line{'s' if left > 1 else ''}"])
