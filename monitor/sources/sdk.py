"""The `openai` SDK as a carrier of requests: built in this one place, so that every source asks with what production
would send.

Nothing is left to the environment, nothing is sent twice, and answers come back as they were received: the SDK would
turn `{"data": null}` into an empty list and HTML into an AttributeError. What an answer means is the business of the
sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import openai

from monitor.core.configuration import Surface
from monitor.core.ports import ConfigurationError
from monitor.sources.http import HttpClient, timeout

REFERENCES = ("env:", "file:", "credential:")


class Sdk:
    """The SDK's client of one surface.

    `secret` resolves a reference; it is asked when the client is first used, and again after `forget`. With `base_url`
    the same account is asked at another host; an `admin` client carries the admin key alone, and names the project in
    each call.
    """

    def __init__(
        self,
        surface: Surface,
        http: HttpClient,
        secret: Callable[[str], str],
        *,
        base_url: str = "",
        admin: bool = False,
    ) -> None:
        self.base_url = (base_url or surface.base_url).rstrip("/")
        self._surface = surface
        self._http = http
        self._secret = secret
        self._admin = admin
        self._client: openai.OpenAI | None = None
        self._secrets: tuple[str, ...] = ()
        self._bare = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be taken out of everything that is kept; empty before the client was used."""
        return self._secrets

    @property
    def client(self) -> openai.OpenAI:
        """The client.

        Raises:
            ConfigurationError: a secret is not where the configuration says, or no header may carry it.
        """
        self._client = self._client or self._connect()
        return self._client

    def headers(self, more: Mapping[str, str]) -> dict[str, str | openai.Omit]:
        """Return the headers of one request beside those of the client, which has to be there: the SDK takes no
        `Authorization` away but here.
        """
        return {"Authorization": openai.Omit(), **more} if self._bare else {**more}

    def forget(self) -> None:
        """Read the secrets anew at the next use: one that was refused may have been replaced where it is kept."""
        self._client = None

    def _connect(self) -> openai.OpenAI:
        surface = self._surface
        what, reference = ("the admin key", surface.admin_key) if self._admin else ("the API key", surface.api_key)
        key = self._resolved(what, reference) if reference else ""
        headers: dict[str, str] = {}
        secrets = [key]
        for name, value in surface.headers.items():
            if value.startswith(REFERENCES):
                value = self._resolved(f"the header {name}", value)
                secrets.append(value)
            headers[name] = value
        if surface.key_header and key:
            headers[surface.key_header] = key
        own = any(name.lower() == "authorization" for name in headers)
        self._bare = not own and (not key or bool(surface.key_header))
        self._secrets = tuple(filter(None, secrets))
        client = openai.OpenAI(
            api_key="" if self._admin else key,
            admin_api_key=key if self._admin else "",
            organization="",
            project="" if self._admin else surface.project,
            webhook_secret="",
            base_url=self.base_url,
            http_client=self._http.client,
            max_retries=0,
            timeout=timeout(self._http.limits),
            _enforce_credentials=False,
        )
        # An empty string keeps the environment out and would then be sent as an empty header, so it is taken back. The
        # headers of OPENAI_CUSTOM_HEADERS are merged in whatever is passed; only replacing them removes them.
        client.organization = None
        client.project = None if self._admin else surface.project or None
        client._custom_headers = dict(headers)
        return client

    def _resolved(self, what: str, reference: str) -> str:
        value = self._secret(reference).strip()
        if not (value and value.isascii() and value.isprintable()):
            raise ConfigurationError(
                f"{what} of surface {self._surface.key} is empty or no header may carry it; check what "
                f"{reference} refers to"
            )
        return value
