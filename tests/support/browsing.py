"""A browser that visits pages as a person does, and what holds for every page: it fits its window, keeps to its host,
runs nothing of what it shows, and everybody can read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from monitor.core.configuration import Configuration
from monitor.core.ports import Store
from monitor.web.pages.configuration import PATH as CONFIGURATION
from monitor.web.pages.views import PAGES

CHROMIUM = Path("/usr/bin/chromium")
"""Debian's: Playwright's own would be another download, and nothing is built for it here."""

PHONE, DESK = (360, 740), (1440, 900)


@contextmanager
def chromium() -> Iterator[Any]:
    """Provide the browser, or skip where it or Playwright is absent. While it runs, nothing else in the process can run
    a loop of asyncio.
    """
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


class Visit:
    """A browser at a monitor: a person with a window, a theme, and perhaps without script. What the pages complain of,
    and whom they ask beside the monitor, is noted.
    """

    def __init__(self, chromium: Any, url: str, size: tuple[int, int], theme: str, script: bool) -> None:
        width, height = size
        self.url = url
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            timezone_id="Europe/Berlin",
            java_script_enabled=script,
        )
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)

    def _hear(self, message: Any) -> None:
        if message.type in ("warning", "error"):
            self.complaints.append(message.text)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((f"{self.url}/", "data:")):
            self.strangers.append(request.url)

    def go(self, path: str) -> None:
        """Open a page, which is there."""
        answer = self.page.goto(self.url + path)
        assert answer.status == 200, (path, answer.status)

    def sign_in(self, secret: str) -> None:
        """Sign in with a token, as a person does."""
        self.page.fill("#token", secret)
        self.page.click("#confirm")

    def violations(self) -> list[str]:
        """Return what axe-core finds on the page that keeps somebody from reading or using it."""
        self.page.evaluate(axe())
        found = json.loads(
            self.page.evaluate(
                "axe.run({resultTypes: ['violations']}).then((result) => JSON.stringify(result.violations))"
            )
        )
        return [
            f"{fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"][:2]
        ]


def axe() -> str:
    """Return axe-core as the package of the tests ships it (MPL-2.0); it is no part of the program."""
    return (files("axe_playwright_python") / "axe.min.js").read_text()


Visiting = Callable[..., AbstractContextManager[Visit]]


@contextmanager
def visiting(
    browser: Any, url: str, size: tuple[int, int] = DESK, theme: str = "light", script: bool = True
) -> Iterator[Visit]:
    """Open a browser at an address; whatever it showed, no page complained or asked another host."""
    opened = Visit(browser, url, size, theme, script)
    try:
        yield opened
        assert opened.complaints == []
        assert opened.strangers == []
    finally:
        opened.context.close()


def paths_of(store: Store, configuration: Configuration) -> list[str]:
    """Return every page of which a monitor has something to show."""
    known: dict[str, str] = {}
    with store.read() as reader:
        known["key"] = next(iter(configuration.entries), "")
        known["position"] = str(reader.head() or "")
        known["id"] = next((delivery.notice for delivery in reader.deliveries()), "")
    paths = [CONFIGURATION, "/signin", "/open?at=2026-07-01", "/?q=nothing-is-called-so"]
    for page in PAGES:
        own = known | {"key": next(iter(configuration.sources), "")} if page.path.startswith("/sources") else known
        if all(own[name] for name in re.findall(r"{(\w+)}", page.path)):
            paths.append(page.path.format_map({name: quote(value, safe="") for name, value in own.items()}))
    return paths


def hold_every_page(visit: Visiting, paths: Iterable[str], url: str) -> None:
    """Every page fits its window, keeps to its host, runs nothing of what it shows, and can be read by everybody."""
    paths = list(paths)
    for size, theme in ((PHONE, "dark"), (DESK, "light")):
        with visit(url, size, theme) as visited:
            for path in paths:
                visited.go(path)
                page = visited.page
                assert page.evaluate("document.documentElement.scrollWidth") <= size[0], (path, size)
                assert page.evaluate("typeof window.hacked") == "undefined", path
                assert page.locator("main script, main img, main b, main iframe").count() == 0, path
                assert page.locator("a[href^='javascript:']").count() == 0, path
                assert visited.violations() == [], (path, theme)
