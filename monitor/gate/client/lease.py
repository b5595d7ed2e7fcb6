"""A lease file as a reader sees it. Light on purpose: `ask` is timed in milliseconds, so what its docstring forbids is
forbidden here.

The flag's rule, which every flagd client follows, decides; the conditions in its metadata explain, and must agree
before anything is allowed. Whatever is missing, broken or in doubt is "not known", never "allowed".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from monitor.gate.client.verdict import EVALUATING, PRODUCTION, GateVerdict, judge, rfc3339

ALLOWED = 0
DENIED = 1
WRONG_USAGE = 2
NOT_KNOWN = 75
WRONG_CONFIGURATION = 78

LARGEST = 32 * 1024 * 1024
"""Bytes of a lease file; ten thousand entries take a third of it."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock may be behind the one that wrote the file: a clock that was set back would revive ended
leases.
"""


SERVED = "served"
"""The key of a flag's metadata that says which model answers its calls, as it was pinned."""

ALIAS = "alias"
"""The name under which the target of an alias stands among the routes."""

ROUTES = ("responses", "chat", "embeddings")
"""The routes of plain calls: what answers one of them is compared with what was pinned for it."""
SURFACE = "surface/"
"""What begins the keys of the file's metadata that hold the base URL of a surface."""


class LeaseError(Exception):
    """No answer: the exit code and one sentence that says why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ClockBehind(LeaseError):
    """The document comes from this machine's future, so that no date in it can be trusted."""


def place(folder: str, environment: str) -> str:
    """Return the lease file of an environment in a folder; production's, being the strictest, for one that has none."""
    path = os.path.join(folder, environment + ".json")
    strictest = os.path.join(folder, PRODUCTION + ".json")
    return strictest if not os.path.exists(path) and os.path.exists(strictest) else path


def read(path: str) -> object:
    """Return the content of the file, parsed.

    Raises:
        Stop: it is not there, not readable, too large or no JSON.
    """
    return parse(path, content(path))


def content(path: str) -> bytes:
    """Return the bytes of the file.

    Raises:
        Stop: it is not there, not readable or too large.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise LeaseError(
            NOT_KNOWN, f"There is no lease file {path}: `access-monitor run` writes it, --lease names another."
        ) from None
    except OSError as error:
        raise LeaseError(
            NOT_KNOWN,
            f"The lease file {path} could not be read ({error.strerror}): let this user read it, "
            "as gate.lease_mode of the monitor's configuration says.",
        ) from error
    if len(data) > LARGEST:
        raise _broken(path, f"it is larger than {LARGEST} bytes")
    return data


def parse(path: str, content: bytes) -> object:
    """Return the document in these bytes; `path` is what to call it.

    Raises:
        Stop: they are no JSON.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _broken(path, "it is not JSON") from None


def _address(url: str) -> str:
    """Return a base URL as it is compared: host and scheme in small letters, no slash at the end."""
    scheme, separator, rest = url.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{separator}{host.lower()}{slash}{path}"


def _broken(path: str, why: str) -> LeaseError:
    return LeaseError(
        NOT_KNOWN,
        (
            f"The lease file {path} is broken, {why}: delete it, and the monitor writes it anew when it next "
            "renews its leases."
        ),
    )


def written_served(answers: Mapping[str, str]) -> str:
    """Return the ids that answer each route as one text, since metadata hold no object: the id where all routes have
    one, else route → id in JSON.
    """
    ids = set(answers.values())
    return ids.pop() if len(ids) == 1 else json.dumps(dict(sorted(answers.items())), ensure_ascii=False)


class Lease:
    """The lease file of an environment, as it stands at `now`.

    Raises:
        Stop: the file is none, is another environment's, or comes from the future.
    """

    def __init__(self, path: str, document: object, environment: str, now: datetime) -> None:
        self.path = path
        self.now = now
        self.asked = environment
        document = self._mapping(document, "the document")
        self.flags = self._mapping(document.get("flags"), "flags")
        metadata = self._mapping(document.get("metadata"), "metadata")
        self._placed = metadata
        self.environment = self._text(metadata, "environment")
        self.version = self._text(metadata, "version")
        self.written_at = self._required(metadata, "written_at")
        self.lease_until = self._required(metadata, "lease_until")
        # Production's rules are the strictest, so its file may answer for any environment, and no other may answer for
        # it.
        if self.environment not in (environment, PRODUCTION):
            raise LeaseError(
                NOT_KNOWN,
                f"{path} is the lease file of {self.environment}, not of {environment}: ask with --env "
                f"{self.environment}, "
                f"or name the file of {environment} with --lease.",
            )
        if now + CLOCK_TOLERANCE < self.written_at:
            raise ClockBehind(
                NOT_KNOWN,
                f"The clock of this machine ({rfc3339(now)}) is behind the lease file {path} (written "
                f"{rfc3339(self.written_at)}), so "
                "that no date in it can be trusted: set the clock, then ask again.",
            )

    def flag(self, key: str, surface: str) -> str:
        """Return the key of the flag that answers for a key on a surface; without one the key itself, whether it is in
        the file or not.

        Raises:
            LeaseError: the key is on other surfaces.
        """
        entry, at, named = key.partition("@")
        if not surface and (not at or key in self.flags or entry not in self.flags):
            return key
        if not surface:
            key, surface = entry, named
        address = f"{key}@{surface}"
        if key in self.flags and self.surface(key) == surface:
            return key
        if address in self.flags or key not in self.flags:
            return address if address in self.flags else key
        there = [name for name in self.flags if name == key or name.startswith(f"{key}@")]
        places = " and ".join(dict.fromkeys(filter(None, map(self.surface, there)))) or "no surface that its file names"
        raise LeaseError(WRONG_USAGE, f"{key} is on {places}, not on {surface}.")

    def surface(self, key: str) -> str:
        """Return the surface on which a flag is judged; empty in a file of an older monitor."""
        return self._text(self._metadata(key), "surface") if "surface" in self._metadata(key) else ""

    def surfaces(self, base_url: str) -> list[str]:
        """Return the surfaces whose calls go to a base URL; none where no surface of the file has it."""
        wanted = _address(base_url)
        return [
            name[len(SURFACE) :]
            for name, url in self._placed.items()
            if name.startswith(SURFACE) and isinstance(url, str) and _address(url) == wanted
        ]

    def answer(self, key: str, caller: str, asked: str = "") -> dict[str, object]:
        """Return what `GET /v1/gate/{key}` answers, in the same shape; `asked` is the name to give in place of the key.

        Raises:
            Stop: the key is not in the file, or its flag is broken.
        """
        if key not in self.flags:
            raise LeaseError(
                NOT_KNOWN,
                f"{asked or key} is not in {self.path}: it is neither an entry's key nor a model id that exactly one "
                "entry holds; "
                "see `access-monitor status`.",
            )
        allowed = self._allowed(key, caller)
        verdict = self.judge(key, caller)
        if allowed and not verdict.allowed:
            raise self._broken(f"the rule of {key} allows what its metadata deny ({verdict.reason})")
        metadata = self._metadata(key)
        # The rule may deny what the dates allow: it was written when a date had passed, by a clock a little ahead of
        # this one.
        agreed = allowed == verdict.allowed
        return {
            "key": asked or key,
            "allowed": allowed,
            "status": self._text(metadata, "status"),
            "reason": verdict.reason if agreed else self._text(metadata, "reason"),
            "fallback": next(self.fallbacks(key, caller), ""),
            "position": self._position(metadata),
            "expires_at": rfc3339(verdict.until if agreed else self.lease_until),
        }

    def judge(self, key: str, caller: str) -> GateVerdict:
        """Return the conditions of a flag, worked out from its metadata."""
        metadata = self._metadata(key)
        variants = self._mapping(self._flag(key).get("variants"), f"the variants of {key}")
        callers, reviewed_until = self._review(key)
        needs_review = caller in callers
        dates = [self._date(metadata, "checks_until"), reviewed_until if needs_review else None]
        unready = [self._optional(metadata, name) for name in ("unready", *(("unreviewed",) if needs_review else ()))]
        return judge(
            status=self._text(metadata, "status"),
            reason=self._text(metadata, "reason"),
            evaluable=self.environment != PRODUCTION and variants.get(EVALUATING) is True,
            access_until=self._date(metadata, "access_until"),
            price_until=self._date(metadata, "price_until"),
            # A file that an earlier version wrote says by the end of the grace alone that there is one.
            spares=metadata.get("spares") is True or "grace_until" in metadata,
            grace_until=self._date(metadata, "grace_until"),
            spared=bool(caller) and caller in self._rule(key)[1] and not (needs_review and unready[-1]),
            lease_until=self.lease_until,
            now=self.now,
            checks_until=min((at for at in dates if at is not None), default=None),
            unready=", ".join(words for words in unready if words),
            since=self._date(metadata, "since"),
        )

    def access(self, key: str) -> str:
        """Return how each route to the model of a flag stood when the file was written; empty where it does not say."""
        metadata = self._metadata(key)
        return self._text(metadata, "access") if "access" in metadata else ""

    def spared(self, key: str) -> tuple[str, ...]:
        """Return the callers that the running pause of a flag spares."""
        return self._rule(key)[1]

    def grace(self, key: str) -> timedelta | None:
        """Return for how long after its pause the running one of a flag spares its callers, in whole hours; None where
        that has no end, or it spares nobody.
        """
        since, until = (self._date(self._metadata(key), name) for name in ("since", "grace_until"))
        return None if since is None or until is None else timedelta(hours=round((until - since) / timedelta(hours=1)))

    def _allowed(self, key: str, caller: str) -> bool:
        flag = self._flag(key)
        if flag.get("state") != "ENABLED":
            raise self._broken(f"the state of {key} is not ENABLED")
        variants = self._mapping(flag.get("variants"), f"the variants of {key}")
        limit, callers, then, otherwise = self._rule(key)
        within = limit is not None and self.now.timestamp() < limit and (callers == () or caller in callers)
        reviewed, until = self._review(key)
        within = within and not (caller in reviewed and (until is None or until <= self.now))
        if variants.get(otherwise) is not False:
            raise self._broken(f"{key} does not deny by default")
        value = variants.get(then if within else otherwise)
        if not isinstance(value, bool):
            raise self._broken(f"{key} has no variant {then}")
        return value

    def _rule(self, key: str) -> tuple[int | None, tuple[str, ...], str, str]:
        """Return the two rules that are written, and no other: up to a time, or for some callers up to a time.

        The limit in seconds since 1970, the callers (none: anyone), the variant while it holds and the one after.
        """
        flag = self._flag(key)
        rule = self._parts(key)[1]
        otherwise = flag.get("defaultVariant")
        if rule is None and isinstance(otherwise, str):
            return None, (), otherwise, otherwise
        callers: tuple[str, ...] = ()
        match rule:
            case {"if": [{"and": [{"in": [{"var": "targetingKey"}, [*named]]}, test]}, then, after]} if named:
                callers = tuple(name for name in named if isinstance(name, str) and name)
                known = len(callers) == len(named)
            case {"if": [test, then, after]}:
                known = True
            case _:
                test, then, after, known = None, "", "", False
        match test:
            case {"<": [{"var": "$flagd.timestamp"}, int(limit)]} if (
                known and not isinstance(limit, bool) and isinstance(then, str) and after == otherwise
            ):
                return limit, callers, then, str(after)
        raise self._broken(f"the rule of {key} is none that the monitor writes")

    def _review(self, key: str) -> tuple[tuple[str, ...], datetime | None]:
        """Return the callers who need a safety review, and until when it is verified; None: it is not."""
        match self._parts(key)[0]:
            case None:
                return (), None
            case {
                "and": [
                    {"in": [{"var": "targetingKey"}, [*named]]},
                    {">=": [{"var": "$flagd.timestamp"}, int(since)]},
                ]
            } if all(isinstance(name, str) and name for name in named) and not isinstance(since, bool):
                try:
                    return tuple(map(str, named)), datetime.fromtimestamp(since, UTC) if since else None
                except (OverflowError, ValueError, OSError):
                    pass
        raise self._broken(f"the rule of {key} is none that the monitor writes")

    def _parts(self, key: str) -> tuple[object, object]:
        """Return the two parts of a rule: who lacks a safety review, None where nobody needs one, and the rest."""
        flag = self._flag(key)
        match flag.get("targeting"):
            case {"if": [guard, denied, *rest]} if len(rest) == 3 and denied == flag.get("defaultVariant"):
                return guard, {"if": rest}
            case rule:
                return None, rule

    def model_id(self, key: str) -> str:
        """Return the exact model id of an entry on the surface that the gate speaks for; empty while it is not known,
        or in a file of an older monitor.
        """
        return self._text(self._metadata(key), "model_id") if "model_id" in self._metadata(key) else ""

    def served(self, key: str, route: str) -> frozenset[str]:
        """Return the ids of models that may answer calls of a flag by a route, as they were pinned; none where nothing
        was, or in a file of an older monitor.

        For a plain call that was pinned it is what answered it, a tier of it or the alias; for any other, what any of
        them.

        Raises:
            LeaseError: the flag is broken.
        """
        metadata = self._metadata(key)
        text = self._text(metadata, SERVED) if SERVED in metadata else ""
        if not text.startswith("{"):
            return frozenset({text} if text else ())
        answers = self._mapping(parse(self.path, text.encode()), f"{SERVED} of {key}")
        fitting = {name: id for name, id in answers.items() if name == route or name not in ROUTES}
        ids = (fitting if route in answers else answers).values()
        return frozenset(id for id in ids if isinstance(id, str))

    def fallbacks(self, key: str, caller: str) -> Iterator[str]:
        """Yield the entries along the chain of fallbacks that are themselves allowed, nearest first.

        Raises:
            Stop: a flag along the chain is broken.
        """
        visited = {self._text(self._metadata(key), "entry").partition("@")[0]}
        surface = self.surface(key)
        following = self._text(self._metadata(key), "declared_fallback")
        while following not in visited and self._is_entry(following):
            visited.add(following)
            # On the surface of the entry first, then where the fallback stands first.
            for candidate in (f"{following}@{surface}", following):
                registered = self._is_entry(candidate) and self._allowed(candidate, caller)
                if registered and self.judge(candidate, caller).allowed:
                    yield candidate
            following = self._text(self._metadata(following), "declared_fallback")

    def _is_entry(self, key: str) -> bool:
        """Return whether a flag stands under the key of an entry; the file holds flags under model ids as well."""
        return key in self.flags and self._text(self._metadata(key), "entry") == key

    def _flag(self, key: str) -> Mapping[str, object]:
        return self._mapping(self.flags[key], f"the flag {key}")

    def _metadata(self, key: str) -> Mapping[str, object]:
        return self._mapping(self._flag(key).get("metadata"), f"the metadata of {key}")

    def _mapping(self, value: object, what: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self._broken(f"{what} is not an object")
        return value

    def _optional(self, metadata: Mapping[str, object], name: str) -> str:
        return self._text(metadata, name) if name in metadata else ""

    def _text(self, metadata: Mapping[str, object], name: str) -> str:
        value = metadata.get(name)
        if not isinstance(value, str):
            raise self._broken(f"{name} is not a text")
        return value

    def _position(self, metadata: Mapping[str, object]) -> int:
        value = metadata.get("position")
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._broken("position is not a whole number")
        return value

    def _date(self, metadata: Mapping[str, object], name: str) -> datetime | None:
        return self._required(metadata, name) if name in metadata else None

    def _required(self, metadata: Mapping[str, object], name: str) -> datetime:
        text = self._text(metadata, name)
        try:
            at = datetime.fromisoformat(text)
            # Far years overflow when they are brought to UTC, and a date without a zone is no instant.
            return at.astimezone(UTC) if at.tzinfo is not None else self._refuse(name)
        except (ValueError, OverflowError):
            return self._refuse(name)

    def _refuse(self, name: str) -> datetime:
        raise self._broken(f"{name} is not an RFC 3339 time")

    def _broken(self, why: str) -> LeaseError:
        return _broken(self.path, why)
