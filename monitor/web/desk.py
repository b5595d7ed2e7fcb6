"""The desk of people who act: signing in, the acts as pages and as an API, and the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.routing import Route

from monitor.web.api.act_service import ActApi
from monitor.web.pages.acts import ActPages
from monitor.web.pages.configuration import ConfigurationPages
from monitor.web.signin import SignInPages


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPages:
    """All that needs a person, or makes one known."""

    sign_in: SignInPages
    acts: ActPages
    api: ActApi
    configuration: ConfigurationPages

    def routes(self) -> list[Route]:
        """Return the paths."""
        return [
            *self.sign_in.routes(),
            *self.api.routes(),
            *self.acts.routes(),
            *self.configuration.routes(),
        ]
