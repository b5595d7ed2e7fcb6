"""The page and the file of an auditor's bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from monitor.audit.translog.bundle import PAGE
from monitor.cli import output
from monitor.cli.report_page import ReportPage, ReportSection, ReportTable, html
from monitor.core.event_types import in_words
from monitor.core.events import Recorded
from monitor.core.moments import utc
from monitor.core.ports import Refused

_WRITTEN = (2000, 1, 1, 0, 0, 0)
"""The time of every file in the bundle, so that the same events make the same bundle."""


def page_of(entry: str, events: Sequence[Recorded], evidence: int, origin: str) -> bytes:
    """Return the page for reading: every event in words, with the names of what belongs to it."""
    first, last = events[0], events[-1]
    rows = [
        (
            str(recorded.event.position),
            utc(recorded.recorded_at),
            recorded.event.type,
            recorded.event.subject,
            in_words(recorded.event),
            recorded.event.actor,
            "" if recorded.event.cause is None else str(recorded.event.cause),
            recorded.event.evidence.removeprefix("sha256:")[:12],
        )
        for recorded in events
    ]
    page = ReportPage(
        title=f"What the log holds of {entry}" if entry else "What the log holds",
        lead=(
            f"{output.plural(len(events), 'event')} from {utc(first.recorded_at)} to {utc(last.recorded_at)}, with "
            f"{output.plural(evidence, 'piece')} of evidence and a proof for each event. README.md says how to verify "
            "them."
        ),
        sections=[
            ReportSection(
                title="Events",
                blocks=[
                    ReportTable(
                        headers=("Position", "Recorded", "Type", "Subject", "What", "By", "Cause", "Evidence"),
                        rows=rows,
                        numbers=("Position", "Cause"),
                    )
                ],
            )
        ],
        footer=origin,
    )
    return html(page).encode()


def write_bundle(path: Path, entry: str, events: Sequence[Recorded], files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files into a ZIP file that is not there yet, one after the other, and the page at the end.

    Raises:
        Refused: it cannot be written, or one of the files not be made; nothing is left then.
    """
    try:
        with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as bundle:
            try:
                origin, evidence = "", 0
                for name, content in files:
                    _add(bundle, name, content)
                    evidence += name.startswith("evidence/")
                    if name == "checkpoint/text":
                        origin = content.decode().partition("\n")[0]
                _add(bundle, PAGE, page_of(entry, events, evidence, origin))
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise Refused(f"The file {path} exists: name another one for the bundle.") from None
    except OSError as error:
        raise Refused(f"The bundle cannot be written to {path} ({error.strerror}): name another file.") from None


def _add(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, _WRITTEN), content, zipfile.ZIP_DEFLATED)
