"""The forms of a message: plain text, Slack blocks, HTML. No wording here, and nothing unescaped leaves.

The limits are those Slack enforces in practice; a message beyond one is refused whole, which would silence a pause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from typing import Any

from monitor.core.notices import Notice
from monitor.notify.wording import Line, Message, MessageSection, compose

SLACK_HEADER = 150
SLACK_BLOCK = 3000
SLACK_BLOCKS = 50
SLACK_TEXT = 4000

ACKNOWLEDGE = "I have it (stops repeats, resumes nothing)"
"""What the link of a message says that it does."""

_WIDTH = 16
_ELLIPSIS = "…"
_STYLE = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:15px;line-height:1.45;color:#1f2328"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One notice in every form. `slack` is a whole webhook payload (`text` and `blocks`); `html` needs nothing from
    outside.
    """

    title: str
    text: str
    slack: Mapping[str, Any]
    html: str


def render(notice: Notice, zone: tzinfo | None = None) -> Rendered:
    """Put a notice into words and into every form. With `zone`, times are told in it beside UTC."""
    message = compose(notice, zone)
    return Rendered(title=message.title, text=_text(message), slack=_slack(message), html=_html(message))


def _text(message: Message) -> str:
    parts = ["\n".join(message.updates), *("\n".join(_text_lines(section)) for section in message.sections)]
    acknowledge = f"{ACKNOWLEDGE}: {message.ack_url}" if message.ack_url else ""
    parts += [message.more, acknowledge, message.earlier, message.footer]
    return "\n\n".join(part for part in parts if part)


def _text_lines(section: MessageSection) -> Iterable[str]:
    yield section.heading
    for line in section.lines:
        first, *rest = line.texts
        yield f"  {line.label:<{_WIDTH}}{first}"
        for text in rest:
            yield f"  {'':<{_WIDTH}}{text}"


def slack_escape(text: str) -> str:
    """Escape what Slack reads as markup: the three characters that begin links, mentions and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack(message: Message) -> Mapping[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:SLACK_HEADER], "emoji": False}}
    ]
    if message.updates:
        blocks.append(_mrkdwn(f"*{_literal(update)}*" for update in message.updates))
    for section in message.sections:
        facts = [line for line in section.lines if not line.code]
        blocks.append(_mrkdwn([f"*{_literal(section.heading)}*", *(_slack_fact(line) for line in facts)]))
        blocks.extend(_slack_code(line) for line in section.lines if line.code)
    if message.more:
        blocks.append(_mrkdwn([slack_escape(message.more)]))
    last = [_mrkdwn([f"<{message.ack_url}|{ACKNOWLEDGE}>"])] if message.ack_url else []
    last += [_mrkdwn([slack_escape(message.earlier)])] if message.earlier else []
    last.append({"type": "context", "elements": [_mrkdwn_text(slack_escape(message.footer))]})
    blocks = [*blocks[: SLACK_BLOCKS - len(last)], *last]
    return {"text": _slack_text(message), "blocks": blocks, "unfurl_links": False}


def _literal(text: str) -> str:
    """Return the text escaped, and without the signs that end a bold or code span: Slack has no escape for them."""
    return slack_escape(text).replace("*", "∗").replace("`", "'")


def _slack_fact(line: Line) -> str:
    return f"*{line.label}:* " + "\n".join(slack_escape(text) for text in line.texts)


def _slack_code(line: Line) -> dict[str, Any]:
    commands = [slack_escape(text).replace("`", "'") for text in line.texts]
    label, opening, closing = f"*{line.label}:*", "```", "```"
    room = SLACK_BLOCK - len(label) - len(opening) - len(closing) - 2
    return _mrkdwn([label, opening + _fit(commands, room) + closing])


def _mrkdwn(lines: Iterable[str]) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn_text(_fit(lines, SLACK_BLOCK))}


def _mrkdwn_text(text: str) -> dict[str, Any]:
    # `verbatim` keeps Slack from turning names and addresses in a provider's words into links and mentions.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _slack_text(message: Message) -> str:
    """Return what a phone's lock screen shows, and the whole message where a webhook refuses blocks."""
    footer = slack_escape(message.footer)
    lines = [slack_escape(text) for text in (message.title, "", *_text(message).split("\n")[:-1])]
    return _fit(lines, SLACK_TEXT - len(footer) - 1) + "\n" + footer


def _fit(lines: Iterable[str], limit: int) -> str:
    """Return as many whole lines as fit: a cut inside a line could split an entity or leave a span open."""
    rows: list[str] = []
    room = limit - len(_ELLIPSIS) - 1
    for line in lines:
        if len(line) + 1 > room:
            return "\n".join([*rows, _ELLIPSIS])
        rows.append(line)
        room -= len(line) + 1
    return "\n".join(rows)


def _html(message: Message) -> str:
    colour = "#b42318" if message.serious else "#1f6feb"
    updates = "".join(f'<p style="margin:0 0 16px"><b>{escape(update)}</b></p>\n' for update in message.updates)
    sections = "\n".join(_html_section(section) for section in message.sections)
    url = escape(message.ack_url)
    acknowledge = f'<p style="margin:0 0 16px"><a href="{url}">{escape(ACKNOWLEDGE)}</a></p>\n' if url else ""
    more = "".join(
        f'<p style="margin:0 0 16px">{escape(text)}</p>\n' for text in (message.more, message.earlier) if text
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(message.title)}</title></head>\n"
        f'<body style="margin:0;padding:16px;background:#ffffff;{_STYLE}">\n'
        f'<div style="max-width:720px;border-top:4px solid {colour};padding-top:12px">\n'
        f'<h1 style="font-size:18px;margin:0 0 16px">{escape(message.title)}</h1>\n'
        f"{updates}{sections}\n{acknowledge}{more}"
        f'<p style="margin:0;color:#59636e;font-size:12px">{escape(message.footer)}</p>\n'
        "</div>\n</body></html>\n"
    )


def _html_section(section: MessageSection) -> str:
    rows = "\n".join(_html_row(line) for line in section.lines)
    return (
        f'<h2 style="font-size:15px;margin:0 0 4px">{escape(section.heading)}</h2>\n'
        '<table role="presentation" style="border-collapse:collapse;margin:0 0 20px;font-size:14px">\n'
        f"{rows}\n</table>"
    )


def _html_row(line: Line) -> str:
    if line.code:
        code = "padding:6px 8px;background:#f6f8fa;border-radius:4px;white-space:pre-wrap;margin:0;font-size:13px"
        value = f'<pre style="{code}">' + "\n".join(escape(text) for text in line.texts) + "</pre>"
    else:
        value = "<br>".join(escape(text) for text in line.texts)
    return (
        '<tr><td style="padding:3px 12px 3px 0;vertical-align:top;white-space:nowrap;color:#59636e">'
        f"{escape(line.label)}</td>"
        f'<td style="padding:3px 0;vertical-align:top">{value}</td></tr>'
    )
