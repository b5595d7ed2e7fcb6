"""One Chromium for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
"""Debian's: Playwright's own would be another download, and nothing is built for it here."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Provide the browser; it ends with the module, since beside it nothing else in the process runs a loop."""
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason="NO PLAYWRIGHT: the pages are not tried in a browser here; `make test` installs it",
    )
    if not CHROMIUM.exists():
        pytest.skip(f"NO CHROMIUM at {CHROMIUM}: the pages are not tried in a browser here; apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # As root, as in a container, it has no sandbox; what it shows here is ours.
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()
