"""A badge: one line that says what production is answered of an entry, as a picture (SVG) for pages of others."""

from __future__ import annotations

from html import escape

COLOURS = {"good": "#1a7f37", "warn": "#9a6700", "bad": "#b42318", "dim": "#57606a"}
"""Kind → colour; white stands on each at 4.5 to 1 or more."""

_WIDE = 7
"""Pixels that a character takes at most; `textLength` fits the letters of any font into that."""
_MARGIN = 6


def badge(label: str, words: str, kind: str) -> str:
    """Return the picture; its title says all of it, so that the colour says nothing alone."""
    left, right = len(label) * _WIDE + 2 * _MARGIN, len(words) * _WIDE + 2 * _MARGIN
    title = escape(f"{label}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left}" height="20" fill="#24292f"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[kind]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_letters(label, _MARGIN)}{_letters(words, left + _MARGIN)}</g></svg>\n"
    )


def _letters(text: str, x: int) -> str:
    return f'<text x="{x}" y="14" textLength="{len(text) * _WIDE}">{escape(text)}</text>'
