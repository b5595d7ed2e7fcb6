"""Whether messages can be sent to the destinations that stand in the file itself.

Asked by `config check` alone, since Apprise is slow to load. Nothing is sent and no secret is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor.settings.errors import Finding
from monitor.settings.places import place
from monitor.settings.schema import Document
from monitor.settings.secrets import is_reference


def unusable_destinations(document: Document, path: Path) -> Iterator[Finding]:
    """Yield each literal destination to which no message can be sent, and why."""
    from monitor.notify.channels import AppriseChannel
    from monitor.notify.service import Means

    means = Means(
        timeout=(1.0, 1.0),
        clock=lambda: datetime.min.replace(tzinfo=UTC),
        folder=place(document.run.state_dir or "", path.parent),
        secret=None,
    )
    channel = AppriseChannel(lambda url: url, means=lambda url: means)
    for index, owner in enumerate(document.owner):
        for number, row in enumerate(owner.destinations):
            url = row if isinstance(row, str) else row.url
            if not is_reference(url) and (problem := channel.problem(url)):
                yield ("owner", index, "destinations", number), problem
