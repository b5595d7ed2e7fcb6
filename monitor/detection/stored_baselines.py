"""What is confirmed now, read from the store: what every decision starts from."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.core.baselines import Baselines
from monitor.core.configuration import SourceSpec
from monitor.core.facts import Facts
from monitor.core.ports import Reader


def current_baselines(
    reader: Reader, specs: Mapping[str, SourceSpec], *, own: str = "", facts: Facts | None = None
) -> Baselines:
    """Return the baselines as the store has them; `facts` instead for the source `own`, whose new baseline is not
    written yet.
    """

    def baseline(key: str) -> Facts | None:
        if facts is not None and key == own:
            return facts
        state = reader.source(key)
        return reader.facts(state.baseline) if state is not None and state.baseline else None

    return Baselines(specs, baseline)
