"""What the provider's own status page says while one of its sources cannot be read, or shows what cannot be taken at its word.

It is quoted, and nothing more: an incident explains a failure, moves nothing, and is no news by itself. Read from the store only when there is
something to explain. Nothing is written here.
"""

from __future__ import annotations

from monitor.domain.configuration import Configuration, SourceSpec
from monitor.domain.model import INCIDENT
from monitor.pipeline.ports import Reader

STATUS_PAGE = "status_page"
"""The kind of a source that states incidents."""


def incident(reader: Reader, configuration: Configuration, spec: SourceSpec) -> str:
    """The open incidents on the surface of a source, in the words of its provider; empty where there is none.

    A status page that names no surface is about all of them. One that cannot be read itself is not quoted, nor is an incident that a look
    since then did not show any more.
    """
    if not spec.surface or spec.kind == STATUS_PAGE:
        return ""
    found: dict[str, None] = {}
    for page in configuration.sources.values():
        if page.kind != STATUS_PAGE or page.surface not in ("", spec.surface):
            continue
        state = reader.source(page.key)
        if state is None or not state.baseline or state.outage or state.stale_position is not None:
            continue
        going = {streak.fact for streak in reader.streaks(page.key) if streak.value is None}
        for subject, fields in sorted(reader.facts(state.baseline).items()):
            for field, said in sorted(fields.items()):
                if field.startswith(INCIDENT) and (subject, field) not in going:
                    found[str(said)] = None
    return "; ".join(found)
