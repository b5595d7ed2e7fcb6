"""A LiteLLM-sized price feed, about 3,000 entries, against `json.loads` of it: parsed, read, and found to differ in
nothing from its baseline. The baseline comes back from its stored text, as after a restart: no object of it is shared
with the poll.

    python bench/feeds.py

The real map is taken where it is found (`ACCESS_MONITOR_SHARED`, else the folder `shared` beside the checkout), and one
of the same size and shape is made where it is not.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _common import ROOT, Row, interleaved, milliseconds, report

from monitor.core.changes import diff
from monitor.core.content import facts_text
from monitor.core.facts import Body, Snapshot
from monitor.sources.catalog import source_spec
from monitor.sources.feed import PriceFeed
from monitor.sources.http import HttpClient
from monitor.store import codec

ROUNDS = 60
LIMIT = 3.0
ENTRIES = 3000
AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
REAL = (
    Path(os.environ.get("ACCESS_MONITOR_SHARED", ROOT.parent / "shared")) / "replay" / "litellm_full_2026-08-01.json.gz"
)


def made() -> bytes:
    """Return a map of the size and shape of the real one: a few prices, a few limits and many flags an entry."""
    flags = {f"supports_{index}": True for index in range(8)}
    entries = {
        f"provider-{index % 60}/model-{index}": {
            "litellm_provider": f"provider-{index % 60}",
            "mode": "chat",
            "max_input_tokens": 200000,
            "input_cost_per_token": (index % 50 + 1) / 10**7,
            "output_cost_per_token": (index % 50 + 1) / 10**6,
            "cache_read_input_token_cost": (index % 50 + 1) / 10**8,
            "source": "https://provider.example/pricing",
            **flags,
        }
        for index in range(ENTRIES)
    }
    return json.dumps(entries, indent=4).encode()


def main() -> int:
    content = gzip.decompress(REAL.read_bytes()) if REAL.is_file() else made()
    spec = source_spec(
        key="litellm", kind="price_feed", format="litellm", every=timedelta(hours=1), url="http://x.invalid"
    )
    feed = PriceFeed(spec, HttpClient())
    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def poll() -> Snapshot:
        seen = feed.extract(body, AT)
        if not isinstance(seen, Snapshot):
            raise SystemExit(f"the feed was not read: {seen.detail}")
        return seen

    baseline = codec.facts_of(facts_text(poll().facts))

    def ours() -> None:
        seen = poll()
        if diff(baseline, seen.facts, silent=seen.silent, unclear=seen.unclear):
            raise SystemExit("the feed differs from itself")

    mine, theirs = interleaved(ours, lambda: json.loads(content), ROUNDS)
    prices = sum(map(len, baseline.values()))
    return report(
        [
            Row(
                what=f"{prices} prices of a feed of {len(content) // 1000} KB read and found unchanged",
                ours=milliseconds(mine),
                bare=milliseconds(theirs),
                figure=mine / theirs,
                limit=LIMIT,
            )
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
