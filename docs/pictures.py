"""Draw the pictures of the pages from what the program prints on a terminal while it plays the demo.

`make pictures` runs this, which takes a minute. What differs from run to run (times, ports, positions) is written the
same each time, so a picture changes only where the program does; a test holds the pictures to a run of the demo.

A picture is 88 columns wide, so that its letters keep their size at the width of a README. Longer lines are folded.
"""

from __future__ import annotations

import html
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import page_pictures

FOLDER = Path(__file__).parent
COLUMNS = 88
SIZE, ADVANCE, LEADING, MARGIN = 14, 8.4, 19, 16
STYLES: Mapping[str, str] = {
    "1": "font-weight:bold",
    "2": "fill:#8b949e",
    "31": "fill:#ff7b72",
    "32": "fill:#7ee787",
    "33": "fill:#e3b341",
    "34": "fill:#79c0ff",
    "35": "fill:#d2a8ff",
    "36": "fill:#76e3ea",
}
"""The codes of a terminal that the program uses → how they are drawn on the dark ground."""

_CODE = re.compile(r"\x1b\[([0-9;]*)m")
_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d)(:\d\d)?")
_VARYING = (
    (re.compile(r"\buntil [A-Z][a-z]{2} \d{1,2}\b"), "until Aug 2"),
    (re.compile(r"(?<!\d )(?<!T)\b\d\d:\d\d:\d\dZ"), "17:34:21Z"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8080"),
    (re.compile(r"(position|event|--expect) \d+"), r"\1 204"),
    (re.compile(r"\b\d+\.platform"), "204.platform"),
    (re.compile(r"\S*/lease/"), "var/lease/"),
    (re.compile(r"\d+\.\d s\b"), "0.5 s"),
)


BASE = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
"""The time at which everything in a picture is said to happen."""


def normalised(lines: Sequence[str]) -> list[str]:
    """Return lines with what differs from run to run written the same each time; codes of a terminal stay.

    The first time among them becomes `BASE`, and others keep their distance from it, in whole hours.
    """
    times = [datetime.fromisoformat(f"{found[1]}T{found[3]}+00:00") for line in lines for found in _TIME.finditer(line)]
    first = min(times, default=BASE)

    def moved(found: re.Match[str]) -> str:
        hours = round((datetime.fromisoformat(f"{found[1]}T{found[3]}+00:00") - first) / timedelta(hours=1))
        at = BASE + timedelta(hours=hours)
        return f"{at:%Y-%m-%d}{found[2]}{at:%H:%M}" + (f":{at:%S}" if found[4] else "")

    written = []
    for line in lines:
        line = _TIME.sub(moved, line)
        for pattern, instead in _VARYING:
            line = pattern.sub(instead, line)
        written.append(line)
    return written


def plain(line: str) -> str:
    """Return a line without the codes of a terminal."""
    return _CODE.sub("", line)


def chapter(lines: Sequence[str]) -> list[str]:
    """Return what the demo prints of the day on which prices drop."""
    begin = next(index for index, line in enumerate(lines) if plain(line).startswith("2026-07-30"))
    end = next(index for index, line in enumerate(lines) if index > begin and "quiet days" in line)
    return _ordered([line.rstrip() for line in lines[begin:end] if line.strip()])


def _ordered(lines: Sequence[str]) -> list[str]:
    """Return the lines with those of one kind that follow each other sorted: two entries are paused in one commit."""
    ordered: list[str] = []
    group: list[str] = []
    for line in lines:
        if group and plain(line).split()[1:2] != plain(group[-1]).split()[1:2]:
            ordered += sorted(group, key=plain)
            group = []
        group.append(line)
    return [*ordered, *sorted(group, key=plain)]


def folded(line: str) -> list[str]:
    """Return the lines that a line is drawn as; those after the first begin below its text."""
    text = plain(line)
    if len(text) <= COLUMNS:
        return [line]
    spaces = [match.end() for match in re.finditer(r"\s{2,}(?=\S)", text[:30])]
    indent = " " * (spaces[-1] if spaces else 2)
    first, *rest = textwrap.wrap(text, COLUMNS, subsequent_indent=indent, break_long_words=False)
    # The colours of a folded line are those of its beginning: nothing further on is coloured.
    cut, shown = 0, 0
    while shown < len(first):
        code = _CODE.match(line, cut)
        cut, shown = (code.end(), shown) if code else (cut + 1, shown + 1)
    return [line[:cut] + "\x1b[0m", *rest]


def drawn(command: str, lines: Sequence[str]) -> str:
    """Return the picture of a command and what it prints."""
    rows = [f"\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m", *(row for line in normalised(lines) for row in folded(line))]
    width, height = round(COLUMNS * ADVANCE + 2 * MARGIN), len(rows) * LEADING + 2 * MARGIN
    texts = "\n".join(_row(row, MARGIN + SIZE + index * LEADING) for index, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f"<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" "
        f'font-size="{SIZE}" fill="#e6edf3">\n{texts}\n</g>\n</svg>\n'
    )


def _row(row: str, y: int) -> str:
    spans = "".join(
        f'<tspan style="{style}">{html.escape(text)}</tspan>' if style else html.escape(text)
        for text, style in _spans(row)
    )
    length = round(len(plain(row)) * ADVANCE)
    return f'<text x="{MARGIN}" y="{y}" textLength="{length}" xml:space="preserve">{spans}</text>' if length else ""


def _spans(row: str) -> Iterator[tuple[str, str]]:
    style, place = "", 0
    for code in _CODE.finditer(row):
        if text := row[place : code.start()]:
            yield text, style
        names = [STYLES[name] for name in code[1].split(";") if name in STYLES]
        style, place = (";".join(filter(None, [style, *names])) if names else ""), code.end()
    if text := row[place:]:
        yield text, style


def shown(picture: str) -> list[str]:
    """Return the lines of a picture as text, the command first."""
    texts = re.findall(r"<text [^>]*>(.*?)</text>", picture)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)) for text in texts]


def commands(notice: str) -> Mapping[str, tuple[str, ...]]:
    """Return picture → the command that is run once the demo has ended; `notice` is that of the message."""
    return {"gate": ("gate", "gpt-5.6-sol", "--explain"), "message": ("notices", notice)}


def of_command(words: Sequence[str], lines: Sequence[str]) -> str:
    """Return the picture of a command and what it prints; of a message the part about the first entry."""
    (command,) = normalised([shlex.join(("access-monitor", *words))])
    end = next((index + 1 for index, line in enumerate(lines) if plain(line).startswith("  What was done")), len(lines))
    return drawn(command, [*lines[:end], *(["…"] if end < len(lines) else [])])


def _printed(*words: str) -> list[str]:
    """Return what a command prints on a terminal."""
    main, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([sys.executable, "-m", "monitor", *words], stdout=terminal, env=environment)
    os.close(terminal)
    content = b""
    while True:
        try:
            read = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        content += read
    os.close(main)
    process.wait()
    return content.decode().replace("\r", "").splitlines()


def pause_of_sol(rows: Sequence[Mapping[str, object]]) -> str:
    """Return the id of the newest notice about a pause of Sol, of what `notices --json` prints."""
    return str(next(row["id"] for row in rows if str(row["title"]).startswith("PAUSED GPT-5.6 Sol")))


def main() -> None:
    """Play the demo and draw every picture."""
    story = _printed("demo")
    config = next(match[1] for line in story if (match := re.search(r"--config (\S+) status", plain(line))))
    pictures = {"demo": drawn("access-monitor demo", chapter(story))}
    notice = pause_of_sol(json.loads("\n".join(_printed("--config", config, "notices", "--json"))))
    for name, words in commands(notice).items():
        pictures[name] = of_command(words, _printed("--config", config, *words))
    for name, picture in pictures.items():
        (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    page_pictures.draw(Path(config))


if __name__ == "__main__":
    main()
