"""Real clients of a running sandbox."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
from openai import OpenAI

from monitor.sandbox import API_KEY, Sandbox
from monitor.sandbox.gpt_5_6 import STEPS


@dataclass(frozen=True)
class Clients:
    sandbox: Sandbox
    http: httpx2.Client
    openai: OpenAI

    def list(self, **headers: str) -> httpx2.Response:
        return self.http.get(
            self.sandbox.base_url + "/models", headers={"Authorization": f"Bearer {API_KEY}"} | named(headers)
        )

    def page(self, **headers: str) -> httpx2.Response:
        return self.http.get(self.sandbox.pricing_url, headers=named(headers))

    def poll(self, times: int = 1) -> None:
        """Look at list and page."""
        for _ in range(times):
            self.list()
            self.page()

    def go_to(self, date: str) -> None:
        """Advance to the last step of this date."""
        last = max(place for place, step in enumerate(STEPS) if step.date.isoformat() == date)
        while self.sandbox.timeline.index < last:
            self.sandbox.advance()


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
