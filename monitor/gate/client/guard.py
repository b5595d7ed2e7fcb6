"""The gate inside a program: asked before every call to a model, answered from a lease that is kept in memory.

Importing this module imports neither an SDK nor the rest of the monitor: it runs inside other people's programs.
`guard` wraps a client of the `openai` package (`openai_client`); `Guard` alone serves every other one. What a lease
says is worked out in `lease`, and how it is kept in `kept`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from monitor.gate.client import clock
from monitor.gate.client.lease import Lease, LeaseError
from monitor.gate.client.lease_cache import EVERY, Check, Clock, FileLeaseCache, LeaseCache, UrlLeaseCache
from monitor.gate.client.verdict import PRODUCTION, UNREGISTERED

POLL = 1.0
"""Seconds after which a call looks whether the lease file is another one; so late a pause may be here."""

UNKNOWN = "unknown"
"""The status where no lease can be relied on."""

MOST = 100
"""How many models that answer one id are told apart; the further ones are counted together, as `OTHERS`."""

OTHERS = "others"

Place = str | os.PathLike[str]
ClientT = TypeVar("ClientT")

_log = logging.getLogger("monitor.gate")


class GateError(Exception):
    """What the guard raises instead of letting a call go out. Catch this one, and nothing of the SDK's
    errors is meant.
    """


class ModelDenied(GateError):
    """The gate says no; nothing was sent.

    `key` is the model as the call named it, `status` that of its entry, `unregistered`, or `unknown` where no lease can
    be relied on. `fallback` is the entry that is allowed instead, empty if none is; `position` the event that gave the
    status, 0 where there is none; `expires_at` until when the answer may be relied on, None where there is no lease.
    """

    def __init__(
        self,
        key: str,
        environment: str,
        *,
        status: str,
        reason: str,
        fallback: str = "",
        position: int = 0,
        expires_at: datetime | None = None,
    ) -> None:
        instead = f"; {fallback} is allowed instead" if fallback else ""
        super().__init__(f"{key} is denied in {environment}: {reason}{instead}.")
        self.key = key
        self.environment = environment
        self.status = status
        self.reason = reason
        self.fallback = fallback
        self.position = position
        self.expires_at = expires_at

    def __reduce__(self) -> tuple[Any, ...]:
        """As exceptions with named arguments must say, to pass from one process to another."""
        return _again, (self.key, self.environment, {name: vars(self)[name] for name in _NAMED})


class ModelMismatch(GateError):
    """A call was answered by another model than the one that was accepted; raised where `on_other_model` says so.

    `model` is the id that was sent, `answered` the one that the answer names, `pinned` those that were accepted.
    """

    def __init__(self, model: str, environment: str, *, answered: str, pinned: Collection[str]) -> None:
        accepted = " or ".join(sorted(pinned))
        super().__init__(f"{model} was answered by {answered} in {environment}; accepted was {accepted}.")
        self.model = model
        self.environment = environment
        self.answered = answered
        self.pinned = tuple(sorted(pinned))

    def __reduce__(self) -> tuple[Any, ...]:
        """As exceptions with named arguments must say, to pass from one process to another."""
        return _mismatch_again, (self.model, self.environment, self.answered, self.pinned)


def _mismatch_again(model: str, environment: str, answered: str, pinned: Collection[str]) -> ModelMismatch:
    return ModelMismatch(model, environment, answered=answered, pinned=pinned)


_NAMED = ("status", "reason", "fallback", "position", "expires_at")


def _again(key: str, environment: str, named: Mapping[str, Any]) -> ModelDenied:
    return ModelDenied(key, environment, **named)


class Guard:
    """Answers for one environment and one caller. Safe to share between threads, tasks and clients.

    A model is asked for on `surface`; without one on the surface whose base URL a request goes to, as far as the lease
    names it, else where the entry stands first.

    The lease is a file or a folder of them (`lease`), or comes from a monitor's server (`url`, its root; `token` for
    it); without either, from `$ACCESS_MONITOR_LEASE`. With `public_key`, only what is signed by its owner is relied on.
    `on_denied="fallback"` goes on with the first entry along the chain of fallbacks that is both allowed and named in
    `fallbacks`. An answer by another model than was accepted is counted and logged, and with `on_other_model="raise"`
    raised.

    Raises:
        ValueError: the arguments do not fit each other.
    """

    def __init__(  # noqa: PLR0913 - public: each is one keyword that a caller may give
        self,
        *,
        lease: Place = "",
        url: str = "",
        token: str | Callable[[], str] = "",
        environment: str = PRODUCTION,
        caller: str = "",
        on_denied: Literal["raise", "fallback"] = "raise",
        fallbacks: Collection[str] = (),
        on_other_model: Literal["report", "raise"] = "report",
        public_key: str = "",
        surface: str = "",
        every: float = EVERY,
        now: Clock = clock.now,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        if not environment or environment.startswith(".") or "/" in environment:
            raise ValueError(f"{environment!r} cannot be the name of an environment")
        if on_denied not in ("raise", "fallback"):
            raise ValueError(f'on_denied is "raise" or "fallback", not {on_denied!r}')
        if on_other_model not in ("report", "raise"):
            raise ValueError(f'on_other_model is "report" or "raise", not {on_other_model!r}')
        if isinstance(fallbacks, str):
            raise ValueError("fallbacks is a collection of entry keys, not one text")
        if (on_denied == "fallback") != bool(fallbacks):
            raise ValueError('on_denied="fallback" and the entries that are approved as fallbacks belong together')
        self.environment = environment
        self.caller = caller
        self.surface = surface
        self._approved = frozenset(fallbacks)
        self._raising = on_other_model == "raise"
        self._now = now
        self._elapsed = elapsed
        self._keeper = self._lease_cache(os.fspath(lease), url, token, public_key, every)
        self._next = elapsed() + POLL
        self._going_on: dict[tuple[str, str], tuple[datetime, datetime, str]] = {}
        self._taken: dict[str, str] = {}
        self._pinned: dict[tuple[str, str, str], frozenset[str]] = {}
        self._counting = threading.Lock()
        self._answered: dict[str, dict[str, int]] = {}
        self._mismatched: dict[str, dict[str, int]] = {}

    @property
    def answered(self) -> Mapping[str, Mapping[str, int]]:
        """How many answers named which model: id as sent → id that answered → answers, whether or not it was pinned."""
        return self._counts(self._answered)

    @property
    def mismatches(self) -> Mapping[str, Mapping[str, int]]:
        """Of these the answers by another model than was accepted."""
        return self._counts(self._mismatched)

    @property
    def taken(self) -> Mapping[str, str]:
        """The models that were called under another id when they were last asked about: as named → as sent."""
        return dict(self._taken)

    def admit(self, model: str, base_url: str = "") -> str:
        """Return the model id to send: this one, or that of its fallback. `base_url` is where the request goes.

        Raises:
            ModelDenied: the gate says no.
        """
        now = self._now()
        if self._elapsed() < self._next:
            grace = self._going_on.get((model, base_url))
            if grace is not None and grace[0] <= now < grace[1]:
                return grace[2]
        return self._decide(model, base_url, now)

    def require(self, model: str, base_url: str = "") -> None:
        """Admit a model that cannot be replaced by its fallback.

        Raises:
            ModelDenied: the gate says no, or says yes to the fallback alone.
        """
        if self.admit(model, base_url) != model:
            raise self._refusal(model, self.answer(model, base_url))

    def answer(self, model: str, base_url: str = "") -> dict[str, object]:
        """Return what `access-monitor gate --json` prints, without the fallback being taken.

        Raises:
            ModelDenied: there is no lease to answer from, or it does not hold this model.
        """
        self._refresh()
        lease = self._lease(model)
        return self._asked(lease, model, self._flag(lease, model, base_url))

    def compare(self, model: str, route: str, answered: str, base_url: str = "") -> None:
        """Count an answer, and hold the model that it names against what was accepted for the model that was sent to
        `base_url`.

        `route` is `responses`, `chat` or `embeddings`; another one is held against what any of them was accepted with.
        Where nothing was accepted, the answer is counted and nothing more.

        Raises:
            ModelMismatch: another model answered, and `on_other_model` is `"raise"`.
        """
        first = self._count(self._answered, model, answered)
        pinned = self._accepted(model, route, base_url)
        if answered in pinned:
            return
        if not pinned:
            if first:
                _log.info("%s is answered by %s; no lease says which model was accepted", model, answered)
            return
        mismatch = ModelMismatch(model, self.environment, answered=answered, pinned=pinned)
        if self._count(self._mismatched, model, answered):
            _log.warning("%s", mismatch)
        if self._raising:
            raise mismatch

    def close(self) -> None:
        """End what runs in the background; the answers go on until the lease ends."""
        self._keeper.close()

    def _refresh(self) -> None:
        elapsed = self._elapsed()
        if elapsed >= self._next:
            self._next = elapsed + POLL
            self._keeper.refresh()
            self._going_on = {}
            self._pinned = {}

    def _decide(self, model: str, base_url: str, now: datetime) -> str:
        self._refresh()
        going_on = self._going_on  # first: what is worked out from an older lease must not outlive it
        lease = self._lease(model)
        flag = self._flag(lease, model, base_url)
        answer = self._asked(lease, model, flag)
        if answer["allowed"] is True:
            self._taken.pop(model, None)
            sent, until = model, _time(answer["expires_at"])
        else:
            sent, until = self._instead(lease, model, flag, answer)
        # The lease's time may run ahead of the clock; both have to be before the end, and this one is asked for a
        # second at most.
        if lease.now == now or lease.now - now < timedelta(seconds=POLL):
            going_on[model, base_url] = now, until, sent
        return sent

    def _accepted(self, model: str, route: str, base_url: str) -> frozenset[str]:
        """Return the models that may answer; none where nothing was accepted, or no lease says it."""
        self._refresh()
        cache = self._pinned  # first: what is read from an older lease must not outlive it
        pinned = cache.get((model, route, base_url))
        if pinned is None:
            try:
                lease = self._keeper.lease()
                flag = self._flag(lease, model, base_url)
                pinned = lease.served(flag, route) if flag in lease.flags else frozenset()
            except (LeaseError, ModelDenied):
                pinned = frozenset()  # such a lease allows no further call; this one was sent
            cache[model, route, base_url] = pinned
        return pinned

    def _count(self, counts: dict[str, dict[str, int]], model: str, answered: str) -> bool:
        """Count an answer; return whether it is the first of its kind."""
        with self._counting:
            kinds = counts.setdefault(model, {})
            name = answered if answered in kinds or len(kinds) < MOST else OTHERS
            kinds[name] = kinds.get(name, 0) + 1
            return kinds[name] == 1

    def _counts(self, counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
        with self._counting:
            return {model: dict(kinds) for model, kinds in counts.items()}

    def _lease(self, model: str) -> Lease:
        try:
            return self._keeper.lease()
        except LeaseError as stop:
            raise self._denied(model, status=UNKNOWN, reason=f"{UNKNOWN}: {_clause(stop)}") from None

    def _flag(self, lease: Lease, model: str, base_url: str) -> str:
        """Return the key of the flag that answers for a model on the surface that is called.

        Several surfaces may have one base URL, and differ by their keys: then the first that the model is on.
        """
        surfaces = [self.surface] if self.surface else lease.surfaces(base_url) if base_url else [""]
        stops = []
        for surface in surfaces or [""]:
            try:
                return lease.flag(model, surface)
            except LeaseError as stop:
                stops.append(stop)
        raise self._denied(model, status=UNREGISTERED, reason=f"{UNREGISTERED}: {_clause(stops[0])}") from None

    def _asked(self, lease: Lease, model: str, flag: str) -> dict[str, object]:
        try:
            return lease.answer(flag, self.caller, asked=model)
        except LeaseError as stop:
            status = UNREGISTERED if flag not in lease.flags else UNKNOWN
            raise self._denied(model, status=status, reason=f"{status}: {_clause(stop)}") from None

    def _instead(self, lease: Lease, model: str, flag: str, answer: Mapping[str, object]) -> tuple[str, datetime]:
        """Return the id of the approved fallback that is allowed, and until when.

        Raises:
            ModelDenied: there is none.
        """
        candidates = (
            (key, lease.model_id(key))
            for key in lease.fallbacks(flag, self.caller)
            if key in self._approved or key.partition("@")[0] in self._approved
        )
        key, sent = next((candidate for candidate in candidates if candidate[1]), ("", ""))
        if not sent:
            self._taken.pop(model, None)
            raise self._refusal(model, answer)
        if self._taken.get(model) != sent:
            self._taken[model] = sent
            _log.warning(
                "%s is denied in %s: %s; going on with %s (%s)", model, self.environment, answer["reason"], key, sent
            )
        return sent, _time(self._asked(lease, key, key)["expires_at"])

    def _refusal(self, model: str, answer: Mapping[str, object]) -> ModelDenied:
        return self._denied(
            model,
            status=str(answer["status"]),
            reason=str(answer["reason"]),
            fallback=str(answer["fallback"]),
            position=int(str(answer["position"])),
            expires_at=_time(answer["expires_at"]),
        )

    def _lease_cache(
        self, lease: str, url: str, token: str | Callable[[], str], public_key: str, every: float
    ) -> LeaseCache:
        if lease and url:
            raise ValueError("give either lease or url, not both")
        if token and not url:
            raise ValueError("a token is for a url")
        check: Check | None = None
        if public_key:
            from monitor.gate.client.signature import checker

            check = checker(public_key)
        if not url:
            lease = lease or os.environ.get("ACCESS_MONITOR_LEASE", "")
            if not lease:
                raise ValueError("give lease or url, or set ACCESS_MONITOR_LEASE to the folder of the lease files")
            return FileLeaseCache(lease, self.environment, check, self._now, self._elapsed)
        if not url.startswith(("http://", "https://")):
            raise ValueError("url is the root of the monitor's server, such as https://monitor.example.com")
        read = token if callable(token) else lambda: token
        return UrlLeaseCache(
            url.rstrip("/"), self.environment, read, check, self._now, every=every, elapsed=self._elapsed
        )

    def _denied(self, model: str, **said: Any) -> ModelDenied:
        return ModelDenied(model, self.environment, **said)


def guard(  # noqa: PLR0913 - public: the keywords of `Guard`
    client: ClientT,
    *,
    lease: Place = "",
    url: str = "",
    token: str | Callable[[], str] = "",
    environment: str = PRODUCTION,
    caller: str = "",
    on_denied: Literal["raise", "fallback"] = "raise",
    fallbacks: Collection[str] = (),
    on_other_model: Literal["report", "raise"] = "report",
    public_key: str = "",
    surface: str = "",
    every: float = EVERY,
) -> ClientT:
    """Return a copy of an `openai.OpenAI` or `openai.AsyncOpenAI` that asks the gate before every request that names a
    model, and compares the model that answers with the one that was accepted.

    The arguments are those of `Guard`, which is the copy's attribute `guard`. The copy shares the connections of the
    client and is of a subclass of its type; copies of the copy are guarded by the same guard.

    Raises:
        TypeError: it is no such client.
        ValueError: the arguments do not fit each other, or the client is guarded already.
    """
    from monitor.gate.client.openai_client import wrapped

    return wrapped(
        client,
        lambda: Guard(
            lease=lease,
            url=url,
            token=token,
            environment=environment,
            caller=caller,
            on_denied=on_denied,
            fallbacks=fallbacks,
            on_other_model=on_other_model,
            public_key=public_key,
            surface=surface,
            every=every,
        ),
    )


def _time(written: object) -> datetime:
    return datetime.fromisoformat(str(written))


def _clause(stop: LeaseError) -> str:
    """Return its sentence as the end of another one."""
    return str(stop).removesuffix(".")
