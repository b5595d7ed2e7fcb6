"""What can go wrong between a provider and whoever asks: the script of one fault, and what it makes of an honest
answer.

Every kind is something that was seen of a real endpoint. How the bytes are held up, cut or reset on the wire is the
business of `server`; here an answer is only turned into another answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from monitor.sandbox.answers import HTML, ProviderAnswer, plain
from monitor.sandbox.errors import openai_error, webhook_error


class Target(StrEnum):
    """Which door a fault stands behind."""

    LIST = "list"
    PAGE = "page"
    RETRIEVE = "retrieve"
    RESPONSES = "responses"
    CHAT = "chat"
    TOKENS = "tokens"
    EMBEDDINGS = "embeddings"
    BATCHES = "batches"
    WEBHOOK = "webhook"


class FaultKind(StrEnum):
    """What goes wrong. The comment names the fields of `Fault` that shape it."""

    STATUS = "status"  # an error answer: status, code, retry_after
    HANG = "hang"  # no answer for `seconds`, then the connection ends
    RESET = "reset"  # the connection is reset before an answer
    TRUNCATED = "truncated"  # fewer bytes than Content-Length says: keep
    BROKEN_GZIP = "broken_gzip"  # bytes that no decoder accepts
    CUT_GZIP = "cut_gzip"  # a gzip stream that ends early inside a Content-Length that fits: keep
    DRIP = "drip"  # the true answer, spread over `seconds`
    REDIRECT = "redirect"  # 302: location
    HTML = "html"  # a web page with 200 where something else was due
    BROKEN_JSON = "broken_json"  # JSON that ends early: keep
    WRONG_SHAPE = "wrong_shape"  # valid JSON of another shape
    EMPTY_LIST = "empty_list"
    NULL_DATA = "null_data"
    SHRUNKEN = "shrunken"  # only the first models: keep
    HAS_MORE = "has_more"  # the first models, and a word that there are more: keep
    PARTIAL_PAGE = "partial_page"  # the page ends in the middle of a row: keep
    EMPTY_SHELL = "empty_shell"  # headings and no rows


ON_LISTS = frozenset({FaultKind.EMPTY_LIST, FaultKind.NULL_DATA, FaultKind.SHRUNKEN, FaultKind.HAS_MORE})
ON_PAGES = frozenset({FaultKind.PARTIAL_PAGE, FaultKind.EMPTY_SHELL})
ON_THE_WIRE = frozenset(
    {FaultKind.HANG, FaultKind.RESET, FaultKind.TRUNCATED, FaultKind.BROKEN_GZIP, FaultKind.CUT_GZIP, FaultKind.DRIP}
)
"""Kinds that leave the answer as it is and disturb how it travels."""

ROW = re.compile(rb"^\|.*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, and for how long.

    `times` is for how many requests it stands, None until it is cleared. `status` and `code` are the error's,
    `retry_after` and `seconds` are in seconds, `keep` is the share (0 to 1) of bytes or models that arrives, `location`
    is where a redirect leads.

    Raises:
        ValueError: the kind cannot happen at this target, or a field is out of its bounds.
    """

    target: Target
    kind: FaultKind
    times: int | None = None
    status: int = 500
    code: str = ""
    retry_after: int | None = None
    seconds: float = 30.0
    keep: float = 0.5
    location: str = "/login"

    def __post_init__(self) -> None:
        if self.kind in ON_LISTS and self.target is not Target.LIST:
            raise ValueError(f"{self.kind} can only happen to the list, not to {self.target}")
        if self.kind in ON_PAGES and self.target is not Target.PAGE:
            raise ValueError(f"{self.kind} can only happen to the page, not to {self.target}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"a fault stands for at least one request, not for {self.times}")
        if not 400 <= self.status <= 599:
            raise ValueError(f"{self.status} is not the status of an error")
        if not 0 <= self.keep < 1:
            raise ValueError(f"keep is a share from 0 to below 1, not {self.keep}")
        if self.seconds < 0:
            raise ValueError(f"seconds cannot be negative ({self.seconds})")
        if any(sign in self.location for sign in "\r\n"):
            raise ValueError("a location is one line")

    def distort(self, answer: ProviderAnswer, model: str = "") -> ProviderAnswer:
        """Return the answer as this fault leaves it; the same one for kinds that only disturb its travel."""
        match self.kind:
            case FaultKind.STATUS if self.target is Target.PAGE:
                return plain(self.status, f"{self.status}\n", retry_after=self.retry_after)
            case FaultKind.STATUS if self.target is Target.WEBHOOK:
                return webhook_error(self.status, self.retry_after)
            case FaultKind.STATUS:
                return openai_error(self.status, self.code, model=model, retry_after=self.retry_after)
            case FaultKind.REDIRECT:
                return ProviderAnswer(status=302, headers={"Location": self.location})
            case FaultKind.HTML:
                return ProviderAnswer(body=LOGIN_PAGE, content_type=HTML)
            case FaultKind.BROKEN_JSON | FaultKind.PARTIAL_PAGE:
                return _undated(answer, answer.body[: int(len(answer.body) * self.keep)])
            case FaultKind.WRONG_SHAPE:
                return _undated(answer, b'{"result": "ok"}')
            case FaultKind.EMPTY_SHELL:
                return _undated(answer, ROW.sub(b"", answer.body))
            case FaultKind.EMPTY_LIST | FaultKind.NULL_DATA | FaultKind.SHRUNKEN | FaultKind.HAS_MORE:
                return _undated(answer, self._list(answer.body))
        return answer

    def _list(self, body: bytes) -> bytes:
        listing = json.loads(body)
        models = listing["data"]
        if self.kind is FaultKind.NULL_DATA:
            listing["data"] = None
        else:
            listing["data"] = [] if self.kind is FaultKind.EMPTY_LIST else models[: int(len(models) * self.keep)]
        if self.kind is FaultKind.HAS_MORE:
            listing["has_more"] = True
        return json.dumps(listing).encode()

    def described(self) -> Mapping[str, object]:
        """Return the fault as the control API shows it."""
        return asdict(self)


LOGIN_PAGE = b"""<!doctype html>
<html lang="en"><head><title>Sign in</title></head>
<body><h1>Sign in to this network</h1><p>You need to sign in before you can go on.</p></body></html>
"""


def _undated(answer: ProviderAnswer, body: bytes) -> ProviderAnswer:
    # A distorted body must not go out under the true one's ETag: the next conditional poll would then be told
    # "unchanged".
    return replace(answer, body=body, etag="", modified=None)


class FaultBox:
    """The faults that stand now: those scripted from outside first, then those of the running step.

    Not thread-safe: the timeline's lock guards it, so that a step and its faults change together.
    """

    def __init__(self) -> None:
        self._scripted: list[Fault] = []
        self._step: list[Fault] = []

    @property
    def standing(self) -> tuple[Fault, ...]:
        return (*self._scripted, *self._step)

    def put(self, fault: Fault) -> None:
        self._scripted.append(fault)

    def clear(self, target: Target | None = None) -> None:
        """Take away the faults of a target, all of them without one; also those of the running step."""
        for shelf in (self._scripted, self._step):
            shelf[:] = [fault for fault in shelf if target is not None and fault.target is not target]

    def begin_step(self, faults: tuple[Fault, ...]) -> None:
        """Replace the faults of the step that ended."""
        self._step = list(faults)

    def take(self, target: Target) -> Fault | None:
        """Return the fault that the next request at `target` meets; one of its times is used up."""
        for shelf in (self._scripted, self._step):
            for place, fault in enumerate(shelf):
                if fault.target is target:
                    if fault.times == 1:
                        del shelf[place]
                    elif fault.times is not None:
                        shelf[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None


_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "target": str,
    "kind": str,
    "times": (int, type(None)),
    "status": int,
    "code": str,
    "retry_after": (int, type(None)),
    "seconds": (int, float),
    "keep": (int, float),
    "location": str,
}


def read_fault(data: Mapping[str, object]) -> Fault:
    """Read a fault from JSON.

    Raises:
        ValueError: an unknown field, a value of the wrong type, or a fault that cannot be.
    """
    for key, value in data.items():
        if key not in _FIELDS:
            raise ValueError(f"a fault has no field {key!r}; it has {', '.join(_FIELDS)}")
        if isinstance(value, bool) or not isinstance(value, _FIELDS[key]):
            raise ValueError(f"{key} cannot be {value!r}")
    if "target" not in data or "kind" not in data:
        raise ValueError("a fault needs a target and a kind")
    named = {"target": Target(str(data["target"])), "kind": FaultKind(str(data["kind"]))}
    return Fault(**{**data, **named})  # type: ignore[arg-type]  # checked field by field above
