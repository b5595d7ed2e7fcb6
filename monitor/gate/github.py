"""GitHub asks before it deploys: a custom deployment protection rule, answered by the gate.

A webhook says which environment of which repository is to be deployed to. It is taken at once and answered later, by
another request, from the daemon's schedule: nothing is decided or sent while GitHub waits for its own request. What
waits is kept in the store within a second, and taken over after a restart, or by another node.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.configuration import Deployment
from monitor.core.deadline import Overdue, bounded
from monitor.core.ports import NotSent, Sent
from monitor.gate.decision import Answer

PATH = "/v1/github/deployment-protection"
EVENT = "deployment_protection_rule"
CALLER = "github"

LIMIT = 1000
"""Questions that may wait for their answer; GitHub is told to come again when there are more."""

TIMEOUT = 10.0
"""Seconds that giving an answer may take in all."""

FIRST, LONGEST, GIVEN_UP = timedelta(seconds=5), timedelta(minutes=10), timedelta(hours=24)
"""When an answer that could not be given is tried again, doubling, and when no more."""

LONGEST_COMMENT = 1000
"""Characters of a comment; GitHub's own limit is above that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A question that waits: where to answer, about what, and when to try (again)."""

    callback: str
    deployment: Deployment
    asked_at: datetime | None = None
    due: datetime | None = None
    wait: timedelta = FIRST


class Reviews:
    """The questions that wait. Taken on the server's thread, answered on the daemon's. `saved` is what of them is kept
    outside of memory; None until that was looked at.
    """

    def __init__(self, secret: str, deployments: Sequence[Deployment], api: str, before: Reviews | None = None) -> None:
        self._secret = secret.encode()
        self._deployments = deployments
        self._api = api
        self._lock = threading.Lock()
        self.saved: str | None = None
        # Questions from before a reload are answered as configured now; none goes to another API than it came from.
        waiting = {} if before is None else before.waiting()
        self._waiting = {
            review.callback: replace(
                review, deployment=self._deployment(review.deployment.repository, review.deployment.github_environment)
            )
            for review in waiting.values()
            if review.callback.startswith(f"{api}/")
        }

    def waiting(self) -> dict[str, Review]:
        """Return the questions by their callback."""
        with self._lock:
            return dict(self._waiting)

    def kept(self) -> str:
        """Return the questions as text, for `take_back`; empty where none waits."""
        rows = [
            {
                "callback": review.callback,
                "repository": review.deployment.repository,
                "environment": review.deployment.github_environment,
                "asked_at": None if review.asked_at is None else review.asked_at.isoformat(),
            }
            for review in self.waiting().values()
        ]
        return json.dumps(rows) if rows else ""

    def take_back(self, kept: str) -> None:
        """Take over the questions of a process that has ended, and answer them soon."""
        for row in json.loads(kept or "[]"):
            if self._ours(row["callback"], row["repository"]):
                review = Review(
                    callback=row["callback"],
                    deployment=self._deployment(row["repository"], row["environment"]),
                    asked_at=None if row["asked_at"] is None else datetime.fromisoformat(row["asked_at"]),
                )
                with self._lock:
                    self._waiting.setdefault(review.callback, review)

    def due(self, now: datetime) -> bool:
        """Return whether anything may be answered now."""
        return any(review.due is None or review.due <= now for review in self.waiting().values())

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Return the status code to answer with, and one sentence."""
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        given = headers.get("x-hub-signature-256", "")
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            return 401, "The signature is not by the webhook's secret: compare it with github.webhook_secret."
        event = headers.get("x-github-event", "")
        if event != EVENT:
            return 200, f"Nothing to do for {event or 'an event without a name'}."
        try:
            document = json.loads(body)
            repository = str(document["repository"]["full_name"])
            environment, callback = str(document["environment"]), str(document["deployment_callback_url"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return 400, "This is no deployment_protection_rule: it lacks repository, environment or callback."
        if not self._ours(callback, repository):
            return 400, "The callback is not of github.api and of this repository, so no token is sent there."
        deployment = self._deployment(repository, environment)
        with self._lock:
            if len(self._waiting) >= LIMIT and callback not in self._waiting:
                return 503, "Too many deployments wait for their answer: send it again later."
            self._waiting[callback] = Review(callback=callback, deployment=deployment)
        return 202, "The answer is given to the callback."

    def _ours(self, callback: str, repository: str) -> bool:
        path = rf"/repos/{re.escape(repository)}/actions/runs/\d+/deployment_protection_rule"
        return re.fullmatch(re.escape(self._api) + path, callback, re.IGNORECASE) is not None

    def _deployment(self, repository: str, environment: str) -> Deployment:
        for deployment in self._deployments:
            if deployment.repository.lower() == repository.lower() and deployment.github_environment == environment:
                return deployment
        # One that nobody configured needs nothing, and is not allowed for that.
        return Deployment(repository=repository, github_environment=environment, environment=environment, entries=())

    def answer_due(
        self,
        decide: Callable[[Deployment], Sequence[Answer]],
        send: Callable[[str, object], Sent | NotSent],
        now: datetime,
    ) -> list[tuple[Review, Sent | NotSent]]:
        """Decide and answer what is due; what could not be answered waits for its next turn.

        Raises:
            MonitorError: the registry cannot be read; everything waits.
        """
        outcomes: list[tuple[Review, Sent | NotSent]] = []
        for review in self.waiting().values():
            if review.due is not None and now < review.due:
                continue
            outcome = send(review.callback, github_answer(review.deployment, decide(review.deployment)))
            outcomes.append((review, outcome))
            with self._lock:
                if self._waiting.get(review.callback) is not review:
                    continue  # asked again meanwhile
                asked_at = review.asked_at or now
                if isinstance(outcome, Sent) or outcome.permanent or now - asked_at > GIVEN_UP:
                    del self._waiting[review.callback]
                else:
                    self._waiting[review.callback] = replace(
                        review, asked_at=asked_at, due=now + review.wait, wait=min(2 * review.wait, LONGEST)
                    )
        return outcomes


def github_answer(deployment: Deployment, answers: Sequence[Answer]) -> dict[str, str]:
    """Return what GitHub is told: approved only if there are entries and each of them is allowed; the comment says
    which, and why.
    """
    approved = bool(answers) and all(given.allowed for given in answers)
    if not answers:
        comment = f"No [[deployment]] names {deployment.repository} to this environment: add one to its configuration."
    else:
        lines = [
            f"{given.key} is {'allowed' if given.allowed else 'denied'} in {deployment.environment}: {given.reason}"
            + (f"; {given.fallback} is allowed instead" if given.fallback and not given.allowed else "")
            for given in answers
        ]
        comment = "\n".join(lines)
    return {
        "environment_name": deployment.github_environment,
        "state": "approved" if approved else "rejected",
        "comment": comment[:LONGEST_COMMENT],
    }


def post(url: str, document: object, token: str, *, timeout: float = TIMEOUT) -> Sent | NotSent:
    """Give an answer, within `timeout` seconds. The token is named in no reason, and no redirect is followed."""
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "User-Agent": "access-monitor",
        "X-GitHub-Api-Version": "2022-11-28",
    }

    def send() -> int:
        with (
            httpx2.Client(timeout=timeout, follow_redirects=False) as client,
            client.stream("POST", url, json=document, headers=headers) as answer,
        ):
            return answer.status_code

    try:
        status = bounded(send, timeout)
    except Overdue as overdue:
        return NotSent(reason=f"GitHub could not be reached: {overdue}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return NotSent(reason=f"GitHub could not be reached ({type(error).__name__})")
    if 200 <= status < 300:
        return Sent()
    # The run may have been cancelled; a token that is refused may be a better one at the next turn.
    return NotSent(reason=f"GitHub answered HTTP {status}", permanent=status in (404, 410, 422))
