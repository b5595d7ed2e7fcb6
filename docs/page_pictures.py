"""Draw the pictures of the pages of `access-monitor run`: Debian's Chromium looks at what the demo left behind.

`make pictures` runs this after the demo. Times and positions are written the same each time, so that a
picture changes only where the program does.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

FOLDER = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
WIDTH = 1280
LARGEST = 120 * 1024
"""Bytes of a picture."""

PAGES = {
    "desk-registry": ("/", 800),
    "desk-entry": ("/entries/gpt-5.6-sol", 860),
    "desk-open": ("/open", 460),
}
"""Picture → the page and how many pixels of its height are shown."""

SAME_EACH_TIME = """
const times = [...document.querySelectorAll("time")], at = (time) => Date.parse(time.dateTime);
const hour = 3600e3, first = Math.min(...times.map(at)), base = Date.parse("2026-07-30T17:34Z");
for (const time of times) {
  const moved = new Date(base + Math.round((at(time) - first) / hour) * hour).toISOString();
  time.textContent = `${moved.slice(0, 10)} ${moved.slice(11, 16)}Z`;
}
for (const part of document.querySelectorAll("a, code, span")) {
  if (part.childElementCount === 0) part.textContent = part.textContent.replace(/(event|--expect) \\d+/g, "$1 204");
}
"""


def draw(config: Path) -> None:
    """Draw every picture from the store of a configuration; where there is no Chromium, say so and leave them."""
    if not CHROMIUM.exists():
        print(f"The pictures of the pages stay as they are: there is no {CHROMIUM}; apt-get install chromium.")
        return
    from playwright.sync_api import sync_playwright

    from monitor.app.bootstrap import open_monitor
    from monitor.app.health import Health
    from monitor.settings import load
    from monitor.web.server import bound

    with (
        open_monitor(config) as monitor,
        bound(monitor, Health(), timedelta(days=1), lambda: load(config, {})) as server,
        sync_playwright() as playwright,
    ):
        server.start()
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light", viewport={"width": WIDTH, "height": 900}, timezone_id="UTC")
        session = page.context.new_cdp_session(page)  # playwright itself writes no WebP, a third as large
        for name, (path, height) in PAGES.items():
            page.goto(server.url + path)
            page.evaluate(SAME_EACH_TIME)
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
            picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": 85, "clip": clip})
            (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))
        browser.close()
