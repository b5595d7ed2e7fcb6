"""What the API can do besides reading, for its description: each path with the fields that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from monitor.core.credentials import AccessScope
from monitor.web.api.act_service import ANSWER, path_of_act
from monitor.web.api.acts import ACTS, AcceptConfigurationBody, ActBody
from monitor.web.api.models import ApiDocument
from monitor.web.pages.configuration import ACCEPTED, CONFIGURATION


class SessionDocument(ApiDocument):
    """Who asks, what they may, and what the requests of their browser carry as X-CSRF-Token."""

    name: str | None
    sign_in: str | None
    scopes: list[AccessScope]
    csrf: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One path and method; `body` is None where it takes none, and `scope` where anybody may ask."""

    path: str
    method: str
    name: str
    summary: str
    answer: TypeAdapter[Any]
    body: type[ActBody] | None = None
    scope: AccessScope | None = None


OPERATIONS: tuple[Operation, ...] = (
    *(
        Operation(
            path=path_of_act(spec),
            method="post",
            name=f"{spec.name}_act",
            summary=spec.summary,
            answer=ANSWER,
            body=spec.body,
            scope=AccessScope.OPERATE,
        )
        for spec in ACTS.values()
    ),
    Operation(
        path="/v1/configuration",
        method="get",
        name="configuration",
        summary="What is loaded, and what loading the file on disk would do.",
        answer=CONFIGURATION,
        scope=AccessScope.READ,
    ),
    Operation(
        path="/v1/configuration/accept",
        method="post",
        name="accept_configuration",
        summary="Accept what loading the file takes from production.",
        answer=ACCEPTED,
        body=AcceptConfigurationBody,
        scope=AccessScope.ADMIN,
    ),
    Operation(
        path="/v1/session",
        method="get",
        name="session",
        summary="Who asks, and what they may.",
        answer=TypeAdapter(SessionDocument),
    ),
)
