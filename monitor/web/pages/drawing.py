"""Pictures in SVG, drawn from numbers and times alone: no text of a provider is ever in one.

Colours are classes of the style sheet, since the pages allow no inline style, and every colour stands beside a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

HEADROOM = 16
"""What a chart leaves free above its highest line, where the amount of that line stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBand:
    """A state that lasted from one time to another; `kind` is a class of the style sheet, `label` says it in words."""

    start: datetime
    end: datetime
    kind: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMark:
    """Something that happened: where a click on it leads, and what it was."""

    at: datetime
    kind: str
    label: str
    href: str
    lane: int = 0


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The time that a picture shows."""

    start: datetime
    end: datetime

    def x(self, at: datetime, width: int) -> float:
        """Return where a time stands, from 0 to `width`."""
        length = (self.end - self.start).total_seconds() or 1.0
        return round(min(1.0, max(0.0, (at - self.start).total_seconds() / length)) * width, 1)


def spark(steps: Sequence[tuple[datetime, Decimal]], span: TimeSpan, *, width: int = 96, height: int = 20) -> Markup:
    """Draw a little step line: an amount from each time on. Nothing where there is no amount."""
    if not steps:
        return Markup("")
    return _svg(width, height, f'<path class="line" d="{_steps(steps, span, width, height, 2)}"/>', "spark")


def step_chart(
    lines: Sequence[tuple[str, Sequence[tuple[datetime, Decimal]]]],
    span: TimeSpan,
    pauses: Sequence[DrawnBand],
    *,
    width: int = 720,
    height: int = 160,
) -> Markup:
    """Draw prices over time, one step line each (`name` is a class), with the pauses behind them."""
    parts = [_band(band, span, width, 0, height) for band in pauses]
    amounts = [amount for _, steps in lines for _, amount in steps]
    top = max(amounts, default=Decimal(1)) or Decimal(1)
    parts += [part for tick in range(5) for part in _tick(top * tick / 4, top, width, height)]
    for name, steps in lines:
        if steps:
            path = _steps(steps, span, width, height, HEADROOM, top=top)
            parts.append(f'<path class="line {name}" d="{path}"><title>{name}</title></path>')
    return _svg(width, height, "".join(parts), "chart", label="prices over time")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBar:
    """Numbers of calls made from one time to another: the bar reaches up to `amount`, a thinner one behind it up to
    `upper`; neither is drawn where it is None. `bad` says that something failed, `label` says all of it in words.
    """

    start: datetime
    end: datetime
    amount: Decimal | None
    upper: Decimal | None = None
    bad: bool = False
    label: str


def bar_chart(bars: Sequence[DrawnBar], span: TimeSpan, label: str, *, width: int = 720, height: int = 144) -> Markup:
    """Draw numbers over time, a bar for each span of it; where none is, nothing was measured. What failed is a red
    square at the foot of its bar.
    """
    amounts = [amount for bar in bars for amount in (bar.amount, bar.upper) if amount is not None]
    top = max(amounts, default=Decimal(1)) or Decimal(1)
    foot = height - 26
    parts = [part for tick in range(3) for part in _tick(top * tick / 2, top, width, foot)]
    for bar in bars:
        left, right = span.x(bar.start, width), span.x(bar.end, width)
        room = max(2.0, right - left - 2)
        parts.append(f"<g><title>{Markup.escape(bar.label)}</title>")
        for amount, kind, share in ((bar.upper, "upper", 0.4), (bar.amount, "typical", 1.0)):
            if amount is not None:
                tall = round(float(amount / top) * (foot - HEADROOM), 1)
                wide = round(room * share, 1)
                x = round(left + (room - wide) / 2, 1)
                parts.append(
                    f'<rect class="{kind}" x="{x}" y="{round(foot - tall, 1)}" width="{wide}" height="{tall}"/>'
                )
        if bar.bad:
            parts.append(f'<rect class="bad" x="{round(left, 1)}" y="{foot + 2}" width="6" height="6"/>')
        parts.append("</g>")
    parts += _times(span, 0, width, height - 4)
    return _svg(width, height, "".join(parts), "chart", label=label)


def timeline(bands: Sequence[DrawnBand], marks: Sequence[DrawnMark], span: TimeSpan, lanes: Sequence[str]) -> Markup:
    """Draw what befell an entry: its status as a band with its name, and below it a lane for each kind of event. A mark
    is a circle, one that took something away a square.
    """
    width, gutter, lane_height, top = 880, 64, 24, 32
    height = top + lane_height * len(lanes) + 20
    room = width - gutter

    def x(at: datetime) -> float:
        return gutter + span.x(at, room - 8)

    parts = [f'<g transform="translate({gutter})">']
    for band in bands:
        parts.append(_band(band, span, room - 8, 4, 20))
        left, right = span.x(band.start, room - 8), span.x(band.end, room - 8)
        if right - left > 8 * len(band.label):
            parts.append(f'<text class="named" x="{left + 6}" y="18">{Markup.escape(band.label)}</text>')
    parts.append("</g>")
    for number, lane in enumerate(lanes):
        y = top + lane_height * number
        parts.append(f'<line class="grid" x1="{gutter}" x2="{width}" y1="{y + 14}" y2="{y + 14}"/>')
        parts.append(f'<text class="tick" x="0" y="{y + 18}">{Markup.escape(lane)}</text>')
    for mark in marks:
        middle, y = round(x(mark.at), 1), top + lane_height * mark.lane + 14
        shape = (
            f'<rect class="mark bad" x="{middle - 4}" y="{y - 4}" width="8" height="8">'
            if mark.kind == "bad"
            else f'<circle class="mark {mark.kind}" cx="{middle}" cy="{y}" r="4.5">'
        )
        parts.append(
            f'<a href="{Markup.escape(mark.href)}" aria-label="{Markup.escape(mark.label)}">{shape}'
            f"<title>{Markup.escape(mark.label)}</title></{shape[1:].partition(' ')[0]}></a>"
        )
    parts += _times(span, gutter, room - 8, height - 4)
    return _svg(width, height, "".join(parts), "timeline", label="what happened, over time", role="group")


def strip(bands: Sequence[DrawnBand], span: TimeSpan, *, width: int = 240, height: int = 14) -> Markup:
    """Draw states one after the other."""
    return _svg(width, height, "".join(_band(band, span, width, 0, height) for band in bands), "strip")


def meter(share: float, kind: str, label: str, *, width: int = 72) -> Markup:
    """Draw how much of a limit is used up, from 0 to 1."""
    filled = round(min(1.0, max(0.0, share)) * width, 1)
    inner = (
        f'<rect class="empty" width="{width}" height="8" rx="2"/>'
        f'<rect class="{kind}" width="{filled}" height="8" rx="2"><title>{Markup.escape(label)}</title></rect>'
    )
    return _svg(width, 8, inner, "meter")


def _band(band: DrawnBand, span: TimeSpan, width: int, top: int, height: int) -> str:
    left, right = span.x(band.start, width), span.x(band.end, width)
    return (
        f'<rect class="band {band.kind}" x="{left}" y="{top}" width="{max(1.0, round(right - left, 1))}" '
        f'height="{height}"><title>{Markup.escape(band.label)}</title></rect>'
    )


def _steps(
    steps: Sequence[tuple[datetime, Decimal]],
    span: TimeSpan,
    width: int,
    height: int,
    margin: int,
    *,
    top: Decimal | None = None,
) -> str:
    amounts = [float(amount) for _, amount in steps]
    highest, lowest = (max(amounts), min(amounts)) if top is None else (float(top), 0.0)
    length, room = highest - lowest, height - margin
    bottom = height - (margin / 2 if top is None else 0)
    heights = [round(bottom - ((amount - lowest) / length if length else 0.5) * room, 1) for amount in amounts]
    points = [(span.x(at, width), y) for (at, _), y in zip(steps, heights, strict=True)]
    path = [f"M{points[0][0]} {points[0][1]}", *(f"H{x}V{y}" for x, y in points[1:]), f"H{width}"]
    return "".join(path)


def _times(span: TimeSpan, left: int, width: int, y: int) -> list[str]:
    """Write when a picture begins, the middle of it, and when it ends."""
    return [
        f'<text class="tick" text-anchor="{anchor}" x="{round(left + share * width)}" y="{y}">'
        f"{span.start + (span.end - span.start) * share:%Y-%m-%d %H:%M}Z</text>"
        for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))
    ]


def _tick(amount: Decimal, top: Decimal, width: int, foot: int) -> tuple[str, str]:
    """Draw a line of the grid, and the amount that it stands for."""
    y = round(foot - float(amount / top) * (foot - HEADROOM), 1)
    return (
        f'<line class="grid" x1="0" x2="{width}" y1="{y}" y2="{y}"/>',
        f'<text class="tick" x="2" y="{y - 2}">{_short(amount)}</text>',
    )


def _short(amount: Decimal) -> str:
    if 0 < amount < Decimal("0.1"):
        return f"{amount:.2g}"
    return f"{amount:.2f}".rstrip("0").rstrip(".") or "0"


def _svg(width: int, height: int, inner: str, kind: str, *, label: str = "", role: str = "img") -> Markup:
    named = f' role="{role}" aria-label="{label}"' if label else ' aria-hidden="true"'
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{named}>{inner}</svg>'
    )
