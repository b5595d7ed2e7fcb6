"""Peak and off-peak hours, as one sentence of a page defines them for all its tables: which are the others is said by
the peak alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SPAN = r"[0-2]?[0-9]:[0-5][0-9] ?(?:-|–|—|to) ?[0-2]?[0-9]:[0-5][0-9]"
_DEFINED = re.compile(
    rf"Peak hours are (?P<spans>{_SPAN}(?:(?:,| and|, and) {_SPAN})*) UTC"
    r"(?P<days>,? (?:from )?Monday (?:through|to|-) Friday)?(?P<but>,? excluding Chinese public holidays)?"
    r"(?: ?\(all other hours are off-peak\)|[,;] all other hours are off-peak)?\.?",
)
PEAK = re.compile(r"\bpeak\b", re.IGNORECASE)
_HALF = re.compile(r"Off-peak rates are half of the peak rates\.")
_LABEL = re.compile(r"(?P<meter>.+) (?P<part>off-peak|peak)", re.IGNORECASE)


class PeakHours(NamedTuple):
    """The conditions of prices that hold in the hours of the peak alone, and outside of them."""

    peak: str
    off_peak: str


def defined(text: str) -> tuple[PeakHours | None, str]:
    """Return the hours that a text defines, and the rest of its words; none and the whole where it defines none."""
    match = _DEFINED.search(text)
    if match is None:
        return None, text
    spans = " and ".join(re.sub(r" ?(?:-|–|—|to) ?", "-", span) for span in re.findall(_SPAN, match["spans"]))
    when = (
        f"{spans} UTC"
        + (" Monday-Friday" if match["days"] else "")
        + (" without Chinese public holidays" if match["but"] else "")
    )
    rest = _HALF.sub("", text[: match.start()] + text[match.end() :]).strip()
    return PeakHours(peak=f"hours {when}", off_peak=f"hours outside {when}"), rest


def of_label(label: str) -> tuple[str, str]:
    """Return the meter of a label and the part of the day that it names; all of it and nothing where it names none."""
    match = _LABEL.fullmatch(label)
    return (match["meter"], match["part"].lower()) if match else (label, "")
