"""Inline markup to plain text, for one cell, line or heading. What a text means is not decided here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_SUPERSCRIPT = re.compile(r"<sup\b[^>]*>(.*?)</sup>", re.IGNORECASE | re.DOTALL)
_RAISED = re.compile(r"[\W\d_]*[a-z]?[\W\d_]*|new|beta|preview|tm", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|hr)\s*/?>", re.IGNORECASE)
_STRUCK = re.compile(r"</?(?:del|s|strike)\b[^<>]*>", re.IGNORECASE)
_CLASSES = (
    r"hidden|sr-only|screen-reader(?:-text|-only)?|visually-?hidden|d-none|invisible|display-none|is-hidden"
    r"|hide|[\w-]*(?:line-?through|strike|struck|crossed)[\w-]*"
    r"|(?=[\w-]*price)[\w-]*(?:old|was|orig|prev|former|before|regular|msrp)[\w-]*"
)
_DRESSED = re.compile(
    rf"""\sclass(?:Name)?=\{{?["'](?:[^"']*\s)?(?:[\w-]+__|[\w-]+--)?(?:{_CLASSES})(?=[\s"'])"""
    r"""|\shidden(?=[\s=>/])|\saria-hidden=\{?["']?true|(?:text-decoration|textDecoration)[\w-]*\s*:[^;}]*line-through|display\s*:\s*["']?none"""
    r"""|visibility\s*:\s*["']?(?:hidden|collapse)|font-size\s*:\s*["']?0(?![.0-9]*[1-9])|opacity\s*:\s*["']?0(?![.0-9]*[1-9])""",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"data-(?:[a-z]+-)?(?:currency|unit|region|country|geo|plan|offer|audience|period|effective|valid(?:-\w+)?|until"
    r"|discount|multiplier|surcharge|tier|segment)",
    re.IGNORECASE,
)
_OF_EVERY_CALL = re.compile(
    r"|usd|us\$|\$|1m(?:[ _-]?tokens)?|mtok|standard|global|main|content|body|header|true|false|all|default",
    re.IGNORECASE,
)
_PANE = re.compile(r"\brole=[\"']?tabpanel|\bdata-content-switcher-pane\b", re.IGNORECASE)
_SHOWN_AGAIN = re.compile(
    r"\b(?:sm|md|lg|xl|2xl|tablet|desktop):(?:block|flex|grid|contents|inline\S*|table\S*|not-sr-only)", re.IGNORECASE
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CODE = re.compile(r"</?code\b[^<>]*>", re.IGNORECASE)
_CARD = re.compile(r"\[!\[[^\[\]]*\]\([^()]*\)([^\[\]]*)\]\([^()]*\)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_FOOTNOTE = re.compile(r"\[\^?\d{1,2}\]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_MARKUP = re.compile(r"[<\[*\\&`]")
_MARKS = "*†‡¹²³⁴⁵⁶⁷⁸⁹⁰"
_MARK_SET = frozenset(_MARKS)
_MARK = re.compile(rf"(?<=\S)\s*[{_MARKS}]+$")


def squeeze(text: str) -> str:
    """Text without invisible characters, footnote marks at its end and runs of white space."""
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    text = " ".join(text.split())
    return _MARK.sub("", text) if text[-1:] in _MARK_SET else text


def unseen(tag: str) -> bool:
    """Return whether a tag, as it is written, hides or strikes out what it holds.

    What is shown again on a wider screen is not hidden, nor is the pane of a tab, which a reader of the page may open.
    """
    return _DRESSED.search(tag) is not None and _SHOWN_AGAIN.search(tag) is None and _PANE.search(tag) is None


def conditional(attributes: Iterable[tuple[str, str | None]]) -> bool:
    """Return whether an attribute that is meant for scripts says of what it stands on that it is of some currency,
    region or offer alone.
    """
    return any(
        _CONDITION.fullmatch(name) is not None and _OF_EVERY_CALL.fullmatch((value or "").strip()) is None
        for name, value in attributes
    )


def is_mark(raised: str) -> bool:
    """Return whether a superscript is a footnote's mark or says nothing of prices; other words (`EU only`) may be a
    condition.
    """
    return _RAISED.fullmatch(raised.strip()) is not None


def _kept(match: re.Match[str]) -> str:
    return "" if is_mark(_TAG.sub("", match[1])) else f" {match[1]}"


STRUCK = "~~"
"""The mark around what is struck out or hidden: a price that no longer holds must not look like one."""

CODE = "`"
"""The mark around a code span, where a reader asks to see it."""


def _undressed(match: re.Match[str]) -> str:
    return STRUCK if unseen(match[0]) else ""


def plain(text: str, *, code: bool = False) -> str:
    """Text as a reader sees it: no tags, links, code or bold marks, escapes or footnotes. With `code` its code spans
    stay marked.

    The mark of a footnote goes with its superscript: `$5.00<sup>1</sup>` is not $5.001. Strikethrough stays, so that a
    price that no longer holds does not look like one.
    """
    if _MARKUP.search(text) is None:
        return squeeze(text)  # as most cells
    text = _STRUCK.sub(STRUCK, _BREAK.sub(" ", _SUPERSCRIPT.sub(_kept, text)))
    if code:
        text = _CODE.sub(CODE, text)
    text = _TAG.sub(_undressed, text)
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1", _CARD.sub(r"\1 ", text))).replace("**", "")
    if not code:
        text = text.replace(CODE, "")
    return squeeze(unescape(_ESCAPE.sub(r"\1", text)))
