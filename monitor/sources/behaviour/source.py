"""The source of one (surface, model, route): asks the budget, sends the calls of the route's plan, and keeps what came
back as evidence.

Each call is measured, whatever becomes of the poll. What the answers say is read from the evidence alone (`reading`),
so that stored answers can be read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import httpx2
import openai

from monitor.core.cache_writes import LATE_READ, WRITER, CacheWrite
from monitor.core.configuration import SourceSpec, Surface
from monitor.core.error_meanings import Meaning
from monitor.core.facts import Body, Known, Measurement, NotDue, Observation, PollFailure, Snapshot, Subject, Value
from monitor.core.ports import Budget
from monitor.core.rests import MemoryRests, Rest, Rests
from monitor.sources.behaviour import batch, reading, stream
from monitor.sources.behaviour.calls import PLANS, AskedCall, Plan, late_read
from monitor.sources.behaviour.exchange import (
    Call,
    CallUsage,
    Exchange,
    ProbeProblem,
    kept,
    parsed,
    read_back,
    usage,
    written,
)
from monitor.sources.behaviour.spending import CallBudget
from monitor.sources.http import Failure, HttpClient, failure_of, judged
from monitor.sources.redaction import clean, one_line, redact
from monitor.sources.sdk import Sdk

EXTRACTOR = "behaviour/4"

BATCH = "batch"

LARGEST = 2_000_000
"""Bytes of one answer; the longest, an embedding, has a twentieth of that."""

LONGEST = timedelta(hours=24)
"""For how long a provider's word to wait is kept."""

EVENTS = "text/event-stream"


class BehaviourSource:
    """A probe. `secret` resolves the references of the surface, `elapsed` is a clock that only goes forward, in
    seconds; `written` says what a late read of the cache at a time would read, `rests` keeps how long a provider asked
    to wait.
    """

    extractor = EXTRACTOR

    def __init__(  # noqa: PLR0913 - made in one place, each by its name
        self,
        spec: SourceSpec,
        surface: Surface,
        http: HttpClient,
        secret: Callable[[str], str],
        *,
        budget: Budget | None,
        elapsed: Callable[[], float],
        written: Callable[[datetime], CacheWrite | None] = lambda now: None,
        rests: Rests | None = None,
    ) -> None:
        self.spec = spec
        self._surface = surface
        self._http = http
        self._sdk = Sdk(surface, http, secret)
        self._region = Sdk(surface, http, secret, base_url=surface.region_url)
        self._purse = CallBudget(budget, surface, spec.model)
        self._elapsed = elapsed
        self._written = written
        self._limits = replace(http.limits, size=min(http.limits.size, LARGEST))
        self._rests = MemoryRests() if rests is None else rests

    def observe(self, now: datetime, known: Known | None) -> Observation | NotDue:
        """Poll once: every call anew, since an answer of yesterday proves nothing about today. A late read of the cache
        asks nothing before what was written is about to end, nor after.

        Until a provider that named a time to wait for (`Retry-After`) is due, nothing is sent.

        Raises:
            ConfigurationError: a secret of the surface is not there.
        """
        rest = self._rests.last(self.spec.key)
        if rest is not None and rest.lasts(now):
            return rest.at(now)
        write = self._written(now) if self.spec.route == LATE_READ else None
        if self.spec.route == LATE_READ and (write is None or not write.readable(now)):
            return NotDue(source=self.spec.key, until=write.due if write is not None and now < write.due else None)
        outcome = self._observed(now, write)
        if isinstance(outcome, PollFailure) and outcome.retry_after:
            self._rests.keep(self.spec.key, Rest(now + min(timedelta(seconds=outcome.retry_after), LONGEST), outcome))
        elif rest is not None:
            self._rests.keep(self.spec.key, None)
        return outcome

    def _observed(self, now: datetime, write: CacheWrite | None) -> Snapshot | PollFailure:
        exchanges: list[Exchange] = []
        measured: list[Measurement] = []
        try:
            with self._http.bounded(self._limits):  # all calls of a poll together
                self._call(self._plan(now, write), exchanges, measured, now)
        except ProbeProblem as problem:
            return self._failed(problem, now, self._body(exchanges), measured)
        body = self._body(exchanges)
        if any(exchange.status == 401 for exchange in exchanges):
            self._sdk.forget()
            self._region.forget()
        outcome = self.extract(body or Body(content=b"", sha256="", size=0), now)
        return replace(outcome, measured=tuple(measured))

    def extract(self, body: Body, at: datetime) -> Snapshot | PollFailure:
        """Read stored answers anew."""
        try:
            facts = self._facts(read_back(body.content), at)
        except ProbeProblem as problem:
            return self._failed(problem, at, body, ())
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts={Subject(self._surface.key, self.spec.model): facts},
            extractor=self.extractor,
            body=body,
            silent=reading.unsaid(self.spec.route, facts),
        )

    def _facts(self, exchanges: Sequence[Exchange], at: datetime) -> dict[str, Value]:
        route, model = self.spec.route, self.spec.model
        if route == LATE_READ:
            return reading.late_facts(model, exchanges, at)
        if route == BATCH:
            return batch.facts_of(route, model, self.spec.key, exchanges, at, every=self.spec.every)
        return reading.facts_of(route, model, exchanges, at)

    def _plan(self, now: datetime, write: CacheWrite | None) -> Plan:
        parameters = self.spec.options.get("parameters")
        call = AskedCall(
            model=self.spec.model,
            at=now,
            every=self.spec.every,
            marker=self.spec.option(WRITER) or self.spec.key,
            parameters=parameters if isinstance(parameters, dict) else {},
        )
        if write is not None:
            return late_read(call, write)
        return batch.plan(call) if self.spec.route == BATCH else PLANS[self.spec.route](call)

    def _call(self, plan: Plan, exchanges: list[Exchange], measured: list[Measurement], now: datetime) -> None:
        """Make the calls of a plan, one after the other.

        Raises:
            Problem: the budget refused one, or one had no answer.
        """
        call = next(plan, None)
        while call is not None:
            reservation = self._purse.reserve(call, now)
            began = self._elapsed()
            got, first = self._send(call, now)
            latency = self._since(began)
            answer = got if isinstance(got, Exchange) else None
            used = CallUsage() if answer is None else usage(answer.said)
            cost = self._purse.settle(call, reservation, None if answer is None else answer.status, used)
            measured.append(
                Measurement(
                    source=self.spec.key,
                    surface=self._surface.key,
                    model=self.spec.model,
                    route=self.spec.route,
                    at=now,
                    outcome=str(Meaning.TRANSIENT if answer is None else answer.verdict(self.spec.model).meaning),
                    latency=latency,
                    first_token=first,
                    input_tokens=used.input,
                    cached_tokens=used.cached,
                    cache_write_tokens=used.written,
                    output_tokens=used.output,
                    cost=cost,
                    request="" if answer is None else clean(answer.headers.get("x-request-id", ""), self._secrets),
                )
            )
            if isinstance(got, Failure):
                raise ProbeProblem(got.reason, got.detail, got.retry_after)
            exchanges.append(got)
            try:
                call = plan.send(got)
            except StopIteration:
                call = None

    def _send(self, call: Call, now: datetime) -> tuple[Exchange | Failure, int | None]:
        """Send one call, and say when its first word came where it streams."""
        sdk = self._region if call.regional else self._sdk
        client = sdk.client
        first: int | None = None
        try:
            if call.stream:
                return self._streamed(client, sdk, call, now)
            response = self._answer(client, sdk, call)
        except openai.APIStatusError as error:
            response = error.response
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            return failure_of(error, sdk.base_url + call.path.partition("?")[0]), first
        return _exchange(call, response, now), first

    def _answer(self, client: openai.OpenAI, sdk: Sdk, call: Call) -> httpx2.Response:
        headers = sdk.headers({})
        if call.upload:
            return client.files.with_raw_response.create(
                file=(f"{call.name}.jsonl", call.upload),
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": 3600 * 48},
                extra_headers=headers,
            ).http_response
        if call.method == "GET":
            return client.get(call.path, cast_to=httpx2.Response, options={"headers": headers})
        return client.post(call.path, cast_to=httpx2.Response, body=dict(call.body), options={"headers": headers})

    def _streamed(
        self, client: openai.OpenAI, sdk: Sdk, call: Call, now: datetime
    ) -> tuple[Exchange | Failure, int | None]:
        began = self._elapsed()
        more = {name: value for name, value in call.body.items() if name not in ("model", "messages", "stream")}
        with client.chat.completions.with_streaming_response.create(
            model=self.spec.model,
            messages=call.body["messages"],
            stream=True,
            extra_body=more,
            extra_headers=sdk.headers({}),
        ) as streaming:
            response = streaming.http_response
            if EVENTS not in response.headers.get("content-type", ""):
                response.read()
                return _exchange(call, response, now), None
            body, first = stream.read(response.iter_lines(), lambda: self._since(began))
        return Exchange(name=call.name, status=response.status_code, headers=kept(response.headers), body=body), first

    def _since(self, began: float) -> int:
        return max(0, round((self._elapsed() - began) * 1000))

    @property
    def _secrets(self) -> tuple[str, ...]:
        return self._sdk.secrets + self._region.secrets

    def _body(self, exchanges: Sequence[Exchange]) -> Body | None:
        """Return all answers of a poll as evidence, redacted; None where there was none."""
        if not exchanges:
            return None
        received = written(self.spec.route, self.spec.model, exchanges)
        content = redact(received, self._secrets)
        return Body(
            content=content,
            sha256=sha256(received).hexdigest(),
            size=len(received),
            content_type="application/json",
            url=self._surface.base_url,
        )

    def _failed(
        self, problem: ProbeProblem, at: datetime, body: Body | None, measured: Sequence[Measurement]
    ) -> PollFailure:
        return PollFailure(
            source=self.spec.key,
            at=at,
            reason=problem.reason,
            detail=one_line(problem.detail, self._secrets),
            retry_after=problem.retry_after,
            refusal=problem.refusal,
            body=body,
            measured=tuple(measured),
        )


def _exchange(call: Call, response: httpx2.Response, now: datetime) -> Exchange | Failure:
    if response.has_redirect_location:
        led = judged(response, now=now, conditional=False)
        assert isinstance(led, Failure), "a redirect is no good answer"
        return led
    body, text = parsed(response.content)
    return Exchange(
        name=call.name,
        status=response.status_code,
        headers=kept(response.headers),
        body=body,
        text=text,
        earlier=call.earlier,
    )
