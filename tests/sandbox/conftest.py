"""A running sandbox and real clients of it; everything stays on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI
from sandbox_clients import Clients

from monitor.sandbox import API_KEY, Sandbox


@pytest.fixture
def clients() -> Iterator[Clients]:
    transport = httpx2.Client(timeout=5, trust_env=False)
    with Sandbox() as sandbox, transport:
        yield Clients(
            sandbox=sandbox,
            http=transport,
            openai=OpenAI(base_url=sandbox.base_url, api_key=API_KEY, max_retries=0, timeout=5, http_client=transport),
        )
