"""One part of an account as a source: asks its questions through the `openai` SDK, follows their pages, reads the
answers.

As with the models list the SDK only carries the requests: it would turn `{"data": null}` into an empty list and drop
what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import httpx2
import openai

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import Body, FailureReason, Known, Observation, PollFailure, Snapshot, Unchanged
from monitor.core.ports import ConfigurationError
from monitor.sources.admin.answers import AdminProblem, Answered, Answers, Place, body_of, page
from monitor.sources.admin.asking import PAGES, Question
from monitor.sources.admin.parts import PARTS
from monitor.sources.http import Failure, HttpAnswer, HttpClient, failure_of, judged, shown
from monitor.sources.redaction import one_line, redact
from monitor.sources.sdk import Sdk


class _Failed(Exception):
    """A question without a good answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class AdminSource:
    """One part of the account behind a surface.

    `secret` resolves the reference to the admin key and is asked at the first poll, and again after the provider
    refused the key.
    """

    def __init__(self, spec: SourceSpec, surface: Surface, http: HttpClient, secret: Callable[[str], str]) -> None:
        self.spec = spec
        self._part = PARTS[spec.option("part")]
        self.extractor = f"admin_{spec.option('part')}/{self._part.version}"
        self._surface = surface
        self._place = Place(surface.key, surface.provider, surface.project)
        self._http = http
        self._sdk = Sdk(surface, http, secret, admin=True)

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Poll once.

        Raises:
            ConfigurationError: the admin key is not where the configuration says, or cannot be one.
        """
        if not self._surface.admin_key:
            raise ConfigurationError(
                f"surface {self._surface.key} has no admin key, and source {self.spec.key} needs one; "
                f'give that surface admin_key = "env:NAME"'
            )
        sdk = self._sdk.client
        secrets = list(self._sdk.secrets)
        answers: list[Answered] = []
        try:
            with self._http.bounded():
                for question in self._part.questions(sdk, self._surface.project, now):
                    answers += self._ask(question, now, secrets)
        except _Failed as failed:
            if failed.failure.reason is FailureReason.UNAUTHORIZED:
                self._sdk.forget()
            return failed.failure.of(self.spec.key, now, secrets)
        except AdminProblem as problem:
            return PollFailure(
                source=self.spec.key, at=now, reason=problem.reason, detail=one_line(problem.detail, secrets)
            )
        body = body_of(answers, shown(self._surface.base_url))
        # What a partial answer leaves out was not seen, and "the same facts" would say that it was.
        if known is not None and body.sha256 == known.sha256 and not self._part.partial:
            return Unchanged(source=self.spec.key, at=now)
        return self.extract(body, now)

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read stored answers anew."""
        try:
            reading = self._part.read(Answers.of(body.content), self._place)
        except AdminProblem as problem:
            return PollFailure(
                source=self.spec.key, at=at, reason=problem.reason, detail=one_line(problem.detail), body=body
            )
        reading.close()
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts=reading.facts,
            extractor=self.extractor,
            body=body,
            unclear=frozenset(reading.unclear),
            refused=tuple(reading.refused),
            partial=self._part.partial,
        )

    def _ask(self, question: Question, now: datetime, secrets: list[str]) -> Iterator[Answered]:
        """Yield every page of the answer to a question.

        Raises:
            _Failed: a page has no good answer.
            Problem: a page cannot be read, or the pages do not end.
        """
        cursor: dict[str, str] = {}
        visited: set[str] = set()
        for _ in range(PAGES):
            response = self._call(question, cursor)
            if response.status_code in question.absent_on:
                yield Answered(question=question.name, content=b"", absent=True)
                return
            got = judged(response, now=now, conditional=False)
            if not isinstance(got, HttpAnswer):
                assert isinstance(got, Failure), "nothing was asked conditionally"
                raise _Failed(got)
            content = self._part.cleaned(redact(got.content, secrets))
            yield Answered(question=question.name, content=content)
            following = _next(question, content)
            if following is None:
                return
            if following in visited:
                raise AdminProblem(FailureReason.TRUNCATED, f"the pages of {question.name} lead back to {following!r}")
            visited.add(following)
            cursor = {question.cursor: following}
        raise AdminProblem(FailureReason.TRUNCATED, f"{question.name} goes on after {PAGES} pages")

    def _call(self, question: Question, cursor: dict[str, str]) -> httpx2.Response:
        try:
            response: httpx2.Response = question.call(**question.arguments, **cursor).http_response
        except openai.APIStatusError as error:
            response = error.response
        except openai.OpenAIError as error:
            failure = failure_of(error, self._surface.base_url)
            raise _Failed(replace(failure, detail=f"{failure.detail} ({question.name})")) from error
        return response


def _next(question: Question, content: bytes) -> str | None:
    """Return the cursor of the page that follows; None after the last one.

    Raises:
        Problem: it is no page, or one that has more and does not say where.
    """
    document = page(content, question.name)
    if not question.cursor or not document.get("has_more"):
        return None
    following = document.get("next_page" if question.cursor == "page" else "last_id")
    if isinstance(following, str) and following:
        return following
    raise AdminProblem(
        FailureReason.TRUNCATED, f"{question.name} says that it has more and does not say where it goes on"
    )
